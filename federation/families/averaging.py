"""Federated averaging with server momentum: for models whose parameters may be averaged.

Each round every site trains from the global weights θ on its own rows and sends θ_k. The control centre takes
the mean movement Δ = Σ (n_k / n)(θ_k − θ) as a step with momentum, v ← β·v + Δ, θ ← θ + v.

A robust aggregation (`federation/families/robust.py`) takes the place of the weighted mean where the settings
ask for one, of the movements and, so that no site can shift the scales either, of the columns' moments.

Sources: McMahan et al., "Communication-Efficient Learning of Deep Networks from Decentralized Data", AISTATS
2017 (FedAvg, β = 0); Hsu, Qi, Brown, "Measuring the Effects of Non-Identical Data Distribution for Federated
Visual Classification", arXiv:1909.06335, 2019 (FedAvgM).

What trains at a site is the plan's `Trainer`; this module knows arrays only. Columns are scaled by merged
moments, so that every site, and the finished model, scales alike.

Local data: `X` float64 [n, p] or, for sequences, [n, steps, p], finite; `y` float64 [n] or [n, outputs];
`weight` float64 [n]; and `X_validation`, `y_validation`, `weight_validation` likewise.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Protocol

import msgspec
import numpy as np
from numpy.typing import NDArray

from federation import moments
from federation.errors import FederationError
from federation.families.robust import combined
from federation.families.settings import read_settings
from federation.family import MINIMUM_ROWS, Expected, LocalData, Tuned, in_order
from federation.message import Message, State, Update
from federation.moments import Moments
from federation.terms import AGGREGATIONS, Aggregation
from models.declaration import Claim
from switchyard.identity import generator

Weights = tuple[NDArray[Any], ...]
"""Arrays of one float dtype in the trainer's order."""

LARGEST_VALUE = 1e6
"""Features are hertz, per unit or percent: a mean beyond this is no feature of ours."""
LEAST_SPREAD = 1e-12
LARGEST_WEIGHT = 1e3
LARGEST_LOSS = 1e12


@dataclass(frozen=True, slots=True)
class Sample:
    """Rows of one site.

    Attributes:
        X: Scaled inputs, shaped as local data.
        y: Targets, [n] or [n, outputs].
        weight: What each row counts for in the loss, [n].
    """

    X: NDArray[np.float64]
    y: NDArray[np.float64]
    weight: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Work:
    """What a site is to do in one round.

    Attributes:
        epochs: Passes over its rows.
        batch: Rows of a step; all rows where there are fewer.
        learning_rate: Step size.
        seed: Seeds the order of rows and what else is drawn.
        options: The trainer's own settings.
    """

    epochs: int
    batch: int
    learning_rate: float
    seed: int
    options: Mapping[str, Any]


class Trainer(Protocol):
    """What trains at one place. The same arguments give the same weights."""

    def initial(self, options: Mapping[str, Any], columns: int, seed: int) -> Weights:
        """Weights of round 0 for inputs of `columns` columns; needs no row."""

    def train(self, weights: Weights, rows: Sample, work: Work) -> Weights:
        """Weights after `work`."""

    def loss(self, weights: Weights, rows: Sample, options: Mapping[str, Any]) -> float:
        """Mean loss of `weights`, by which a site judges whether fine-tuning helped it."""


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Hyper-parameters of the family.

    Attributes:
        seed: Names the random streams of the sites and of the first weights.
        columns: Columns of an input, p.
        steps: Instants in a row of local data, each with p columns.
        options: The trainer's own settings.
        rounds: Rounds of averaging.
        epochs: Passes over a site's rows in each.
        batch: Rows of a step over all sites; each takes its share, so that all make as many steps as pooled
            rows would.
        learning_rate: Local step size of round 0.
        decay: Factor of the step size from round to round.
        momentum: β of the server; 0 for plain averaging.
        tuning_epochs: Passes of fine-tuning after the last round; 0 for none.
        tuning_rate: Step size of fine-tuning as a factor of `learning_rate`.
        reach: How far the weights of an update may lie from the round's, as a factor of their norm.
        aggregation: How the sites' movements become one.
    """

    seed: str
    columns: int
    options: dict[str, float | int | str | bool]
    rounds: int
    epochs: int
    batch: int
    learning_rate: float
    steps: int = 1
    decay: float = 1.0
    momentum: float = 0.0
    tuning_epochs: int = 0
    tuning_rate: float = 0.1
    reach: float = 1.0
    aggregation: Aggregation = "mean"

    @property
    def sound(self) -> bool:
        """Whether every value lies in its range."""
        counts = min(self.columns, self.steps, self.rounds, self.epochs, self.batch) >= 1
        sizes = min(self.learning_rate, self.tuning_rate, self.reach) > 0
        return counts and sizes and self.tuning_epochs >= 0 and 0 < self.decay <= 1 and 0 <= self.momentum < 1


class FedAvg:
    """The family of networks. Phases: moments, train (a round each), done; then fine_tune once."""

    name: ClassVar[str] = "fedavg"
    claim: ClassVar[Claim] = "approximate"
    aggregations: ClassVar[tuple[Aggregation, ...]] = AGGREGATIONS

    def __init__(self, trainer: Trainer) -> None:
        self._trainer = trainer

    def start(self, settings: Mapping[str, Any], rows: Mapping[str, int]) -> State:
        """Ask for moments.

        Raises:
            FederationError: A hyper-parameter is unknown, of the wrong type or out of range.
        """
        del rows
        checked = read_settings("fedavg", settings, Settings)
        if not checked.sound:
            raise FederationError(f"fedavg: settings out of range: {checked}")
        return Message({"phase": "moments", "settings": msgspec.to_builtins(checked)})

    def finished(self, state: State) -> bool:
        """Whether the last round is done."""
        return bool(state.value("phase") == "done")

    def told(self, state: State) -> State:
        """Sites get scales and weights, not the server's velocity, which tells the step before."""
        kept = {name: array for name, array in state.arrays.items() if not name.startswith("velocity")}
        return Message(state.header, kept)

    def local_update(self, state: State, data: LocalData, site: str) -> Update:
        """Moments, or weights after local training; when fine-tuning, with the loss before and after.

        Raises:
            FederationError: The site has fewer than `MINIMUM_ROWS` rows to train or to judge on, or other
                columns.
        """
        settings, phase = _settings(state), state.value("phase")
        X = data["X"]
        _check_rows(X, settings, site, "training")
        if phase == "moments":
            own = Moments.of(X.reshape(-1, settings.columns))
            return Message({"n": X.shape[0]}, {"mean": own.mean, "m2": np.diag(own.m2).copy()})
        before, rows = weights_of(state), _sample(state, data, "")
        if phase == "train":
            number = int(state.value("number"))
            work = _work(settings, site, f"round {number}", settings.epochs, settings.decay**number)
            work = replace(work, batch=max(round(settings.batch * len(X) / int(state.value("rows"))), 1))
            return Message({"n": X.shape[0]}, _named("w", self._trainer.train(before, rows, work)))
        _check_rows(data["X_validation"], settings, site, "validation")
        work = _work(settings, site, "fine_tune", settings.tuning_epochs, settings.tuning_rate)
        after = self._trainer.train(before, rows, work)
        judged = _sample(state, data, "_validation")
        losses = [self._trainer.loss(part, judged, settings.options) for part in (before, after)]
        return Message({"n": X.shape[0]}, {**_named("w", after), "validation": np.asarray(losses)})

    def expects(self, state: State, site: str, most: int) -> Mapping[str, Expected]:
        """Moments per column; or weights shaped as those of the state."""
        del site
        settings, phase = _settings(state), state.value("phase")
        if phase == "moments":
            p = settings.columns
            return {
                "mean": Expected("<f8", (p,), -LARGEST_VALUE, LARGEST_VALUE),
                "m2": Expected("<f8", (p,), 0.0, most * settings.steps * LARGEST_VALUE**2),
            }
        expected = {
            name: Expected(array.dtype.str, array.shape, -LARGEST_WEIGHT, LARGEST_WEIGHT)
            for name, array in _named("w", weights_of(state)).items()
        }
        if phase == "fine_tune":
            expected["validation"] = Expected("<f8", (2,), 0.0, LARGEST_LOSS)
        return expected

    def inspect(self, state: State, update: Update) -> str:
        """Weights may move no farther in a round than a share of their own norm."""
        if state.value("phase") == "moments":
            return ""
        before = weights_of(state)
        moved = _norm(after - own for after, own in zip(weights_of(update), before, strict=True))
        allowed = _settings(state).reach * max(_norm(before), 1.0)
        return "" if moved <= allowed else f"weights moved by {moved:.4g}, at most {allowed:.4g} is allowed"

    def aggregate(self, state: State, updates: Mapping[str, Update]) -> State:
        """Scales and first weights; then one step of the server.

        Sums are float64 in the order of the sites' names, so that they do not depend on who answered first.
        """
        settings, phase = _settings(state), state.value("phase")
        ordered = in_order(updates)
        if phase == "moments":
            mean, spread = _scales(settings, ordered)
            first = self._trainer.initial(
                settings.options, settings.columns, _seed(settings.seed, "initial weights")
            )
            return Message(
                {
                    **state.header,
                    "phase": "train",
                    "number": 0,
                    "rows": sum(update.n for update in ordered),
                },
                {
                    "mean": mean,
                    # A column that never moves is left as it is.
                    "scale": np.where(spread > LEAST_SPREAD, spread, 1.0),
                    **_named("w", first),
                },
            )
        number = int(state.value("number")) + 1
        shares = _shares(ordered)
        weights, velocity = [], []
        for at, own in enumerate(weights_of(state)):
            theta = own.astype(np.float64)
            moved = np.stack([weights_of(update)[at] - theta for update in ordered])
            step = combined(moved, shares, settings.aggregation)
            if settings.momentum and number > 1:
                step += settings.momentum * state.array(f"velocity{at:02d}")
            weights.append((theta + step).astype(own.dtype))
            velocity.append(step)
        return Message(
            {**state.header, "phase": "train" if number < settings.rounds else "done", "number": number},
            {
                "mean": state.array("mean"),
                "scale": state.array("scale"),
                **_named("w", tuple(weights)),
                **_named("velocity", tuple(velocity)),
            },
        )

    def ask_tuning(self, state: State) -> State | None:
        """The finished state as a task: go on from these weights; None where no epochs are set for it."""
        if _settings(state).tuning_epochs == 0:
            return None
        return Message({**state.header, "phase": "fine_tune"}, self.told(state).arrays)

    def tuned(self, state: State, update: Update) -> Tuned:
        """The finished state with a site's own weights in place of the global ones."""
        scales = {name: state.array(name) for name in ("mean", "scale")}
        before, after = update.array("validation").tolist()
        own = Message({**state.header, "phase": "done"}, {**scales, **_named("w", weights_of(update))})
        return Tuned(own, before, after)

    def result(self, state: State) -> tuple[Weights, NDArray[np.float64], NDArray[np.float64]]:
        """Weights, means [p] and scales [p] of the finished model.

        Raises:
            FederationError: It is not finished.
        """
        if not self.finished(state):
            raise FederationError(f"fedavg: not finished, in phase {state.value('phase')!r}")
        return weights_of(state), state.array("mean"), state.array("scale")


def weights_of(message: Message) -> Weights:
    """The weights in a state or an update, in the trainer's order."""
    names = sorted(name for name in message.arrays if name.startswith("w") and name[1:].isdecimal())
    return tuple(message.array(name) for name in names)


def _named(prefix: str, arrays: Weights) -> dict[str, NDArray[Any]]:
    return {f"{prefix}{at:02d}": array for at, array in enumerate(arrays)}


def _settings(state: State) -> Settings:
    return msgspec.convert(state.value("settings"), Settings)


def _sample(state: State, data: LocalData, suffix: str) -> Sample:
    scaled = (data[f"X{suffix}"] - state.array("mean")) / state.array("scale")
    return Sample(scaled, data[f"y{suffix}"], data[f"weight{suffix}"])


def _shares(updates: Sequence[Update]) -> NDArray[np.float64]:
    n = np.asarray([update.n for update in updates], dtype=np.float64)
    shares: NDArray[np.float64] = n / n.sum()
    return shares


def _scales(settings: Settings, updates: Sequence[Update]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and standard deviation of each column, [p] each, as numpy's std with n in the denominator.

    By the mean they are those of pooled rows. A robust aggregation takes that of the sites' means, and that
    of their squared deviations from it.
    """
    if settings.aggregation == "mean":
        merged = moments.merge(
            Moments(update.n * settings.steps, update.array("mean"), np.diag(update.array("m2")))
            for update in updates
        )
        return merged.mean, np.sqrt(np.diag(merged.m2) / merged.n)
    shares = _shares(updates)
    means = np.stack([update.array("mean") for update in updates])
    mean = combined(means, shares, settings.aggregation)
    own = np.stack([update.array("m2") / (update.n * settings.steps) for update in updates])
    return mean, np.sqrt(combined(own + (means - mean) ** 2, shares, settings.aggregation))


def _norm(arrays: Iterable[NDArray[Any]]) -> float:
    return float(np.sqrt(sum(float(np.sum(array.astype(np.float64) ** 2)) for array in arrays)))


def _seed(*words: str) -> int:
    return int(generator(*words).integers(2**31))


def _work(settings: Settings, site: str, part: str, epochs: int, factor: float) -> Work:
    return Work(
        epochs,
        settings.batch,
        settings.learning_rate * factor,
        _seed(settings.seed, site, part),
        settings.options,
    )


def _check_rows(X: NDArray[np.float64], settings: Settings, site: str, split: str) -> None:
    if X.shape[0] < MINIMUM_ROWS:
        raise FederationError(f"{site} has {X.shape[0]} {split} rows, statistics need {MINIMUM_ROWS}")
    if X.shape[-1] != settings.columns or X[0].size != settings.steps * settings.columns:
        raise FederationError(
            f"{site}: rows have shape {X.shape[1:]}, not {settings.steps} steps of {settings.columns} columns"
        )
