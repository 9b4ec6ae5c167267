"""Small tables of Mumbai of which the topics tell, and what is true of what they told."""

from datetime import UTC, datetime
from types import SimpleNamespace

import numpy as np
import pyarrow as pa

import substations
from flows.truths import truth_of
from models.splits import TEST, split_of_day
from switchyard.profiles import load_profile

MUMBAI = substations.read("mumbai")
START = load_profile("tiny").simulation.start
MIDNIGHT = int(datetime(START.year, START.month, START.day, tzinfo=UTC).timestamp()) - MUMBAI.utc_offset_s
DAY_S, QUARTER_S = 86_400, 900
TEST_DAY = next(day for day in range(40) if set(split_of_day(np.array([day, day + 1]))) == {TEST})
NOON = MIDNIGHT + TEST_DAY * DAY_S + DAY_S // 2
FEEDERS = sorted(feeder.point for feeder in MUMBAI.feeders)


def stamps(seconds):
    return pa.array(np.round(np.asarray(seconds) * 1000.0).astype(np.int64), pa.timestamp("ms", tz="UTC"))


def truth(model, told):
    return truth_of(model, SimpleNamespace(window=SimpleNamespace(told=told)))


def loads_of(days):
    """The table `load`: a feeder's load in MW is the number of its quarter, plus 1000 for each feeder."""
    quarters = np.arange(96 * days)
    n = quarters.size
    return {
        "point": np.repeat(FEEDERS, n),
        "t": stamps(np.tile(MIDNIGHT + QUARTER_S * quarters, len(FEEDERS))),
        "p_w": np.concatenate([1e6 * (1000.0 * k + quarters) for k in range(len(FEEDERS))]),
        "q_var": np.full(n * len(FEEDERS), 2e6),
        "ambient_c": np.tile(20.0 + 0.01 * quarters, len(FEEDERS)),
        "wind_m_s": np.full(n * len(FEEDERS), 3.0),
        "lightning_per_h": np.full(n * len(FEEDERS), 0.5),
    }
