"""Episodes of system frequency: quiet statistics, what is drawn, and the files."""

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import substations
from data_contracts.enforcement import enforce_dataset
from data_contracts.facts import SubstationFacts
from data_contracts.ranges import INVALID
from data_contracts.tables.frequency import EVENTS
from simulation.clock import DAY_S, local_midnight
from simulation.frequency.meter import read_frequency
from simulation.frequency.play import Play, play
from simulation.parts import Part
from simulation.pool import Job, solve_part
from simulation.scenario.conditions import _frequency_root
from substations.description import Substation
from switchyard.home import Home
from switchyard.identity import ScenarioId
from switchyard.profiles import Profile

MEASURED_MHZ = {1: 1.1, 5: 4.0, 10: 6.2, 30: 9.5, 60: 11.3, 300: 19.8}
"""Mean absolute change of the frequency of continental Europe over so many seconds."""

SECONDS = 900


def names(substation: str, first: int, stop: int) -> tuple[ScenarioId, ...]:
    return tuple(ScenarioId(substation, "small", 11, "frequency", k) for k in range(first, stop))


@pytest.fixture(scope="module")
def many(mumbai: Substation, small_profile: Profile) -> Play:
    return play(mumbai, small_profile, names("mumbai", 0, 160), SECONDS)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return Home(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def parts(mumbai: Substation, small_profile: Profile, home: Home) -> list[Part]:
    """Eight episodes in two parts."""
    found = [Part("mumbai", "small", 11, "frequency", k, 4 * k, 4 * k + 4, SECONDS) for k in range(2)]
    for part in found:
        solve_part(Job(mumbai, small_profile, ()), part, home.staging / "small.mumbai")
    return found


def read(home: Home, part: Part, table: str = "frequency") -> pa.Table:
    return pq.read_table(home.staging / "small.mumbai" / table / part.file, partitioning=None)


@pytest.mark.parametrize(("lag", "measured"), MEASURED_MHZ.items())
def test_play__quiet_episodes__move_as_a_measured_interconnection(
    many: Play, lag: int, measured: float
) -> None:
    quiet = np.array([episode.cause == "none" for episode in many.episodes])
    true, said = many.response.f_hz[:, quiet], many.f_hz[:, quiet]

    assert 50 < quiet.sum() < 110
    assert 1e3 * np.abs(true[lag:] - true[:-lag]).mean() == pytest.approx(measured, rel=0.15)
    assert 1e3 * np.nanmean(np.abs(said[lag:] - said[:-lag])) == pytest.approx(measured, rel=0.15)


@pytest.mark.parametrize(("lag", "measured"), MEASURED_MHZ.items())
def test_conditions__quiet_frequency_of_other_kinds__has_the_same_statistics(
    lag: int, measured: float
) -> None:
    root = _frequency_root(301)
    change = root[lag] - root[0]

    assert 1e3 * np.sqrt(2.0 / np.pi * (change @ change)) == pytest.approx(measured, rel=0.05)


def test_play__quiet_seconds__are_as_predictable_as_measured_ones(many: Play) -> None:
    """A linear prediction 5 s ahead from 10 s errs by 0.93 of persistence on two measured days."""
    quiet = np.array([episode.cause == "none" for episode in many.episodes])
    said, true = np.nan_to_num(many.f_hz[:, quiet], nan=50.0), many.response.f_hz[:, quiet]
    past = np.lib.stride_tricks.sliding_window_view(said, 10, axis=0)[:-5]
    x = (past - past[..., -1:])[..., :-1].reshape(-1, 9)
    y = (true[14:] - past[..., -1]).ravel()
    half = y.size // 2
    weights = np.linalg.lstsq(x[:half], y[:half], rcond=None)[0]
    persistence, linear = np.abs(y[half:]).mean(), np.abs(y[half:] - x[half:] @ weights).mean()

    assert 1e3 * persistence == pytest.approx(4.0, rel=0.15)
    assert linear / persistence == pytest.approx(0.93, abs=0.03)


def test_play__many_episodes__half_are_quiet_and_onsets_mostly_follow_a_quiet_history(many: Play) -> None:
    events = [episode.parameters["events"] for episode in many.episodes]
    onsets = [event["onset_s"] for each in events for event in each]
    sizes = np.abs([event["power_pu"] for each in events for event in each])
    kinds = Counter(event["kind"] for each in events for event in each)

    assert 0.35 < np.mean([bool(each) for each in events]) < 0.65
    assert np.mean(np.array(onsets) >= 600.0) > 0.7
    assert min(onsets) < 500.0
    assert set(kinds) == set(EVENTS) - {"none"}
    assert sizes.max() <= 0.08
    assert np.quantile(sizes, 0.9) > 3.0 * np.median(sizes)
    assert any(len(each) >= 3 for each in events)


def test_play__an_onset__is_marked_from_its_own_second_on(many: Play) -> None:
    for k, episode in enumerate(many.episodes):
        events = episode.parameters["events"]
        since, event = many.since_s[:, k], many.event[:, k]
        if not events:
            assert np.isnan(since).all()
            assert not event.any()
            continue
        for each in events:
            second = int(each["onset_s"])
            assert 0.0 < since[second] <= 1.0
            assert EVENTS[event[second]] == each["kind"]
        assert np.isnan(since[: int(events[0]["onset_s"])]).all()


def test_play__every_second__keeps_the_swing_equation(many: Play) -> None:
    truth = many.response
    damping = np.array([episode.parameters["damping"] for episode in many.episodes])
    deviation = truth.f_hz / 50.0 - 1.0
    left = 2.0 * truth.inertia_s * truth.rocof_hz_s / 50.0
    right = truth.imbalance_pu + truth.governor_pu + truth.agc_pu + truth.shed_pu - damping * deviation
    # Seconds in which inertia leaves hold two systems.
    whole = np.vstack([np.ones((1, damping.size), dtype=bool), np.diff(truth.inertia_s, axis=0) == 0.0])

    assert np.abs(left - right)[whole].max() < 2e-5
    assert np.abs(truth.imbalance_pu).max() > 0.02


def test_play__unit_trips__take_inertia_and_do_not_give_it_back(many: Play) -> None:
    inertia = many.response.inertia_s

    assert np.all(np.diff(inertia, axis=0) <= 0.0)
    assert (inertia[-1] < inertia[0]).sum() > 10
    assert inertia.min() > 1.0


def test_play__episodes_apart__are_those_of_the_whole(
    many: Play, mumbai: Substation, small_profile: Profile
) -> None:
    alone = play(mumbai, small_profile, names("mumbai", 7, 8), SECONDS)
    few = play(mumbai, small_profile, names("mumbai", 5, 10), SECONDS)

    for column in ("f_hz", "rocof_hz_s", "imbalance_pu", "governor_pu", "agc_pu", "shed_pu"):
        whole = getattr(many.response, column)
        assert np.array_equal(getattr(alone.response, column)[:, 0], whole[:, 7])
        assert np.array_equal(getattr(few.response, column), whole[:, 5:10])
    assert np.array_equal(alone.f_hz[:, 0], many.f_hz[:, 7], equal_nan=True)
    assert alone.episodes[0] == many.episodes[7]


def test_play__regions__differ_in_inertia(small_profile: Profile) -> None:
    median = {
        name: float(
            np.median(
                [
                    each.parameters["inertia_s"]
                    for each in play(substations.read(name), small_profile, names(name, 0, 30), 30).episodes
                ]
            )
        )
        for name in ("mumbai", "delhi", "bangalore")
    }

    assert median["mumbai"] > median["delhi"] > median["bangalore"] > 1.5


def test_play__any_episode__fits_into_one_local_day(
    many: Play, mumbai: Substation, small_profile: Profile
) -> None:
    midnight = local_midnight(small_profile.simulation.start, mumbai.utc_offset_s)
    days = {(each.t_start - midnight) // DAY_S for each in many.episodes}

    assert all((each.t_start - midnight) % DAY_S + SECONDS <= DAY_S for each in many.episodes)
    assert days == set(range(small_profile.simulation.load_days))


def test_read_frequency__long_recording__is_noisy_rounded_and_sometimes_lost() -> None:
    rng = np.random.default_rng(5)
    true = 50.0 + 0.02 * rng.standard_normal(400_000)
    said, quality = read_frequency(rng, true)
    there = np.isfinite(said)

    assert np.array_equal(quality == INVALID, ~there)
    assert 1e-4 < 1.0 - there.mean() < 1e-3
    assert 0 < (quality == 1).sum() < 2000
    assert np.abs(said[there] * 1e3 - np.rint(said[there] * 1e3)).max() < 1e-6
    assert np.std((said - true)[there]) == pytest.approx(np.hypot(3e-4, 1e-3 / np.sqrt(12.0)), rel=0.05)


def test_solve_part__frequency__passes_its_contracts(
    parts: list[Part], home: Home, mumbai: Substation
) -> None:
    rows = sum(read(home, part).num_rows for part in parts)
    parameters = read(home, parts[0], "scenarios").column("parameters").to_pylist()

    report = enforce_dataset(home, "small.mumbai", SubstationFacts.of(mumbai), reject_share=0.0)

    assert rows == 8 * SECONDS
    assert all(set(json.loads(text)) >= {"inertia_s", "gain", "events"} for text in parameters)
    assert report.rejected == 0
    assert report.rows == rows + 8


def test_solve_part__same_scenarios_again__gives_the_same_bytes(
    mumbai: Substation, small_profile: Profile, tmp_path: Path
) -> None:
    part = Part("mumbai", "small", 11, "frequency", 0, 0, 3, 60)
    for folder in ("one", "other"):
        solve_part(Job(mumbai, small_profile, ()), part, tmp_path / folder)

    for table in ("frequency", "scenarios"):
        one, other = (tmp_path / folder / table / part.file for folder in ("one", "other"))
        assert one.read_bytes() == other.read_bytes()
