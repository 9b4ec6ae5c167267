"""The week's earlier hours: the same from plain arrays and from a decoded item."""

from datetime import UTC, datetime

import msgspec
import numpy as np
import pytest

from data_contracts.wire.request import Item, LoadHistory
from data_contracts.wire.rows import pack
from features.context import load_week
from features.context.load_history import DAY, QUARTERS, WEEK
from features.online import windows_from_rows

END = datetime(2026, 1, 9, 18, 15, 0, tzinfo=UTC)


@pytest.fixture
def read(nominals):
    def ask(p=None):
        reading = {"t": END, "v": [1.0] * 3, "i": [1.0] * 3, "p": [1e6] * 3, "q": [1.0] * 3, "f": 50.0}
        item = msgspec.convert({"substation": "mumbai", "point": "F331", "readings": [reading]}, Item)
        if p is not None:
            item = msgspec.structs.replace(item, load_history=LoadHistory(step_s=900, end=END, p=p))
        return load_week.read([item], windows_from_rows(pack([item]), [nominals]))[0]

    return ask


def test_read__history_by_the_quarter__is_what_training_computes(read, rng, nominals):
    p_w = rng.uniform(1e6, 9e6, QUARTERS)
    wanted = load_week.compute(p_w[None] / nominals.s_rated_va)[0]
    np.testing.assert_allclose(read(p_w.tolist()), wanted, rtol=1e-9)


def test_compute__ramp__begins_a_week_ago_and_ends_a_day_ago():
    hours = load_week.compute(np.arange(float(QUARTERS))[None])[0]
    first, last = QUARTERS - WEEK, QUARTERS - DAY
    assert hours[0] == np.arange(first, first + 4).mean()
    assert hours[-1] == np.arange(last - 4, last).mean()
    assert hours.size == load_week.HOURS == len(load_week.FEATURES)


def test_read__no_history_or_five_days__knows_only_what_it_reaches(read):
    assert np.isnan(read()).all()
    found = read([1e6] * (5 * DAY))
    assert np.isnan(found[: 2 * 24]).all()
    assert np.isfinite(found[2 * 24 :]).all()
