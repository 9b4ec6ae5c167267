"""What a round of a growing forest asks of a site: draws and sums of targets by open node, column and bin."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from federation.families.growing_forest import PREFIX
from federation.message import State, Update
from switchyard.identity import generator

MOST_DRAWS = 64
"""Largest number of times that one row is drawn for one tree."""


@dataclass(frozen=True, slots=True)
class Task:
    """Partial trees and what is to be counted in them.

    Attributes:
        width: Bins of a column, the last of them for missing values.
        grown: Trees that were finished before these.
        tree: Tree of each node, int64 [nodes].
        column: Column tested at each node; -1 where there is no split.
        bin: Rows in this bin or a lower one go left.
        missing_left: Whether missing values go left.
        left: Left child, the right one follows it.
        open: Nodes to count in, int64 [o].
        tried: Columns that each of them tries, int64 [o, m].
    """

    width: int
    grown: int
    tree: NDArray[np.int64]
    column: NDArray[np.int64]
    bin: NDArray[np.int64]
    missing_left: NDArray[np.bool_]
    left: NDArray[np.int64]
    open: NDArray[np.int64]
    tried: NDArray[np.int64]

    @classmethod
    def of(cls, state: State, width: int) -> Task:
        """The task in a state of the phase `grow`."""
        names = ("tree", "column", "bin", "missing_left", "left")
        growing = {name: state.array(PREFIX + name) for name in names}
        return cls(
            width=width,
            grown=int(state.value("grown")),
            open=state.array("open"),
            tried=state.array("tried"),
            **growing,
        )

    @property
    def cells(self) -> int:
        """Cells of the histograms: open node, then tried column, then bin."""
        return int(self.tried.size) * self.width

    def histogram(
        self,
        numbers: NDArray[np.int64],
        means: NDArray[np.float64],
        steps: NDArray[np.float64],
        streams: tuple[str, str],
    ) -> dict[str, NDArray[Any]]:
        """Sparse histograms of a site's draws.

        Args:
            numbers: Bin of every value, [n, columns]; `width` − 1 where it is missing.
            means: How often each row is drawn for a tree in the mean, [n].
            steps: Targets in whole steps, [n].
            streams: Names the site's random streams; a tree's draws are the same in every round.
        """
        row, node, draws = self._drawn(numbers, means, streams)
        counts, totals = np.zeros(self.cells), np.zeros(self.cells)
        m = self.tried.shape[1]
        for place in range(m):
            cell = (node * m + place) * self.width + numbers[row, self.tried[node, place]]
            counts += np.bincount(cell, draws, minlength=self.cells)
            totals += np.bincount(cell, draws * steps[row], minlength=self.cells)
        filled = np.flatnonzero(counts)
        return {
            "cell": filled.astype(np.int32),
            "count": counts[filled].astype(np.int32),
            "total": totals[filled].astype(np.int32),
        }

    def _drawn(
        self, numbers: NDArray[np.int64], means: NDArray[np.float64], streams: tuple[str, str]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Drawn rows that lie in an open node: row, place of the node among the open ones, draws."""
        roots = int(self.tree.max()) + 1
        drawn = np.stack(
            [generator(*streams, f"tree {self.grown + tree}").poisson(means) for tree in range(roots)]
        )
        # A tree's root has the tree's number.
        node, row = np.nonzero(drawn)
        draws = np.minimum(drawn[node, row], MOST_DRAWS)
        moving = np.arange(node.size)
        while True:
            moving = moving[self.column[node[moving]] >= 0]
            if moving.size == 0:
                break
            at = node[moving]
            number = numbers[row[moving], self.column[at]]
            goes_left = np.where(number == self.width - 1, self.missing_left[at], number <= self.bin[at])
            node[moving] = np.where(goes_left, self.left[at], self.left[at] + 1)
        place = np.full(self.column.size, -1, dtype=np.int64)
        place[self.open] = np.arange(self.open.size)
        inside = place[node] >= 0
        return row[inside], place[node[inside]], draws[inside]

    def dense(self, update: Update, name: str) -> NDArray[np.int64]:
        """One of an update's histograms, int64 [open nodes, tried columns, bins]."""
        flat = np.zeros(self.cells, dtype=np.int64)
        flat[update.array("cell")] = update.array(name)
        return flat.reshape(*self.tried.shape, self.width)

    def check(self, update: Update, farthest: int) -> str:
        """What is wrong with histograms whose cells rise; empty if nothing is.

        Args:
            update: With `cell`, `count` and `total`.
            farthest: Largest target in whole steps.
        """
        count, total = update.array("count").astype(np.int64), update.array("total").astype(np.int64)
        if total.size != count.size:
            return "cells have other sums"
        if np.any(np.abs(total) > count * farthest):
            return f"a sum is larger than its draws of at most {farthest} steps can make it"
        for name in ("count", "total"):
            by_column = self.dense(update, name).sum(axis=2)
            if np.any(by_column != by_column[:, :1]):
                return f"columns have different {name}s"
        return ""
