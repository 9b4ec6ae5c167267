"""What is known of an episode beside its readings, and when the episode ends."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

import numpy as np

from data_contracts.dataset import Dataset
from models import columns
from models.splits import TEST, day_of, split_of_day
from substations.description import Substation

QUARTER_S = 900


@dataclass(frozen=True, slots=True)
class Told:
    """What is known of one episode beside its readings.

    Attributes:
        point: Where it is to be asked about.
        context: The request's `context`; empty where there is none.
        truth: What is truly so, by name.
        load_history: The request's `load_history`; empty where there is none.
        reading: Channels of the point's instruments, in the wire's form, in a state that is no moment of the
            episode: they stand in each of the request's readings. Empty where the episode's own do.
    """

    point: str
    context: Mapping[str, Any]
    truth: Mapping[str, Any]
    load_history: Mapping[str, Any] = field(default_factory=dict)
    reading: Mapping[str, Any] = field(default_factory=dict)


Context = Callable[[Dataset, Substation, date, Collection[str]], dict[str, Told]]
"""What is known of the named episodes; one of which the tables do not hold it is left out.

Arguments are the dataset, its description, the campaign's first local date and the episodes' ids.
"""


def ends(dataset: Dataset, episodes: Collection[str]) -> dict[str, int]:
    """Unix second of the last reading of each episode, sorted by name."""
    table = dataset.read("scenarios", columns=["scenario_id", "t_start", "seconds"])
    last = columns.seconds(table, "t_start") + columns.floats(table, "seconds").astype(np.int64) - 1
    named = zip(columns.names(table, "scenario_id").array().tolist(), last.tolist(), strict=True)
    wanted = set(episodes)
    return {name: second for name, second in sorted(named) if name in wanted}


def iso(second: float) -> str:
    """A Unix time as the wire has it."""
    precision = "seconds" if second == int(second) else "milliseconds"
    return datetime.fromtimestamp(second, UTC).isoformat(timespec=precision).replace("+00:00", "Z")


def is_test(second: float, substation: Substation, start: date) -> bool:
    """Whether a Unix second is of a test day."""
    day = day_of(np.array([second], dtype=np.float64), start, substation.utc_offset_s)
    return int(split_of_day(day)[0]) == TEST
