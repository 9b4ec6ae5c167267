"""Kind `operator`: the four situations that operators are trained on."""

from collections.abc import Callable

import numpy as np
import pytest

from data_contracts.tables.readings_truth import EVENTS
from simulation.engine import Engine
from simulation.instruments.reading import read_episode
from simulation.scenario.episode import Episode
from simulation.scenario.operation import operate
from simulation.scenario.recording import Recording
from simulation.scenario.regulation import errors_pu
from simulation.scenario.stage import Stage
from simulation.scenario.training.spells import run
from simulation.scenario.transformer_load import transformer_loads
from simulation.scenario.truth import describe
from simulation.solving import Bench
from switchyard.identity import ScenarioId

SECONDS, ROUNDS = 150, 2
Name = Callable[[str, int], ScenarioId]


@pytest.fixture(scope="module")
def episodes(shared_bench: Bench, scenario: Name) -> list[Episode]:
    shared_bench.engine.compile()
    off = shared_bench.engine.out_of_service
    found = [shared_bench.episode(scenario("operator", index), SECONDS) for index in range(4 * ROUNDS)]
    assert shared_bench.engine.out_of_service == off
    return found


def named(episodes: list[Episode], situation: str) -> list[Episode]:
    return [episode for episode in episodes if episode.parameters["situation"] == situation]


def acting(episode: Episode) -> set[str]:
    return {EVENTS[code] for code in np.unique(episode.labels.event[episode.labels.active])}


def position(episode: Episode, transformer: str) -> np.ndarray:
    return np.array([int(dict(e.split(":") for e in t.split(","))[transformer]) for t in episode.taps])


def test_operator__situations__come_in_turn_and_balance(episodes: list[Episode]) -> None:
    told = [episode.parameters["situation"] for episode in episodes]

    assert told == ["overvoltage", "overload", "underfrequency", "breaker_failure"] * ROUNDS
    for episode in episodes:
        assert episode.status in ("ok", "islanded"), episode.reason
        assert np.abs(episode.states.residual_p_pu).max() < 1e-6
        assert np.abs(episode.states.residual_q_pu).max() < 1e-6
        assert len(episode.taps) == len(episode.capacitor_steps) == SECONDS
    assert len({episode.t_start for episode in episodes}) == len(episodes)


def test_overvoltage__busbar__stands_at_440_kv_for_half_a_minute(
    episodes: list[Episode], bench: Bench
) -> None:
    point = [each.id for each in bench.world.substation.points].index("INF1")
    for episode in named(episodes, "overvoltage"):
        start = episode.parameters["start_s"]
        truth = describe(episode.states, episode.timeline, bench.meters.nominal_v)
        kv = truth.v_ll[point].mean(axis=1) / 1e3

        assert kv[start : start + 30].mean() == pytest.approx(440.0, abs=0.5)
        assert np.abs(kv[start : start + 30] - 440.0).max() < 2.0
        assert np.delete(kv, np.s_[start : start + 30]).max() < 420.0
        assert np.array_equal(np.flatnonzero(episode.labels.active[point]), np.arange(start, start + 30))
        assert "swell" in acting(episode)
        assert episode.severity == np.nanmax(episode.labels.severity)


def test_overload__first_transformer__carries_110_percent_and_tap_changers_answer(
    episodes: list[Episode], bench: Bench
) -> None:
    substation = bench.world.substation
    for episode in named(episodes, "overload"):
        start = episode.parameters["start_s"]
        load = transformer_loads(substation, episode.states, episode.timeline.state)["AT1"]

        assert load[start : start + 120].mean() == pytest.approx(1.10, abs=0.01)
        assert load[:start].max() < 1.0
        assert load[start + 120 :].max() < 1.0
        assert episode.parameters["load_pu"] == load[start : start + 120].mean()
        bays = [k for k, point in enumerate(substation.points) if point.id in ("AT1.HV", "AT1.MV")]
        for k in bays:
            over = episode.labels.event[k] == EVENTS.index("overload")
            assert np.array_equal(np.flatnonzero(episode.labels.active[k] & over), np.flatnonzero(load > 1.0))
        taps = position(episode, "AT1")
        assert (taps[:30] == taps[0]).all()
        assert taps[start + 40] < taps[0]


def test_underfrequency__frequency__rides_down_stands_at_49_2_and_recovers(
    episodes: list[Episode], bench: Bench
) -> None:
    for episode in named(episodes, "underfrequency"):
        drawn = episode.parameters
        fallen = drawn["start_s"] + int(np.ceil(drawn["fall_s"]))
        held = slice(fallen, fallen + 60)

        assert episode.f_hz[held].mean() == pytest.approx(49.2, abs=1e-3)
        assert np.abs(episode.f_hz[held] - 49.2).max() < 0.15
        assert np.abs(episode.f_hz[[0, -1]] - 50.0).max() < 0.15
        assert np.abs(np.diff(episode.f_hz)).max() < 0.25
        assert np.array_equal(
            episode.labels.active, np.broadcast_to(episode.f_hz < 49.9, episode.labels.active.shape)
        )
        assert episode.severity == pytest.approx((50.0 - episode.f_hz.min()) / 0.01)
        readings, _ = read_episode(episode, bench.meters, bench.transfers)
        good = np.isfinite(readings.f)
        truly = np.broadcast_to(episode.f_hz, readings.f.shape)
        assert np.quantile(np.abs(readings.f - truly)[good], 0.99) < 0.02


def test_breaker_failure__section__trips_and_the_rest_is_regulated(
    episodes: list[Episode], bench: Bench
) -> None:
    for episode in named(episodes, "breaker_failure"):
        drawn = episode.parameters

        assert drawn["cleared_by"] == episode.fault.cleared_by == "breaker_failure"
        assert len(drawn["trips"]) > 1
        assert episode.status == "islanded"
        assert "interruption" in acting(episode)
        assert 0.2 < drawn["duration_s"] < 0.8
        # No tap changer runs away on a dead busbar.
        for transformer in ("AT1", "AT2", "DTX1", "DTX2"):
            taps = position(episode, transformer)
            assert np.abs(taps - taps[0]).max() <= 4


def test_errors__dead_busbar__does_not_count(engine: Engine, bench: Bench, rated_loads: np.ndarray) -> None:
    group = bench.world.regulators.groups[0]
    v = engine.solve(rated_loads[None])
    dead = v.copy()
    dead[:, engine.layout.bus_nodes(group.buses[0])] = 0.0

    alone = errors_pu(engine, group, dead)

    assert alone == pytest.approx(errors_pu(engine, group, v), abs=2e-3)
    dead[:, engine.layout.bus_nodes(group.buses[1])] = 0.0
    assert errors_pu(engine, group, dead) == 0.0


def test_run__spells_without_a_change__are_one_operation(bench: Bench, scenario: Name) -> None:
    stage = Stage.set(bench.world, bench.engine, scenario("operator", 5), 80)
    s_va, waited = stage.conditions.s_va, np.zeros(len(bench.world.regulators.groups) + 2)
    s_va[5:, :24] *= 1.4

    parted = run(stage, s_va, ((5, stage.emf_pu), (22, stage.emf_pu), (80, stage.emf_pu)), Recording())
    whole = operate(
        bench.engine, bench.world.regulators, s_va, stage.positions, waited, recording=Recording()
    )

    assert parted.moves == whole.moves
    assert parted.moves
    assert parted.positions == whole.positions
    assert parted.states.size == whole.states.size == 80
