"""Load and records of one customer behind a feeder, from the table `customers`."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date
from typing import Any

import numpy as np

from data_contracts.dataset import Dataset
from features.context import profile
from flows.contexts.told import QUARTER_S, Told, ends, iso
from models.customer_rows import TABLE
from models.splits import TEST, split_of_day
from substations.description import Substation

DAYS = 14
DAY_S = 86_400
_RECORDS = tuple(feature.name for feature in profile.RECORDS)
_TRUE = ("true_class", "flexible_w")
_EPOCH_WEEKDAY, _SATURDAY = 3, 5  # 1970-01-01 was a Thursday; Monday is 0


def demands(
    dataset: Dataset, substation: Substation, start: date, episodes: Collection[str]
) -> dict[str, Told]:
    """Two weeks of a customer's typical days and its records, a customer for each episode, and its class.

    The readings are the feeder's; the history is the customer's own.
    """
    del start
    read = ["customer", "point", "working_w", "weekend_w", *_RECORDS, *_TRUE]
    customers = sorted(dataset.read(TABLE, columns=read).to_pylist(), key=lambda one: str(one["customer"]))
    # Customers are dealt to the splits by name (`models.customer_rows`).
    split = split_of_day(np.arange(len(customers), dtype=np.int64))
    tested = [
        one for one, of in zip(customers, split, strict=True) if of == TEST and max(one["working_w"]) > 0.0
    ]
    return {
        name: _told(customer, now, substation.utc_offset_s)
        for (name, now), customer in zip(ends(dataset, episodes).items(), tested, strict=False)
    }


def _told(customer: Mapping[str, Any], now: int, utc_offset_s: int) -> Told:
    today = (now + utc_offset_s) // DAY_S
    power: list[float] = []
    for day in range(today - DAYS, today):
        rests = (day + _EPOCH_WEEKDAY) % 7 >= _SATURDAY
        power += [round(value, 1) for value in customer["weekend_w" if rests else "working_w"]]
    history = {"step_s": QUARTER_S, "end": iso(today * DAY_S - utc_offset_s), "p": power}
    records = {name: round(customer[name], 3) for name in _RECORDS}
    return Told(customer["point"], {"profile": records}, {name: customer[name] for name in _TRUE}, history)
