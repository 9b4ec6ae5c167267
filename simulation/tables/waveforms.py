"""Rows of `waveforms` and `waveforms_truth`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from simulation.engine import ORDERS
from simulation.harmonics.states import thd_pct
from simulation.instruments.captures import Captured
from simulation.instruments.waveform import RATE_HZ
from simulation.tables.parquet import array, instants, lists
from simulation.tables.rows import Block

if TYPE_CHECKING:
    import pyarrow as pa

Row = tuple[str, str, int, Captured]


def waveform_columns(blocks: list[Block], points: tuple[str, ...]) -> dict[str, pa.Array[Any]]:
    """Columns of `waveforms`.

    Args:
        blocks: Rows of the part's episodes, in the order of their scenarios.
        points: Names of the points in the description's order.
    """
    rows = _rows(blocks, points)
    columns = _key(rows)
    columns["rate_hz"] = array(np.full(len(rows), RATE_HZ))
    for quantity, unit in (("v", "v"), ("i", "a")):
        samples = _stacked(rows, quantity, np.empty((0, 3, 0), dtype=np.float32))
        for phase, name in enumerate("abc"):
            columns[f"{quantity}_{name}_{unit}"] = lists(samples[:, phase])
    columns["quality"] = array(np.array([found.quality for *_, found in rows], dtype=np.int8))
    return columns


def waveform_truth_columns(blocks: list[Block], points: tuple[str, ...]) -> dict[str, pa.Array[Any]]:
    """Columns of `waveforms_truth`, in the same order as those of `waveforms`."""
    rows = _rows(blocks, points)
    columns = _key(rows)
    columns["f_hz"] = array(np.array([found.f_hz for *_, found in rows]))
    columns["interharmonic_pct"] = array(np.array([found.interharmonic_pct for *_, found in rows]))
    for quantity, unit in (("v", "v"), ("i", "a")):
        phasors = _stacked(rows, f"true_{quantity}", np.empty((0, 3, ORDERS), dtype=np.complex128))
        size, angle = np.abs(phasors), np.degrees(np.angle(phasors))
        dead = size[..., 0] == 0.0
        share = 100.0 * size / np.where(dead, 1.0, size[..., 0])[..., None]
        thd = thd_pct(phasors)
        for phase, name in enumerate("abc"):
            none = dead[:, phase]
            columns[f"thd_{quantity}_{name}_pct"] = array(thd[:, phase])
            columns[f"{quantity}1_{name}_{unit}"] = array(size[:, phase, 0])
            columns[f"{quantity}_{name}_h_pct"] = lists(share[:, phase], none)
            columns[f"{quantity}_{name}_h_deg"] = lists(angle[:, phase], none)
    return columns


def _rows(blocks: list[Block], points: tuple[str, ...]) -> list[Row]:
    """Captures with their keys, sorted by scenario and point."""
    found = [
        (
            str(block.episode.scenario),
            points[captured.point],
            block.episode.t_start + block.episode.seconds - 1,
            captured,
        )
        for block in blocks
        for captured in block.captured
    ]
    return sorted(found, key=lambda row: row[:3])


def _stacked(rows: list[Row], name: str, none: NDArray[Any]) -> NDArray[Any]:
    """One attribute of all captures along a first axis; `none` where no meter takes any."""
    return np.stack([getattr(found, name) for *_, found in rows]) if rows else none


def _key(rows: list[Row]) -> dict[str, pa.Array[Any]]:
    import pyarrow as pa

    return {
        "scenario_id": pa.array([scenario for scenario, *_ in rows], pa.string()),
        "point": pa.array([point for _, point, *_ in rows], pa.string()),
        "t": instants(np.array([t for _, _, t, _ in rows], dtype=np.float64)),
    }
