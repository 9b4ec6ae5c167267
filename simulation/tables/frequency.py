"""Rows of `frequency`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from data_contracts.tables.frequency import EVENTS
from simulation.frequency.play import Play
from simulation.tables.parquet import array, instants, words

if TYPE_CHECKING:
    import pyarrow as pa


def frequency_columns(played: Play) -> dict[str, pa.Array[Any]]:
    """Columns of `frequency`: episodes in their order, seconds within each."""
    episodes, response = played.episodes, played.response
    seconds, count = played.f_hz.shape

    def laid(values: NDArray[Any]) -> pa.Array[Any]:
        return array(values.T.ravel())

    begin = np.array([each.t_start for each in episodes], dtype=np.int64)
    return {
        "scenario_id": words(
            np.repeat(np.arange(count), seconds), tuple(str(each.scenario) for each in episodes)
        ),
        "t": instants((begin[:, None] + np.arange(seconds)).ravel()),
        "f_hz": laid(played.f_hz),
        "quality": laid(played.quality),
        "f_true_hz": laid(response.f_hz),
        "rocof_true_hz_s": laid(response.rocof_hz_s),
        "inertia_s": laid(response.inertia_s),
        "imbalance_pu": laid(response.imbalance_pu),
        "governor_pu": laid(response.governor_pu),
        "agc_pu": laid(response.agc_pu),
        "shed_pu": laid(response.shed_pu),
        "event": words(played.event.T.ravel(), EVENTS),
        "since_onset_s": laid(played.since_s),
    }
