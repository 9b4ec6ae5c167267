"""Decision tree: shared bins, sums of class histograms per open node, one level a round.

The sums are integers, so that they are the same whoever adds them in whatever order: the tree is equal, node
for node, to the one that the same algorithm grows on all rows at one place.

Local data: `X` float64 [n, columns], finite, rounded to float32 as the compiled graph does; `y` int64 [n],
class codes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from federation import moments
from federation.errors import FederationError
from federation.families.growing_tree import GrowingTree, Limits
from federation.families.settings import read_settings
from federation.families.splitting import Criterion, best_splits
from federation.family import MINIMUM_ROWS, Expected, LocalData, in_order
from federation.message import Message, State, Update
from federation.moments import Moments
from federation.shared_bins import SharedBins, choose, lattice
from models.declaration import Claim
from models.trees import TreeArrays

LARGEST_VALUE = 1e6
"""Features are per unit, percent or degrees: a mean beyond this is no feature of ours."""
COUNT = np.iinfo(np.int32)


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Hyper-parameters of the family, as in scikit-learn, and the number of edges per column."""

    columns: int
    classes: int
    max_depth: int = 8
    min_samples_leaf: int = 5
    criterion: Criterion = "gini"
    max_leaf_nodes: int | None = None
    edges: int = 511

    @property
    def limits(self) -> Limits:
        """When growing ends."""
        return Limits(self.max_depth, self.min_samples_leaf, self.max_leaf_nodes, self.criterion)


@dataclass(frozen=True, slots=True)
class Cells:
    """Order of the cells of one round's histogram: column, then open node, then bin, then class."""

    bins: SharedBins
    nodes: int
    classes: int

    @property
    def size(self) -> int:
        """Number of cells."""
        return self.bins.total * self.nodes * self.classes

    def begin(self, column: int) -> int:
        """First cell of a column."""
        return int(self.bins.sizes[:column].sum()) * self.nodes * self.classes

    def blocks(self, flat: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
        """For each column its cells as [nodes, bins, classes]."""
        for column, size in enumerate(self.bins.sizes.tolist()):
            begin = self.begin(column)
            yield flat[begin : begin + size * self.nodes * self.classes].reshape(
                self.nodes, size, self.classes
            )


class DecisionTree:
    """The family of `phase_imbalance`. Phases: moments, lattice, grow (a round a level), done."""

    name: ClassVar[str] = "decision_tree"
    claim: ClassVar[Claim] = "exact"

    def start(self, settings: Mapping[str, Any], rows: Mapping[str, int]) -> State:
        """Ask for moments.

        Raises:
            FederationError: A hyper-parameter is unknown or of the wrong type.
        """
        del rows
        checked = read_settings("decision tree", settings, Settings)
        if not (checked.min_samples_leaf >= 1 and 1 <= checked.max_depth <= 30 and checked.edges >= 1):
            raise FederationError(f"decision tree: settings out of range: {checked}")
        if checked.max_leaf_nodes is not None and checked.max_leaf_nodes < 2:
            raise FederationError("decision tree: max_leaf_nodes must be at least 2")
        return Message({"phase": "moments", "settings": msgspec.to_builtins(checked)})

    def finished(self, state: State) -> bool:
        """Whether no node is open any more."""
        return bool(state.value("phase") == "done")

    def told(self, state: State) -> State:
        """Sites get the bins and the partial tree, not the other sites' counts."""
        kept = ("edges", "offsets", "column", "bin", "left", "right", "open")
        return Message(state.header, {name: state.arrays[name] for name in kept if name in state.arrays})

    def local_update(self, state: State, data: LocalData, site: str) -> Update:
        """Moments, lattice counts or histograms of the open nodes, by phase.

        Raises:
            FederationError: The site has fewer than `MINIMUM_ROWS` rows, or other columns or classes.
        """
        settings, phase = _settings(state), state.value("phase")
        X, y = data["X"], data["y"]
        if X.shape[0] < MINIMUM_ROWS:
            raise FederationError(f"{site} has {X.shape[0]} rows, statistics need {MINIMUM_ROWS}")
        if X.shape[1] != settings.columns or y.min() < 0 or y.max() >= settings.classes:
            raise FederationError(
                f"{site}: rows do not have {settings.columns} columns, {settings.classes} classes"
            )
        if phase == "moments":
            own = Moments.of(X)
            return Message({"n": own.n}, {"mean": own.mean, "m2": np.diag(own.m2).copy()})
        bins = _bins(state)
        binned = bins.index(X)
        if phase == "lattice":
            slot, nodes = np.zeros(X.shape[0], dtype=np.int64), 1
        else:
            slot = _slots(state, binned)
            nodes = state.array("open").size
        return Message({"n": X.shape[0]}, _histogram(Cells(bins, nodes, settings.classes), binned, slot, y))

    def expects(self, state: State, site: str, most: int) -> Mapping[str, Expected]:
        """Moments per column; or sparse histogram cells."""
        del site
        settings = _settings(state)
        p = settings.columns
        if state.value("phase") == "moments":
            spread = most * LARGEST_VALUE**2
            return {
                "mean": Expected("<f8", (p,), -LARGEST_VALUE, LARGEST_VALUE),
                "m2": Expected("<f8", (p,), 0.0, spread),
            }
        cells = _cells(state).size
        longest = min(cells, most * p)
        return {
            "cell": Expected("<i4", (None,), 0, max(cells - 1, 0), longest=longest),
            "count": Expected("<i4", (None,), 1, most, total=float(most) * p, longest=longest),
        }

    def inspect(self, state: State, update: Update) -> str:
        """Cells must rise, and every column must count the same rows in the same nodes and classes."""
        if state.value("phase") == "moments":
            return ""
        cell, count = update.array("cell"), update.array("count")
        if cell.size != count.size:
            return f"{cell.size} cells with {count.size} counts"
        if np.any(np.diff(cell) <= 0):
            return "cells do not rise"
        cells = _cells(state)
        rows = [block.sum(axis=1) for block in cells.blocks(_dense(cells, update))]
        if any(not np.array_equal(rows[0], other) for other in rows[1:]):
            return "columns count different rows"
        counted = int(rows[0].sum())
        if counted > update.n or (state.value("phase") == "lattice" and counted != update.n):
            return f"{counted} rows are counted, n is {update.n}"
        return ""

    def aggregate(self, state: State, updates: Mapping[str, Update]) -> State:
        """Bins from moments and lattice counts; then one level of splits from summed histograms."""
        settings, phase = _settings(state), state.value("phase")
        if phase == "moments":
            merged = moments.merge(
                Moments(update.n, update.array("mean"), np.diag(update.array("m2")))
                for update in in_order(updates)
            )
            fine = lattice(merged.mean, merged.deviation)
            return Message(
                {**state.header, "phase": "lattice"}, {"edges": fine.edges, "offsets": fine.offsets}
            )
        cells = _cells(state)
        summed = np.zeros(cells.size, dtype=np.int64)
        for update in in_order(updates):
            summed += _dense(cells, update)
        if phase == "lattice":
            by_bin = np.concatenate([block[0] for block in cells.blocks(summed)])
            bins = choose(cells.bins, by_bin, settings.edges)
            tree = GrowingTree.root(by_bin[: cells.bins.sizes[0]].sum(axis=0))
            first = 0
        else:
            bins, tree, opened = cells.bins, _tree(state), state.array("open")
            first = tree.column.size
            splits = best_splits(
                cells.blocks(summed), tree.counts[opened], settings.min_samples_leaf, settings.criterion
            )
            tree = tree.split(opened, splits)
        still = tree.open_from(first, settings.limits)
        if still.size == 0:
            tree = tree.pruned(settings.limits)
        arrays = {"edges": bins.edges, "offsets": bins.offsets, **tree.arrays(), "open": still}
        return Message({**state.header, "phase": "grow" if still.size else "done"}, arrays)

    def result(self, state: State) -> TreeArrays:
        """The finished tree; thresholds are shared edges, values are class shares.

        Raises:
            FederationError: The tree is not finished.
        """
        if not self.finished(state):
            raise FederationError(f"decision tree: not finished, in phase {state.value('phase')!r}")
        return _tree(state).finish(_bins(state))


def _settings(state: State) -> Settings:
    return msgspec.convert(state.value("settings"), Settings)


def _bins(state: State) -> SharedBins:
    return SharedBins(state.array("edges"), state.array("offsets"))


def _tree(state: State) -> GrowingTree:
    return GrowingTree.of_arrays(dict(state.arrays))


def _cells(state: State) -> Cells:
    nodes = 1 if state.value("phase") == "lattice" else int(state.array("open").size)
    cells = Cells(_bins(state), nodes, _settings(state).classes)
    if cells.size > COUNT.max:
        raise FederationError(
            f"decision tree: a histogram of {cells.size} cells cannot be numbered",
            "take fewer edges or leaves",
        )
    return cells


def _slots(state: State, binned: NDArray[np.int64]) -> NDArray[np.int64]:
    """Place of each row's node among the open ones, int64 [n]; -1 in a node that is closed."""
    column, left, right = state.array("column"), state.array("left"), state.array("right")
    node = np.zeros(binned.shape[0], dtype=np.int64)
    rows = np.arange(binned.shape[0])
    while True:
        rows = rows[column[node[rows]] >= 0]
        if rows.size == 0:
            break
        at = node[rows]
        goes_left = binned[rows, column[at]] <= state.array("bin")[at]
        node[rows] = np.where(goes_left, left[at], right[at])
    place = np.full(column.size, -1, dtype=np.int64)
    place[state.array("open")] = np.arange(state.array("open").size)
    return place[node]


def _histogram(
    cells: Cells, binned: NDArray[np.int64], slot: NDArray[np.int64], y: NDArray[np.int64]
) -> dict[str, NDArray[Any]]:
    counted = slot >= 0
    slot, y = slot[counted], y[counted]
    found, counts = [], []
    for column, size in enumerate(cells.bins.sizes.tolist()):
        flat = (slot * size + binned[counted, column]) * cells.classes + y
        of_cell = np.bincount(flat, minlength=size * cells.nodes * cells.classes)
        filled = np.flatnonzero(of_cell)
        found.append(filled + cells.begin(column))
        counts.append(of_cell[filled])
    return {
        "cell": np.concatenate(found).astype(np.int32),
        "count": np.concatenate(counts).astype(np.int32),
    }


def _dense(cells: Cells, update: Update) -> NDArray[np.int64]:
    flat = np.zeros(cells.size, dtype=np.int64)
    flat[update.array("cell")] = update.array("count")
    return flat
