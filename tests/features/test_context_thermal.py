"""What the standard's model makes of a history, against the simulator's; and what the day before tells."""

from datetime import UTC, datetime

import msgspec
import numpy as np
import pytest

from data_contracts.wire.request import Context, Item, LoadingHistory
from data_contracts.wire.rows import pack
from features.context import day_ago, loading, thermal
from features.online import windows_from_rows
from simulation.thermal.iec60076 import OFAF, Rated, State, exponential, steady

END = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
NAMES = [feature.name for feature in thermal.FEATURES]


@pytest.fixture
def rng():
    return np.random.default_rng(3)


def features_of(load, oil_c, ambient_c, ahead_pu=np.nan):
    ahead = np.full((1, thermal.AHEAD_MIN), ahead_pu)
    found = thermal.compute(np.atleast_2d(load), np.array([oil_c]), np.array([ambient_c]), ahead)
    return dict(zip(NAMES, found[0], strict=True))


def lived(load, ambient_c):
    """The simulator's exponential equations, minute by minute, from the steady state of the first."""
    rated = Rated.of(thermal.LOSS_RATIO, OFAF)
    state = steady(rated, np.asarray(load[0]), np.asarray(ambient_c))
    for pu in load:
        state = exponential(rated, state, steady(rated, np.asarray(pu), np.asarray(ambient_c)), 1.0)
    return rated, state


def test_compute__history_of_a_sound_transformer__is_what_minutes_lived_through_give(rng):
    load = 0.8 + np.cumsum(rng.normal(0, 0.01, loading.MINUTES))
    _, state = lived(load, 31.0)

    found = features_of(load, float(state.oil_c), 31.0)

    assert found["oil_excess_k"] == pytest.approx(0.0, abs=1e-9)
    assert found["gradient_k"] == pytest.approx(float(state.fast_k - state.slow_k))
    assert found["oil_rise_k"] == pytest.approx(float(state.oil_c) - 31.0)


def test_compute__load_held__hot_spot_is_the_largest_of_the_hour(rng):
    load = np.append(np.full(loading.MINUTES - 5, 0.7), np.full(5, 1.2))
    rated, state = lived(load, 31.0)
    held = steady(rated, np.asarray(1.2), np.asarray(31.0))
    ahead = [float(exponential(rated, state, held, k + 1.0).hot_spot_c) for k in range(thermal.AHEAD_MIN)]

    assert features_of(load, float(state.oil_c), 31.0)["hot_spot_ahead_c"] == pytest.approx(max(ahead))


def test_compute__load_that_is_expected__is_lived_through(rng):
    load, ahead = np.full(loading.MINUTES, 0.9), 1.3 + np.cumsum(rng.normal(0, 0.01, thermal.AHEAD_MIN))
    rated, state = lived(load, 31.0)
    oil_c, hot = float(state.oil_c), []
    for pu in ahead:
        state = exponential(rated, state, steady(rated, np.asarray(pu), np.asarray(31.0)), 1.0)
        hot.append(float(state.hot_spot_c))

    found = features_of(load, oil_c, 31.0, ahead)

    assert found["hot_spot_ahead_c"] == pytest.approx(max(hot))
    assert max(hot) > thermal.OVER_C
    assert found["over_120_ahead_min"] == 1 + np.argmax(np.array(hot) > thermal.OVER_C)
    assert features_of(load, oil_c, 31.0)["over_120_ahead_min"] == thermal.AHEAD_MIN


def test_compute__cooling_that_is_not_whole__shows_and_is_carried_on():
    load = np.full(loading.MINUTES, 1.0)
    _, state = lived(load, 30.0)
    rise = float(state.oil_c) - 30.0

    weak = features_of(load, 30.0 + 1.2 * rise, 30.0)

    assert weak["oil_excess_k"] == pytest.approx(0.2 * rise)
    assert weak["hot_spot_ahead_c"] == pytest.approx(30.0 + 1.2 * rise + OFAF.gradient_k, abs=1e-6)


def test_compute__load_rests__everything_is_at_rest():
    rated = Rated.of(thermal.LOSS_RATIO, OFAF)
    end = steady(rated, np.asarray(0.9), np.asarray(25.0))
    assert isinstance(end, State)

    found = features_of(np.full(loading.MINUTES, 0.9), float(end.oil_c), 25.0)

    assert found["hot_spot_ahead_c"] == pytest.approx(float(end.hot_spot_c))


def test_compute__batch__gives_what_its_rows_give_alone(rng):
    load, oil = rng.uniform(0.2, 1.4, (7, loading.MINUTES)), rng.uniform(40, 90, 7)
    ahead = rng.uniform(0.2, 1.4, (7, thermal.AHEAD_MIN))
    many = thermal.compute(load, oil, np.full(7, 30.0), ahead)

    for row in range(7):
        one = slice(row, row + 1)
        alone = thermal.compute(load[one], oil[one], np.full(1, 30.0), ahead[one])
        np.testing.assert_array_equal(alone[0], many[row])


def ramp(start, end):
    """An hour at one load, then a quarter of an hour to another and the rest of an hour there."""
    up = np.geomspace(start, end, 15)
    return np.concatenate([np.full(day_ago.AROUND_MIN, start), up, np.full(day_ago.AROUND_MIN - 15, end)])


def test_day_ago__block_that_begins_at_this_time__is_told_in_proportion_to_today():
    hour = np.full(day_ago.AROUND_MIN, 0.6)

    soon, peak = day_ago.compute(hour[None], ramp(0.5, 0.8)[None])[0]

    assert peak == pytest.approx(0.6 * 0.8 / 0.5 - 0.6)
    assert 0.0 < soon < peak


def test_day_ago__what_a_breaker_did__says_nothing_about_today():
    hour, around = np.full(day_ago.AROUND_MIN, 0.6), np.full(2 * day_ago.AROUND_MIN, 0.5)
    around[75:] = 1.0

    np.testing.assert_allclose(day_ago.compute(hour[None], around[None])[0], 0.0, atol=1e-12)


def test_day_ago__breaker_just_now__load_goes_on_from_where_it_is():
    hour = np.full(day_ago.AROUND_MIN, 0.4)
    hour[-6:] = 0.8

    ahead = day_ago.ahead(hour[None], np.full((1, 2 * day_ago.AROUND_MIN), 0.5))

    np.testing.assert_allclose(ahead, 0.8)


def test_day_ago__dead_yesterday__change_has_a_bound():
    around = np.append(np.full(60, 0.02), np.geomspace(0.02, 1.0, 60))

    ahead = day_ago.ahead(np.full((1, 60), 0.9), around[None])

    assert ahead.max() == pytest.approx(1.8)


@pytest.fixture
def asked(nominals):
    def ask(pu):
        reading = {"v": [1.0] * 3, "i": [1.0] * 3, "p": [1.0] * 3, "q": [1.0] * 3, "f": 50.0}
        item = msgspec.convert(
            {"substation": "mumbai", "point": "DTX1.LV", "readings": [{"t": END, **reading}]}, Item
        )
        history = LoadingHistory(step_s=60, end=END, pu=pu.tolist())
        known = msgspec.structs.replace(
            item, context=Context(loading_history=history, top_oil_c=61.0, ambient_c=30.0)
        )
        items = [known, item]
        return items, windows_from_rows(pack(items), [nominals] * 2)

    return ask


def test_read__whole_day__is_what_training_computes(asked, rng):
    pu = rng.uniform(0.2, 1.2, day_ago.REACH_MIN)
    items, windows = asked(pu)

    of_day, of_hours = day_ago.read(items, windows), thermal.read(items, windows)

    np.testing.assert_allclose(of_day[0], day_ago.compute(pu[None, -60:], pu[None, :120])[0], rtol=1e-9)
    ahead = day_ago.ahead(pu[None, -60:], pu[None, :120])
    wanted = thermal.compute(pu[None, -loading.MINUTES :], np.array([61.0]), np.array([30.0]), ahead)
    np.testing.assert_allclose(of_hours[0], wanted[0], rtol=1e-9)
    assert np.isnan(of_day[1]).all()
    assert np.isnan(of_hours[1]).all()


def test_read__four_hours__the_day_before_is_missing_and_nothing_else(asked, rng):
    items, windows = asked(rng.uniform(0.2, 1.2, loading.MINUTES))

    assert np.isnan(day_ago.read(items, windows)[0]).all()
    assert np.isfinite(thermal.read(items, windows)[0]).all()
