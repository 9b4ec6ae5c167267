"""Figures of a load profile: from the table's typical days, and from weeks of history in a request."""

from datetime import UTC, datetime, timedelta

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import substations
from data_contracts.wire.request import Context, Item, LoadHistory, Profile
from data_contracts.wire.rows import pack
from features.context import profile
from features.context.profile import DAY_S, QUARTERS, compute, typical_days
from features.online import windows_from_rows
from simulation.customers.population import draw_customers

# A Monday, 08:00:09 at UTC+5:30; the last midnight there was at 18:30 the day before.
NOW = datetime(2026, 1, 5, 2, 30, 9, tzinfo=UTC)
MIDNIGHT = datetime(2026, 1, 4, 18, 30, tzinfo=UTC)
MONDAY_S = 4 * DAY_S  # 1970-01-05
NAMES = [feature.name for feature in profile.FEATURES]


@pytest.fixture(scope="module")
def customers():
    return draw_customers(substations.read("mumbai"), 200, "small", 5)


@pytest.fixture
def ask(nominals):
    """Features of one item with the given history and context, by name."""

    def asked(history=msgspec.UNSET, context=msgspec.UNSET):
        reading = {"t": NOW, "v": [1.0] * 3, "i": [1.0] * 3, "p": [1.0] * 3, "q": [1.0] * 3, "f": 50.0}
        item = msgspec.convert({"substation": "mumbai", "point": "F331", "readings": [reading]}, Item)
        item = msgspec.structs.replace(item, load_history=history, context=context)
        windows = windows_from_rows(pack([item]), [nominals])
        return dict(zip(NAMES, profile.read([item], windows)[0].tolist(), strict=True))

    return asked


def weeks(working, rest, days=14, step_s=900, end=MIDNIGHT):
    """A history of whole days that ends at local midnight before a Monday."""
    weekday = (np.arange(days) - days) % 7
    power = np.where((weekday >= 5)[:, None], rest, working).ravel()
    return LoadHistory(step_s=step_s, end=end, p=np.repeat(power, 900 // step_s).tolist())


def test_compute__customers__gives_the_tables_columns(customers):
    found = dict(zip(NAMES, compute(customers.working_w, customers.weekend_w).T, strict=False))

    stated = {
        "profile_load_factor": customers.mean_w / customers.peak_w,
        "profile_night_share": customers.night_share,
        "profile_peak_hours_share": customers.peak_hours_share,
        "profile_weekend_ratio": customers.weekend_w.mean(axis=1) / customers.working_w.mean(axis=1),
        "profile_ramp_pu": customers.ramp,
    }
    for name, values in stated.items():
        np.testing.assert_allclose(found[name], values, rtol=1e-12)
    assert (found["profile_floor_share"] <= 1.0).all()
    assert (customers.flexible_w <= 1.05 * found["profile_peak_hours_w"]).all()


@pytest.mark.parametrize("step_s", [900, 300])
def test_read__two_weeks_of_a_customer__give_what_training_computes(ask, customers, step_s):
    working, rest = customers.working_w[3], customers.weekend_w[3]

    found = ask(weeks(working, rest, step_s=step_s))

    wanted = compute(working[None], rest[None])[0]
    np.testing.assert_allclose([found[feature.name] for feature in profile.SHAPES], wanted, rtol=1e-9)


def test_read__history_that_ends_within_a_day__uses_its_whole_days_only(ask, customers):
    working, rest = customers.working_w[3], customers.weekend_w[3]
    whole = weeks(working, rest)
    begun = msgspec.structs.replace(
        whole, p=[*whole.p, *[1e7] * 30], end=whole.end + timedelta(minutes=15 * 30)
    )

    assert ask(begun) == pytest.approx(ask(whole), nan_ok=True)


def test_read__records__are_what_was_sent(ask):
    found = ask(context=Context(profile=Profile(price_response_pct=22.0, standby_pct=80.0)))

    assert (found["price_response_pct"], found["standby_pct"]) == (22.0, 80.0)
    assert np.isnan([found["variability_pct"], found["temperature_pct_per_k"]]).all()
    assert np.isnan([found[feature.name] for feature in profile.SHAPES]).all()


@pytest.mark.parametrize(
    "changes",
    [
        {"days": 6},
        {"end": MIDNIGHT - timedelta(days=7)},
        {"end": MIDNIGHT + timedelta(days=1)},
    ],
    ids=["too short", "too old", "of the future"],
)
def test_read__history_that_says_nothing_of_these_weeks__is_missing(ask, changes):
    found = ask(weeks(np.full(QUARTERS, 5e5), np.full(QUARTERS, 4e5), **changes))

    assert np.isnan([found[feature.name] for feature in profile.SHAPES]).all()


def test_read__steps_of_an_hour__are_too_coarse(ask):
    found = ask(LoadHistory(step_s=3600, end=MIDNIGHT, p=[5e5] * 24 * 14))

    assert np.isnan(found["profile_load_factor"])


def test_compute__nothing_drawn__has_no_figures():
    assert np.isnan(compute(np.zeros((1, QUARTERS)), np.zeros((1, QUARTERS)))).all()


@given(st.integers(14 * 96, 16 * 96), st.integers(0, 95), st.floats(0.1, 10.0), st.floats(0.1, 10.0))
def test_typical_days__any_length_and_end__tells_working_days_from_days_of_rest(steps, late, on, off):
    end_s = MONDAY_S + 21 * DAY_S + 900.0 * late
    day = np.floor((end_s - 900.0 * (np.arange(steps)[::-1] + 0.5)) / DAY_S)
    power = np.where((day - MONDAY_S / DAY_S) % 7 >= 5, off, on)

    found = typical_days(power, 900.0, end_s)

    np.testing.assert_allclose(found, np.array([[on], [off]]) * np.ones(QUARTERS), rtol=1e-9)
