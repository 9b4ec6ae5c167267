"""The topic `demand`: a customer's typical days, and the class that is true."""

import msgspec
import numpy as np

from data_contracts.wire import Context
from data_contracts.wire.request import LoadHistory
from features.context import profile
from models.splits import TEST, split_of_day
from tests.flows.contexts.tables import FEEDERS, MUMBAI, NOON, truth


def customers_of(count):
    working, rest = np.arange(1.0, 97.0), np.full(96, 7.0)
    return {
        "customer": [f"mumbai-{k:06d}" for k in range(count)],
        "point": [FEEDERS[k % len(FEEDERS)] for k in range(count)],
        "working_w": [working.tolist()] * count,
        "weekend_w": [rest.tolist()] * count,
        **{feature.name: [10.0] * count for feature in profile.RECORDS},
        "true_class": ["flexible"] * count,
        "flexible_w": [2500.0] * count,
    }


def test_demand__history__gives_back_the_customers_typical_days(ask):
    found = ask("demand", {"customers": customers_of(20)}, [NOON, NOON + 30])

    history = msgspec.convert(found[0].load_history, LoadHistory)
    end = history.end.timestamp()
    assert NOON - profile.OLDEST_S <= end <= NOON
    days = profile.typical_days(np.array(history.p), history.step_s, end + MUMBAI.utc_offset_s)
    np.testing.assert_allclose(days, [np.arange(1.0, 97.0), np.full(96, 7.0)])
    assert msgspec.convert(found[0].context, Context).profile.standby_pct == 10.0
    assert truth("demand_response", found[0]) == {"demand_cluster": "flexible", "dr_potential": 2.5}


def test_demand__customers__are_those_of_the_test_split_one_each(ask):
    found = ask("demand", {"customers": customers_of(20)}, [NOON + k for k in range(9)])

    tested = np.flatnonzero(split_of_day(np.arange(20)) == TEST)
    assert [found[k].point for k in sorted(found)] == [FEEDERS[k % len(FEEDERS)] for k in tested]
