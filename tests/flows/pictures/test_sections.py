"""What the charts say in words and numbers agrees with the tables."""

from __future__ import annotations

import numpy as np
import pytest

from flows.pictures import day, frequency, voltage_events, waveform
from flows.pictures.series import headline, read
from flows.pictures.source import Source
from flows.pictures.telling import plainest


def test_plainest__fault__islanded_scenarios_are_not_shown(whole: Source) -> None:
    shown = plainest(whole, "fault")
    assert [one.event for one in shown] == ["sag"]


def test_plainest__unbalance__the_kinds_own_event_comes_first(whole: Source) -> None:
    events = [one.event for one in plainest(whole, "unbalance")]
    assert events[0] == "unbalance"
    assert sorted(events[1:]) == ["open_conductor", "vt_fuse"]


def test_plainest__harmonic__is_the_episode_of_the_capture(whole: Source) -> None:
    (shown,) = plainest(whole, "harmonic")
    assert shown.point == "AT1.MV"


def test_read__sag__metered_true_and_when_it_acts(whole: Source) -> None:
    shown = plainest(whole, "sag")[0]
    strip = read(whole, shown)
    assert strip.active.tolist() == [second >= 12 for second in range(20)]
    assert np.isnan(strip.v[5]).all()
    assert strip.v[0] == pytest.approx([1.0, 1.0, 1.0])
    assert strip.true[15] == pytest.approx([1.0, 0.7, 1.0])
    assert headline(shown, strip) == f"sag at {shown.point}, phase b down to 0.693 pu"


def test_headline__instrument__what_is_read_and_what_is_true(whole: Source) -> None:
    shown = plainest(whole, "instrument")[0]
    assert headline(shown, read(whole, shown)).endswith("phase b reads 0.700 pu where 1.000 is true")


def test_day__two_days__the_one_with_the_peak(whole: Source) -> None:
    found = day.section(whole)
    assert found is not None
    # The second day carries twice as much; the station's feeders together peak at noon.
    assert "12:00 on Thursday, 02 January 2025" in found.title
    assert f"{10 * 36 * 2.5:.0f} MW" in found.title


def test_frequency__unit_trip__its_nadir(whole: Source) -> None:
    found = frequency.section(whole)
    assert found is not None
    assert found.title.startswith("Frequency falls to 49.60 Hz")
    assert "unit trip" in found.lead


def test_waveform__fifth_order__is_seen_as_it_is(whole: Source) -> None:
    found = waveform.section(whole)
    assert found is not None
    assert found.title == "The most distorted capture: 5.0 % at AT1.MV, seen as 5.0 %"


def test_voltage_events__two_points_each__count_once(whole: Source) -> None:
    found = voltage_events.section(whole)
    assert found is not None
    assert found.title.startswith("3 voltage events, 3 of them sags or interruptions")
