"""The topic `load`: the history up to the last whole quarter, and the load that came."""

from datetime import UTC, datetime

import msgspec
import pytest

from data_contracts.wire.request import LoadHistory
from flows.truths import agreement
from tests.flows.contexts.tables import DAY_S, FEEDERS, MIDNIGHT, NOON, QUARTER_S, TEST_DAY, loads_of, truth


def test_load__eight_days__up_to_the_last_whole_quarter(ask):
    now = NOON + 300

    told = ask("load", {"load": loads_of(TEST_DAY + 3)}, [now])[0]

    history = msgspec.convert(told.load_history, LoadHistory)
    assert told.point == FEEDERS[0]
    assert told.context == {}
    assert history.end == datetime.fromtimestamp(NOON, UTC)
    last = (NOON - MIDNIGHT) // QUARTER_S - 1
    assert history.p == [1e6 * quarter for quarter in range(last - 767, last + 1)]


def test_load__truth__is_the_mean_of_the_quarters_that_end_then(ask):
    now = NOON + 300

    told = ask("load", {"load": loads_of(TEST_DAY + 3)}, [now])[0]

    # Two thirds of the quarter that began at noon and a third of the next one, then 3 and 95 quarters later.
    first = (NOON - MIDNIGHT) // QUARTER_S + 1 / 3
    forecast = truth("load_forecast", told)["forecasted_load"]
    assert forecast == pytest.approx(
        {"15min": 1e6 * first, "1h": 1e6 * (first + 3), "24h": 1e6 * (first + 95)}
    )


def test_load__feeders_in_turn(ask):
    found = ask("load", {"load": loads_of(TEST_DAY + 3)}, [NOON, NOON + 30])
    assert [found[k].point for k in (0, 1)] == FEEDERS[:2]


@pytest.mark.parametrize(
    ("now", "days"),
    [
        (NOON + DAY_S * (20 - TEST_DAY % 20 - 1), TEST_DAY + 5),
        (NOON, TEST_DAY + 1),
        (MIDNIGHT + 7 * DAY_S, TEST_DAY),
    ],
    ids=["tomorrow is trained on", "tomorrow is not known", "a week only"],
)
def test_load__what_cannot_be_compared__is_left_out(ask, now, days):
    assert ask("load", {"load": loads_of(days)}, [now]) == {}


@pytest.mark.parametrize(("high", "agrees"), [(2.0, True), (1.1, False)])
def test_agreement__load_forecast__is_within_all_intervals(high, agrees):
    answered = {
        "forecasted_load": {"15min": 1.0, "1h": 1.0},
        "confidence_interval": {"15min": [0.0, 2.0], "1h": [0.0, high]},
    }
    assert agreement("load_forecast", answered, {"forecasted_load": {"15min": 1.0, "1h": 1.5}}) is agrees
