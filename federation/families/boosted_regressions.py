"""Gradient-boosted trees of several numbers, on all rows and with a part of them left out: sums per node.

The trees are those of `boosted_trees` (shared bins, sums of gradients in whole steps by open node, column
and bin, a round a level), of least squares: a row's negative gradient is what the trees still miss of its
target, and its second derivative is 1. One ensemble for each target is grown on all rows, and one more for
each fold on the rows of the other folds, so that every row has answers of trees that never saw it. All of
them grow side by side, a tree each at a time. Nothing is drawn: the trees are those that the same algorithm
grows on all rows at one place, bit by bit.

Local data: `X` float64 [n, columns], NaN where not measured, rounded to float32; `target` float64 [n,
targets], finite; `fold` int64 [n], below the number of folds; `outcome` float64 [n], 0 or 1, which thins the
bins.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from federation.errors import FederationError
from federation.families import column_moments, lattice_counts
from federation.families.gradient_rows import STEP, Binned, Slopes
from federation.families.gradient_splits import Limits
from federation.families.growing_gradients import Float, Growth, bins_of, told
from federation.families.packed_trees import PackedTrees
from federation.families.settings import read_settings
from federation.family import Expected, LocalData, in_order
from federation.message import Message, State, Update
from federation.shared_bins import lattice
from models.boosting import Boosted
from models.declaration import Claim

LARGEST_VALUE = 1e6
"""Features are per unit, percent, megawatts or hertz: a mean beyond this is no feature of ours."""
FARTHEST = 16.0
"""Largest target, and largest part of it that may be missed."""
STEEPEST = round(FARTHEST / STEP)
MOST_TREES, DEEPEST = 400, 6
LEAST_ROWS = 8
"""Rows over all sites that every leaf must keep at least, whatever the settings say."""


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Hyper-parameters of the family.

    Attributes:
        columns: Columns of a row, p.
        targets: Targets of a row.
        folds: Parts of the rows that are left out in turn; 0 for none.
        trees: Trees of each ensemble.
        depth: Edges from a root to its deepest leaf.
        rate: Learning rate.
        penalty: λ of the leaves.
        least_rows: Rows in a leaf at least, over all sites.
        edges: Edges per column at most.
    """

    columns: int
    targets: int
    folds: int
    trees: int
    depth: int
    rate: float
    penalty: float
    least_rows: int
    edges: int = 31

    @property
    def sound(self) -> bool:
        """Whether every value lies in its range."""
        counts = min(self.columns, self.targets, self.edges) >= 1 and self.folds >= 0
        grown = 1 <= self.trees <= MOST_TREES and 1 <= self.depth <= DEEPEST
        kept = self.least_rows >= LEAST_ROWS and self.penalty > 0.0
        return counts and grown and kept and 0.0 < self.rate <= 1.0

    @property
    def ensembles(self) -> int:
        """Ensembles that grow side by side: first those on all rows, then those without fold 0, and so on."""
        return self.targets * (1 + self.folds)

    @property
    def growth(self) -> Growth:
        """How they grow."""
        return Growth(
            columns=self.columns,
            width=self.edges + 2,
            trees=self.trees,
            depths=(self.depth,) * self.ensembles,
            limits=Limits(self.least_rows, 0.0, self.penalty, STEP),
            rate=self.rate,
            steepest=STEEPEST,
        )


@dataclass(frozen=True, slots=True)
class Fitted:
    """What the family comes to.

    Attributes:
        whole: An ensemble of each target, grown on all rows.
        without: The same without each fold.
    """

    whole: tuple[Boosted, ...]
    without: tuple[tuple[Boosted, ...], ...]


class BoostedRegressions:
    """Phases: moments, lattice, grow (a round a level), done.

    A site's rows in their bins and the margins of finished trees are remembered from one round to the next;
    what it answers does not depend on that.
    """

    name: ClassVar[str] = "boosted_regressions"
    claim: ClassVar[Claim] = "exact"

    def __init__(self) -> None:
        self._known: Binned | None = None

    def start(self, settings: Mapping[str, Any], rows: Mapping[str, int]) -> State:
        """Ask for moments.

        Raises:
            FederationError: A hyper-parameter is unknown, of the wrong type or out of range.
        """
        del rows
        checked = read_settings("boosted regressions", settings, Settings)
        return column_moments.ask("boosted regressions", checked, sound=checked.sound)

    def finished(self, state: State) -> bool:
        """Whether all trees are grown."""
        return bool(state.value("phase") == "done")

    def told(self, state: State) -> State:
        """Sites get the bins, the trees and the open nodes, not what the nodes add up to."""
        return told(state)

    def local_update(self, state: State, data: LocalData, site: str) -> Update:
        """Moments, lattice counts, or histograms of the open nodes, by phase.

        Raises:
            FederationError: The site has fewer than `MINIMUM_ROWS` rows, or other columns.
        """
        settings, phase = _settings(state), state.value("phase")
        X = column_moments.usable(data["X"], settings.columns, site)
        n = {"n": int(X.shape[0])}
        if phase == "moments":
            return Message(n, column_moments.answer(np.column_stack([X, _targets(data)])))
        if phase == "lattice":
            return Message(n, lattice_counts.counts(bins_of(state), X, data["outcome"]))
        self._known = settings.growth.binned(self._known, X, state)
        target, starts = _targets(data), state.value("starts")

        def slopes_of(ensemble: int, margin: Float) -> tuple[Slopes, NDArray[np.bool_]]:
            left_out, of = divmod(ensemble, settings.targets)
            missed = np.clip(target[:, of] - starts[of] - margin, -FARTHEST, FARTHEST)
            slopes = Slopes.rounded(missed, np.ones(missed.size), np.ones(missed.size))
            return slopes, data["fold"] != left_out - 1

        return Message(n, settings.growth.histograms(state, self._known, slopes_of))

    def expects(self, state: State, site: str, most: int) -> Mapping[str, Expected]:
        """Moments per column, sparse counts, or sparse histograms."""
        del site
        settings, phase = _settings(state), state.value("phase")
        if phase == "moments":
            return column_moments.expects(settings.columns + settings.targets, most, LARGEST_VALUE)
        if phase == "lattice":
            return lattice_counts.expects(bins_of(state), most)
        return settings.growth.expects(state, most)

    def inspect(self, state: State, update: Update) -> str:
        """Cells must rise, columns add up to the same, and sums be ones that rows can have."""
        settings, phase = _settings(state), state.value("phase")
        if phase == "moments":
            return column_moments.inspect(update, full=settings.targets)
        if phase == "lattice":
            return lattice_counts.inspect(bins_of(state), update)
        return settings.growth.cells(state).check(update, STEEPEST)

    def aggregate(self, state: State, updates: Mapping[str, Update]) -> State:
        """Bins from merged moments and counts; then one level of splits from summed histograms."""
        settings, phase, ordered = _settings(state), state.value("phase"), in_order(updates)
        if phase == "moments":
            merged, p = column_moments.merged(ordered), settings.columns
            fine = lattice(merged.mean[:p], merged.deviation[:p])
            starts = np.round(merged.mean[p:], 3).tolist()
            return Message(
                {**state.header, "phase": "lattice", "starts": starts},
                {"edges": fine.edges, "offsets": fine.offsets},
            )
        if phase == "lattice":
            return settings.growth.first(
                state, lattice_counts.chosen(bins_of(state), ordered, settings.edges)
            )
        after, trees = settings.growth.level(state, ordered)
        if trees is None:
            return after
        bins = bins_of(state)
        plain = [trees.nodes(tree, bins).plain() for tree in range(trees.count)]
        packed = PackedTrees.none().with_more(plain).arrays()
        return Message(
            {**state.header, "phase": "done"}, {"edges": bins.edges, "offsets": bins.offsets, **packed}
        )

    def result(self, state: State) -> Fitted:
        """All ensembles; a leaf holds the whole answer.

        Raises:
            FederationError: They are not finished.
        """
        if not self.finished(state):
            raise FederationError(f"boosted regressions: not finished, in phase {state.value('phase')!r}")
        settings, trees = _settings(state), PackedTrees.read(state).trees()
        starts, of = state.value("starts"), settings.targets
        every = [
            Boosted(None, trees[one :: settings.ensembles], float(starts[one % of]))
            for one in range(settings.ensembles)
        ]
        parts = [tuple(every[begin : begin + of]) for begin in range(0, settings.ensembles, of)]
        return Fitted(parts[0], tuple(parts[1:]))


def _settings(state: State) -> Settings:
    return msgspec.convert(state.value("settings"), Settings)


def _targets(data: LocalData) -> NDArray[np.float64]:
    return np.asarray(np.clip(data["target"], -FARTHEST / 2.0, FARTHEST / 2.0), dtype=np.float64)
