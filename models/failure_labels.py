"""Which pieces of equipment failed within thirty days, from the columns in which a utility records failures.

A table tells it in one or more of three ways: the label itself (`failed_within_30d`), the time to the next
event and whether that is a failure (`time_to_event_d` with `failed`), or a row at each failure (`failed`
alone). Without the label it is derived: a row whose thirty days reach beyond the end of the record, or beyond
the time at which its piece was taken out of service, has none, whatever was seen of them. Rows that only
count when a failure comes would make failures look more frequent than they are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data_contracts.rules.assets import HORIZON_D

Float = NDArray[np.float64]
Int = NDArray[np.int64]
Mask = NDArray[np.bool_]

DAY_S = 86_400.0
ROOM_D = 1.0
"""A label beside times may be off them by so much: days are counted from their beginning or their end."""

_NEVER = np.iinfo(np.int64).max


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a table says of n rows, in the order of its key: piece, then time.

    Attributes:
        piece: Code of the piece, int64 [n].
        t_s: Unix time, s, float64 [n].
        label: `failed_within_30d`, NaN where it is not told, [n].
        time_d: `time_to_event_d`, likewise.
        failed: `failed`, likewise.
        in_service: `in_service`, likewise.
        forced_outage: `forced_outage`, likewise.
    """

    piece: Int
    t_s: Float
    label: Float
    time_d: Float
    failed: Float
    in_service: Float
    forced_outage: Float


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What came after each of n rows.

    Attributes:
        serves: Whether the piece is in service at the row, bool [n].
        fails: 1 where it fails within `HORIZON_D`, 0 where it does not, NaN where nobody knows, [n].
        time_d: Days to the failure, or until which none was seen; NaN where no times are told, [n].
        failed: Whether that time ends with a failure, bool [n].
        against: Rows whose label is against the times, bool [n].
    """

    serves: Mask
    fails: Float
    time_d: Float
    failed: Mask
    against: Mask


def outcomes(told: Recorded) -> Outcomes:
    """What came after each row, from whatever the table tells.

    Args:
        told: Rows sorted by piece and time.
    """
    out = (told.in_service == 0.0) | (told.forced_outage > 0.0)
    if np.isfinite(told.time_d).any() and np.isfinite(told.failed).any():
        time_d = np.where(np.isfinite(told.failed), told.time_d, np.nan)
        failed = told.failed > 0.0
        serves = ~out
    elif np.isfinite(told.failed).any():
        at_failure = told.failed > 0.0
        time_d, failed = to_next(told.piece, told.t_s, at_failure, out)
        serves = ~out & ~at_failure
    else:
        time_d, failed = np.full(told.t_s.size, np.nan), np.zeros(told.t_s.size, dtype=bool)
        serves = ~out
    timed = np.isfinite(time_d)
    end_s = float(np.max(told.t_s + DAY_S * np.where(timed, time_d, 0.0), initial=-np.inf))
    comes = failed & (time_d <= HORIZON_D)
    whole = told.t_s + DAY_S * HORIZON_D <= end_s
    derived = np.where(timed & whole & (comes | (time_d >= HORIZON_D)), comes, np.nan)
    labelled = np.isfinite(told.label).any()
    spared = (failed & (time_d > HORIZON_D + ROOM_D)) | (~failed & (time_d >= HORIZON_D + ROOM_D))
    soon = failed & (time_d < HORIZON_D - ROOM_D)
    against = serves & timed & (((told.label > 0.0) & spared) | ((told.label == 0.0) & soon))
    return Outcomes(serves, told.label if labelled else derived, time_d, failed & timed, against)


def to_next(piece: Int, t_s: Float, at_failure: Mask, out: Mask) -> tuple[Float, Mask]:
    """Days from each row to the piece's next failure, and whether there is one.

    Where none follows, days to the row at which the piece is out of service without a failure, else to the
    last row of the whole table: a record of failures is complete up to there.

    Args:
        piece: Code of the piece, rows sorted by piece and time, [n].
        t_s: Unix time, s, [n].
        at_failure: Rows that tell a failure at their time, [n].
        out: Rows of a piece that is out of service, [n].
    """
    ends = np.flatnonzero(at_failure | out)
    rows = np.arange(t_s.size)
    following = np.append(ends, _NEVER)[np.searchsorted(ends, rows, side="right")]
    at = np.where(following == _NEVER, rows, following)
    own = (following != _NEVER) & (piece[at] == piece)
    until = np.where(own, t_s[at], t_s.max(initial=-np.inf))
    return (until - t_s) / DAY_S, own & at_failure[at]
