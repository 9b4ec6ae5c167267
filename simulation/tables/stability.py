"""Rows of `stability`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from data_contracts.arrow import arrow_type
from data_contracts.tables.stability import STABILITY
from simulation.stability.play import Outcome
from simulation.tables.parquet import instants

if TYPE_CHECKING:
    import pyarrow as pa

_HEAD = ("scenario_id", "t", "status", "reason")


def stability_columns(outcomes: tuple[Outcome, ...]) -> dict[str, pa.Array[Any]]:
    """Columns of `stability`, one row a state; null where it has no solution."""
    import pyarrow as pa

    return {
        "scenario_id": pa.array([str(each.scenario) for each in outcomes], pa.string()),
        "t": instants(np.array([each.t for each in outcomes])),
        "status": pa.array([each.status for each in outcomes], pa.string()),
        "reason": pa.array([each.reason for each in outcomes], pa.string()),
        **{
            column.name: pa.array([each.values.get(column.name) for each in outcomes], arrow_type(column))
            for column in STABILITY.columns
            if column.name not in _HEAD
        },
    }
