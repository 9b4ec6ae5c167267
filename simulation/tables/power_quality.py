"""Rows of `power_quality`: the true interval of each episode, and what its instruments make of it."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from data_contracts.quality_index import GRADES, INDICATORS, State, grade_codes, index_of, ratios, unified
from simulation.engine.network import Complexes
from simulation.errors import SimulationError
from simulation.noise import Floats
from simulation.quality.interval import Interval
from simulation.sequence import unbalance_pct
from simulation.tables.parquet import array, instants, words
from simulation.tables.rows import Block

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, slots=True)
class _Metered:
    """What the instruments make of one interval, points in the order of their names.

    Attributes:
        u_pu: Shape [p, 3].
        vuf_pct: Shape [p].
        thd_pct: Worst phase, NaN where it is not known, shape [p].
        pst: Likewise.
    """

    u_pu: Floats
    vuf_pct: Floats
    thd_pct: Floats
    pst: Floats

    def state(self, true: State) -> State:
        """For the formula; events and frequency are as they were."""
        return replace(
            true,
            u_pu=self.u_pu,
            vuf_pct=self.vuf_pct,
            thd_pct=self.thd_pct,
            harmonic_pct=np.full(self.vuf_pct.size, np.nan),
            pst=self.pst,
        )


def power_quality_columns(blocks: list[Block], points: tuple[str, ...]) -> dict[str, pa.Array[Any]]:
    """Columns of `power_quality`.

    Args:
        blocks: Rows of the part's episodes.
        points: Names of the points in the description's order.

    Raises:
        SimulationError: An episode has no interval.
    """
    order = np.argsort(np.array(points))
    count = len(points)
    parts = [_episode_columns(each, order) for each in blocks]
    together = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    point = np.tile(np.arange(count), len(blocks))
    t = np.repeat([_interval(each).t_start for each in blocks], count).astype(np.float64)
    rows = np.lexsort((t, point))
    names = tuple(points[k] for k in order)
    scenarios = tuple(str(each.episode.scenario) for each in blocks)
    found: dict[str, pa.Array[Any]] = {
        "scenario_id": words(np.repeat(np.arange(len(blocks)), count)[rows], scenarios),
        "point": words(point[rows], names),
        "t": instants(t[rows]),
        "grade": words(together.pop("grade")[rows], GRADES),
        "worst": words(together.pop("worst")[rows], INDICATORS),
    }
    return found | {name: array(values[rows]) for name, values in together.items()}


def _interval(block: Block) -> Interval:
    if block.episode.interval is None:
        raise SimulationError(f"{block.episode.scenario}: no interval was simulated", "play kind quality")
    return block.episode.interval


def _episode_columns(block: Block, order: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
    interval = _interval(block)
    limits = interval.limits.take(order)
    whole = interval.state
    state = State(*(getattr(whole, each.name)[order] for each in fields(State)))
    metered = _metered(block, interval, order)
    ratio, events = ratios(state, limits), interval.events
    index = index_of(ratio)
    found: dict[str, NDArray[Any]] = {
        "u_min_pu": interval.u_min_pu[order],
        "u_max_pu": interval.u_max_pu[order],
        "vuf_pct": state.vuf_pct,
        "thd_pct": state.thd_pct,
        "harmonic_pct": state.harmonic_pct,
        "harmonic_order": interval.harmonic_order[order].astype(np.int32),
        "pst": state.pst,
        "sags": events.sags[order].astype(np.int32),
        "swells": events.swells[order].astype(np.int32),
        "rapid_changes": events.rapid_changes[order].astype(np.int32),
        "event_severity": state.event_severity,
        "event_s": events.lasting_s[order],
        "flagged": (events.sags + events.swells)[order] > 0,
        "f_dev_mean_hz": np.full(order.size, interval.f_dev_mean_hz),
        "f_dev_max_hz": state.f_dev_hz,
        "v_min_limit_pu": limits.v_min_pu,
        "v_max_limit_pu": limits.v_max_pu,
        "vuf_limit_pct": limits.vuf_pct,
        "thd_limit_pct": limits.thd_pct,
        "harmonic_limit_pct": limits.harmonic_pct,
        "pst_limit": limits.pst,
        "f_dev_limit_hz": limits.f_dev_hz,
        **{f"{name}_ratio": ratio[:, k] for k, name in enumerate(INDICATORS)},
        "unified": unified(ratio),
        "index": index,
        "grade": grade_codes(index),
        "worst": ratio.argmax(axis=1),
        "metered_vuf_pct": metered.vuf_pct,
        "metered_thd_pct": metered.thd_pct,
        "metered_pst": metered.pst,
        "metered_index": index_of(ratios(metered.state(state), limits)),
    }
    for k, phase in enumerate("abc"):
        found[f"u_{phase}_pu"] = state.u_pu[:, k]
        found[f"metered_u_{phase}_pu"] = metered.u_pu[:, k]
    return found


def _metered(block: Block, interval: Interval, order: NDArray[np.int64]) -> _Metered:
    """The episode's own errors of the devices on the whole interval."""
    if block.thd is None or block.pst is None:
        raise SimulationError(
            f"{block.episode.scenario}: distortion and flicker are missing", "simulate both"
        )
    seconds = block.episode.seconds
    v: Complexes = interval.v[order] * block.v_errors
    thd = block.thd.reshape(3, order.size, seconds)
    stated = np.isfinite(thd)
    sums, counts = np.where(stated, thd, 0.0).sum(axis=2), stated.sum(axis=2)
    mean = np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)
    return _Metered(
        u_pu=interval.u_pu[order] * np.abs(block.v_errors),
        vuf_pct=unbalance_pct(v),
        thd_pct=interval.level_pu * mean.max(axis=0),
        pst=block.pst.reshape(order.size, seconds)[:, -1],
    )
