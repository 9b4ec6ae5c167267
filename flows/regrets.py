"""How much worse than the best possible an advice is, where every alternative was solved or can be.

An advice has no single truth: another one may be as good. It is judged by what it leads to, by the solved
circuit or grid, beside the best that was possible within the limits.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import msgspec
import numpy as np

from data_contracts.economic_dispatch import Offers
from data_contracts.transmission import PARKS, UNITS
from flows.episodes import Episode
from flows.resolving import GridResolver

TOLERATED_PCT: Mapping[str, float] = {
    "power_flow_optimization": 0.5,
    "load_balancing": 5.0,
    "optimal_dispatch": 0.5,
}
"""Regret up to which an advice counts as right."""


class Regret(msgspec.Struct, frozen=True):
    """What an advice leads to.

    Attributes:
        pct: How much worse than the best possible: of its loss or cost, or of the present imbalance.
        within_limits: Whether it keeps every limit.
        truth: What it truly does, and what the best does, in the words of the answer.
    """

    pct: float
    within_limits: bool
    truth: Mapping[str, float]


def regret_of(model: str, episode: Episode, answered: Mapping[str, Any]) -> Regret | None:
    """What an advice leads to; None where there is none, or where what it leads to was not solved.

    Args:
        model: Model of the catalogue.
        episode: What was asked.
        answered: Fields of its answer; empty where there is none.
    """
    told = episode.window.told
    if model not in _JUDGES or told is None or not answered:
        return None
    return _JUDGES[model](told.truth, answered)


def is_right(model: str, regret: Regret) -> bool:
    """Whether an advice keeps the limits and is about as good as the best."""
    return regret.within_limits and regret.pct <= TOLERATED_PCT[model]


def _of_settings(truth: Mapping[str, Any], answered: Mapping[str, Any]) -> Regret | None:
    if "settings" not in truth:
        return None
    present = next(one for one in truth["settings"] if one["present"])
    wanted = {
        part: {**present[part], **answered["optimal_configuration"][part]}
        for part in ("taps", "capacitor_steps")
    }
    chosen = next(
        (one for one in truth["settings"] if all(one[part] == wanted[part] for part in wanted)), None
    )
    allowed = [one["loss_w"] for one in truth["settings"] if one["within_limits"]]
    if chosen is None or chosen["loss_w"] is None or not allowed:
        return None
    best, now = min(allowed), present["loss_w"]
    return Regret(
        pct=100.0 * (chosen["loss_w"] - best) / best,
        within_limits=chosen["within_limits"],
        truth={
            "efficiency_gain": 100.0 * (now - chosen["loss_w"]) / now,
            "best_efficiency_gain": 100.0 * (now - best) / now,
        },
    )


def _of_arrangements(truth: Mapping[str, Any], answered: Mapping[str, Any]) -> Regret | None:
    if "arrangements" not in truth:
        return None
    moves = frozenset(
        f"{move['feeder']}:{move['origin']}>{move['target']}" for move in answered["balancing_recommendation"]
    )
    by = {frozenset(filter(None, text.split(","))): one for text, one in truth["arrangements"].items()}
    if moves not in by:
        return None
    obtained_pct, permitted = by[moves]
    best_pct = max([0.0, *(reduction for reduction, allowed in by.values() if allowed)])
    return Regret(
        pct=best_pct - obtained_pct,
        # To leave things as they are is always permitted.
        within_limits=permitted or not moves,
        truth={"expected_imbalance_reduction": obtained_pct, "best_imbalance_reduction": best_pct},
    )


def _of_dispatch(truth: Mapping[str, Any], answered: Mapping[str, Any]) -> Regret | None:
    if "bus_load_mvar" not in truth:
        return None

    def of_units(values: Mapping[str, float]) -> np.ndarray[Any, np.dtype[np.float64]]:
        return np.array([[values[unit.name] for unit in UNITS]], dtype=np.float64)

    available, cost = of_units(truth["available_mw"]), of_units(truth["cost_per_mwh"])
    parks = len(PARKS)
    offers = Offers.of(available[:, :parks], available[:, parks:], cost[:, parks:])
    loads = [np.asarray(truth[name], dtype=np.float64) for name in ("bus_load_mw", "bus_load_mvar")]
    flow = _grid().solve(of_units(answered["dispatch_recommendation"])[0], *loads)
    if flow is None:
        return None
    # The slack station gives what losses made of the dispatch.
    true_cost = float(offers.cost_per_h(flow.p_mw[None, :])[0])
    best = truth["optimum_cost"]
    return Regret(
        pct=100.0 * (true_cost - best) / best,
        within_limits=flow.feasible,
        truth={"expected_cost": true_cost, "least_cost": best},
    )


@cache
def _grid() -> GridResolver:
    """One grid for all answers: it is built when it is first asked."""
    return GridResolver()


_JUDGES: Mapping[str, Callable[[Mapping[str, Any], Mapping[str, Any]], Regret | None]] = {
    "power_flow_optimization": _of_settings,
    "load_balancing": _of_arrangements,
    "optimal_dispatch": _of_dispatch,
}
