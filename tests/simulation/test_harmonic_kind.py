"""What harmonic episodes are, and what meters say in them."""

import json
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from simulation.harmonics.states import thd_pct
from simulation.instruments.distortion import arriving
from simulation.instruments.observation import observe
from simulation.instruments.reading import read_episode
from simulation.scenario.episode import Episode
from simulation.scenario.truth import describe
from simulation.solving import Bench
from switchyard.identity import ScenarioId

SECONDS = 10
EPISODES = 60
Name = Callable[[str, int], ScenarioId]


@pytest.fixture(scope="module")
def episodes(shared_bench: Bench, scenario: Name) -> list[Episode]:
    shared_bench.engine.compile()
    return [shared_bench.episode(scenario("harmonic", index), SECONDS) for index in range(EPISODES)]


@pytest.fixture(scope="module")
def distortions(episodes: list[Episode]) -> np.ndarray:
    """Largest phase's distortion at every captured point of every episode, %."""
    return np.array(
        [
            float(each.distorted.states.thd_v_pct[capture.point].max())
            for each in episodes
            for capture in each.distorted.captures
        ]
    )


def test_harmonic__many_episodes__have_no_event_and_say_what_was_drawn(episodes: list[Episode]) -> None:
    for each in episodes:
        assert (each.status, each.cause) == ("ok", "distortion")
        assert not each.labels.event.any()
        assert json.loads(json.dumps(each.parameters, allow_nan=False)) == each.parameters
        assert set(each.parameters["mix_pct"]) >= {"F221", "F334"}
        assert each.distorted.level.shape == (SECONDS,)
        assert each.distorted.level[-1] == 1.0


def test_harmonic__fundamental__is_the_snapshot_of_the_last_second(episodes: list[Episode]) -> None:
    for each in episodes[:5]:
        assert np.array_equal(each.distorted.states.v[..., 0], each.states.v[-1])
        assert np.array_equal(each.distorted.states.i[..., 0], each.states.i[-1])


def test_harmonic__watched_point__has_the_drawn_distortion_unless_another_would_have_too_much(
    episodes: list[Episode],
) -> None:
    reached = np.array([each.parameters["reached_pct"] for each in episodes])
    wanted = np.array([each.parameters["wanted_pct"] for each in episodes])

    assert np.all(reached <= wanted * (1.0 + 1e-9))
    assert np.mean(np.isclose(reached, wanted)) > 0.6


def test_harmonic__captured_points__spread_over_the_classes_and_not_only_at_their_limits(
    distortions: np.ndarray,
) -> None:
    low, medium = np.mean(distortions < 3.0), np.mean((distortions >= 3.0) & (distortions < 5.0))

    assert distortions.size == 4 * EPISODES
    assert 0.35 < low < 0.65
    assert 0.15 < medium < 0.40
    assert distortions.max() <= 12.0 + 1e-9
    assert distortions.min() < 1.0
    near = np.abs(np.log(distortions[:, None] / np.array([3.0, 5.0]))).min(axis=1) < 0.1
    assert 0.05 < near.mean() < 0.35


def test_harmonic__capacitor_banks__stand_in_all_their_steps(episodes: list[Episode]) -> None:
    assert len({each.capacitor_steps[0] for each in episodes}) == 6


@pytest.fixture(scope="module")
def readings(shared_bench: Bench, episodes: list[Episode]) -> list[tuple]:
    return [read_episode(each, shared_bench.meters, shared_bench.transfers) for each in episodes[:20]]


def test_read_episode__distortion__is_stated_where_the_meter_measures_it(
    shared_bench: Bench, episodes: list[Episode], readings: list[tuple]
) -> None:
    measured = np.array(["thd" in point.measures for point in shared_bench.world.substation.points])
    for each, (said, _) in zip(episodes, readings, strict=False):
        transfers = shared_bench.transfers.on_a_day(each.scenario.generator("transfers"))
        arrived = arriving(each.distorted.states, transfers, float(each.f_hz[-1]))
        expected = thd_pct(arrived.v)[:, None, :] * each.distorted.level[:, None]
        good = measured[:, None] & (said.quality < 2)

        # IEC 61000-4-7 class I: 5 %, or 0.05 % of the fundamental.
        room = 0.05 * expected + 0.05 + 0.005
        assert np.all(np.abs(said.thd - expected)[good] < room[good])
        assert np.isnan(said.thd[~measured]).all()
        assert np.allclose(said.thd[good] / 0.01, np.rint(said.thd[good] / 0.01), atol=1e-6)


def test_read_episode__behind_capacitor_transformers__distortion_reads_too_high(
    shared_bench: Bench, episodes: list[Episode], readings: list[tuple]
) -> None:
    points = shared_bench.world.substation.points
    by_kind: dict[str, list[float]] = {"cvt": [], "inductive": []}
    for each, (said, _) in zip(episodes, readings, strict=False):
        ratio = said.thd[:, -1] / each.distorted.states.thd_v_pct
        for row, point in enumerate(points):
            by_kind[point.vt_kind].extend(ratio[row])

    assert 1.04 < np.nanmedian(by_kind["cvt"]) < 1.25
    assert np.nanmedian(by_kind["inductive"]) == pytest.approx(1.0, abs=0.02)


def test_read_episode__rms_and_powers__include_the_harmonics(
    shared_bench: Bench, episodes: list[Episode], readings: list[tuple]
) -> None:
    meters = shared_bench.meters
    for each, (said, _) in zip(episodes, readings, strict=False):
        rng = each.scenario.generator("meters")
        without = observe(rng, meters, each.states, each.timeline, each.f_hz)
        heard = said.i / without.i
        thd = each.distorted.states.thd_i_pct / 100.0

        assert np.nanmax(np.abs(heard[:, -1] / np.sqrt(1.0 + thd**2) - 1.0)) < 0.02
        loaded = (said.i > 0.05 * meters.rated_a[:, None, None]) & (said.quality < 2)[..., None]
        apparent = (said.v * said.i)[loaded]
        assert np.abs(np.hypot(said.p, said.q)[loaded] / apparent - 1.0).max() < 0.01


def test_describe__distorted__rms_grows_and_unbalance_stays(
    shared_bench: Bench, episodes: list[Episode]
) -> None:
    each = max(episodes, key=lambda found: float(found.distorted.states.thd_v_pct.max()))
    nominal = shared_bench.meters.nominal_v
    true = describe(each.states, each.timeline, nominal, each.distorted)
    fundamental = describe(each.states, each.timeline, nominal)

    thd = each.distorted.states.thd_v_pct / 100.0
    assert true.v[:, -1] / fundamental.v[:, -1] == pytest.approx(np.sqrt(1.0 + thd**2))
    assert np.array_equal(true.vuf_pct, fundamental.vuf_pct, equal_nan=True)


def test_read_episode__capture__is_the_true_wave_behind_its_own_devices(
    shared_bench: Bench, episodes: list[Episode], readings: list[tuple]
) -> None:
    points = shared_bench.world.substation.points
    for each, (said, captured) in zip(episodes, readings, strict=False):
        assert [found.point for found in captured] == [c.point for c in each.distorted.captures]
        for found in captured:
            assert found.v.shape == found.i.shape == (3, 1280)
            assert np.abs(found.true_v) == pytest.approx(np.abs(each.distorted.states.v[found.point]))
            bins = np.sqrt(2.0) * np.abs(np.fft.rfft(found.v.astype(np.float64), axis=1)) / 1280
            # Ratio errors of the class, a little leakage, nothing else in the fundamental.
            limit = points[found.point].vt_class / 100.0 + 1e-3
            assert np.abs(bins[:, 10] / np.abs(found.true_v[:, 0]) - 1.0).max() < limit
            meter = said.v[found.point, -1]
            rms = np.sqrt((found.v.astype(np.float64) ** 2).mean(axis=1))
            if np.isfinite(meter).all():
                assert rms == pytest.approx(meter, rel=2e-3)


def test_read_episode__plain_spectrum__errs_with_the_transformers_and_its_inverse_does_not(
    shared_bench: Bench, episodes: list[Episode], readings: list[tuple]
) -> None:
    points, plain, inverted = shared_bench.world.substation.points, [], []
    gain = np.abs(shared_bench.transfers.of_voltage(50.0 * np.arange(1.0, 41.0)))
    for _, (_, captured) in zip(episodes, readings, strict=False):
        for found in captured:
            if points[found.point].vt_kind != "cvt":
                continue
            lines = np.abs(np.fft.rfft(found.v.astype(np.float64), axis=1)) ** 2
            orders = 10 * np.arange(1, 41)
            groups = np.sqrt(lines[:, orders - 1] + lines[:, orders] + lines[:, orders + 1])
            true = thd_pct(found.true_v).max()
            plain.append(thd_pct(groups).max() - true)
            inverted.append(thd_pct(groups / gain[found.point]).max() - true)

    assert np.mean(np.abs(plain)) > 0.15
    assert np.mean(np.abs(inverted)) < 0.2 * np.mean(np.abs(plain))


def test_harmonic__no_meter_measures_distortion__has_no_capture(
    shared_bench: Bench, scenario: Name, episodes: list[Episode]
) -> None:
    each = episodes[0]
    silent = replace(each, distorted=replace(each.distorted, captures=()))

    said, captured = read_episode(silent, shared_bench.meters, shared_bench.transfers)

    assert captured == ()
    assert said.thd is not None
