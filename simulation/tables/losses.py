"""Rows of `losses`: what a substation's station loses in the states of its campaign."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from data_contracts.rules.losses import DESIGN
from data_contracts.tables.losses import LOSSES
from simulation.scenario.stage import steps_text, taps_text
from simulation.states.state import Solution, State
from simulation.states.station import Station
from simulation.tables.parquet import array, instants, write_table

if TYPE_CHECKING:
    import pyarrow as pa

_HIGH_KV = 100.0

# What a solution gives, by column.
_SOLVED: dict[str, Callable[[Solution], float]] = {
    "v_infeed_pu": lambda found: found.v_infeed_pu,
    "loading_max_pct": lambda found: found.loading_max_pct,
    "winding_max_c": lambda found: found.winding_max_c,
    "p_supplied_w": lambda found: found.supplied_va.real,
    "q_supplied_var": lambda found: found.supplied_va.imag,
    "total_w": lambda found: found.losses.total_w,
    "resistive_w": lambda found: found.losses.resistive_w,
    "reactive_w": lambda found: found.losses.reactive_w,
    "core_w": lambda found: found.losses.core_w,
    "transformers_w": lambda found: found.losses.by_class_w[0],
    "lines_w": lambda found: found.losses.by_class_w[1],
    "shunts_w": lambda found: found.losses.by_class_w[2],
    "harmonic_w": lambda found: found.losses.harmonic_w,
    "residual_p_pu": lambda found: found.residual_pu[0],
    "residual_q_pu": lambda found: found.residual_pu[1],
}


def write_losses(path: Path, station: Station, states: tuple[State, ...]) -> int:
    """Write the table, sorted by time; the number of rows is returned."""
    import pyarrow as pa

    world, rows = station.world, np.array([state.quarter for state in states])
    regulators, weather = world.regulators, world.loads.weather
    kv = {bus.id: bus.nominal_kv for bus in world.substation.buses}
    low = np.array([kv[feeder.bus] < _HIGH_KV for feeder in world.substation.feeders])
    served = np.array([state.s_va for state in states])
    metered = np.array([state.metered_va for state in states])
    solutions = [state.solution for state in states]

    def texts(values: list[str | None]) -> pa.Array[Any]:
        return pa.array(values, pa.string())

    def solved(read: Callable[[Solution], float]) -> pa.Array[Any]:
        return pa.array([None if found is None else read(found) for found in solutions], pa.float64())

    positions = [None if found is None else found.positions for found in solutions]
    columns = {
        "scenario_id": texts([str(state.scenario) for state in states]),
        "t": instants(world.loads.t[rows]),
        "status": texts([state.status for state in states]),
        "reason": texts([state.reason for state in states]),
        "p_served_w": array(served.real.sum(axis=1)),
        "q_served_var": array(served.imag.sum(axis=1)),
        "p_metered_w": array(metered.real.sum(axis=1)),
        "q_metered_var": array(metered.imag.sum(axis=1)),
        "p_metered_low_w": array(metered.real @ low.astype(np.float64)),
        "ambient_c": array(weather.ambient_c[rows]),
        "ghi_w_m2": array(weather.ghi_w_m2[rows]),
        "wind_m_s": array(weather.wind_m_s[rows]),
        "thd_i_pct": array(np.array([state.factors.thd_pct for state in states])),
        "taps": texts([taps_text(regulators, (each,))[0] if each else None for each in positions]),
        "capacitor_steps": texts(
            [steps_text(regulators, (each,))[0] if each else None for each in positions]
        ),
        "nameplate_w": array(np.array([state.nameplate_w for state in states])),
        "v_metered_pu": pa.array(
            [
                None if found is None else found.v_infeed_pu * state.metered_v
                for state, found in zip(states, solutions, strict=True)
            ],
            pa.float64(),
        ),
        **{name: solved(read) for name, read in _SOLVED.items()},
        **{
            name: array(np.full(len(states), share))
            for name, share in zip(DESIGN, station.design_shares, strict=True)
        },
    }
    return write_table(path, LOSSES, columns)
