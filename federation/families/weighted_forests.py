"""Several random forests on weighted rows: shared bins, sums per node, a round a level, one scale for all.

Rows that stand for many others weigh more, so that a node's answer is Σwy/Σw, and a split takes away most of
the weighted squared error: in the terms of boosted trees y·w is the gradient, w the second derivative, and
there is no penalty. Which rows a tree is grown on is decided by draws that know no weight and come from the
row itself (`row_draws`). Each forest has columns, rows and a target of its own; they share bins. Sums are of
whole steps, the same whoever adds them in whatever order: the forests are those that the same algorithm grows
on all rows at one place.

Where a forest is to answer medians, a further round counts the draws of each leaf by the bin of their target.
In the end the sites add up, over validation rows, what the first forests forecast and what came; their ratio
is the scale. Where no forest is to be scaled, that round is left out.

Local data: `X` float64 [n, columns], NaN where not measured; `target` float64 [n, forests], NaN where a row
does not enter a forest; `outcome` float64 [n], 0 or 1, which thins the bins; `weight` float64 [n];
`X_validation`, `outcome_validation` and `weight_validation`, likewise.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import reduce
from typing import Any, ClassVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from federation.errors import FederationError
from federation.families import column_moments, lattice_counts
from federation.families.gradient_rows import Cells, Slopes
from federation.families.gradient_splits import Limits, Sums, best_splits
from federation.families.gradient_trees import GradientTrees, Shape
from federation.families.packed_trees import PackedTrees
from federation.families.row_draws import MOST_DRAWS, digests, draws
from federation.families.settings import read_settings
from federation.family import Expected, LocalData, in_order
from federation.message import Message, State, Update
from federation.shared_bins import SharedBins, lattice
from models.declaration import Claim
from models.forest import MOST_LEAVES, MOST_TREES, Forest
from switchyard.identity import generator

LARGEST_VALUE = 1e6
"""Features are per unit, percent, counts or logarithms: a mean beyond this is no feature of ours."""
STEP = 2.0**-8
"""Weights, and weights times targets, leave a site in whole multiples of this."""
HEAVIEST, FARTHEST = 8192.0, 16.0
"""Largest weight of a row, and largest target."""
STEEPEST = round(HEAVIEST * FARTHEST / STEP)
TARGET_BINS = 128
LEAST_DRAWS = 8
"""Draws over all sites that every leaf must keep at least, whatever the settings say."""
NO_PENALTY = 1e-12
"""Keeps an empty node's answer finite."""


class ForestSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One forest.

    Attributes:
        columns: Places of its columns among all.
        trees: Trees.
        max_features: How many of its columns a node tries.
        max_samples: Draws of a tree as a share of its rows.
        max_depth: Edges from a root to its deepest leaf at most.
        min_samples_leaf: Draws of a leaf at least, over all sites.
        median: Smallest and largest target, where leaves answer medians; they answer means where not given.
    """

    columns: tuple[int, ...]
    trees: int
    max_features: int
    max_samples: float
    max_depth: int
    min_samples_leaf: int
    median: tuple[float, float] | None = None

    @property
    def limits(self) -> Limits:
        """What a split must leave."""
        return Limits(self.min_samples_leaf, 0.0, NO_PENALTY, STEP)

    @property
    def edges(self) -> NDArray[np.float64]:
        """Edges of the bins of targets whose medians are asked for, [TARGET_BINS + 1]."""
        low, high = self.median or (0.0, 1.0)
        return np.linspace(low, high, TARGET_BINS + 1)


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Hyper-parameters of the family.

    Attributes:
        seed: Decides the rows of each tree and the columns of each node.
        columns: Columns of a row, p.
        forests: The forests, in the order of the targets.
        scaled: How many of them, from the first on, add up to what is forecast; of none there is no scale.
        scales: Smallest and largest scale.
        edges: Edges per column at most.
    """

    seed: str
    columns: int
    forests: tuple[ForestSettings, ...]
    scaled: int
    scales: tuple[float, float]
    edges: int = 31

    @property
    def sound(self) -> bool:
        """Whether every value lies in its range."""
        known = all(place in range(self.columns) for one in self.forests for place in one.columns)
        tries = all(1 <= one.max_features <= len(one.columns) for one in self.forests)
        grown = all(
            1 <= one.trees <= MOST_TREES
            and 0.0 < one.max_samples <= 1.0
            and 1 <= one.max_depth <= np.log2(MOST_LEAVES)
            and one.min_samples_leaf >= LEAST_DRAWS
            for one in self.forests
        )
        few = 0 <= self.scaled <= len(self.forests) and min(self.columns, self.edges) >= 1
        return known and tries and grown and few and 0.0 < self.scales[0] <= self.scales[1]

    @property
    def width(self) -> int:
        """Bins of a column in a histogram, the one of missing values included."""
        return self.edges + 2


class WeightedForests:
    """The family of `voltage_sag`. Phases: moments, lattice, grow (a round a level), median, scale, done."""

    name: ClassVar[str] = "weighted_forests"
    claim: ClassVar[Claim] = "exact"

    def start(self, settings: Mapping[str, Any], rows: Mapping[str, int]) -> State:
        """Ask for moments.

        Raises:
            FederationError: A hyper-parameter is unknown, of the wrong type or out of range.
        """
        del rows
        checked = read_settings("weighted forests", settings, Settings)
        return column_moments.ask("weighted forests", checked, sound=checked.sound)

    def finished(self, state: State) -> bool:
        """Whether all forests are grown and scaled."""
        return bool(state.value("phase") == "done")

    def told(self, state: State) -> State:
        """Sites get the bins, the partial trees and what to count; the finished trees only to be scaled."""
        kept: tuple[str, ...] = ("edges", "offsets", "open", "tried", *Shape.names())
        if state.value("phase") == "scale":
            kept = tuple(PackedTrees.none().arrays())
        return Message(state.header, {name: state.arrays[name] for name in kept if name in state.arrays})

    def local_update(self, state: State, data: LocalData, site: str) -> Update:
        """Moments, lattice counts, histograms of the open nodes, or what is forecast and came, by phase.

        Raises:
            FederationError: The site has fewer than `MINIMUM_ROWS` rows to train or to judge on, or other
                columns.
        """
        settings, phase = _settings(state), state.value("phase")
        X = column_moments.usable(data["X_validation" if phase == "scale" else "X"], settings.columns, site)
        n = {"n": int(X.shape[0])}
        if phase == "moments":
            return Message(n, column_moments.answer(X))
        if phase == "scale":
            forests = _forests(state, settings)[: settings.scaled]
            rates = [
                one.predict(X[:, list(own.columns)])
                for one, own in zip(forests, settings.forests, strict=False)
            ]
            forecast = data["weight_validation"] * np.maximum(np.sum(rates, axis=0), 0.0)
            came = data["weight_validation"] * data["outcome_validation"]
            return Message(n, {"sums": np.rint([forecast.sum() / STEP, came.sum() / STEP]).astype(np.int64)})
        bins = _bins(state)
        if phase == "lattice":
            return Message(n, lattice_counts.counts(bins, X, data["outcome"]))
        return Message(n, _histograms(state, settings, data))

    def expects(self, state: State, site: str, most: int) -> Mapping[str, Expected]:
        """Moments per column, sparse counts, sparse histograms, or two sums."""
        del site
        settings, phase = _settings(state), state.value("phase")
        if phase == "moments":
            return column_moments.expects(settings.columns, most, LARGEST_VALUE)
        if phase == "lattice":
            return lattice_counts.expects(_bins(state), most)
        if phase == "scale":
            return {"sums": Expected("<i8", (2,), 0, most * STEEPEST)}
        size, drawn = _cells(state, settings).size, most * MOST_DRAWS
        return {
            "cell": Expected("<i4", (None,), 0, max(size - 1, 0), longest=size),
            "rows": Expected("<i4", (None,), 1, drawn, longest=size),
            "gradient": Expected("<i8", (None,), -drawn * STEEPEST, drawn * STEEPEST, longest=size),
            "hessian": Expected("<i8", (None,), 0, drawn * STEEPEST, longest=size),
        }

    def inspect(self, state: State, update: Update) -> str:
        """Cells must rise, columns add up to the same, and sums be ones that rows can have."""
        settings, phase = _settings(state), state.value("phase")
        if phase == "moments":
            return column_moments.inspect(update)
        if phase == "lattice":
            return lattice_counts.inspect(_bins(state), update)
        if phase == "scale":
            came = int(update.array("sums")[1])
            return "" if came * STEP <= update.n * HEAVIEST else "more came than rows can weigh"
        return _cells(state, settings).check(update, STEEPEST)

    def aggregate(self, state: State, updates: Mapping[str, Update]) -> State:
        """Bins from merged moments and counts; one level of splits from summed histograms; the scale."""
        settings, phase, ordered = _settings(state), state.value("phase"), in_order(updates)
        if phase == "moments":
            merged = column_moments.merged(ordered)
            fine = lattice(merged.mean, merged.deviation)
            return Message(
                {**state.header, "phase": "lattice"}, {"edges": fine.edges, "offsets": fine.offsets}
            )
        if phase == "lattice":
            bins = lattice_counts.chosen(_bins(state), ordered, settings.edges)
            return _sow(state, settings, bins, PackedTrees.none())
        if phase == "scale":
            forecast, came = np.sum([one.array("sums") for one in ordered], axis=0).tolist()
            scale = float(np.clip(came / forecast, *settings.scales)) if forecast > 0 else 1.0
            return Message({**state.header, "phase": "done", "scale": scale}, state.arrays)
        return _grown(state, settings, ordered)

    def result(self, state: State) -> tuple[tuple[Forest, ...], float]:
        """The finished forests, each on its own columns, and the scale.

        Raises:
            FederationError: They are not finished.
        """
        if not self.finished(state):
            raise FederationError(f"weighted forests: not finished, in phase {state.value('phase')!r}")
        return _forests(state, _settings(state)), float(state.value("scale"))


def _settings(state: State) -> Settings:
    return msgspec.convert(state.value("settings"), Settings)


def _bins(state: State) -> SharedBins:
    return SharedBins(state.array("edges"), state.array("offsets"))


def _cells(state: State, settings: Settings) -> Cells:
    if state.value("phase") == "median":
        return Cells(int(state.array("open").size), 1, TARGET_BINS)
    tried = state.array("tried")
    return Cells(tried.shape[0], tried.shape[1], settings.width, tried)


def _forests(state: State, settings: Settings) -> tuple[Forest, ...]:
    """The finished forests, whose trees test places among their own columns."""
    trees, begin, forests = PackedTrees.read(state).trees(), 0, []
    for own in settings.forests:
        place = np.full(settings.columns + 1, -1, dtype=np.int64)
        place[list(own.columns)] = np.arange(len(own.columns))
        mine = trees[begin : begin + own.trees]
        forests.append(Forest(tuple(replace(one, feature=place[one.feature]) for one in mine)))
        begin += own.trees
    return tuple(forests)


def _histograms(state: State, settings: Settings, data: LocalData) -> dict[str, NDArray[Any]]:
    """Sparse sums of the draws of one forest by open node, tried column and bin."""
    forest = int(state.value("forest"))
    own, shape, opened = settings.forests[forest], Shape.of(state.arrays), state.array("open")
    cells = _cells(state, settings)
    entering = np.flatnonzero(np.isfinite(data["target"][:, forest]))
    X = data["X"][entering]
    numbers = _bins(state).index(X)
    numbers[np.isnan(X)] = settings.width - 1
    heavy = np.minimum(data["weight"][entering], HEAVIEST) / STEP
    target = np.clip(data["target"][entering, forest], -FARTHEST, FARTHEST)
    slopes, counted = Slopes(np.rint(heavy * target), np.rint(heavy)), numbers
    if state.value("phase") == "median":
        slopes = Slopes(np.zeros(entering.size), np.zeros(entering.size))
        counted = np.searchsorted(own.edges[1:-1], target)[:, None]
    place = np.full(shape.tree.size, -1, dtype=np.int64)
    place[opened] = np.arange(opened.size)
    nothing = np.zeros(cells.size, dtype=np.int64)
    total = Sums(nothing, nothing, nothing)
    known = digests(np.column_stack([X, target]))
    for tree in np.unique(shape.tree[opened]).tolist():
        number = int(generator(settings.seed, f"forest {forest} tree {tree}").integers(2**63))
        row = np.repeat(np.arange(entering.size), draws(known, number, own.max_samples))
        ends = shape.walk(int(shape.roots[tree]), numbers[row], settings.width - 1)
        drawn = Slopes(slopes.gradient[row], slopes.hessian[row])
        total = total.plus(cells.count(place[ends], counted[row], drawn))
    return cells.sparse(total)


def _grown(state: State, settings: Settings, ordered: Sequence[Update]) -> State:
    """One level of splits from summed histograms, or medians of leaves from summed counts."""
    cells, own = _cells(state, settings), settings.forests[int(state.value("forest"))]
    sums = reduce(Sums.plus, [cells.dense(one) for one in ordered])
    growing, opened = GradientTrees.of(state.arrays), state.array("open")
    if state.value("phase") == "median":
        medians = _medians(sums.rows[:, 0], own.edges)
        return _pack(state, settings, growing.finish(own.limits, 1.0).answering(opened, medians))
    first = growing.depth.size
    splits = best_splits(sums, own.limits).among(state.array("tried"))
    growing = growing.split(opened, sums.of_nodes(), splits)
    deepest = np.full(growing.count, own.max_depth, dtype=np.int64)
    still = growing.open_from(first, deepest, own.limits)
    if still.size:
        return _ask(state, settings, growing, still)
    if own.median is None:
        return _pack(state, settings, growing.finish(own.limits, 1.0))
    leaves = np.flatnonzero(growing.shape.column < 0)
    after = Message({**state.header, "phase": "median"}, {**state.arrays, **growing.arrays()})
    return Message(after.header, {**after.arrays, "open": leaves})


def _medians(draws_by_bin: NDArray[np.int64], edges: NDArray[np.float64]) -> NDArray[np.float64]:
    """Median of each leaf from its draws by bin [leaves, bins], as if they lay evenly in a bin."""
    below = np.cumsum(draws_by_bin, axis=1)
    half = below[:, -1] / 2.0
    leaf = np.arange(half.size)
    at = np.argmax(below >= half[:, None], axis=1)
    inside = np.maximum(draws_by_bin[leaf, at], 1)
    share = (half - below[leaf, at] + draws_by_bin[leaf, at]) / inside
    found: NDArray[np.float64] = edges[at] + share * np.diff(edges)[at]
    return found


def _pack(state: State, settings: Settings, done: GradientTrees) -> State:
    """Put the trees of a forest beside the finished ones, and begin the next."""
    bins = _bins(state)
    trees = [done.nodes(tree, bins).plain() for tree in range(done.count)]
    return _sow(state, settings, bins, PackedTrees.read(state).with_more(trees))


def _sow(state: State, settings: Settings, bins: SharedBins, grown: PackedTrees) -> State:
    """Begin the next forest, or ask for the scale where all are grown."""
    ends = np.cumsum([own.trees for own in settings.forests])
    forest = int(np.searchsorted(ends, grown.count, side="right"))
    shared = {"edges": bins.edges, "offsets": bins.offsets, **grown.arrays()}
    if forest == len(settings.forests):
        if settings.scaled:
            return Message({**state.header, "phase": "scale"}, shared)
        return Message({**state.header, "phase": "done", "scale": 1.0}, shared)
    after = Message({**state.header, "phase": "grow", "forest": forest}, shared)
    roots = GradientTrees.none().sow(settings.forests[forest].trees)
    return _ask(after, settings, roots, np.arange(roots.count))


def _ask(state: State, settings: Settings, growing: GradientTrees, opened: NDArray[np.int64]) -> State:
    """Draw the columns that each open node tries, and ask for their histograms."""
    forest = int(state.value("forest"))
    own = settings.forests[forest]
    keys = generator(settings.seed, f"columns {forest} {growing.depth.size}").random(
        (opened.size, len(own.columns))
    )
    some = np.sort(np.argsort(keys, axis=1)[:, : own.max_features], axis=1)
    tried = np.asarray(own.columns, dtype=np.int64)[some]
    return Message(state.header, {**state.arrays, **growing.arrays(), "open": opened, "tried": tried})
