"""What only the AC network knows of a dispatch: losses, and how far currents are above lossless flows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from data_contracts.economic_dispatch import dispatch_mw
from data_contracts.transmission import sensitivities
from features.context import dispatch
from models.dispatch_rows import SENT, SYSTEM, bus_loads, bus_mvar
from models.metrics import Columns
from models.resolving import Flow, resolver
from models.rows import Rows

Float = NDArray[np.float64]

INPUTS = (*dispatch.LOSSLESS_MW, SYSTEM, *dispatch.LOAD_MW)
"""What a power flow depends on: outputs and loads. Offers matter to the projection alone."""

# A line is watched from this current on, of its limit; rows from the second on teach it, from the third on
# they say how large a margin must be.
WATCHED, TEACHES, _COUNTS = 0.9, 0.8, 0.93
_LEAST_ROWS = 12
MARGIN_PCT = 0.03
FOLDS = 3
# Rounds of the opponent's redispatch, and what it frees besides the overload, of the limit.
_ROUNDS, _FREED = 8, 0.002


class Estimator(Protocol):
    """One fitted output."""

    def predict(self, X: Float) -> Float:
        """Answers, float64 [n], for `INPUTS` [n, p]."""


class Fit(Protocol):
    """How one output is fitted."""

    def __call__(self, X: Float, y: Float, *, loss: bool) -> Estimator:
        """Fit `y` [n] (MW of loss, or % of a line's limit) on `INPUTS` [n, p]."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Fitted estimates of the AC network.

    Attributes:
        lines: Places of the watched lines.
        loss: Losses, MW.
        above: What each watched line's current is above its lossless flow, % of its limit.
        margin_pct: What is kept free of each watched line besides, %.
    """

    lines: tuple[int, ...]
    loss: Estimator
    above: tuple[Estimator, ...]
    margin_pct: tuple[float, ...]

    def raw(self, X: Float) -> Float:
        """Losses in MW, then what the watched lines' currents are above their flows in %, [n, 1 + lines]."""
        return np.stack([self.loss.predict(X), *(one.predict(X) for one in self.above)], axis=1)


def learn(train: Rows, fit: Fit) -> Limits:
    """Fit losses and watched lines; margins are the largest errors of threefold cross-validation by day."""
    X, current = train.inputs(INPUTS), currents(train)
    above = above_pct(train)
    lines = tuple(
        int(line)
        for line in np.flatnonzero(current.max(axis=0) >= WATCHED)
        if (current[:, line] >= TEACHES).sum() >= _LEAST_ROWS
    )
    fold = np.unique(train.episode.codes, return_inverse=True)[1] % FOLDS
    estimators, margins = [], []
    for line in lines:
        teaches = current[:, line] >= TEACHES
        estimators.append(fit(X[teaches], above[teaches, line], loss=False))
        missed = [MARGIN_PCT]
        for one in range(FOLDS):
            judged = (fold == one) & (current[:, line] >= _COUNTS)
            others = (fold != one) & teaches
            if judged.any() and others.sum() >= _LEAST_ROWS // 2:
                known = fit(X[others], above[others, line], loss=False)
                missed += (above[judged, line] - known.predict(X[judged])).tolist()
        margins.append(float(max(missed)))
    return Limits(lines, fit(X, losses(train), loss=True), tuple(estimators), tuple(margins))


def widened(limits: Limits, validation: Rows) -> Limits:
    """Margins such that no watched line is overloaded in the validation hours."""
    hours = validation.select(np.asarray(validation.truth["counted"], dtype=bool))
    p_mw, _, _ = outputs(limits, hours)
    over = np.zeros(len(limits.lines))
    for flow in flows(hours, p_mw):
        if flow is not None:
            over = np.maximum(over, 100.0 * (flow.current_pu[list(limits.lines)] - 1.0))
    wider = tuple(float(margin + more) for margin, more in zip(limits.margin_pct, over, strict=True))
    return replace(limits, margin_pct=wider)


def error(limits: Limits, rows: Rows) -> float:
    """Mean absolute error, % of the limit, where a watched line is loaded, and of losses in 100 MW."""
    raw, current, above = limits.raw(rows.inputs(INPUTS)), currents(rows), above_pct(rows)
    total = float(np.abs(raw[:, 0] - losses(rows)).mean()) / 100.0
    for k, line in enumerate(limits.lines):
        counts = current[:, line] >= _COUNTS
        if counts.any():
            total += float(np.abs(raw[counts, 1 + k] - above[counts, line]).mean())
    return total


def outputs(limits: Limits, rows: Rows) -> tuple[Float, Float, Float]:
    """Outputs [n, units], expected cost [n] and savings in % [n] by the projection."""
    raw = limits.raw(rows.inputs(INPUTS))
    bounds = dispatch.limits_mw(raw[:, 1:], limits.lines, limits.margin_pct)
    return dispatch.recommend(rows.inputs(SENT), rows.column(SYSTEM), raw[:, 0], bounds)


def flows(rows: Rows, p_mw: Float) -> list[Flow | None]:
    """AC power flow of each row's outputs."""
    load_mw, load_mvar = bus_loads(rows), bus_mvar(rows)
    return [resolver().solve(p, load, q) for p, load, q in zip(p_mw, load_mw, load_mvar, strict=True)]


def judged(rows: Rows, p_mw: Float, expected_cost: Float) -> Columns:
    """What metrics need of the outputs `p_mw`: cost and limits of their AC power flow, on counted rows."""
    counted = np.flatnonzero(np.asarray(rows.truth["counted"], dtype=bool))
    cost = np.array(rows.truth["optimum_cost"], dtype=np.float64)
    feasible = np.ones(len(rows), dtype=bool)
    slack = np.zeros(len(rows))
    some = rows.select(counted)
    offers = dispatch.offers_of(some.inputs(SENT))
    solved = flows(some, p_mw[counted])
    final = np.stack(
        [p if flow is None else flow.p_mw for flow, p in zip(solved, p_mw[counted], strict=True)]
    )
    cost[counted] = offers.cost_per_h(final)
    feasible[counted] = [flow is not None and flow.feasible for flow in solved]
    slack[counted] = np.abs(final - p_mw[counted]).max(axis=1)
    best = np.asarray(rows.truth["optimum_mw"], dtype=np.float64)
    return {
        "cost": cost,
        "feasible": feasible,
        "slack_mw": slack,
        "cost_error_pct": 100.0 * np.abs(expected_cost - cost) / cost,
        "unit_error_mw": np.abs(p_mw - best).mean(axis=1),
    }


def redispatched(rows: Rows) -> Float:
    """The lossless dispatch of the table, [n, units], made anew with lower limits where the AC flow is over.

    An engineer's redispatch: an overloaded line's limit is lowered by its overload and the same programme is
    solved again, until the power flow is within all currents' limits.
    """
    found = np.array(rows.truth["lossless_mw"], dtype=np.float64)
    counted = np.flatnonzero(np.asarray(rows.truth["counted"], dtype=bool))
    limit = np.tile(sensitivities().limit_mw, (len(rows), 1))
    left = counted
    for _ in range(_ROUNDS):
        solved = flows(rows.select(left), found[left])
        over = np.array(
            [np.zeros(limit.shape[1]) if flow is None else flow.current_pu - 1.0 for flow in solved]
        )
        beyond = (over > 0.0).any(axis=1) if left.size else np.zeros(0, dtype=bool)
        left, over = left[beyond], over[beyond]
        if not left.size:
            break
        limit[left] *= np.where(over > 0.0, 1.0 - over - _FREED, 1.0)
        some = rows.select(left)
        loads = (1.0 + dispatch.LOSS_SHARE) * bus_loads(some)
        offers = dispatch.offers_of(some.inputs(SENT))
        found[left] = dispatch_mw(offers, loads.sum(axis=1), loads, limit[left])
    return found


def currents(rows: Rows) -> Float:
    """Current of each line in the AC flow of the lossless dispatch, of its limit, [n, lines]."""
    return np.asarray(rows.truth["current_pu"], dtype=np.float64)


def losses(rows: Rows) -> Float:
    """Losses in the AC flow of the lossless dispatch, MW, [n]."""
    return np.asarray(rows.truth["loss_mw"], dtype=np.float64)


def above_pct(rows: Rows) -> Float:
    """What each line's current is above its lossless flow there, % of its limit, [n, lines]."""
    lines = sensitivities()
    flow = rows.inputs(dispatch.LOSSLESS_MW) @ lines.units.T + bus_loads(rows) @ lines.loads.T
    return np.asarray(100.0 * (currents(rows) - np.abs(flow) / lines.limit_mw))
