"""The topic `sag`: the events of a week, and whether another one comes."""

import msgspec
import pytest

from data_contracts.wire import Context
from flows.truths import agreement
from tests.flows.contexts.tables import (
    DAY_S,
    MIDNIGHT,
    MUMBAI,
    NOON,
    QUARTER_S,
    TEST_DAY,
    loads_of,
    stamps,
    truth,
)


def event(point, t, kind="sag", cause="fault"):
    return {"point": point, "t": t, "kind": kind, "cause": cause, "depth_pct": 20.0, "duration_ms": 80.0}


def events_of(*events):
    table = {name: [one[name] for one in events] for name in events[0]}
    return {**table, "t": stamps(table["t"])}


def test_sag__week__is_told_and_nothing_else(ask):
    first = MUMBAI.points[0].id
    seen = events_of(
        event(first, NOON - 8 * DAY_S),
        event(first, NOON - 3600.5, kind="swell", cause="load_rejection"),
        event("DTX1.LV", NOON - 100),
        event(first, NOON - 10),
        event(first, NOON + 1),
    )

    told = ask("sag", {"sag_events": seen, "load": loads_of(TEST_DAY + 3)}, [NOON])[0]

    context = msgspec.convert(told.context, Context)
    assert told.point == first
    assert [NOON - one.t.timestamp() for one in context.events] == [3600.5, 10.0]
    assert [one.kind for one in context.events] == ["swell", "sag"]
    # The quarter before noon is the last one that is over.
    assert context.ambient_c == pytest.approx(20.0 + 0.01 * ((NOON - MIDNIGHT) // QUARTER_S - 1), abs=0.005)
    assert (context.weather.wind_m_s, context.weather.lightning_per_h) == (3.0, 0.5)


@pytest.mark.parametrize(
    ("later", "kind", "cause", "comes"),
    [
        (600, "sag", "fault", True),
        (601, "sag", "fault", False),
        (0, "sag", "fault", False),
        (60, "swell", "load_rejection", False),
    ],
)
def test_sag__truth__is_an_event_within_ten_minutes(ask, later, kind, cause, comes):
    seen = events_of(event(MUMBAI.points[0].id, NOON + later, kind, cause))

    told = ask("sag", {"sag_events": seen, "load": loads_of(TEST_DAY + 3)}, [NOON])[0]

    found = truth("voltage_sag", told)
    assert found["event_within_10_min"] is comes
    assert ("likely_cause" in found) is comes
    assert agreement("voltage_sag", {"sag_probability": 0.5}, found) is None


@pytest.mark.parametrize("now", [MIDNIGHT + 6 * DAY_S, NOON + 2 * DAY_S], ids=["first week", "end"])
def test_sag__week_or_future_not_known__is_left_out(ask, now):
    tables = {"sag_events": events_of(event("DTX1.LV", NOON)), "load": loads_of(TEST_DAY + 1)}
    assert ask("sag", tables, [now]) == {}
