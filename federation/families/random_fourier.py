"""Support vector regression's stand-in that may be federated: random Fourier features and ridge sums.

Support vectors are rows and never leave a site. In their place the radial kernel becomes a sum of cosines
whose directions all sites draw from one seed; ridge regression on them needs sums over rows only.

Round 0 merges the moments of the columns, of which some are not measured in every row. In round 1 every site
standardises by them and sends, for each target, Σw·φφᵀ and Σw·φy; their totals are those of pooled rows, and
so is the solution. In round 2, where levels are asked for, it sends counts of its validation rows by true
class and estimate of the first target, from which the plan cuts levels.

Local data: `X` float64 [n, p], NaN where not measured; `y` and `weight` float64 [n, targets], weight 0 where
a row does not count for a target; for levels `X_validation` [m, p], `offset_validation` [m], what is added to
the estimate, and `class_validation` and `form_validation` [m], integers.

Source: Rahimi and Recht, "Random Features for Large-Scale Kernel Machines", NIPS 2007.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from federation.errors import FederationError
from federation.families import column_moments
from federation.families.settings import read_settings
from federation.family import MINIMUM_ROWS, Expected, LocalData, in_order
from federation.message import Message, State, Update
from models.declaration import Claim
from models.fourier import FourierMachine, cosines, draw, solve
from models.support_vectors import standardised
from switchyard.identity import generator

Float = NDArray[np.float64]

LARGEST_VALUE = 1e6
"""Columns are per unit, kelvin and degrees: a mean beyond this is no feature of ours."""

LARGEST_TARGET, LARGEST_WEIGHT = 1e6, 1e2
MOST_TERMS = 1000


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Hyper-parameters of the family.

    Attributes:
        seed: Names the random stream of the directions.
        columns: Columns of a row, p.
        targets: Targets of a row.
        terms: Cosines, D.
        gamma: γ of the kernel, for standardised columns.
        penalty: Weight of the squared weights, as a share of the weighted number of rows.
        classes: True classes in which validation rows are counted; 0 for no such round.
        forms: Kinds of rows that are counted apart.
        low: Estimate at which the first bin begins.
        step: Width of a bin.
        bins: Number of bins; the outermost take what lies beyond.
    """

    seed: str
    columns: int
    targets: int
    terms: int
    gamma: float
    penalty: float
    classes: int = 0
    forms: int = 1
    low: float = 0.0
    step: float = 1.0
    bins: int = 1

    @property
    def sound(self) -> bool:
        """Whether every value lies in its range."""
        counts = min(self.columns, self.targets, self.forms, self.bins) >= 1 and self.classes >= 0
        return counts and 1 <= self.terms <= MOST_TERMS and min(self.gamma, self.penalty, self.step) > 0

    @property
    def centres(self) -> Float:
        """Middle of each bin, [bins]."""
        middles: Float = self.low + self.step * (np.arange(self.bins, dtype=np.float64) + 0.5)
        return middles


class RandomFourier:
    """The family of `overload_risk`. Phases: moments, sums, levels where they are asked for, done."""

    name: ClassVar[str] = "random_fourier"
    claim: ClassVar[Claim] = "surrogate"

    def start(self, settings: Mapping[str, Any], rows: Mapping[str, int]) -> State:
        """Ask for the moments of the columns.

        Raises:
            FederationError: A hyper-parameter is unknown, of the wrong type or out of range.
        """
        del rows
        checked = read_settings("random fourier", settings, Settings)
        return column_moments.ask("random fourier", checked, sound=checked.sound)

    def finished(self, state: State) -> bool:
        """Whether everything is there."""
        return bool(state.value("phase") == "done")

    def told(self, state: State) -> State:
        """Sites get everything: moments of all rows together, then the weights."""
        return state

    def local_update(self, state: State, data: LocalData, site: str) -> Update:
        """Moments of the columns, sums over rows, or counts of validation rows, by phase.

        Raises:
            FederationError: The site has fewer than `MINIMUM_ROWS` rows to train or to judge on, or other
                columns.
        """
        settings, phase = _settings(state), state.value("phase")
        X = column_moments.usable(data["X_validation" if phase == "levels" else "X"], settings.columns, site)
        n = int(X.shape[0])
        if phase == "moments":
            return Message({"n": n}, column_moments.answer(X))
        if phase == "sums":
            gram, moment = _sums(state, settings, data)
            return Message({"n": n}, {"gram": gram, "moment": moment})
        estimate = _machine(state, settings, 0).predict(X) + data["offset_validation"]
        bin_of = np.clip(np.floor((estimate - settings.low) / settings.step), 0, settings.bins - 1)
        shape = (settings.forms, settings.classes, settings.bins)
        counts = np.zeros(shape, dtype=np.int64)
        np.add.at(counts, (data["form_validation"], data["class_validation"], bin_of.astype(np.int64)), 1)
        return Message({"n": n}, {"counts": counts})

    def expects(self, state: State, site: str, most: int) -> Mapping[str, Expected]:
        """Moments of bounded columns; sums of bounded features; counts of at most all rows."""
        del site
        settings, phase = _settings(state), state.value("phase")
        k, size = settings.targets, settings.terms + 1
        if phase == "moments":
            return column_moments.expects(settings.columns, most, LARGEST_VALUE)
        if phase == "sums":
            # A cosine's feature is at most √2 and, times another, at most 2.
            heaviest = 2.0 * most * LARGEST_WEIGHT
            return {
                "gram": Expected("<f8", (k, size, size), -heaviest, heaviest),
                "moment": Expected("<f8", (k, size), -heaviest * LARGEST_TARGET, heaviest * LARGEST_TARGET),
            }
        shape = (settings.forms, settings.classes, settings.bins)
        return {"counts": Expected("<i8", shape, 0, most, total=float(most))}

    def inspect(self, state: State, update: Update) -> str:
        """Sums must be those of some rows, and counts those of n_k rows."""
        phase = state.value("phase")
        if phase == "moments":
            return column_moments.inspect(update)
        if phase == "levels":
            counted = int(update.array("counts").sum())
            return "" if counted == update.n else f"{counted} rows are counted, n is {update.n}"
        for gram in update.array("gram"):
            least = float(np.linalg.eigvalsh((gram + gram.T) / 2.0)[0])
            if not np.allclose(gram, gram.T, rtol=1e-9) or least < -1e-9 * float(np.trace(gram)):
                return "gram holds no cross-products of rows"
        return ""

    def aggregate(self, state: State, updates: Mapping[str, Update]) -> State:
        """Standardisation from merged moments, weights from the sums' totals, totals of the counts.

        Sites are added in the order of their names, so that the result does not depend on who came first.
        """
        settings, phase, ordered = _settings(state), state.value("phase"), in_order(updates)
        if phase == "moments":
            merged = column_moments.merged(ordered)
            # As numpy's std, n in the denominator; a column that never moves is left as it is.
            scale = np.sqrt(merged.m2 / np.maximum(merged.n, 1))
            arrays = {"centre": merged.mean, "scale": np.where(scale > 0, scale, 1.0)}
            return Message({**state.header, "phase": "sums"}, arrays)
        if phase == "sums":
            gram, moment = (_total([u.array(name) for u in ordered]) for name in ("gram", "moment"))
            solved = [solve(one, two, settings.penalty) for one, two in zip(gram, moment, strict=True)]
            arrays = {
                **state.arrays,
                "weights": np.stack([weights for weights, _ in solved]),
                "intercepts": np.array([intercept for _, intercept in solved]),
            }
            return Message({**state.header, "phase": "levels" if settings.classes else "done"}, arrays)
        counts = _total([u.array("counts") for u in ordered])
        return Message({**state.header, "phase": "done"}, {**state.arrays, "counts": counts})

    def result(self, state: State) -> tuple[FourierMachine, ...]:
        """One regression a target.

        Raises:
            FederationError: It is not finished.
        """
        if not self.finished(state):
            raise FederationError(f"random fourier: not finished, in phase {state.value('phase')!r}")
        settings = _settings(state)
        return tuple(_machine(state, settings, target) for target in range(settings.targets))

    def parts(self, state: State) -> dict[str, Float]:
        """What the regressions are made of, once the sums are solved: fields of `FourierMachine` by name."""
        directions, phases = _directions(_settings(state))
        solved = {name: state.array(name) for name in ("centre", "scale", "weights", "intercepts")}
        return {**solved, "directions": directions, "phases": phases}

    def levels(self, state: State, form: int) -> tuple[Float, NDArray[np.int64]]:
        """Estimates and true classes of all sites' validation rows of one form, to a bin's width, [m] each.

        Raises:
            FederationError: No levels were asked for, or it is not finished.
        """
        if not self.finished(state) or not _settings(state).classes:
            raise FederationError("random fourier: no counts of validation rows")
        counts = state.array("counts")[form]
        classes, bins = np.indices(counts.shape)
        middles = _settings(state).centres[bins]
        return np.repeat(middles.ravel(), counts.ravel()), np.repeat(classes.ravel(), counts.ravel())


def _settings(state: State) -> Settings:
    return msgspec.convert(state.value("settings"), Settings)


def _directions(settings: Settings) -> tuple[Float, Float]:
    rng = generator(settings.seed, "directions")
    return draw(rng, settings.columns, settings.terms, settings.gamma)


def _machine(state: State, settings: Settings, target: int) -> FourierMachine:
    return FourierMachine(
        state.array("centre"),
        state.array("scale"),
        *_directions(settings),
        state.array("weights")[target],
        float(state.array("intercepts")[target]),
    )


def _sums(state: State, settings: Settings, data: LocalData) -> tuple[Float, Float]:
    """Weighted sums of each target; zeros where fewer than `MINIMUM_ROWS` rows count for one."""
    Z = standardised(data["X"], state.array("centre"), state.array("scale"))
    terms = np.column_stack([cosines(Z, *_directions(settings)), np.ones(len(Z))])
    gram = np.zeros((settings.targets, terms.shape[1], terms.shape[1]))
    moment = np.zeros((settings.targets, terms.shape[1]))
    for target in range(settings.targets):
        counts = data["weight"][:, target] > 0
        if int(counts.sum()) < MINIMUM_ROWS:
            continue
        own = terms[counts]
        weighted = own * data["weight"][counts, target][:, None]
        gram[target] = weighted.T @ own
        moment[target] = weighted.T @ data["y"][counts, target]
    # Products of matrices are symmetric to the last bit only by chance.
    return (gram + np.swapaxes(gram, 1, 2)) / 2.0, moment


def _total(parts: list[NDArray[Any]]) -> NDArray[Any]:
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total
