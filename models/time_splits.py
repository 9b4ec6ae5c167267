"""Training, validation and test days of a recording, one after the other in time."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from datetime import time as time_of_day
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from models.errors import DataError
from models.splits import DAY_S, TEST, TRAIN, VALIDATION

VALIDATION_SHARE, TEST_SHARE = 0.15, 0.20
"""Shares of the days that validate and test where nobody says otherwise; the newest test."""

DAY, MONTH = timedelta(days=1), timedelta(days=30)
MIDNIGHT = time_of_day()
_TEXT = re.compile(r"time: validation from (\S+), test from (\S+) \((\S+)\)")


@dataclass(frozen=True, slots=True)
class TimeSplit:
    """Two local times: what lies before the first trains, from it on validates, from the second on tests.

    Attributes:
        validation_from: Where validation begins, local time without a zone.
        test_from: Where the test begins, likewise.
        time_zone: IANA name of the zone whose times they are.
    """

    validation_from: datetime
    test_from: datetime
    time_zone: str

    @classmethod
    def of(
        cls,
        first_s: float,
        last_s: float,
        time_zone: str,
        *,
        validation_from: datetime | None = None,
        test_from: datetime | None = None,
    ) -> TimeSplit:
        """The split of a recording; times that are not given follow from the shares.

        They are midnights; full hours of a recording of less than a month, full minutes of less than a day.

        Args:
            first_s: Unix seconds of its first row.
            last_s: Of its last one.
            time_zone: IANA name.
            validation_from: Where validation begins, local time.
            test_from: Where the test begins, local time.

        Raises:
            DataError: The times are not in order within the recording.
        """
        zone = ZoneInfo(time_zone)
        first, last = (datetime.fromtimestamp(t, zone).replace(tzinfo=None) for t in (first_s, last_s))
        span = last - first
        test = test_from or _full(first + (1.0 - TEST_SHARE) * span, span)
        share = VALIDATION_SHARE / (1.0 - TEST_SHARE)
        validation = validation_from or _full(test - share * (test - first), span)
        if not first < validation < test <= last:
            raise DataError(
                f"validation from {_said(validation)} and test from {_said(test)} are not in order in "
                f"{_said(first)} to {_said(last)}",
                "give times inside the recording with --validation-from and --test-from",
            )
        return cls(validation, test, time_zone)

    @property
    def text(self) -> str:
        """As a version's tag `split` says it."""
        times = f"validation from {_said(self.validation_from)}, test from {_said(self.test_from)}"
        return f"time: {times} ({self.time_zone})"

    @classmethod
    def read(cls, said: str) -> TimeSplit | None:
        """The split that a tag `split` names; None where it names another kind."""
        found = _TEXT.fullmatch(said)
        if found is None:
            return None
        validation, test, time_zone = found.groups()
        return cls(datetime.fromisoformat(validation), datetime.fromisoformat(test), time_zone)

    def split(self, t: NDArray[np.float64]) -> NDArray[np.int8]:
        """Split of instants in Unix seconds, int8 [n]."""
        zone = ZoneInfo(self.time_zone)
        found = np.full(t.size, TRAIN, dtype=np.int8)
        found[t >= self.validation_from.replace(tzinfo=zone).timestamp()] = VALIDATION
        found[t >= self.test_from.replace(tzinfo=zone).timestamp()] = TEST
        return found


def _full(time: datetime, span: timedelta) -> datetime:
    """The midnight, full hour or minute before a time, whichever suits a recording of this length."""
    minute = time.replace(second=0, microsecond=0)
    if span < DAY:
        return minute
    hour = minute.replace(minute=0)
    return hour if span < MONTH else hour.replace(hour=0)


def _said(time: datetime) -> str:
    return time.date().isoformat() if time.time() == MIDNIGHT else time.isoformat(timespec="minutes")


def offsets(t: NDArray[np.float64], time_zone: str) -> NDArray[np.float64]:
    """Local time minus UTC at instants in Unix seconds, s, float64 [n]; daylight saving included."""
    zone = ZoneInfo(time_zone)
    if not t.size:
        return np.zeros(0)
    # Offsets change on few days: one look a day, and at every instant of a day on which they do.
    day = np.floor(t / DAY_S).astype(np.int64)
    found = np.empty(t.size)
    for one in np.unique(day):
        of = np.flatnonzero(day == one)
        begin, end = (_offset(edge * DAY_S, zone) for edge in (one, one + 1))
        found[of] = begin if begin == end else [_offset(float(at), zone) for at in t[of]]
    return found


def _offset(t: float, zone: ZoneInfo) -> float:
    told = datetime.fromtimestamp(t, UTC).astimezone(zone).utcoffset()
    return 0.0 if told is None else told.total_seconds()
