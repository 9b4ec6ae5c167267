"""Eight days of load and the calendar ahead: the same from plain arrays and from decoded items."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_contracts.wire.request import Context, Item, LoadHistory
from data_contracts.wire.rows import pack
from features.context import ahead, day_kinds, load_history
from features.context.load_history import DAY, HOURS, QUARTER_S, QUARTERS, WEEK, by_quarter
from features.online import windows_from_rows

# A Friday, 23:45 in India.
END = datetime(2026, 1, 9, 18, 15, 0, tzinfo=UTC)
NAMES = [feature.name for feature in load_history.FEATURES]
INDIA_S = 19_800.0
# An ordinary Wednesday, and Republic Day of 2026, a Monday; both 23:45 in India.
WEDNESDAY = datetime(2026, 1, 14, 18, 15, 0, tzinfo=UTC)
REPUBLIC_DAY = datetime(2026, 1, 26, 18, 15, 0, tzinfo=UTC)


def around(end, *holidays):
    """Instant, offset and kinds of the days around, as `compute` has them."""
    t, offset = np.array([end.timestamp()]), np.array([INDIA_S])
    told = np.array(holidays, dtype="datetime64[D]").astype(np.int64)
    day = day_kinds.day_of(t, offset)
    return t, offset, day_kinds.kinds(day, np.isin(day[:, None] + day_kinds.OFFSETS, told))


def ramp(*when):
    """Features by name of loads that grow by one a quarter."""
    found = load_history.compute(np.arange(float(QUARTERS))[None], *when)[0]
    return dict(zip(NAMES, found, strict=True))


@pytest.fixture
def asked(nominals):
    """Features by name of an item with the given history, read some seconds after its end."""

    def ask(gap_s=0.0, p_w=3e6, **history):
        reading = {"v": [1.0] * 3, "i": [1.0] * 3, "p": [p_w / 3] * 3, "q": [1.0] * 3, "f": 50.0}
        end = END + timedelta(seconds=gap_s)
        item = msgspec.convert(
            {"substation": "mumbai", "point": "F331", "readings": [{"t": end, **reading}]}, Item
        )
        if history:
            item = msgspec.structs.replace(item, load_history=LoadHistory(**history))
        windows = windows_from_rows(pack([item]), [nominals])
        return dict(zip(NAMES, load_history.read([item], windows)[0], strict=True))

    return ask


def test_compute__ramp__finds_each_time_by_its_name():
    found = ramp(*around(WEDNESDAY))

    newest = QUARTERS - 1.0
    assert found["load_quarter_0_pu"] == newest
    assert found["load_quarter_7_pu"] == newest - 7
    # The quarter that ends an hour from now, a day and a week before.
    assert found["load_day_before_1h_pu"] == newest + 4 - DAY
    # Where the day a week before was of the same kind, it is the like day.
    assert found["load_like_pu"] == newest - WEEK
    assert found["load_like_1h_pu"] == newest + 4 - WEEK
    assert found["load_like_24h_pu"] == newest + DAY - WEEK
    assert found["load_like_day_mean_pu"] == newest - WEEK - (DAY - 1) / 2
    assert found["load_day_mean_pu"] == newest - (DAY - 1) / 2
    assert found["load_week_mean_pu"] == newest - (WEEK - 1) / 2
    assert found[f"load_hour_pu.{HOURS - 1}"] == newest - 1.5
    assert found["load_like_hour_pu.0"] == 1.5
    assert found["load_like_next_hour_pu.0"] == DAY + 1.5


def test_compute__holiday_tomorrow__is_like_the_last_sunday():
    found = ramp(*around(WEDNESDAY, date(2026, 1, 15)))

    newest = QUARTERS - 1.0
    # Today is a working day until midnight; tomorrow, a Thursday, is four days after a Sunday.
    assert found["load_like_pu"] == newest - WEEK
    assert found["load_like_15min_pu"] == newest + 1 - WEEK
    assert found["load_like_1h_pu"] == newest + 4 - 4 * DAY
    assert found["load_like_24h_pu"] == newest + DAY - 4 * DAY


def test_compute__week_after_a_holiday__is_like_the_day_before():
    found = ramp(*around(WEDNESDAY, date(2026, 1, 7)))

    newest = QUARTERS - 1.0
    assert found["load_like_pu"] == newest - DAY
    assert found["load_like_24h_pu"] == newest + DAY - WEEK


def test_compute__saturday_after_a_holiday_on_a_saturday__is_like_the_nearest_working_day():
    saturday = WEDNESDAY + timedelta(days=3)

    found = ramp(*around(saturday, date(2026, 1, 10)))

    assert found["load_like_pu"] == QUARTERS - 1.0 - DAY


def test_read__holiday_of_the_calendar__counts_as_a_sunday_unless_the_item_names_others(nominals):
    reading = {"t": REPUBLIC_DAY, "v": [1.0] * 3, "i": [1.0] * 3, "p": [1e6] * 3, "q": [1.0] * 3, "f": 50.0}
    item = msgspec.convert({"substation": "mumbai", "point": "F331", "readings": [reading]}, Item)
    told = msgspec.structs.replace(item, context=Context(holidays=[date(2026, 1, 27)]))
    items = [item, item, told]
    windows = windows_from_rows(pack(items), [nominals, *[replace(nominals, country="IN")] * 2])

    found = day_kinds.read(items, windows)[:, day_kinds.BEFORE :]

    working, free = day_kinds.WORKING, day_kinds.FREE
    assert found.tolist() == [[working, working], [free, working], [working, free]]


def test_read__history_by_the_quarter__is_what_training_computes(asked, rng, nominals):
    p_w = rng.uniform(1e6, 9e6, QUARTERS)

    found = asked(step_s=900, end=END, p=p_w.tolist())

    wanted = load_history.compute(p_w[None] / nominals.s_rated_va, *around(END))[0]
    np.testing.assert_allclose(list(found.values()), wanted, rtol=1e-9)


def test_read__history_that_ended_before_the_reading__has_its_power_since_then(asked, nominals):
    found = asked(300.0, 6e6, step_s=900, end=END, p=[3e6] * (QUARTERS + 1))

    assert found["load_quarter_0_pu"] == pytest.approx(4e6 / nominals.s_rated_va)
    assert found["load_quarter_1_pu"] == pytest.approx(3e6 / nominals.s_rated_va)


@pytest.mark.parametrize(
    ("gap_s", "history"),
    [
        (0.0, {}),
        (0.0, {"step_s": 900, "end": END, "p": [1e6] * (QUARTERS - 1)}),
        (1100.0, {"step_s": 900, "end": END, "p": [1e6] * QUARTERS}),
        (-200.0, {"step_s": 900, "end": END, "p": [1e6] * QUARTERS}),
        (0.0, {"step_s": 3600, "end": END, "p": [1e6] * QUARTERS}),
    ],
    ids=["none", "too short", "too old", "of the future", "too coarse"],
)
def test_read__history_that_does_not_serve__is_missing(asked, gap_s, history):
    found = asked(gap_s, **history)

    assert np.isnan(found["load_like_hour_pu.0"])


@given(st.lists(st.floats(0, 2), min_size=1, max_size=2000), st.integers(1, 900), st.floats(0, 900))
def test_by_quarter__any_steps__keep_the_total(values, step_s, gap_s):
    found = by_quarter(np.array(values), float(step_s), gap_s, 1.0)

    known = found[np.isfinite(found)]
    span = len(values) * step_s + gap_s
    assert known.size == min(QUARTERS, int((span + 1e-6) // QUARTER_S))
    if known.size and known.size < QUARTERS:
        whole = sum(values) * step_s + gap_s
        assert known.sum() * QUARTER_S <= whole + 1e-6


def test_ahead__friday_before_midnight__knows_saturday_from_the_next_quarter_on():
    named = calendar(*around(END))

    # What ends in 15 min, at midnight, is Friday's last quarter.
    assert named["saturday_15min"] == 0.0
    assert named["saturday_1h"] == named["saturday_24h"] == 1.0
    assert named["free_1h"] == named["free_24h"] == 0.0
    assert named["year_sin"] ** 2 + named["year_cos"] ** 2 == pytest.approx(1.0)


def test_ahead__holiday_on_a_saturday__is_free_and_no_saturday():
    named = calendar(*around(END, date(2026, 1, 10)))

    assert named["free_15min"] == named["saturday_24h"] == 0.0
    assert named["free_1h"] == named["free_24h"] == 1.0


def calendar(*when):
    return dict(zip((feature.name for feature in ahead.FEATURES), ahead.compute(*when)[0], strict=True))
