"""What the events of the last ten minutes weigh, from arrays and from a request."""

from datetime import UTC, datetime, timedelta

import msgspec
import numpy as np
import pytest

from data_contracts.quality_index import sag_severity, swell_severity
from data_contracts.wire.request import Context, Event, Item
from data_contracts.wire.rows import pack
from features.context import interval_events
from features.online import windows_from_rows

END = datetime(2026, 1, 5, 8, 0, 9, tzinfo=UTC)


def computed(*seen):
    """Severity and depth; each event is (age in s, depth in %, duration in ms, sag)."""
    age, depth, lasting = (np.array([[one[k] for one in seen]], dtype=float) for k in range(3))
    return interval_events.compute(age, depth, lasting, np.array([[one[3] for one in seen]], dtype=bool))[0]


@pytest.fixture
def asked(nominals):
    def ask(context):
        reading = {"v": [1.0] * 3, "i": [1.0] * 3, "p": [1.0] * 3, "q": [1.0] * 3, "f": 50.0, "t": END}
        item = msgspec.convert({"substation": "mumbai", "point": "LV1", "readings": [reading]}, Item)
        items = [msgspec.structs.replace(item, context=context)]
        return interval_events.read(items, windows_from_rows(pack(items), [nominals]))[0]

    return ask


def test_compute__sag_and_swell__severities_add_up():
    severity, depth = computed((300.0, 40.0, 100.0, True), (300.0, 25.0, 100.0, False))

    assert severity == pytest.approx(
        float(sag_severity(np.array(0.6), np.array(0.1)) + swell_severity(np.array(1.25), np.array(0.1)))
    )
    assert depth == 40.0


@pytest.mark.parametrize("age_s", [601.0, -1.0, np.inf])
def test_compute__event_outside_the_ten_minutes__does_not_count(age_s):
    assert not computed((age_s, 40.0, 100.0, True)).any()


def test_read__request__gives_what_arrays_give(asked):
    def event(kind, age_s, depth_pct):
        return Event(t=END - timedelta(seconds=age_s), kind=kind, depth_pct=depth_pct, duration_ms=250.0)

    sent = [event("sag", 100, 30.0), event("swell", 200, 15.0), event("interruption", 300, 95.0),
            event("rapid_voltage_change", 50, 60.0), event("sag", 900, 80.0)]  # fmt: skip

    expected = computed((100, 30.0, 250.0, True), (200, 15.0, 250.0, False), (300, 95.0, 250.0, True))
    np.testing.assert_array_equal(asked(Context(events=sent)), expected)


def test_read__empty_list__is_no_event(asked):
    assert asked(Context(events=[])).tolist() == [0.0, 0.0]


def test_read__no_list__is_missing(asked):
    assert np.isnan(asked(Context())).all()
    assert np.isnan(asked(msgspec.UNSET)).all()
