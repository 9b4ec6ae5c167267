"""What `optimal_dispatch` must know besides its regressions, from sums over all sites' rows.

Which lines are watched comes from counts of rows. What is kept free of each comes from the largest error and
the largest overload of its regression on rows that it was not fitted on: days of even number by those of odd
number, and the other way round. Both are read from histograms with bins of 0.01 % of a line's limit, whose
upper edge is taken.

Targets: losses; the watched lines; the watched lines without the rows of the first fold, and so on.

Local data: `X` float64 [n, inputs]; `loss` MW [n]; `above` [n, lines], what each line's current is above its
lossless flow, % of its limit; `teaches` [n, lines], 1 where the row teaches the line, else 0; `reached`
[n, lines], 1 where its current came near its limit besides; `fold` int64 [n], by day. Of rows whose
dispatch is tried out: `X_tried` [m, inputs], `sent_tried` [m, offered], `system_tried` [m], `mvar_tried`
[m, buses] and `fold_tried` [m].
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from data_contracts.transmission import LINE_NAMES
from features.context import dispatch
from federation.families.framed_fourier import machine
from federation.family import MINIMUM_ROWS, Expected, LocalData
from federation.message import Arrays, Message, Update
from models.dispatch_limits import MARGIN_PCT
from models.resolving import resolver

Float = NDArray[np.float64]

LINES, FOLDS = len(LINE_NAMES), 2
STEP_PCT, BINS = 0.01, 1000


class LineCounts:
    """One round: how many rows teach each line, and how many of them load it nearly fully."""

    phases: ClassVar[tuple[str, ...]] = ("lines",)

    def targets(self, known: Arrays) -> int:
        """Losses, and each watched line with all rows and without those of each fold."""
        return 1 + len(watched(known)) * (1 + FOLDS)

    def rows(self, known: Arrays, data: LocalData) -> LocalData:
        """Losses of all rows; of each watched line those that teach it."""
        lines = list(watched(known))
        above, teaches = data["above"][:, lines], data["teaches"][:, lines]
        without = [teaches * (data["fold"] != fold)[:, None] for fold in range(FOLDS)]
        return {
            "X": data["X"],
            "y": np.column_stack([data["loss"], np.tile(above, 1 + FOLDS)]),
            "weight": np.column_stack([np.ones(len(data["X"])), teaches, *without]),
        }

    def local(self, phase: str, known: Arrays, data: LocalData) -> Update:
        """Two counts a line."""
        del phase, known
        counts = {name: data[name].sum(axis=0).astype(np.int64) for name in ("teaches", "reached")}
        return Message({"n": len(data["X"])}, counts)

    def expects(self, phase: str, most: int) -> Mapping[str, Expected]:
        """Counts of at most all rows."""
        del phase
        return {name: Expected("<i8", (LINES,), 0, most) for name in ("teaches", "reached")}

    def inspect(self, phase: str, sums: Arrays) -> str:
        """No line is taught by few rows, nor reached by more than teach it."""
        del phase
        teaches, reached = sums["teaches"], sums["reached"]
        few = (teaches > 0) & (teaches < FOLDS * MINIMUM_ROWS)
        return "lines taught by few rows, or reached by more" if np.any(few | (reached > teaches)) else ""

    def close(self, phase: str, known: Arrays, sums: Arrays) -> Arrays:
        """Lines that some row loads nearly fully."""
        del phase, known
        return {"watched": (sums["reached"] > 0).astype(np.int64)}


class LineMargins:
    """Two rounds: errors of rows as they are, then overloads of what would be recommended."""

    phases: ClassVar[tuple[str, ...]] = ("errors", "overloads")

    def local(self, phase: str, known: Arrays, data: LocalData) -> Update:
        """A histogram a watched line."""
        counts = np.zeros((LINES, BINS), dtype=np.int64)
        found = _errors(known, data) if phase == "errors" else _overloads(known, data)
        for line, beyond_pct in found.items():
            place = np.clip(np.ceil(beyond_pct / STEP_PCT), 0, BINS - 1).astype(np.int64)
            counts[line] = np.bincount(place, minlength=BINS)
        n = len(data["X" if phase == "errors" else "X_tried"])
        return Message({"n": n}, {"counts": counts})

    def expects(self, phase: str, most: int) -> Mapping[str, Expected]:
        """Counts of at most all rows for each line."""
        del phase
        return {"counts": Expected("<i8", (LINES, BINS), 0, most, total=float(most * LINES))}

    def inspect(self, phase: str, sums: Arrays) -> str:
        """No site tells of few rows of a line: it taught that line by enough of them."""
        counted = sums["counts"].sum(axis=1)
        few = (counted > 0) & (counted < FOLDS * MINIMUM_ROWS)
        return "errors of few rows" if phase == "errors" and few.any() else ""

    def close(self, phase: str, known: Arrays, sums: Arrays) -> Arrays:
        """Margins, then wider ones."""
        counts = sums["counts"]
        most = np.where(counts > 0, np.arange(BINS), 0).max(axis=1) * STEP_PCT
        if phase == "errors":
            return {"margin_pct": np.maximum(most, MARGIN_PCT)}
        return {"margin_pct": known["margin_pct"] + most}


def watched(known: Arrays) -> tuple[int, ...]:
    """Places of the watched lines."""
    return tuple(np.flatnonzero(known["watched"]).tolist())


def _errors(known: Arrays, data: LocalData) -> dict[int, Float]:
    """What each watched line's surplus was underestimated by on the rows that teach it, % of its limit."""
    found = {}
    for k, line in enumerate(watched(known)):
        teaches = data["teaches"][:, line] > 0
        told = _others(known, data["X"][teaches], data["fold"][teaches], k)
        found[line] = data["above"][teaches, line] - told
    return found


def _overloads(known: Arrays, data: LocalData) -> dict[int, Float]:
    """By how much each watched line is overloaded in the power flow of what would be recommended, %."""
    lines, X = watched(known), data["X_tried"]
    if not lines:
        return {}
    above = np.stack([_others(known, X, data["fold_tried"], k) for k in range(len(lines))], axis=1)
    bounds = dispatch.limits_mw(above, lines, known["margin_pct"][list(lines)].tolist())
    sent, system_mw = data["sent_tried"], data["system_tried"]
    p_mw, _, _ = dispatch.recommend(sent, system_mw, machine(known, 0).predict(X), bounds)
    loads_mw = dispatch.loads_of(sent, system_mw)
    # What has no power flow tells nothing of a line.
    solved = [resolver().solve(*each) for each in zip(p_mw, loads_mw, data["mvar_tried"], strict=True)]
    current = np.array([flow.current_pu for flow in solved if flow is not None]).reshape(-1, LINES)
    return {line: 100.0 * (current[:, line] - 1.0) for line in lines}


def _others(known: Arrays, X: Float, fold: NDArray[np.int64], place: int) -> Float:
    """Estimates of rows for a watched line by the regression that was fitted without their fold, [n]."""
    lines = len(watched(known))
    told = np.empty(len(X))
    for one in range(FOLDS):
        mine = fold == one
        told[mine] = machine(known, 1 + (1 + one) * lines + place).predict(X[mine])
    return told
