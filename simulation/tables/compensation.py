"""Rows of `compensation`: what the capacitor banks' busbars want in the states of a campaign."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from data_contracts.tables.compensation import COMPENSATION
from simulation.scenario.stage import steps_text, taps_text
from simulation.states.compensating import Compensation
from simulation.states.station import Station
from simulation.tables.parquet import array, instants, write_table

if TYPE_CHECKING:
    import pyarrow as pa


def write_compensation(path: Path, station: Station, found: tuple[Compensation, ...]) -> int:
    """Write the table, sorted by time and bank; the number of rows is returned."""
    import pyarrow as pa

    world = station.world
    banks, regulators = world.substation.capacitors, world.regulators
    quarters = np.array([each.state.quarter for each in found], dtype=np.int64)

    def texts(values: list[str | None]) -> pa.Array[Any]:
        return pa.array(values, pa.string())

    def number(values: list[float]) -> pa.Array[Any]:
        return array(np.array(values, dtype=np.float64))

    def series(values: list[list[float] | None]) -> pa.Array[Any]:
        return pa.array(values, pa.list_(pa.float64()))

    columns = {
        "scenario_id": texts([str(each.state.scenario) for each in found]),
        "t": instants(world.loads.t[quarters]),
        "bank": texts([banks[each.bank].id for each in found]),
        "point": texts([each.point for each in found]),
        "status": texts(["unsolved" if each.reason else "ok" for each in found]),
        "steps": pa.array([each.solution.positions.steps[each.bank] for each in found], pa.int64()),
        "p_fed_metered_w": number([each.metered_va.real for each in found]),
        "q_fed_metered_var": number([each.metered_va.imag for each in found]),
        "v_metered_pu": number([each.metered_v_pu for each in found]),
        "v_infeed_metered_pu": number([each.solution.v_infeed_pu * each.state.metered_v for each in found]),
        "p_feeders_metered_w": series(
            [None if each.reason else each.feeders_va.real.tolist() for each in found]
        ),
        "q_feeders_metered_var": series(
            [None if each.reason else each.feeders_va.imag.tolist() for each in found]
        ),
        "taps": texts([taps_text(regulators, (each.solution.positions,))[0] for each in found]),
        "capacitor_steps": texts([steps_text(regulators, (each.solution.positions,))[0] for each in found]),
        "ambient_c": array(world.loads.weather.ambient_c[quarters]),
        "optimal_var": number([each.optimal_var for each in found]),
        "limited_by": texts([each.limited_by or None for each in found]),
        "power_factor": number([each.power_factor for each in found]),
        "saved_w": number([each.saved_w for each in found]),
        "metered_optimal_var": number([each.metered_var for each in found]),
        "steps_loss_w": series([list(each.step_loss_w) or None for each in found]),
    }
    return write_table(path, COMPENSATION, columns)
