"""Rows of `controls`: what a station would lose under other settings of its taps and capacitors."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from data_contracts.tables.controls import CONTROLS
from simulation.scenario.stage import steps_text, taps_text
from simulation.states.settings import Settings
from simulation.states.station import Station
from simulation.tables.parquet import array, instants, lists, words, write_table

if TYPE_CHECKING:
    import pyarrow as pa


def write_controls(path: Path, station: Station, settings: tuple[Settings, ...]) -> int:
    """Write the table, sorted by state and setting; the number of rows is returned."""
    import pyarrow as pa

    world = station.world
    counts = [len(each.positions) for each in settings]
    state = np.repeat(np.arange(len(settings)), np.array(counts, dtype=np.int64))
    positions = tuple(one for each in settings for one in each.positions)
    transformers = len(world.substation.transformers)

    def joined(name: str, width: int = 0) -> Any:
        empty = np.empty((0, width) if width else 0)
        return np.concatenate([empty, *(getattr(each, name) for each in settings)])

    loss_w, unsolved = joined("loss_w"), np.isnan(joined("loss_w"))
    loading = joined("loading_pct", transformers)
    quarters = np.array([each.state.quarter for each in settings], dtype=np.int64)

    def numbers(values: Any) -> pa.Array[Any]:
        return pa.array(np.asarray(values, dtype=np.int64), pa.int64(), mask=unsolved)

    served = np.array([float(each.state.s_va.real.sum()) for each in settings])
    columns = {
        "scenario_id": words(state, tuple(str(each.state.scenario) for each in settings)),
        "setting": pa.array([k for count in counts for k in range(count)], pa.int64()),
        "t": instants(world.loads.t[quarters[state]]),
        "present": pa.array(
            [k == each.present for each in settings for k in range(len(each.positions))], pa.bool_()
        ),
        "status": words(unsolved.astype(np.int64), ("ok", "unsolved")),
        "taps": pa.array(taps_text(world.regulators, positions), pa.string()),
        "capacitor_steps": pa.array(steps_text(world.regulators, positions), pa.string()),
        "p_served_w": array(served[state]),
        **{name: array(joined(name)) for name in ("q_supplied_var", "v_min_pu", "v_max_pu")},
        "loss_w": array(loss_w),
        "violations": numbers(joined("violations")),
        "overloads": numbers((loading > 100.0).sum(axis=1)),
        "loading_pct": lists(loading, unsolved),
    }
    return write_table(path, CONTROLS, columns)
