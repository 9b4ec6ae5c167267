"""Random forest for regression: shared bins, a Poisson bootstrap at each site, sums of histograms per node.

Trees grow a few at a time, one level a round: sites count their draws and sum their targets by open node,
tried column and bin; the control centre adds that up and splits. Sums are whole numbers, so that they are the
same whoever adds them in whatever order: the forest is the one that the same algorithm grows on all rows at
one place, but for what the bootstrap draws.

A row is drawn as often as a Poisson number says whose mean is its weight (Hanley and MacGibbon, "Creating
non-parametric bootstrap samples using Poisson frequencies", 2006): no site needs to know how many rows the
others have. Targets leave a site in whole steps. Missing values (NaN) have a bin of their own, and each split
says where they go.

Local data: `X` float64 [n, columns], NaN where not measured; `y` float64 [n]; `weight` float64 [n], positive.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from federation.errors import FederationError
from federation.families import column_moments
from federation.families.forest_task import MOST_DRAWS, Task
from federation.families.growing_forest import PREFIX, GrowingForest, Limits
from federation.families.packed_trees import PackedTrees
from federation.families.regression_splits import best_splits
from federation.families.settings import read_settings
from federation.family import Expected, LocalData, in_order
from federation.message import Message, State, Update
from federation.shared_bins import SharedBins, choose, lattice
from models.declaration import Claim
from models.forest import MOST_LEAVES, MOST_TREES, Forest
from switchyard.identity import generator

LARGEST_VALUE = 1e6
"""Features are per unit, percent or logarithms: a mean beyond this is no feature of ours."""
HEAVIEST = 8.0
"""Largest weight of a row in units of the mean weight."""


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Hyper-parameters of the family.

    Attributes:
        seed: Names the random streams of the sites and of the trees.
        columns: Columns of a row, p.
        trees: Trees of the forest.
        max_leaf_nodes: Leaves of a tree at most.
        min_samples_leaf: Draws of a leaf at least, over all sites.
        max_features: Columns that a node tries.
        max_samples: Draws of a tree as a share of the rows.
        largest: Targets are cut at this, up and down.
        step: Targets are rounded to multiples of this.
        max_depth: Edges from a root to its deepest leaf at most.
        edges: Edges per column at most.
        together: Trees that grow at the same time.
    """

    seed: str
    columns: int
    trees: int
    max_leaf_nodes: int
    min_samples_leaf: int
    max_features: int
    max_samples: float
    largest: float
    step: float
    max_depth: int = 12
    edges: int = 127
    together: int = 20

    @property
    def sound(self) -> bool:
        """Whether every value lies in its range."""
        counts = min(self.columns, self.min_samples_leaf, self.max_depth, self.edges, self.together) >= 1
        forest = 1 <= self.trees <= MOST_TREES and 2 <= self.max_leaf_nodes <= MOST_LEAVES
        tries = 1 <= self.max_features <= self.columns and 0 < self.max_samples <= 1
        return counts and forest and tries and 0 < self.step < self.largest

    @property
    def limits(self) -> Limits:
        """When growing ends."""
        return Limits(self.max_leaf_nodes, self.min_samples_leaf, self.max_depth)

    @property
    def width(self) -> int:
        """Bins of a column in a histogram, the one of missing values included."""
        return self.edges + 2

    @property
    def farthest(self) -> int:
        """Largest target in whole steps."""
        return round(self.largest / self.step)


class RandomForest:
    """The family of `harmonic_analysis`. Phases: moments, lattice, grow (a round a level), done."""

    name: ClassVar[str] = "random_forest"
    claim: ClassVar[Claim] = "approximate"

    def start(self, settings: Mapping[str, Any], rows: Mapping[str, int]) -> State:
        """Ask for moments.

        Raises:
            FederationError: A hyper-parameter is unknown, of the wrong type or out of range.
        """
        del rows
        checked = read_settings("random forest", settings, Settings)
        return column_moments.ask("random forest", checked, sound=checked.sound)

    def finished(self, state: State) -> bool:
        """Whether all trees are grown."""
        return bool(state.value("phase") == "done")

    def told(self, state: State) -> State:
        """Sites get the bins, the partial trees and what to count, neither sums nor the finished trees."""
        growing = (f"{PREFIX}{name}" for name in ("tree", "column", "bin", "missing_left", "left"))
        kept = ("edges", "offsets", "open", "tried", *growing)
        return Message(state.header, {name: state.arrays[name] for name in kept if name in state.arrays})

    def local_update(self, state: State, data: LocalData, site: str) -> Update:
        """Moments, lattice counts or histograms of the open nodes, by phase.

        Raises:
            FederationError: The site has fewer than `MINIMUM_ROWS` rows, or other columns.
        """
        settings, phase = _settings(state), state.value("phase")
        X = column_moments.usable(data["X"], settings.columns, site)
        if phase == "moments":
            return Message({"n": X.shape[0]}, column_moments.answer(np.column_stack([X, data["weight"]])))
        bins = _bins(state)
        missing = np.isnan(X)
        numbers = bins.index(X)
        if phase == "lattice":
            return Message({"n": X.shape[0]}, _counts(bins, numbers, missing))
        numbers[missing] = settings.width - 1
        means = settings.max_samples * np.minimum(data["weight"] / state.value("mean_weight"), HEAVIEST)
        streams = (settings.seed, site)
        steps = np.rint(np.clip(data["y"], -settings.largest, settings.largest) / settings.step)
        task = Task.of(state, settings.width)
        return Message({"n": X.shape[0]}, task.histogram(numbers, means, steps, streams))

    def expects(self, state: State, site: str, most: int) -> Mapping[str, Expected]:
        """Moments per column, sparse lattice counts, or sparse histograms with sums of targets."""
        del site
        settings, phase = _settings(state), state.value("phase")
        p = settings.columns
        if phase == "moments":
            return column_moments.expects(p + 1, most, LARGEST_VALUE)
        if phase == "lattice":
            bins = _bins(state)
            longest = min(bins.total, most * p)
            return {
                "cell": Expected("<i4", (None,), 0, bins.total - 1, longest=longest),
                "count": Expected("<i4", (None,), 1, most, total=float(most) * p, longest=longest),
            }
        cells, drawn = Task.of(state, settings.width).cells, most * MOST_DRAWS
        largest = drawn * settings.farthest
        return {
            "cell": Expected("<i4", (None,), 0, max(cells - 1, 0), longest=cells),
            "count": Expected("<i4", (None,), 1, drawn, longest=cells),
            "total": Expected("<i4", (None,), -largest, largest, longest=cells),
        }

    def inspect(self, state: State, update: Update) -> str:
        """Cells must rise, columns count the same draws, and sums be ones that targets can have."""
        settings, phase = _settings(state), state.value("phase")
        if phase == "moments":
            return column_moments.inspect(update, full=1)
        cell, count = update.array("cell"), update.array("count")
        if cell.size != count.size or np.any(np.diff(cell) <= 0):
            return "cells do not rise, or have other counts"
        if phase == "lattice":
            bins = _bins(state)
            counted = np.bincount(cell, count, minlength=bins.total)
            most = int(np.add.reduceat(counted, _first_bins(bins)).max())
            return "" if most <= update.n else f"{most} rows are counted, n is {update.n}"
        return Task.of(state, settings.width).check(update, settings.farthest)

    def aggregate(self, state: State, updates: Mapping[str, Update]) -> State:
        """Bins from merged moments and counts; then one level of splits from summed histograms."""
        settings, phase = _settings(state), state.value("phase")
        ordered = in_order(updates)
        if phase == "moments":
            merged = column_moments.merged(ordered)
            fine = lattice(merged.mean[:-1], merged.deviation[:-1])
            return Message(
                {**state.header, "phase": "lattice", "mean_weight": float(merged.mean[-1])},
                {"edges": fine.edges, "offsets": fine.offsets},
            )
        if phase == "lattice":
            fine = _bins(state)
            counted = np.sum(
                [
                    np.bincount(update.array("cell"), update.array("count"), minlength=fine.total)
                    for update in ordered
                ],
                axis=0,
            )
            bins = choose(fine, counted.astype(np.int64)[:, None], settings.edges)
            empty = Message(state.header, {"edges": bins.edges, "offsets": bins.offsets})
            return _sow(empty, settings, PackedTrees.none())
        task = Task.of(state, settings.width)
        counts, totals = (
            np.sum([task.dense(update, name) for update in ordered], axis=0) for name in ("count", "total")
        )
        growing, opened = GrowingForest.of_arrays(state.arrays), state.array("open")
        first = growing.column.size
        sums = (counts[:, 0].sum(axis=1), totals[:, 0].sum(axis=1))
        growing = growing.split(
            opened, state.array("tried"), sums, best_splits(counts, totals, settings.min_samples_leaf)
        )
        still = growing.open_from(first, settings.limits)
        if still.size:
            return _ask(state, settings, growing, still)
        grown = growing.finish(_bins(state), settings.limits, settings.step)
        return _sow(state, settings, PackedTrees.read(state).with_more(grown))

    def result(self, state: State) -> Forest:
        """The finished forest.

        Raises:
            FederationError: It is not finished.
        """
        if not self.finished(state):
            raise FederationError(f"random forest: not finished, in phase {state.value('phase')!r}")
        return Forest(PackedTrees.read(state).trees())


def _settings(state: State) -> Settings:
    return msgspec.convert(state.value("settings"), Settings)


def _bins(state: State) -> SharedBins:
    return SharedBins(state.array("edges"), state.array("offsets"))


def _sow(state: State, settings: Settings, grown: PackedTrees) -> State:
    """Begin the next few trees, or end where all are grown."""
    bins = {name: state.array(name) for name in ("edges", "offsets")}
    left = settings.trees - grown.count
    after = Message(
        {**state.header, "phase": "grow" if left else "done", "grown": grown.count},
        {**bins, **grown.arrays()},
    )
    if not left:
        return after
    roots = GrowingForest.roots(min(settings.together, left))
    return _ask(after, settings, roots, np.arange(roots.tree.size))


def _ask(state: State, settings: Settings, growing: GrowingForest, opened: NDArray[np.int64]) -> State:
    """Draw the columns that each open node tries, and ask for their histograms."""
    words = (settings.seed, f"columns {state.value('grown')} {growing.column.size}")
    keys = generator(*words).random((opened.size, settings.columns))
    tried = np.sort(np.argsort(keys, axis=1)[:, : settings.max_features], axis=1)
    return Message(state.header, {**state.arrays, **growing.arrays(), "open": opened, "tried": tried})


def _first_bins(bins: SharedBins) -> NDArray[np.int64]:
    """Number of each column's first bin, where all columns' bins are numbered through, int64 [p]."""
    first: NDArray[np.int64] = np.cumsum(bins.sizes) - bins.sizes
    return first


def _counts(
    bins: SharedBins, numbers: NDArray[np.int64], missing: NDArray[np.bool_]
) -> dict[str, NDArray[Any]]:
    through = (numbers + _first_bins(bins))[~missing]
    counted = np.bincount(through, minlength=bins.total)
    filled = np.flatnonzero(counted)
    return {"cell": filled.astype(np.int32), "count": counted[filled].astype(np.int32)}
