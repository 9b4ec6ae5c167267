"""Logistic regression, exactly that of pooled rows, by Newton's steps on sums over all sites.

Round 0 merges the moments of the columns, which standardise them, and adds up rows by class. Then, a round a
step, every site sends three sums over its rows at the coefficients that the control centre proposes: the
log loss, its gradient and its second derivatives. Penalised, their totals are those of pooled rows, and so is
Newton's step; where it went too far the loss says so, and half of it is tried.

With more than two classes each has coefficients of its own, as in scikit-learn, and only the penalty tells
common shifts of them apart; of two classes the second has. The level of a class is not penalised. Classes
that no row has take no part.

Sums of few rows would be those rows. A site answers only with twice as many rows as there are coefficients
of a class: second derivatives of fewer rows than columns, at two different steps, would tell each of them.
Rows of a class of which a site has fewer than `LEAST_OF_CLASS` stay out altogether: the gradient holds each
class's sum.

Local data: `X` float64 [n, columns], finite; `y` int64 [n], class of each row.

Source: Cox, "The Regression Analysis of Binary Sequences", J. R. Stat. Soc. B 20 (1958); Newton's method for
it is McCullagh and Nelder, "Generalized Linear Models", 2nd ed. (1989), section 2.5.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
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
from models.logistic import Logistic, probabilities

Float = NDArray[np.float64]

LARGEST_VALUE = 1e6
"""Columns are per unit, hertz and percent: a mean beyond this is no feature of ours."""
LEAST_OF_CLASS = 5
"""Rows of a class below which a site leaves them out."""
MOST_CLASSES, MOST_COLUMNS = 16, 64
"""Second derivatives grow with the square of both."""
MOST_STEPS = 100
ENOUGH = 1e-12
"""Newton's decrement, as a share of the loss, behind which one more step ends the search."""
ROUNDING = 1e-12
LARGEST_LOSS = 1e3
"""Of one row; beyond 745 its class is as good as excluded."""


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Hyper-parameters of the family.

    Attributes:
        columns: Columns of a row, p.
        classes: Classes.
        C: Inverse of the penalty's weight, as in scikit-learn.
    """

    columns: int
    classes: int
    C: float

    @property
    def sound(self) -> bool:
        """Whether every value lies in its range."""
        counts = 1 <= self.columns <= MOST_COLUMNS and 2 <= self.classes <= MOST_CLASSES
        return counts and self.C > 0.0

    @property
    def least_rows(self) -> int:
        """Rows without which a site does not answer."""
        return max(MINIMUM_ROWS, 2 * (self.columns + 1))


@dataclass(frozen=True, slots=True)
class Place:
    """Where the loss is asked for, f coefficients of each of p columns and as many levels.

    Attributes:
        centre: Mean of each column, [p].
        scale: Its standard deviation, 1 where it does not vary, [p].
        present: Classes that some row has, int64 [c].
        point: Coefficients of standardised columns and, in the last row, levels, [p + 1, f]: of every class
            that is present, or of the second where there are two.
    """

    centre: Float
    scale: Float
    present: NDArray[np.int64]
    point: Float

    @classmethod
    def of(cls, state: State) -> Place:
        """The place in a state."""
        return cls(*(state.array(name) for name in ("centre", "scale", "present", "point")))

    @property
    def weights(self) -> tuple[Float, Float]:
        """Coefficients [p, c] and levels [c] of all classes that are present."""
        full = self.point
        if self.present.size <= 2:
            full = np.concatenate([np.zeros((full.shape[0], 1)), full], axis=1)
        return np.ascontiguousarray(full[:-1]), full[-1].copy()

    def sums(self, X: Float, y: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
        """Log loss of rows, its gradient [p + 1, f] and second derivatives [pairs, p + 1, p + 1]."""
        Z = np.column_stack([(X - self.centre) / self.scale, np.ones(len(X))])
        weights, levels = self.weights
        chance = probabilities(Z[:, :-1] @ weights + levels)
        truly = (y[:, None] == self.present).astype(np.float64)
        first = self.present.size - self.point.shape[1]
        own, off = chance[:, first:], (chance - truly)[:, first:]
        curved = np.zeros((len(pairs(own.shape[1])), Z.shape[1], Z.shape[1]))
        for at, (a, b) in enumerate(pairs(own.shape[1])):
            product = (Z * (own[:, a] * (float(a == b) - own[:, b]))[:, None]).T @ Z
            # Products of matrices are symmetric to the last bit only by chance.
            curved[at] = (product + product.T) / 2.0
        with np.errstate(divide="ignore"):
            loss = np.minimum(-np.log((chance * truly).sum(axis=1)), LARGEST_LOSS).sum()
        return {"loss": np.array([loss]), "gradient": Z.T @ off, "curved": curved}


class LogisticSums:
    """Phases: moments, newton (a round a step), done."""

    name: ClassVar[str] = "logistic"
    claim: ClassVar[Claim] = "exact"

    def start(self, settings: Mapping[str, Any], rows: Mapping[str, int]) -> State:
        """Ask for moments.

        Raises:
            FederationError: A hyper-parameter is unknown, of the wrong type or out of range.
        """
        del rows
        checked = read_settings("logistic", settings, Settings)
        return column_moments.ask("logistic", checked, sound=checked.sound)

    def finished(self, state: State) -> bool:
        """Whether the coefficients are found."""
        return bool(state.value("phase") == "done")

    def told(self, state: State) -> State:
        """Sites get the place at which to add up, not where the search was before."""
        kept = ("centre", "scale", "present", "point")
        header = {name: state.header[name] for name in ("phase", "settings")}
        return Message(header, {name: state.arrays[name] for name in kept if name in state.arrays})

    def local_update(self, state: State, data: LocalData, site: str) -> Update:
        """Moments and rows by class; then loss, gradient and second derivatives.

        Raises:
            FederationError: The site has too few rows, or other columns.
        """
        settings = _settings(state)
        counts = np.bincount(data["y"], minlength=settings.classes)
        kept = counts[data["y"]] >= LEAST_OF_CLASS
        X = column_moments.usable(data["X"][kept], settings.columns, site)
        if X.shape[0] < settings.least_rows:
            raise FederationError(
                f"{site} has {X.shape[0]} rows, a regression on {settings.columns} columns needs "
                f"{settings.least_rows}"
            )
        n = {"n": int(X.shape[0])}
        if state.value("phase") == "moments":
            told = np.where(counts >= LEAST_OF_CLASS, counts, 0).astype(np.int64)
            return Message(n, {**column_moments.answer(X), "of_class": told})
        return Message(n, Place.of(state).sums(X, data["y"][kept]))

    def expects(self, state: State, site: str, most: int) -> Mapping[str, Expected]:
        """Moments and counts; or sums that standardised rows can have.

        Of N rows none is farther than √N deviations from their mean.
        """
        del site
        settings = _settings(state)
        if state.value("phase") == "moments":
            return {
                **column_moments.expects(settings.columns, most, LARGEST_VALUE),
                "of_class": Expected("<i8", (settings.classes,), 0, most, total=float(most)),
            }
        d, f = state.array("point").shape
        rows = float(state.value("rows"))
        farthest = most * np.sqrt(rows)
        return {
            "loss": Expected("<f8", (1,), 0.0, most * LARGEST_LOSS),
            "gradient": Expected("<f8", (d, f), -farthest, farthest),
            "curved": Expected("<f8", (len(pairs(f)), d, d), -most * rows, most * rows),
        }

    def inspect(self, state: State, update: Update) -> str:
        """Counts add up to n; second derivatives must be those of some rows."""
        settings = _settings(state)
        if state.value("phase") == "moments":
            counts = update.array("of_class")
            if int(counts.sum()) != update.n or np.any((counts > 0) & (counts < LEAST_OF_CLASS)):
                return f"{counts.tolist()} rows by class, n is {update.n}"
            return column_moments.inspect(update, full=settings.columns)
        whole = joined(update.array("curved"), state.array("point").shape[1])
        if whole.size and not np.allclose(whole, whole.T, rtol=1e-9, atol=1e-9):
            return "second derivatives are not symmetric"
        least = float(np.linalg.eigvalsh(whole)[0]) if whole.size else 0.0
        return "" if least >= -1e-9 * max(float(np.trace(whole)), 1.0) else "second derivatives of no rows"

    def aggregate(self, state: State, updates: Mapping[str, Update]) -> State:
        """Standardisation from merged moments; then a step, or half of the last one.

        Raises:
            FederationError: The search does not end.
        """
        settings, ordered = _settings(state), in_order(updates)
        if state.value("phase") == "moments":
            return _begun(state, settings, ordered)
        loss, gradient, curved = (
            np.sum([one.array(name) for one in ordered], axis=0) for name in ("loss", "gradient", "curved")
        )
        point, steps = state.array("point"), int(state.value("steps")) + 1
        if steps > MOST_STEPS:
            raise FederationError(f"logistic: no end after {MOST_STEPS} steps", "lower C")
        penalty = np.ones_like(point) / settings.C
        penalty[-1] = 0.0
        here = float(loss[0]) + 0.5 * float((penalty * point**2).sum())
        best = state.value("best")
        if best is not None and here > best + ROUNDING * abs(best):
            halved = (point + state.array("before")) / 2.0
            return _at(state, halved, state.array("before"), best=best, steps=steps)
        slope = (gradient + penalty * point).T.ravel()
        normal = joined(curved, point.shape[1]) + np.diag(penalty.T.ravel())
        step = np.linalg.solve(normal + _shift(point, float(state.value("rows"))), slope)
        moved = point - step.reshape(point.T.shape).T
        if float(slope @ step) <= ENOUGH * max(here, 1.0):
            kept = {name: state.array(name) for name in ("centre", "scale", "present")}
            return Message({**state.header, "phase": "done", "steps": steps}, {**kept, "point": moved})
        return _at(state, moved, point, best=here, steps=steps)

    def result(self, state: State) -> tuple[NDArray[np.int64], Logistic]:
        """Classes that some row has, and the regression; they are its classes' names, as numbers.

        Raises:
            FederationError: It is not finished.
        """
        if not self.finished(state):
            raise FederationError(f"logistic: not finished, in phase {state.value('phase')!r}")
        place = Place.of(state)
        weights, levels = place.weights
        names = tuple(str(code) for code in place.present.tolist())
        return place.present, Logistic(names, place.centre, place.scale, weights, levels)


def pairs(f: int) -> list[tuple[int, int]]:
    """Pairs of coefficients' columns whose second derivatives are told."""
    return [(a, b) for a in range(f) for b in range(a, f)]


def joined(curved: Float, f: int) -> Float:
    """Second derivatives of all coefficients, column after column, [f·d, f·d]."""
    d = curved.shape[1]
    whole = np.zeros((f * d, f * d))
    for at, (a, b) in enumerate(pairs(f)):
        whole[a * d : (a + 1) * d, b * d : (b + 1) * d] = curved[at]
        whole[b * d : (b + 1) * d, a * d : (a + 1) * d] = curved[at].T
    return whole


def _settings(state: State) -> Settings:
    return msgspec.convert(state.value("settings"), Settings)


def _begun(state: State, settings: Settings, ordered: Any) -> State:
    """Standardisation, the classes that are there, and the search at nothing."""
    merged = column_moments.merged(ordered)
    rows = int(merged.n[0])
    # As numpy's std, n in the denominator.
    deviation = np.sqrt(np.maximum(merged.m2, 0.0) / rows)
    present = np.flatnonzero(np.sum([one.array("of_class") for one in ordered], axis=0)).astype(np.int64)
    free = present.size if present.size > 2 else present.size - 1
    point = np.zeros((settings.columns + 1, free))
    arrays = {
        "centre": merged.mean,
        "scale": np.where(deviation > 0.0, deviation, 1.0),
        "present": present,
        "point": point,
    }
    # Of one class there is nothing to find.
    header = {**state.header, "phase": "newton" if free else "done", "rows": rows, "steps": 0, "best": None}
    return Message(header, {**arrays, "before": point} if free else arrays)


def _shift(point: Float, rows: float) -> Float:
    """What keeps the sum of all levels at nothing, where each class has its own: no row tells it."""
    d, f = point.shape
    pin = np.zeros((f * d, f * d))
    if f > 1:
        levels = np.arange(f) * d + d - 1
        pin[np.ix_(levels, levels)] = rows
    return pin


def _at(state: State, point: Float, before: Float, *, best: float, steps: int) -> State:
    """The search at `point`, from where the loss was `best`."""
    arrays = {**state.arrays, "point": point, "before": before}
    return Message({**state.header, "best": best, "steps": steps}, arrays)
