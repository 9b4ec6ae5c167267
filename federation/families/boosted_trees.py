"""Gradient-boosted trees for an outcome and a time: shared bins, sums of gradients per node, a round a level.

XGBoost's trees (Chen and Guestrin, 2016) without a library that has the rows: sites add up the gradients and
second derivatives of their rows by open node, column and bin; the control centre adds that up and splits.
Gradients are rounded to whole steps, so that sums are the same whoever adds them in whatever order: the trees
are those that the same algorithm grows on all rows at one place. Nothing is drawn.

Two ensembles grow side by side, a tree of each at a time: the logit of the outcome, and ln of the time to an
event that is exponential and may be censored. Missing values (NaN) have a bin of their own, and each split
says where they go. In the end the sites count validation rows by margin and outcome, and the control centre
fits the logistic curve to the sums.

Local data: `X` float64 [n, columns], NaN where not measured, rounded to float32; `outcome` float64 [n], 0 or
1; `time` float64 [n], days that passed, positive; `seen` float64 [n], whether the event came then; `weight`
float64 [n]; `X_validation`, `outcome_validation` and `weight_validation`, likewise.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from federation.errors import FederationError
from federation.families import column_moments, lattice_counts
from federation.families.gradient_rows import HEAVIEST, STEP, Binned, Slopes, steepest
from federation.families.gradient_splits import Limits
from federation.families.gradient_trees import GradientTrees, Shape
from federation.families.growing_gradients import Float, Growth, bins_of, told
from federation.families.settings import read_settings
from federation.family import MINIMUM_ROWS, Expected, LocalData, in_order
from federation.message import Message, State, Update
from federation.shared_bins import lattice
from models.boosting import Nodes, logistic_curve
from models.declaration import Claim

LARGEST_VALUE = 1e7
"""Features are counts, hours, ppm or per unit: a mean beyond this is no feature of ours."""
MOST_TREES, DEEPEST = 200, 6
LABELS = 3
"""Columns beside the features whose moments are asked for: weight, weighted outcome and ln of the time."""
START_DIGITS = 3
REACH, MARGIN_STEP = 15.0, 0.05
"""Margins of validation rows are counted in bins of this width, from -REACH to REACH."""
MARGIN_BINS = round(2.0 * REACH / MARGIN_STEP)
WEIGHT_STEP = 2.0**-10


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Hyper-parameters of the family.

    Attributes:
        columns: Columns of a row, p.
        trees: Trees of each ensemble.
        depth: Edges from a root to its deepest leaf, of the outcome's trees.
        time_depth: The same of the time's trees.
        rate: Learning rate.
        penalty: λ of the leaves.
        least_hessian: Sum of second derivatives in a leaf at least.
        least_rows: Rows in a leaf at least, over all sites.
        edges: Edges per column at most.
    """

    columns: int
    trees: int
    depth: int
    time_depth: int
    rate: float
    penalty: float
    least_hessian: float
    least_rows: int = MINIMUM_ROWS
    edges: int = 31

    @property
    def sound(self) -> bool:
        """Whether every value lies in its range."""
        counts = min(self.columns, self.edges) >= 1 and self.least_rows >= MINIMUM_ROWS
        trees = 1 <= self.trees <= MOST_TREES and all(
            1 <= depth <= DEEPEST for depth in (self.depth, self.time_depth)
        )
        return counts and trees and 0.0 < self.rate <= 1.0 and min(self.penalty, self.least_hessian) > 0.0

    @property
    def growth(self) -> Growth:
        """How the two ensembles grow: first the outcome's, then the time's."""
        return Growth(
            columns=self.columns,
            width=self.edges + 2,
            trees=self.trees,
            depths=(self.depth, self.time_depth),
            limits=Limits(self.least_rows, self.least_hessian, self.penalty, STEP),
            rate=self.rate,
            steepest=steepest(),
        )


@dataclass(frozen=True, slots=True)
class Fitted:
    """What the family comes to.

    Attributes:
        outcome: Trees of the outcome's logit.
        time: Trees of ln of the time in days.
        starts: Margins before the first tree.
        curve: Slope and level that turn the outcome's margin into a calibrated logit.
    """

    outcome: tuple[Nodes, ...]
    time: tuple[Nodes, ...]
    starts: tuple[float, float]
    curve: tuple[float, float]


class BoostedTrees:
    """The family of `equipment_failure`. Phases: moments, lattice, grow (a round a level), curve, done.

    A site's rows in their bins and the margins of finished trees are remembered from one round to the next;
    what it answers does not depend on that.
    """

    name: ClassVar[str] = "boosted_trees"
    claim: ClassVar[Claim] = "exact"

    def __init__(self) -> None:
        self._known: Binned | None = None

    def start(self, settings: Mapping[str, Any], rows: Mapping[str, int]) -> State:
        """Ask for moments.

        Raises:
            FederationError: A hyper-parameter is unknown, of the wrong type or out of range.
        """
        del rows
        checked = read_settings("boosted trees", settings, Settings)
        return column_moments.ask("boosted trees", checked, sound=checked.sound)

    def finished(self, state: State) -> bool:
        """Whether all trees are grown and the curve is known."""
        return bool(state.value("phase") == "done")

    def told(self, state: State) -> State:
        """Sites get the bins, the trees and the open nodes, not what the nodes add up to."""
        return told(state)

    def local_update(self, state: State, data: LocalData, site: str) -> Update:
        """Moments, lattice counts, histograms of the open nodes, or validation rows by margin, by phase.

        Raises:
            FederationError: The site has fewer than `MINIMUM_ROWS` rows to train or to judge on, or other
                columns.
        """
        settings, phase = _settings(state), state.value("phase")
        X = column_moments.usable(data["X_validation" if phase == "curve" else "X"], settings.columns, site)
        n = int(X.shape[0])
        if phase == "moments":
            return Message({"n": n}, column_moments.answer(np.column_stack([X, _labels(data)])))
        if phase == "lattice":
            return Message({"n": n}, lattice_counts.counts(bins_of(state), X, data["outcome"]))
        if phase == "curve":
            shape = Shape.of(state.arrays)
            judged = Binned.of(X, bins_of(state), settings.growth.width - 1).after(shape, shape.count)
            return Message({"n": n}, _by_margin(state.value("starts")[0] + judged.margin[0], data))
        self._known = settings.growth.binned(self._known, X, state)
        starts = state.value("starts")

        def slopes_of(output: int, margin: Float) -> tuple[Slopes, None]:
            whole, weight = starts[output] + margin, data["weight"]
            if output == 0:
                return Slopes.of_outcome(whole, data["outcome"], weight), None
            return Slopes.of_time(whole, data["time"], data["seen"], weight), None

        return Message({"n": n}, settings.growth.histograms(state, self._known, slopes_of))

    def expects(self, state: State, site: str, most: int) -> Mapping[str, Expected]:
        """Moments per column, sparse counts, sparse histograms, or validation rows by margin."""
        del site
        settings, phase = _settings(state), state.value("phase")
        if phase == "moments":
            return column_moments.expects(settings.columns + LABELS, most, LARGEST_VALUE)
        if phase == "lattice":
            return lattice_counts.expects(bins_of(state), most)
        if phase == "curve":
            shape = (2, MARGIN_BINS)
            return {
                "rows": Expected("<i8", shape, 0, most, total=float(most)),
                "weight": Expected("<i8", shape, 0, most * round(HEAVIEST / WEIGHT_STEP)),
            }
        return settings.growth.expects(state, most)

    def inspect(self, state: State, update: Update) -> str:
        """Cells must rise, columns add up to the same, and sums be ones that rows can have."""
        settings, phase = _settings(state), state.value("phase")
        if phase == "moments":
            return column_moments.inspect(update, full=LABELS)
        if phase == "curve":
            rows, weight = update.array("rows"), update.array("weight")
            if np.any(weight > rows * round(HEAVIEST / WEIGHT_STEP)):
                return "a weight is larger than its rows can make it"
            counted = int(rows.sum())
            return "" if counted == update.n else f"{counted} rows are counted, n is {update.n}"
        if phase == "lattice":
            return lattice_counts.inspect(bins_of(state), update)
        return settings.growth.cells(state).check(update, steepest())

    def aggregate(self, state: State, updates: Mapping[str, Update]) -> State:
        """Bins from merged moments and counts; one level of splits from summed histograms; the curve."""
        settings, phase, ordered = _settings(state), state.value("phase"), in_order(updates)
        if phase == "moments":
            merged = column_moments.merged(ordered)
            fine = lattice(merged.mean[:-LABELS], merged.deviation[:-LABELS])
            return Message(
                {**state.header, "phase": "lattice", "starts": _starts(merged.mean[-LABELS:])},
                {"edges": fine.edges, "offsets": fine.offsets},
            )
        if phase == "lattice":
            return settings.growth.first(
                state, lattice_counts.chosen(bins_of(state), ordered, settings.edges)
            )
        if phase == "curve":
            return _curved(state, ordered)
        after, grown = settings.growth.level(state, ordered)
        return after if grown is None else after.with_header(phase="curve")

    def result(self, state: State) -> Fitted:
        """Both ensembles, their starts and the curve.

        Raises:
            FederationError: They are not finished.
        """
        if not self.finished(state):
            raise FederationError(f"boosted trees: not finished, in phase {state.value('phase')!r}")
        trees, bins = GradientTrees.of(state.arrays), bins_of(state)
        every = [trees.nodes(tree, bins) for tree in range(trees.count)]
        first, second = state.value("starts")
        slope, level = state.array("curve").tolist()
        return Fitted(tuple(every[0::2]), tuple(every[1::2]), (first, second), (slope, level))


def _settings(state: State) -> Settings:
    return msgspec.convert(state.value("settings"), Settings)


def _labels(data: LocalData) -> NDArray[np.float64]:
    weight = np.minimum(data["weight"], HEAVIEST)
    return np.stack([weight, weight * data["outcome"], weight * np.log(data["time"])], axis=1)


def _starts(means: NDArray[np.float64]) -> list[float]:
    """Logit of the outcome's share, and mean ln of the time, to a few digits."""
    weight, came, passed = means.tolist()
    share = float(np.clip(came / max(weight, 1e-9), 1e-4, 0.5))
    found = (float(np.log(share / (1.0 - share))), passed / max(weight, 1e-9))
    return [round(start, START_DIGITS) for start in found]


def _by_margin(margin: NDArray[np.float64], data: LocalData) -> dict[str, NDArray[Any]]:
    """Validation rows by outcome and margin: how many, and their weight in whole steps."""
    bin_of = np.clip(np.floor((margin + REACH) / MARGIN_STEP), 0, MARGIN_BINS - 1).astype(np.int64)
    cell = data["outcome_validation"].astype(np.int64) * MARGIN_BINS + bin_of
    heavy = np.rint(np.minimum(data["weight_validation"], HEAVIEST) / WEIGHT_STEP)
    counted = np.bincount(cell, minlength=2 * MARGIN_BINS)
    weight = np.bincount(cell, heavy, 2 * MARGIN_BINS).astype(np.int64)
    return {"rows": counted.reshape(2, -1), "weight": weight.reshape(2, -1)}


def _curved(state: State, ordered: Sequence[Update]) -> State:
    """The logistic curve of the sites' validation rows, each at the middle of its bin."""
    weight = np.sum([one.array("weight") for one in ordered], axis=0) * WEIGHT_STEP
    margin = -REACH + MARGIN_STEP * (np.arange(MARGIN_BINS) + 0.5)
    filled = weight.ravel() > 0.0
    outcome = np.repeat([0.0, 1.0], MARGIN_BINS)[filled]
    curve = logistic_curve(np.tile(margin, 2)[filled], outcome, weight.ravel()[filled])
    return Message({**state.header, "phase": "done"}, {**state.arrays, "curve": np.asarray(curve)})
