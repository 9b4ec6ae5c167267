"""Rows of `dispatch`: every station and park of the grid in every hour that was dispatched."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from data_contracts.tables.dispatch import DISPATCH
from simulation.grid.dispatch import LOSS_SHARE
from simulation.grid.fleet import BUSES, NAMES, RENEWABLE
from simulation.grid.optimum import Optimum
from simulation.grid.records import DispatchHour
from simulation.noise import Floats
from simulation.tables.parquet import array, instants, lists, words, write_table

if TYPE_CHECKING:
    import pyarrow as pa


def write_dispatch(path: Path, hours: Sequence[DispatchHour]) -> int:
    """Write the `dispatch` table, sorted by time and unit; the number of rows is returned."""
    import pyarrow as pa

    order = np.argsort(np.array(NAMES))
    count = order.size
    unknown = np.full(count, np.nan)

    def by_unit(read: Callable[[DispatchHour], Floats]) -> pa.Array[Any]:
        return array(np.concatenate([read(hour)[order] for hour in hours]))

    def hourly(read: Callable[[DispatchHour], float]) -> pa.Array[Any]:
        return array(np.repeat(np.array([read(hour) for hour in hours], dtype=np.float64), count))

    def optimal(read: Callable[[Optimum], float]) -> pa.Array[Any]:
        return hourly(lambda hour: np.nan if hour.optimum is None else read(hour.optimum))

    def said(read: Callable[[DispatchHour], str]) -> pa.Array[Any]:
        return pa.array([read(hour) or None for hour in hours for _ in range(count)], pa.string())

    def every(values: np.ndarray[tuple[int], np.dtype[Any]]) -> pa.Array[Any]:
        return array(np.tile(values[order], len(hours)))

    columns = {
        "t": instants(np.repeat(np.array([hour.t for hour in hours]), count)),
        "unit": words(np.tile(np.arange(count), len(hours)), tuple(NAMES[k] for k in order)),
        "bus": every((BUSES + 1).astype(np.int32)),
        "renewable": every(RENEWABLE),
        "minimum_mw": by_unit(lambda hour: hour.fleet.minimum_mw),
        "available_mw": by_unit(lambda hour: hour.fleet.available_mw),
        "cost_per_mwh": by_unit(lambda hour: hour.fleet.cost_per_mwh),
        "quadratic_per_mw2h": by_unit(lambda hour: hour.fleet.quadratic_per_mw2h),
        "merit_order_mw": by_unit(lambda hour: hour.merit.p_mw),
        "lossless_mw": by_unit(lambda hour: hour.lossless.p_mw),
        "ac_opf_mw": by_unit(lambda hour: unknown if hour.optimum is None else hour.optimum.p_mw),
        "status": said(lambda hour: hour.status),
        "system_load_mw": hourly(lambda hour: float(hour.p_mw.sum())),
        "loss_estimate_mw": hourly(lambda hour: LOSS_SHARE * float(hour.p_mw.sum())),
        "shed_mw": hourly(lambda hour: float(hour.lossless.shed_mw.sum())),
        "merit_cost": hourly(lambda hour: hour.merit.cost_per_h),
        "lossless_cost": hourly(lambda hour: hour.lossless.cost_per_h),
        "congested": array(np.repeat([hour.lossless.congested for hour in hours], count)),
        "limiting_branch": said(lambda hour: hour.lossless.limiting),
        "ac_opf_cost": optimal(lambda found: found.cost_per_h),
        "ac_loss_mw": optimal(lambda found: found.loss_mw),
        "ac_loading_pct": optimal(lambda found: found.loading_pct),
        "ac_v_min_pu": optimal(lambda found: found.v_min_pu),
        "ac_v_max_pu": optimal(lambda found: found.v_max_pu),
        "ac_limiting_branch": said(lambda hour: "" if hour.optimum is None else hour.optimum.limiting),
        "bus_load_mw": lists(np.repeat(np.array([hour.p_mw for hour in hours]), count, axis=0)),
        "bus_load_mvar": lists(np.repeat(np.array([hour.q_mvar for hour in hours]), count, axis=0)),
    }
    return write_table(path, DISPATCH, columns)
