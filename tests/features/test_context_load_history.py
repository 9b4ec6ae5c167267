"""Eight days of load and the calendar ahead: the same from plain arrays and from decoded items."""

from datetime import UTC, datetime, timedelta

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_contracts.wire.request import Item, LoadHistory
from data_contracts.wire.rows import pack
from features.context import ahead, load_history
from features.context.load_history import DAY, HOURS, QUARTER_S, QUARTERS, WEEK, by_quarter
from features.online import windows_from_rows

# A Friday, 23:45 in India.
END = datetime(2026, 1, 9, 18, 15, 0, tzinfo=UTC)
NAMES = [feature.name for feature in load_history.FEATURES]


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
    found = dict(zip(NAMES, load_history.compute(np.arange(float(QUARTERS))[None])[0], strict=True))

    newest = QUARTERS - 1.0
    assert found["load_quarter_0_pu"] == newest
    assert found["load_quarter_7_pu"] == newest - 7
    # The quarter that ends an hour from now, a day and a week before.
    assert found["load_day_before_1h_pu"] == newest + 4 - DAY
    assert found["load_week_before_1h_pu"] == newest + 4 - WEEK
    assert found["load_week_before_24h_pu"] == newest + DAY - WEEK
    assert found["load_day_mean_pu"] == newest - (DAY - 1) / 2
    assert found["load_week_mean_pu"] == newest - (WEEK - 1) / 2
    assert found[f"load_hour_pu.{HOURS - 1}"] == newest - 1.5
    assert found["load_week_before_hour_pu.0"] == 1.5
    assert found["load_week_before_next_hour_pu.0"] == DAY + 1.5


def test_read__history_by_the_quarter__is_what_training_computes(asked, rng, nominals):
    p_w = rng.uniform(1e6, 9e6, QUARTERS)

    found = asked(step_s=900, end=END, p=p_w.tolist())

    wanted = load_history.compute(p_w[None] / nominals.s_rated_va)[0]
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

    assert np.isnan(found["load_week_before_hour_pu.0"])


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
    found = ahead.compute(np.array([END.timestamp()]), np.array([19_800.0]))[0]
    named = dict(zip((feature.name for feature in ahead.FEATURES), found, strict=True))

    # What ends in 15 min, at midnight, is Friday's last quarter.
    assert named["saturday_15min"] == 0.0
    assert named["saturday_1h"] == named["saturday_24h"] == 1.0
    assert named["sunday_1h"] == named["sunday_24h"] == 0.0
    assert named["year_sin"] ** 2 + named["year_cos"] ** 2 == pytest.approx(1.0)
