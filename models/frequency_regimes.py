"""What is true of a second of frequency: its regime, its trend, and the published score of its stability."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.metrics import Columns, Metric
from models.protocol import TruthWindows
from models.rows import Rows

Float = NDArray[np.float64]
Mask = NDArray[np.bool_]

HORIZON_S: Final = 5
"""Seconds ahead of the forecast."""
ONSET_S: Final = 30.0
"""Seconds after an event's onset in which its course is decided."""
ANNOUNCED_S: Final = 1.0
"""A reading is the mean of its second: only the second after the onset's own shows the event whole."""

TRENDS: Final = ("stable", "increasing", "decreasing")
TREND_HZ: Final = 0.01
"""A smaller change over five seconds is stable: governors need not notice it (SO GL 2017/1485, Annex V)."""

BAND_HZ: Final = 0.5
"""Departure from nominal at which the score is 0: 1 % of 50 Hz, the band of EN 50160."""
ROCOF_HZ_S: Final = 0.5
"""Rate of change at which the score is 0; loss-of-mains relays trip between 0.125 and 1 Hz/s."""

QUIET, ONSET, RECOVERY, STRADDLE = "quiet", "onset", "recovery", "straddle"
REGIMES: Final = (QUIET, ONSET, RECOVERY, STRADDLE)
TRUTH_COLUMNS: Final = ("f_hz", "f_true_hz", "since_onset_s", "shed_pu")


def trend_of(change_hz: Float) -> NDArray[np.int64]:
    """Code of the trend in `TRENDS` of a change over the horizon, int64 [n]."""
    moves = np.abs(change_hz) >= TREND_HZ
    return np.where(moves, np.where(change_hz > 0, 1, 2), 0).astype(np.int64)


def stability_score(
    deviation_hz: Float, change_hz: Float, band_hz: float = BAND_HZ, rocof_hz_s: float = ROCOF_HZ_S
) -> Float:
    """Score of a forecast: 100 · max(0, 1 − |Δf| / band) · max(0, 1 − |change| / (5 s · RoCoF limit)).

    Args:
        deviation_hz: Predicted frequency minus nominal, Δf, [n].
        change_hz: Predicted change over five seconds, [n].
        band_hz: Departure at which nothing is left of the score.
        rocof_hz_s: Rate of change at which nothing is left of it.
    """
    level = np.maximum(1.0 - np.abs(deviation_hz) / band_hz, 0.0)
    rate = np.maximum(1.0 - np.abs(change_hz) / (HORIZON_S * rocof_hz_s), 0.0)
    score: Float = 100.0 * level * rate
    return score


def regimes(since_s: Float, since_ahead_s: Float, shed: Mask) -> dict[str, Mask]:
    """Which regime each second belongs to, bool [n] by name; each belongs to one.

    - `straddle`: an event's onset lies ahead within the horizon or inside the newest second, or load is shed
      there. Nothing that was read tells it, or only a part of a second does.
    - `onset`: else, up to 30 s after an onset.
    - `recovery`: else, later after an onset.
    - `quiet`: no event yet.

    Args:
        since_s: Seconds from the latest onset to the end of the newest second; NaN before the first, [n].
        since_ahead_s: The same at the horizon, [n].
        shed: Whether relays shed load in the newest second or within the horizon, [n].
    """
    ahead = np.where(np.isnan(since_ahead_s), np.inf, since_ahead_s)
    straddle = (ahead <= HORIZON_S + ANNOUNCED_S) | shed
    happened = ~np.isnan(since_s)
    early = np.where(happened, since_s, np.inf) <= ONSET_S
    return {
        QUIET: ~straddle & ~happened,
        ONSET: ~straddle & early,
        RECOVERY: ~straddle & happened & ~early,
        STRADDLE: straddle,
    }


def label(windows: TruthWindows) -> Mapping[str, NDArray[np.generic]]:
    """Truth of each second, from the second before it to the horizon.

    Returns:
        `f_ahead_hz`: true frequency at the horizon. `change_hz`: from the newest reading to it. `trend`: code
        by the true change. `since_s`: seconds since the latest onset. Each regime as a mask. `announced`: not
        a straddle.
    """
    values = windows.values
    true, shed, since = values["f_true_hz"], values["shed_pu"], values["since_onset_s"]
    ahead = true[:, -1]
    found = regimes(since[:, 1], since[:, -1], shed[:, 1:].max(axis=1) > shed[:, 0])
    return {
        "f_ahead_hz": ahead,
        "change_hz": ahead - values["f_hz"][:, 1],
        "trend": trend_of(ahead - true[:, 1]),
        "since_s": since[:, 1],
        **found,
        "announced": ~found[STRADDLE],
    }


def answer(rows: Rows, change_hz: Float, deviation_hz: Float) -> Columns:
    """Columns that the metrics read, from a predicted change.

    Args:
        rows: Rows with `label`'s truth.
        change_hz: Predicted change from the newest reading, [n].
        deviation_hz: The newest reading minus nominal, [n].
    """
    error = change_hz - np.asarray(rows.truth["change_hz"], dtype=np.float64)
    true_change = np.asarray(rows.truth["change_hz"], dtype=np.float64)
    score, true_score = (
        stability_score(deviation_hz + change, change) for change in (change_hz, true_change)
    )
    return {
        "error_hz": error,
        "absolute_mhz": 1000.0 * np.abs(error),
        "unmoved_mhz": 1000.0 * np.abs(true_change),
        "trend": trend_of(change_hz),
        "score_error": np.abs(score - true_score),
    }


def skill(name: str) -> Metric:
    """Share of persistence's mean absolute error that is gone, in the mean over quiet and onset seconds."""
    weighed = (QUIET, ONSET)

    def sums(given: Columns, rows: Rows) -> Float:
        columns = []
        for regime in weighed:
            of = np.asarray(rows.truth[regime], dtype=bool)
            columns += [
                np.where(of, np.asarray(given[part], dtype=np.float64), 0.0)
                for part in ("unmoved_mhz", "absolute_mhz")
            ]
        return np.stack(columns, axis=1)

    def value(total: Float) -> Float:
        parts = total.reshape(*total.shape[:-1], len(weighed), 2)
        with np.errstate(invalid="ignore", divide="ignore"):
            gone = 1.0 - parts[..., 1] / parts[..., 0]
        known = np.isfinite(gone)
        with np.errstate(invalid="ignore"):
            mean: Float = np.where(known, gone, 0.0).sum(axis=-1) / known.sum(axis=-1)
        return mean

    return Metric(name, "higher", sums, value, ("unmoved_mhz", "absolute_mhz"))
