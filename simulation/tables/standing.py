"""`load`, `boundary` and copies of the grid's tables: what a campaign knows before its first episode."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from data_contracts.tables.boundary import BOUNDARY
from data_contracts.tables.load import LOAD
from simulation.demand import FeederLoads
from simulation.errors import SimulationError
from simulation.grid import BoundaryHour
from simulation.noise import Floats
from simulation.tables.parquet import array, instants, words, write_table
from switchyard.files import write_bytes_atomic

if TYPE_CHECKING:
    import pyarrow as pa


def write_load(path: Path, loads: FeederLoads, lightning_per_h: Floats) -> int:
    """Write the `load` table, sorted by point and time; the number of rows is returned.

    Args:
        path: Where to write it.
        loads: Load of the feeders, and the weather.
        lightning_per_h: Flashes nearby in each hour of the campaign, shape [h].
    """
    order = np.argsort(np.array(loads.points))
    steps, count = loads.t.size, len(loads.points)
    weather, when = loads.weather, loads.when

    def by_point(values: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> pa.Array[Any]:
        return array(values[:, order].T.ravel())

    columns = {
        "substation": words(np.zeros(steps * count, dtype=np.int32), (loads.substation,)),
        "point": words(np.repeat(np.arange(count), steps), tuple(loads.points[k] for k in order)),
        "t": instants(np.tile(loads.t, count)),
        "p_w": by_point(loads.p_w),
        "q_var": by_point(loads.q_var),
        "pv_w": by_point(loads.pv_w),
        "ambient_c": array(np.tile(weather.ambient_c, count)),
        "ghi_w_m2": array(np.tile(weather.ghi_w_m2, count)),
        "wind_m_s": array(np.tile(weather.wind_m_s, count)),
        "lightning_per_h": array(np.tile(np.repeat(lightning_per_h, steps // lightning_per_h.size), count)),
        "holiday": array(np.tile(when.holiday, count)),
        "hour_local": array(np.tile(when.hour, count)),
        "day_of_week": array(np.tile(when.day_of_week, count)),
        "p_noise_free_w": by_point(loads.p_noise_free_w),
    }
    return write_table(path, LOAD, columns)


def write_boundary(path: Path, substation: str, hours: tuple[BoundaryHour, ...]) -> int:
    """Write the `boundary` table of one substation; the number of rows is returned."""
    import pyarrow as pa

    def numbers(name: str) -> pa.Array[Any]:
        return pa.array([getattr(hour, name) for hour in hours], pa.float64())

    columns = {
        "substation": pa.array([substation] * len(hours), pa.string()),
        "t": instants(np.array([hour.t for hour in hours])),
        **{
            name: numbers(name)
            for name in (
                *("v_pu", "angle_deg", "short_circuit_mva", "r_over_x", "load_mw"),
                *("price_per_mwh", "system_load_mw", "dispatch_cost"),
            )
        },
        "congested": pa.array([hour.congested for hour in hours], pa.bool_()),
    }
    return write_table(path, BOUNDARY, columns)


def copy_table(source: Path, target: Path) -> int:
    """Copy the file of a table that all substations share; the number of rows is returned.

    Raises:
        SimulationError: There is no such file.
    """
    import pyarrow.parquet as pq

    if not source.is_file():
        raise SimulationError(f"{source} does not exist", "solve the grid and write its tables first")
    write_bytes_atomic(target, source.read_bytes())
    return int(pq.read_metadata(target).num_rows)


def read_boundary(path: Path) -> tuple[BoundaryHour, ...]:
    """Read a `boundary` table back.

    Raises:
        SimulationError: There is no such file.
    """
    import pyarrow.parquet as pq

    if not path.is_file():
        raise SimulationError(f"{path} does not exist", "solve and write the boundary first")
    rows = pq.read_table(path, partitioning=None).to_pylist()
    return tuple(
        BoundaryHour(
            t=int(row["t"].timestamp()), **{k: v for k, v in row.items() if k not in ("t", "substation")}
        )
        for row in rows
    )
