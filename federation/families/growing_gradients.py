"""Boosted ensembles that grow side by side, a tree of each at a time: what a round asks, counts and splits.

Tree t belongs to ensemble t modulo their number. A state of the phase `grow` holds the shared bins, all nodes
and the numbers of those that are open; sites answer with sums of gradients by open node, column and bin.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from federation.families.gradient_rows import Binned, Cells, Slopes
from federation.families.gradient_splits import Limits, Sums, best_splits
from federation.families.gradient_trees import GradientTrees, Shape
from federation.family import Expected
from federation.message import Message, State, Update
from federation.shared_bins import SharedBins

Float = NDArray[np.float64]
SlopesOf = Callable[[int, Float], tuple[Slopes, NDArray[np.bool_] | None]]
"""Of an ensemble and the margins [n] that its finished trees come to: slopes, and which rows take part."""


def bins_of(state: State) -> SharedBins:
    """The shared bins of a state."""
    return SharedBins(state.array("edges"), state.array("offsets"))


def told(state: State) -> State:
    """Sites get the bins, the trees and the open nodes, not what the nodes add up to."""
    kept = ("edges", "offsets", "open", *Shape.names())
    return Message(state.header, {name: state.arrays[name] for name in kept if name in state.arrays})


@dataclass(frozen=True, slots=True)
class Growth:
    """How the ensembles grow.

    Attributes:
        columns: Columns of a row.
        width: Bins of a column in a histogram, the one of missing values included.
        trees: Trees of each ensemble.
        depths: Edges from a root to its deepest leaf, for each ensemble.
        limits: What a split must leave.
        rate: Learning rate.
        steepest: Largest gradient and second derivative of a row, in whole steps.
    """

    columns: int
    width: int
    trees: int
    depths: tuple[int, ...]
    limits: Limits
    rate: float
    steepest: int

    @property
    def ensembles(self) -> int:
        """Ensembles that grow side by side."""
        return len(self.depths)

    def cells(self, state: State) -> Cells:
        """Cells of the histograms that a state asks for."""
        return Cells(int(state.array("open").size), self.columns, self.width)

    def expects(self, state: State, most: int) -> Mapping[str, Expected]:
        """Sparse histograms of at most `most` rows."""
        size, largest = self.cells(state).size, most * self.steepest
        counted = self.ensembles * most * self.columns
        longest = min(size, counted)
        return {
            "cell": Expected("<i4", (None,), 0, max(size - 1, 0), longest=longest),
            "rows": Expected("<i4", (None,), 1, most, total=float(counted), longest=longest),
            "gradient": Expected("<i8", (None,), -largest, largest, longest=longest),
            "hessian": Expected("<i8", (None,), 0, largest, longest=longest),
        }

    def binned(self, known: Binned | None, X: Float, state: State) -> Binned:
        """A site's rows [n, columns] in their bins, with the margins of the finished trees.

        Args:
            known: What the site remembers of the round before.
            X: Its rows.
            state: In the phase `grow`.
        """
        shape, bins = Shape.of(state.arrays), bins_of(state)
        if known is None or not known.holds(X, bins):
            known = Binned.of(X, bins, self.width - 1, self.ensembles)
        return known.after(shape, shape.count - self.ensembles)

    def histograms(self, state: State, binned: Binned, slopes_of: SlopesOf) -> dict[str, NDArray[Any]]:
        """Sparse sums of gradients by open node, column and bin.

        Args:
            state: In the phase `grow`.
            binned: From `binned`.
            slopes_of: Gradients of an ensemble's rows.
        """
        shape, opened, cells = Shape.of(state.arrays), state.array("open"), self.cells(state)
        place = np.full(shape.tree.size, -1, dtype=np.int64)
        place[opened] = np.arange(opened.size)
        nothing = np.zeros(cells.size, dtype=np.int64)
        total = Sums(nothing, nothing, nothing)
        for tree in np.unique(shape.tree[opened]).tolist():
            ensemble = tree % self.ensembles
            slopes, taking_part = slopes_of(ensemble, binned.margin[ensemble])
            entered = place[shape.walk(int(shape.roots[tree]), binned.numbers, binned.missing)]
            if taking_part is not None:
                entered = np.where(taking_part, entered, -1)
            total = total.plus(cells.count(entered, binned.numbers, slopes))
        return cells.sparse(total)

    def first(self, state: State, bins: SharedBins) -> State:
        """The state that asks for the roots of the first trees."""
        return self._sow(state, bins, GradientTrees.none())

    def level(self, state: State, ordered: Sequence[Update]) -> tuple[State, GradientTrees | None]:
        """One level of splits from summed histograms.

        Args:
            state: In the phase `grow`.
            ordered: The sites' histograms.

        Returns:
            The next state, which asks about further nodes, or about nothing when all trees are finished; and
            in that case the trees.
        """
        cells, bins = self.cells(state), bins_of(state)
        sums = reduce(Sums.plus, [cells.dense(one) for one in ordered])
        trees = GradientTrees.of(state.arrays)
        first = trees.depth.size
        trees = trees.split(state.array("open"), sums.of_nodes(), best_splits(sums, self.limits))
        deepest = np.resize(np.asarray(self.depths, dtype=np.int64), trees.count)
        still = trees.open_from(first, deepest, self.limits)
        if still.size:
            return _ask(state, bins, trees, still), None
        trees = trees.finish(self.limits, self.rate)
        if trees.count < self.ensembles * self.trees:
            return self._sow(state, bins, trees), None
        return _ask(state, bins, trees, np.zeros(0, dtype=np.int64)), trees

    def _sow(self, state: State, bins: SharedBins, trees: GradientTrees) -> State:
        first = trees.depth.size
        opened = np.arange(first, first + self.ensembles)
        return _ask(state, bins, trees.sow(self.ensembles), opened)


def _ask(state: State, bins: SharedBins, trees: GradientTrees, opened: NDArray[np.int64]) -> State:
    arrays = {"edges": bins.edges, "offsets": bins.offsets, **trees.arrays(), "open": opened}
    return Message({**state.header, "phase": "grow"}, arrays)
