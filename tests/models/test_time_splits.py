"""Splits by time, and local time with daylight saving."""

from datetime import UTC, datetime

import numpy as np
import pytest

from models.errors import DataError
from models.splits import TEST, TRAIN, VALIDATION
from models.time_splits import TimeSplit, offsets

ZONE = "Europe/Amsterdam"
local = datetime.fromisoformat


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def test_split__dates_given__hold_from_local_midnight():
    split = TimeSplit(local("2020-07-01"), local("2020-08-01"), ZONE)
    t = np.array([at("2020-06-30T21:59:59"), at("2020-06-30T22:00:00"), at("2020-07-31T22:00:00")])
    assert split.split(t).tolist() == [TRAIN, VALIDATION, TEST]


def test_split__no_dates__leaves_the_newest_fifth_to_the_test():
    split = TimeSplit.of(at("2020-01-01"), at("2020-04-10"), ZONE)
    assert split.test_from == local("2020-03-21")
    assert split.validation_from == local("2020-03-06")


def test_split__its_text__is_read_back():
    split = TimeSplit(local("2020-07-01"), local("2020-08-01"), ZONE)
    assert TimeSplit.read(split.text) == split
    assert TimeSplit.read("14+3 of 20 days from 2025-01-01") is None


@pytest.mark.parametrize(
    ("validation", "test"),
    [
        (local("2020-03-01"), local("2020-02-01")),
        (local("2019-01-01"), None),
        (None, local("2021-01-01")),
    ],
)
def test_split__dates_out_of_order_or_of_the_recording__are_refused(validation, test):
    with pytest.raises(DataError, match="not in order"):
        TimeSplit.of(at("2020-01-01"), at("2020-04-10"), ZONE, validation_from=validation, test_from=test)


def test_offsets__around_the_change__change_at_its_instant():
    # Summer time began at 01:00 UTC on 29 March 2020.
    t = np.array([at("2020-03-29T00:59:59"), at("2020-03-29T01:00:00"), at("2020-07-01T00:00:00")])
    assert offsets(t, ZONE).tolist() == [3600.0, 7200.0, 7200.0]


def test_split__of_two_days__is_of_full_hours():
    split = TimeSplit.of(at("2020-01-01T10:20:00"), at("2020-01-03T10:20:00"), "UTC")
    assert split.test_from == local("2020-01-03")
    assert split.validation_from == local("2020-01-02T16:00")
    assert "validation from 2020-01-02T16:00, test from 2020-01-03 (UTC)" in split.text
    assert TimeSplit.read(split.text) == split
