"""What the voltage events of the last week say, from arrays and from a request."""

from datetime import UTC, datetime, timedelta

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_contracts.wire.request import Context, Event, Item
from data_contracts.wire.rows import pack
from features.context import clock, events
from features.online import windows_from_rows

END = datetime(2026, 1, 5, 8, 0, 9, tzinfo=UTC)
NAMES = [feature.name for feature in events.FEATURES]
HOUR_S = 3600.0


def computed(*seen):
    """Features by name of one instant; each event is (age in s, depth in %, duration in ms, sag)."""
    age, depth, lasting = (np.array([[one[k] for one in seen]], dtype=float) for k in range(3))
    sag = np.array([[one[3] for one in seen]], dtype=bool)
    return dict(zip(NAMES, events.compute(age, depth, lasting, sag)[0], strict=True))


@pytest.fixture
def asked(nominals):
    def ask(context):
        reading = {"v": [1.0] * 3, "i": [1.0] * 3, "p": [1.0] * 3, "q": [1.0] * 3, "f": 50.0, "t": END}
        item = msgspec.convert({"substation": "mumbai", "point": "LV1", "readings": [reading]}, Item)
        items = [msgspec.structs.replace(item, context=context)]
        windows = windows_from_rows(pack(items), [nominals])
        return dict(zip(NAMES, events.read(items, windows)[0], strict=True)), windows

    return ask


def test_compute__events__are_counted_by_age_and_kind():
    found = computed(
        (300.0, 30.0, 20.0, True), (2 * HOUR_S, 5.0, 6000.0, False), (30 * HOUR_S, 60.0, 90.0, True)
    )

    assert [found[name] for name in NAMES[:5]] == [1, 1, 2, 3, 1]
    assert found["arcs_fading"] == pytest.approx(np.exp(-300 / events.MEMORY_S))
    assert found["others_fading"] == pytest.approx(np.exp(-0.4) + np.exp(-6.0))
    assert found["since_event_h"] == pytest.approx(1 / 12)
    assert found["since_arc_h"] == pytest.approx(1 / 12)
    assert found["deepest_24h_pct"] == 30.0
    assert found["longest_24h_log"] == pytest.approx(np.log10(6001))


def test_compute__a_banks_step__is_no_arc():
    found = computed((60.0, 2.0, 40.0, False))

    assert found["arcs_fading"] == 0.0
    assert found["since_arc_h"] == 168.0


@given(st.floats(1.0, 1e9))
def test_compute__events_of_the_future_or_too_old__do_not_count(beyond):
    found = computed((-beyond, 50.0, 20.0, True), (events.REACH_S + beyond, 50.0, 20.0, True))

    np.testing.assert_array_equal(list(found.values()), list(computed().values()))


def test_read__list_sent__is_what_training_computes(asked):
    ages, depths, lasts = [5.0, 4000.0, 200_000.0], [12.0, 3.5, 100.0], [35.0, 80.0, 1e6]
    kinds = ["sag", "rapid_voltage_change", "interruption"]
    sent = [
        Event(t=END - timedelta(seconds=age), kind=kind, depth_pct=depth, duration_ms=lasting)
        for age, kind, depth, lasting in zip(ages, kinds, depths, lasts, strict=True)
    ]

    found, _ = asked(Context(events=sent))

    assert found == pytest.approx(computed(*zip(ages, depths, lasts, [True, False, True], strict=True)))


def test_read__empty_list__says_that_nothing_happened_and_no_list_says_nothing(asked):
    quiet, _ = asked(Context(events=[]))
    unknown, _ = asked(Context())

    assert quiet == computed()
    assert quiet["events_7d"] == 0.0
    assert quiet["since_event_h"] == 168.0
    assert np.isnan(list(unknown.values())).all()


def test_clock__reading__has_its_local_hour(asked, nominals):
    _, windows = asked(Context())
    expected = ((END.timestamp() + nominals.utc_offset_s) % 86_400) / 3600

    assert clock.read([], windows)[0, 0] == pytest.approx(expected)
