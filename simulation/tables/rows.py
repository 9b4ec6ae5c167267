"""Rows of `readings` and `readings_truth`: one episode's block, and the columns of many blocks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from data_contracts.tables.readings_truth import EVENT_PHASES, EVENTS
from simulation.engine.network import Complexes
from simulation.errors import SimulationError
from simulation.instruments.captures import Captured
from simulation.instruments.observation import Readings
from simulation.noise import Floats
from simulation.scenario.episode import Episode
from simulation.scenario.truth import Truth
from simulation.tables.parquet import array, instants, words

if TYPE_CHECKING:
    import pyarrow as pa

_PHASES, _PAIRS = ("a", "b", "c"), ("ab", "bc", "ca")
# In the order of `simulation.instruments.meters.CHANNELS`, then frequency.
_READ = (
    *(f"v_{p}_v" for p in _PHASES),
    *(f"v_{p}_v" for p in _PAIRS),
    *(f"i_{p}_a" for p in _PHASES),
    *(f"p_{p}_w" for p in _PHASES),
    *(f"q_{p}_var" for p in _PHASES),
    *(f"v_min_{p}_v" for p in _PHASES),
    *(f"v_max_{p}_v" for p in _PHASES),
    "f_hz",
)
_DISTORTION = tuple(f"thd_{p}_pct" for p in _PHASES)
_TRUE = (*(f"v_{p}_v" for p in _PHASES), *(f"v_{p}_v" for p in _PAIRS), "vuf_pct", "v0_pct", "severity")
_SHARED = ("f_hz", "residual_p_pu", "residual_q_pu")


@dataclass(frozen=True, slots=True)
class Block:
    """Rows of one episode, points in the order of their names, seconds within each point; p·t rows.

    Attributes:
        read: Columns of the readings, shape [columns, p·t].
        quality: Quality, shape [p·t].
        true: Columns of the truth, shape [columns, p·t].
        shared: Columns of the truth that all points share, shape [columns, t].
        event, phase: Codes, shape [p·t].
        active: Shape [p·t].
        episode: The episode itself.
        thd: Total harmonic distortion as the meters state it, shape [3, p·t]; None where harmonics were not
            solved.
        pst: Short-term flicker severity likewise, shape [p·t]; None where it was not simulated.
        v_errors: Complex factors of the voltage transformers, shape [p, 3].
        captured: Waveforms taken.
    """

    read: Floats
    quality: NDArray[np.int8]
    true: Floats
    shared: Floats
    event: NDArray[np.int8]
    phase: NDArray[np.int8]
    active: NDArray[np.bool_]
    episode: Episode
    thd: Floats | None
    pst: Floats | None
    v_errors: Complexes
    captured: tuple[Captured, ...]


def block(
    episode: Episode,
    truth: Truth,
    readings: Readings,
    order: NDArray[np.int64],
    captured: tuple[Captured, ...] = (),
) -> Block:
    """Lay out one episode's rows.

    Args:
        episode: A solved episode.
        truth: Its true state.
        readings: What the meters said.
        order: Rows of the points in the order of their names.
        captured: Waveforms taken in the episode.

    Raises:
        SimulationError: The episode was not solved.
    """
    labels, f_hz = episode.labels, episode.f_hz
    if labels is None or f_hz is None:
        raise SimulationError(f"{episode.scenario}: there are no rows in an episode that was not solved")
    rows = order.size * episode.seconds
    read = np.empty((len(_READ), rows))
    read[:-1] = readings.channels.transpose(2, 0, 1)[:, order].reshape(-1, rows)
    read[-1] = readings.f[order].ravel()
    true = np.empty((len(_TRUE), rows))
    true[0:3] = truth.v.transpose(2, 0, 1)[:, order].reshape(3, rows)
    true[3:6] = truth.v_ll.transpose(2, 0, 1)[:, order].reshape(3, rows)
    for k, values in enumerate((truth.vuf_pct, truth.v0_pct, labels.severity)):
        true[6 + k] = values[order].ravel()
    return Block(
        read=read,
        quality=readings.quality[order].ravel(),
        true=true,
        shared=np.stack([f_hz, truth.residual_p_pu, truth.residual_q_pu]),
        event=labels.event[order].ravel(),
        phase=labels.phase[order].ravel(),
        active=labels.active[order].ravel(),
        episode=episode,
        thd=None if readings.thd is None else readings.thd[order].reshape(rows, 3).T,
        pst=None if readings.pst is None else readings.pst[order].ravel(),
        v_errors=readings.errors[0][order],
        captured=captured,
    )


def reading_columns(blocks: list[Block], points: tuple[str, ...]) -> dict[str, pa.Array[Any]]:
    """Columns of `readings` from blocks in the order of their scenarios; `points` by name."""
    import pyarrow as pa

    rows = sum(each.quality.size for each in blocks)
    columns = _key(blocks, points)
    columns |= _numbers(_READ, [each.read for each in blocks])
    stated = [each.thd for each in blocks if each.thd is not None]
    if len(stated) == len(blocks):
        columns |= _numbers(_DISTORTION, stated)
    else:
        # A part is of one kind: harmonics were solved in all of its episodes or in none.
        columns |= {name: pa.nulls(rows, pa.float64()) for name in _DISTORTION}
    flickers = [each.pst for each in blocks if each.pst is not None]
    columns["pst"] = array(np.concatenate(flickers)) if flickers else pa.nulls(rows, pa.float64())
    columns["quality"] = array(np.concatenate([each.quality for each in blocks]))
    return columns


def truth_columns(blocks: list[Block], points: tuple[str, ...]) -> dict[str, pa.Array[Any]]:
    """Columns of `readings_truth`, in the same order as those of `readings`."""
    columns = _key(blocks, points)
    columns |= _numbers(_TRUE, [each.true for each in blocks])
    columns |= _numbers(_SHARED, [np.tile(each.shared, (1, len(points))) for each in blocks])
    columns["event"] = words(np.concatenate([each.event for each in blocks]), EVENTS)
    columns["event_phase"] = words(np.concatenate([each.phase for each in blocks]), EVENT_PHASES)
    columns["active"] = array(np.concatenate([each.active for each in blocks]))
    columns["taps"] = _texts([each.episode.taps for each in blocks], len(points))
    columns["capacitor_steps"] = _texts([each.episode.capacitor_steps for each in blocks], len(points))
    return columns


def _key(blocks: list[Block], points: tuple[str, ...]) -> dict[str, pa.Array[Any]]:
    lengths = np.array([each.episode.seconds for each in blocks])
    scenarios = tuple(str(each.episode.scenario) for each in blocks)
    t = [
        np.tile(each.episode.t_start + np.arange(each.episode.seconds), len(points)).astype(np.float64)
        for each in blocks
    ]
    rows = [np.repeat(np.arange(len(points)), length) for length in lengths]
    return {
        "scenario_id": words(np.repeat(np.arange(len(blocks)), lengths * len(points)), scenarios),
        "point": words(np.concatenate(rows), points),
        "t": instants(np.concatenate(t)),
    }


def _numbers(names: tuple[str, ...], parts: list[Floats]) -> dict[str, pa.Array[Any]]:
    together = np.concatenate(parts, axis=1)
    return {name: array(together[k]) for k, name in enumerate(names)}


def _texts(parts: list[tuple[str, ...]], points: int) -> pa.Array[Any]:
    vocabulary: dict[str, int] = {}
    codes = [
        np.tile(
            np.array([vocabulary.setdefault(text, len(vocabulary)) for text in part], dtype=np.int32), points
        )
        for part in parts
    ]
    return words(np.concatenate(codes), tuple(vocabulary))
