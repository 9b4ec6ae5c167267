"""How warm the hottest place of a transformer becomes within an hour."""

from __future__ import annotations

import numpy as np

from data_contracts.tables.thermal import AHEAD_MIN
from flows.difficulty import transformers
from flows.difficulty.cases import Campaign, Cases, Floats, Ints, Target
from flows.difficulty.scores import macro_f1
from flows.difficulty.targets.load import said
from models.rows import Names
from simulation.clock import local_time
from simulation.thermal.fleet import Fleet
from simulation.thermal.plan import DAY_MIN, plan_thermal

LIMITS_C = (98.0, 120.0, 140.0)
"""Limits between low, medium, high and critical."""

EVERY_MIN = 10
BACK_MIN = (5, 15, 30, 60, 120, 240)


class Overload(Target):
    """Level of the largest hot spot of the next sixty minutes."""

    name = "overload_60min"
    title = "Level of the hottest place of a transformer within 60 min"
    tables = ("thermal", "load")
    task = "class"
    score = macro_f1(len(LIMITS_C) + 1)
    grouped = "day of an episode"
    oracle = "true state, heat run and plan of the next hour, without the load's minute-to-minute movement"

    def read(self, campaign: Campaign) -> Cases | None:
        """Every tenth minute of every transformer in service."""
        loads = campaign.loads
        episodes = plan_thermal(campaign.substation, campaign.profile)
        if loads is None or not episodes:
            return None
        table = transformers.Minutes.read(campaign)
        count = len(campaign.substation.transformers)
        if table.load_pu.shape[1:] != (len(episodes) * count,):
            return None
        fleet = Fleet.of(campaign.substation, nameplate=True).taken(np.array(table.unit, dtype=np.int64))
        at = np.arange(BACK_MIN[-1], table.load_pu.shape[0] - AHEAD_MIN, EVERY_MIN)
        model, warm = transformers.tracked(fleet, table, at)
        held = transformers.held(fleet, table, model, at)
        oracle = transformers.foreseen(campaign, loads, episodes, table, at)
        y = table.ahead_c[at]
        in_service = table.load_pu[at] > 0.0
        use = in_service & np.isfinite(y)
        names, X = _inputs(campaign, table, at, warm, held)
        day = np.broadcast_to(at[:, None] // DAY_MIN, use.shape)
        episode = np.broadcast_to(table.episode, use.shape)
        group = Names.of([f"{e}.{d}" for e, d in zip(episode[use], day[use], strict=True)])
        return Cases(
            columns=names,
            X=X[use],
            y=level(y[use]),
            group=group.codes,
            opponents={"standard's model, load held": said(level(held[use]))},
            oracle=None if oracle is None else level(oracle[use]),
        )


def level(hot_spot_c: Floats) -> Floats:
    """Codes of the levels, as numbers."""
    return np.digitize(hot_spot_c, LIMITS_C).astype(np.float64)


def _inputs(
    campaign: Campaign, table: transformers.Minutes, at: Ints, warm: Floats, held: Floats
) -> tuple[tuple[str, ...], Floats]:
    """What an operator has: load and oil of the last four hours, air, cooling, the clock, and the model."""
    when = local_time(table.t[at].ravel(), campaign.substation.utc_offset_s)
    shape = table.t[at].shape
    total = np.concatenate([np.zeros((1, shape[1])), np.cumsum(table.load_pu, axis=0)])
    known: dict[str, Floats] = {
        "load_pu": table.load_pu[at],
        "ambient_c": table.ambient_c[at],
        "oil_c": table.oil_c[at],
        "stage": table.stage[at].astype(np.float64),
        "hour": when.hour.reshape(shape),
        "day_of_week": when.day_of_week.reshape(shape).astype(np.float64),
        "unit": np.broadcast_to(np.array(table.unit, dtype=np.float64), shape),
        "model_hot_spot_c": warm,
        "model_ahead_c": held,
    }
    for back in BACK_MIN:
        known[f"load_mean_{back}min_pu"] = (total[at + 1] - total[at + 1 - back]) / back
        known[f"oil_change_{back}min_k"] = table.oil_c[at] - table.oil_c[at - back]
    return tuple(known), np.stack(list(known.values()), axis=-1)


TARGETS = (Overload(),)
