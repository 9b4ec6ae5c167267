"""Rows of `scenarios` and `faults`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from simulation.scenario.episode import Episode
from simulation.tables.parquet import instants

if TYPE_CHECKING:
    import pyarrow as pa


def scenario_columns(episodes: list[Episode], circuit_digest: str) -> dict[str, pa.Array[Any]]:
    """Columns of `scenarios`, one row an episode, also of those without a solution."""
    import pyarrow as pa

    return {
        "scenario_id": pa.array([str(each.scenario) for each in episodes], pa.string()),
        "kind": pa.array([each.scenario.kind for each in episodes], pa.string()),
        "status": pa.array([each.status for each in episodes], pa.string()),
        "reason": pa.array([each.reason for each in episodes], pa.string()),
        "t_start": instants(np.array([each.t_start for each in episodes])),
        "seconds": pa.array([each.seconds for each in episodes], pa.int64()),
        "cause": pa.array([each.cause for each in episodes], pa.string()),
        "severity": pa.array([each.severity for each in episodes], pa.float64()),
        "circuit_digest": pa.array([circuit_digest] * len(episodes), pa.string()),
        "parameters": pa.array([_json(each.parameters) for each in episodes], pa.string()),
    }


def fault_columns(episodes: list[Episode]) -> dict[str, pa.Array[Any]]:
    """Columns of `faults`, one row for each episode that has a short circuit."""
    import pyarrow as pa

    found = [(each, each.fault) for each in episodes if each.fault is not None]
    faults = [fault for _, fault in found]

    def texts(name: str) -> pa.Array[Any]:
        return pa.array([getattr(fault, name) for fault in faults], pa.string())

    def numbers(name: str) -> pa.Array[Any]:
        return pa.array([getattr(fault, name) for fault in faults], pa.float64())

    currents = np.array([fault.i_fault_a for fault in faults]).reshape(len(faults), 3)
    return {
        "scenario_id": pa.array([str(each.scenario) for each, _ in found], pa.string()),
        "bus": texts("bus"),
        "fault_type": texts("fault_type"),
        "phases": texts("phases"),
        "r_fault_ohm": numbers("r_fault_ohm"),
        "distance_pct": numbers("distance_pct"),
        "prefault_v_pu": numbers("prefault_v_pu"),
        **{f"i_fault_{phase}": pa.array(currents[:, k], pa.float64()) for k, phase in enumerate("abc")},
        "t_start": instants(np.array([each.t_start + fault.t_start_s for each, fault in found])),
        "duration_ms": numbers("duration_ms"),
        "cleared_by": texts("cleared_by"),
        "fault_level_ka": numbers("fault_level_ka"),
        "breaker_rating_ka": numbers("breaker_rating_ka"),
        "dips": pa.array([_json(fault.dips) for fault in faults], pa.string()),
    }


def has_solved(path: Path) -> bool:
    """Whether a part's file of `scenarios` holds an episode that was solved."""
    import pyarrow.parquet as pq

    statuses = pq.read_table(path, columns=["status"], partitioning=None).column("status").to_pylist()
    return any(status in ("ok", "islanded") for status in statuses)


def _json(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
