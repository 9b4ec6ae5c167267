"""Training, validation and test days, and folds of whole episodes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime

import numpy as np
from numpy.typing import NDArray

from models.errors import DataError
from models.rows import Names

TRAIN, VALIDATION, TEST = 0, 1, 2
BLOCK_DAYS = 20
TRAIN_DAYS = 14
VALIDATION_DAYS = 3
DAY_S = 86_400.0
_RULE = f"{TRAIN_DAYS}+{VALIDATION_DAYS} of {BLOCK_DAYS} days"


def split_of_day(day: NDArray[np.int64]) -> NDArray[np.int8]:
    """Split of days counted from the campaign's first: of every 20, 14 train, 3 validate, 3 test; int8 [n].

    Blocks of neighbouring days keep the weather and the load of a test day away from training.
    """
    place = day % BLOCK_DAYS
    validates = place >= TRAIN_DAYS
    tests = place >= TRAIN_DAYS + VALIDATION_DAYS
    return (validates.astype(np.int8) + tests.astype(np.int8)).astype(np.int8)


def scheme(start: date) -> str:
    """How the days of a campaign that begins on `start` are split, as a version's tag `split` says it."""
    return f"{_RULE} from {start.isoformat()}"


def start_of(said: str) -> date | None:
    """The campaign's first date in a tag `split`; None where days were split otherwise than here."""
    rule, _, start = said.partition(" from ")
    return date.fromisoformat(start) if rule == _RULE else None


def day_of(t: NDArray[np.float64], start: date, utc_offset_s: int) -> NDArray[np.int64]:
    """Local days since the local date `start` of instants in Unix seconds, int64 [n]."""
    midnight = datetime(start.year, start.month, start.day, tzinfo=UTC).timestamp() - utc_offset_s
    days: NDArray[np.int64] = np.floor((t - midnight) / DAY_S).astype(np.int64)
    return days


def split_of_episodes(
    t: NDArray[np.float64], episode: NDArray[np.int64], start: date, utc_offset_s: int
) -> NDArray[np.int8]:
    """Split of each row by the day on which its episode's first row lies, int8 [n].

    Args:
        t: Unix seconds, [n].
        episode: Code of the row's episode, [n].
        start: The campaign's first local date.
        utc_offset_s: Local time minus UTC.
    """
    if not t.size:
        return np.zeros(0, dtype=np.int8)
    first = np.full(int(episode.max()) + 1, np.inf)
    np.minimum.at(first, episode, t)
    return split_of_day(day_of(first[episode], start, utc_offset_s))


def folds(
    episode: Names, count: int, rng: np.random.Generator
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Group cross-validation: pairs of (fitting, held-out) row indices; no episode is in both.

    Raises:
        DataError: There are fewer episodes than folds.
    """
    present = np.unique(episode.codes)
    if present.size < count:
        raise DataError(
            f"{count} folds need as many episodes, there are {present.size}",
            "simulate more episodes or lower tuning.folds in the profile",
        )
    fold_of = np.zeros(int(present.max()) + 1, dtype=np.int64)
    fold_of[rng.permutation(present)] = np.arange(present.size) % count
    at = fold_of[episode.codes]
    for fold in range(count):
        yield np.flatnonzero(at != fold), np.flatnonzero(at == fold)
