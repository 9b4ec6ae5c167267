"""Rows of `frequency`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from data_contracts.tables.frequency import EVENTS
from simulation.frequency.swing import Response
from simulation.noise import Floats
from simulation.scenario.episode import Episode
from simulation.tables.parquet import array, instants, words

if TYPE_CHECKING:
    import pyarrow as pa


def frequency_columns(
    episodes: tuple[Episode, ...],
    response: Response,
    f_hz: Floats,
    quality: NDArray[np.int8],
    event: NDArray[np.int8],
    since_s: Floats,
) -> dict[str, pa.Array[Any]]:
    """Columns of `frequency`: episodes in their order, seconds within each.

    Args:
        episodes: The episodes, equally long.
        response: The truth, shape [t, e] each.
        f_hz: Measured frequency, NaN where nothing was said, shape [t, e].
        quality: Validity, shape [t, e].
        event: Code of the latest event, shape [t, e].
        since_s: Seconds since its onset, NaN before the first, shape [t, e].
    """
    seconds, count = f_hz.shape

    def laid(values: NDArray[Any]) -> pa.Array[Any]:
        return array(values.T.ravel())

    begin = np.array([each.t_start for each in episodes], dtype=np.int64)
    return {
        "scenario_id": words(
            np.repeat(np.arange(count), seconds), tuple(str(each.scenario) for each in episodes)
        ),
        "t": instants((begin[:, None] + np.arange(seconds)).ravel()),
        "f_hz": laid(f_hz),
        "quality": laid(quality),
        "f_true_hz": laid(response.f_hz),
        "rocof_true_hz_s": laid(response.rocof_hz_s),
        "inertia_s": laid(response.inertia_s),
        "imbalance_pu": laid(response.imbalance_pu),
        "governor_pu": laid(response.governor_pu),
        "agc_pu": laid(response.agc_pu),
        "shed_pu": laid(response.shed_pu),
        "event": words(event.T.ravel(), EVENTS),
        "since_onset_s": laid(since_s),
    }
