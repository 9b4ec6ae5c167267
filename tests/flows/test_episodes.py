"""Held-out episodes become sound requests, chosen without looking at any model."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import pytest

import substations
from data_contracts.dataset import Dataset
from data_contracts.tables.readings_truth import GRID_EVENTS, INSTRUMENT_EVENTS
from data_contracts.wire import Item
from flows.episodes import Episode, held_out
from models.splits import TEST, day_of, split_of_day

pytestmark = pytest.mark.timeout(1800)

POINTS = ("DTX1.LV", "AT1.MV", "F331.END", "F332.END", "LV1")


@pytest.fixture
def episodes(finished: Any) -> list[Episode]:
    job, mumbai = finished.job, substations.read("mumbai")
    dataset = Dataset.open(job.dataset("mumbai"))
    return list(held_out(dataset, mumbai, POINTS, job.profile.simulation.start, 8))


def test_held_out__eight_windows__topics_in_turn_and_no_episode_twice(episodes: list[Episode]) -> None:
    topics = [episode.window.topic.name for episode in episodes]
    assert topics[:4] == ["normal", "unbalance", "anomaly", "harmonics"]
    names = [episode.window.scenario_id for episode in episodes]
    assert len(names) == len(set(names))
    assert {e.window.point for e in episodes if e.window.told is None} <= set(POINTS)
    assert all(e.window.point == e.window.told.point for e in episodes if e.window.told is not None)
    assert episodes[0].window.point == "DTX1.LV"


def test_held_out__every_window__of_a_test_day(episodes: list[Episode], finished: Any) -> None:
    start = finished.job.profile.simulation.start
    for episode in episodes:
        t = np.asarray(episode.window.seconds, dtype=np.float64)
        days = day_of(t, start, substations.read("mumbai").utc_offset_s)
        assert set(split_of_day(days)) == {TEST}


def test_held_out__truth__shows_the_topic_in_every_second(episodes: list[Episode]) -> None:
    for episode in episodes:
        truth = episode.truth.to_pydict()
        assert truth["scenario_id"] == [episode.window.scenario_id] * 10
        assert [int(t.timestamp()) for t in truth["t"]] == list(episode.window.seconds)
        if episode.window.topic.name == "unbalance":
            assert all(truth["active"])
            assert set(truth["event"]) <= set(GRID_EVENTS)
            assert min(truth["vuf_pct"]) >= 2.0
        if episode.window.topic.name == "anomaly":
            assert all(truth["active"])
            assert set(truth["event"]) <= set(INSTRUMENT_EVENTS)
            assert min(truth["severity"]) >= 5.0


def test_held_out__normal__the_episode_goes_on_to_the_horizon_of_a_forecast(episodes: list[Episode]) -> None:
    for episode in episodes:
        if episode.window.topic.name == "normal":
            assert episode.f_ahead_hz is not None
            assert 49.0 < episode.f_ahead_hz < 51.0
        assert episode.truth.num_rows == 10


def test_held_out__harmonics__request_holds_the_capture_of_its_last_second(episodes: list[Episode]) -> None:
    captured = [episode for episode in episodes if episode.window.topic.name == "harmonics"]
    assert captured
    for episode in captured:
        assert episode.capture is not None
        assert int(episode.capture["t"].timestamp()) == episode.window.seconds[-1]
        waveform = episode.request["waveform"]
        assert {len(series) for channel in "vi" for series in waveform[channel]} == {1280}
        v = np.asarray(waveform["v"])
        rms = np.sqrt((v**2).mean(axis=1))
        np.testing.assert_allclose(rms, episode.request["readings"][-1]["v"], rtol=0.02)
        assert "thd" in episode.request["readings"][-1]
    assert all("waveform" not in e.request for e in episodes if e.window.topic.name != "harmonics")


def test_held_out__request__is_what_the_wire_takes(episodes: list[Episode]) -> None:
    for episode in episodes:
        item = msgspec.json.decode(msgspec.json.encode(episode.request), type=Item)
        assert item.substation == "mumbai"
        assert [int(reading.t.timestamp()) for reading in item.readings] == list(episode.window.seconds)
