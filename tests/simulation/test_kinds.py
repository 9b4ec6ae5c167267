"""What each scenario kind is, on a handful of its episodes."""

from collections.abc import Callable

import numpy as np
import pytest

import substations
from data_contracts.tables.readings_truth import EVENTS
from simulation.clock import DAY_S
from simulation.grid import BoundaryHour
from simulation.scenario.episode import Episode
from simulation.scenario.truth import describe
from simulation.sequence import line_voltages, unbalance_pct
from simulation.solving import Bench
from switchyard.identity import ScenarioId
from switchyard.profiles import Profile

SECONDS = 20
LIVED_KINDS = ("normal", "fault", "sag", "swell", "unbalance", "harmonic", "instrument")
Play = Callable[[str, int], Episode]


@pytest.fixture
def play(bench: Bench, scenario: Callable[[str, int], ScenarioId]) -> Play:
    return lambda kind, index: bench.episode(scenario(kind, index), SECONDS)


def event_names(episode: Episode, point: int) -> set[str]:
    return {EVENTS[code] for code in np.unique(episode.labels.event[point])}


def row(bench: Bench, name: str) -> int:
    return [point.id for point in bench.world.substation.points].index(name)


@pytest.mark.parametrize("kind", LIVED_KINDS)
def test_episode__any_kind__balances_and_fits_into_one_local_day(bench: Bench, play: Play, kind: str) -> None:
    for index in range(4):
        episode = play(kind, index)

        assert episode.status in ("ok", "islanded"), episode.reason
        assert np.abs(episode.states.residual_p_pu).max() < 1e-6
        assert np.abs(episode.states.residual_q_pu).max() < 1e-6
        since = episode.t_start - bench.world.midnight
        assert since // DAY_S == (since + SECONDS - 1) // DAY_S
        assert 0 <= since // DAY_S < bench.world.days
        assert len(episode.taps) == len(episode.capacitor_steps) == SECONDS


@pytest.mark.parametrize("kind", LIVED_KINDS)
def test_episode__any_kind__leaves_the_engine_as_it_was(
    bench: Bench, play: Play, rated_loads: np.ndarray, kind: str
) -> None:
    off = bench.engine.out_of_service
    play("normal", 0)
    before = bench.engine.solve(rated_loads[None])

    for index in range(6):
        play(kind, index)
    play("normal", 0)

    assert bench.engine.out_of_service == off
    assert np.abs(bench.engine.solve(rated_loads[None]) - before).max() < 1.0


@pytest.mark.parametrize("kind", LIVED_KINDS)
def test_episode__played_alone_or_after_others__is_the_same(bench: Bench, play: Play, kind: str) -> None:
    alone = play(kind, 3)
    bench.engine.compile()
    for index in range(3):
        play(kind, index)
    after = play(kind, 3)

    # What was drawn is the same; the last bits of a solution depend on the ones before it.
    assert alone.parameters.keys() == after.parameters.keys()
    assert np.array_equal(alone.labels.active, after.labels.active)
    scale = np.abs(alone.states.v).max()
    assert np.abs(alone.states.v - after.states.v).max() / scale < 1e-6


def test_normal__many_episodes__hold_tap_steps_and_switching_and_nothing_worse(play: Play) -> None:
    causes, largest_vuf = set(), 0.0
    for index in range(30):
        episode = play("normal", index)
        causes.add(episode.cause)
        largest_vuf = max(largest_vuf, float(unbalance_pct(episode.states.v).max()))
        for move in np.argwhere(episode.labels.active):
            assert EVENTS[episode.labels.event[tuple(move)]] in ("tap_step", "switching")

    assert "tap_step" in causes
    assert causes <= {"none", "tap_step", "switching"}
    assert 0.05 < largest_vuf < 2.0


def test_sag__sized__has_the_drawn_severity_at_the_watched_point(bench: Bench, play: Play) -> None:
    for index in (0, 2, 4, 6):
        episode = play("sag", index)
        watched = row(bench, episode.parameters["watched"])

        assert episode.severity == pytest.approx(episode.parameters["drawn"], rel=0.02)
        active = episode.labels.active[watched]
        assert event_names(episode, watched) <= {"sag", "swell"}
        assert 1 <= active.sum() <= 3
        assert np.nanmax(episode.labels.severity[watched]) == pytest.approx(episode.severity)


def test_sag__short_circuit__shows_in_half_cycle_extremes_of_its_second(bench: Bench, play: Play) -> None:
    from simulation.instruments.observation import observe

    episode = play("sag", 2)
    second = int(episode.fault.t_start_s)
    said = observe(np.random.default_rng(0), bench.meters, episode.states, episode.timeline, episode.f_hz)

    depth = {name: 1.0 - min(pu) for name, pu in episode.fault.dips.items()}
    name = max((n for n in depth if n != "SYSTEM"), key=lambda n: depth[n])
    k = row(bench, name)
    seen = 1.0 - np.nanmin(said.v_min[k, second]) / bench.meters.nominal_v[k]
    assert seen == pytest.approx(depth[name], abs=0.02)
    struck = np.array([phase in episode.fault.phases for phase in "abc"])
    currents = np.array(episode.fault.i_fault_a)
    assert np.all(currents[struck] > 50.0)
    assert currents[~struck] == pytest.approx(0.0, abs=1e-6 * currents.max())


def test_swell__load_rejection__lifts_all_phases_by_the_drawn_severity(bench: Bench, play: Play) -> None:
    for index in (2, 5, 8):
        episode = play("swell", index)
        watched = row(bench, episode.parameters["watched"])
        begin, length = episode.parameters["start_s"], episode.parameters["duration_s"]

        assert episode.cause == "load_rejection"
        assert episode.fault is None
        assert episode.severity == pytest.approx(episode.parameters["drawn"], rel=0.01)
        assert event_names(episode, watched) == {"swell"}
        assert episode.labels.active[watched].sum() == int(np.ceil(begin + length)) - int(begin)


def test_sag__remote_fault__dips_everywhere_and_trips_nothing(bench: Bench, play: Play) -> None:
    causes = set()
    for index in (1, 7, 13):
        episode = play("sag", index)
        watched = row(bench, "INF1")

        assert episode.cause == "fault"
        assert episode.fault is None
        assert episode.status == "ok"
        assert episode.parameters["site"] == "grid"
        assert event_names(episode, watched) <= {"sag", "swell"}
        assert episode.labels.active.any(axis=1).all()
        begin, length = episode.parameters["start_s"], episode.parameters["duration_s"]
        assert episode.labels.active[watched].sum() == int(np.ceil(begin + length)) - int(begin)
        causes.add(episode.parameters["cleared_by"])
    assert causes <= {"main", "backup", "breaker_failure"}


def test_sag__motor_start__acts_while_the_motor_runs_up_and_not_when_it_runs(
    bench: Bench, play: Play
) -> None:
    from simulation.instruments.observation import observe

    for index in (3, 9, 15):
        episode = play("sag", index)
        watched = row(bench, episode.parameters["watched"])
        begin, length = episode.parameters["start_s"], episode.parameters["duration_s"]
        active = np.flatnonzero(episode.labels.active[watched])

        assert episode.cause == "motor_starting"
        assert event_names(episode, watched) == {"sag"}
        assert active[0] in (int(begin), int(begin) + 1)
        assert active[-1] <= begin + length
        assert active.size >= 0.5 * length
        assert np.all(np.diff(active) == 1)
        assert np.unique(episode.labels.severity[watched]) == pytest.approx([episode.severity])
        said = observe(np.random.default_rng(0), bench.meters, episode.states, episode.timeline, episode.f_hz)
        calm, deep = said.v_min[watched, : int(begin)].mean(), said.v_min[watched, active[1]].mean()
        assert (1.0 - deep / calm) / bench.world.limit[watched] == pytest.approx(episode.severity, rel=0.15)
        after = (
            said.v_min[watched, int(begin + length) + 1 :].mean() if begin + length < SECONDS - 2 else calm
        )
        assert 1.0 - after / calm < 0.4 * (1.0 - deep / calm)


def test_sag__bank_switching__is_a_rapid_voltage_change_and_no_anomaly(bench: Bench, play: Play) -> None:
    for index in (5, 11, 17):
        episode = play("sag", index)
        second = int(episode.parameters["start_s"])

        assert episode.cause == "capacitor_switching"
        assert episode.parameters["change_pct"] >= 1.0
        assert abs(np.diff(episode.parameters["steps"])[0]) == 1
        assert {name for k in range(27) for name in event_names(episode, k)} == {"none", "switching"}
        assert np.argwhere(episode.labels.active)[:, 1].tolist() == [second] * int(
            episode.labels.active.any(axis=1).sum()
        )
        assert episode.capacitor_steps[second - 1] != episode.capacitor_steps[second]


def test_sag__any_hundred__are_half_of_drawn_severity(bench: Bench, play: Play) -> None:
    aims = [play("sag", index).parameters["aim"] for index in range(12)]

    assert aims.count("severity") == 6


def test_swell__earth_fault_with_an_impedance_in_the_neutral__lifts_the_healthy_phases(
    small_profile: Profile, hours: tuple[BoundaryHour, ...]
) -> None:
    bench = Bench.of(substations.read("delhi"), small_profile, hours)
    episode = bench.episode(ScenarioId("delhi", "small", 11, "swell", 5), SECONDS)
    watched = row(bench, episode.parameters["watched"])
    v = np.abs(episode.states.v[:, watched])

    assert episode.cause == "fault"
    assert episode.parameters["fault_type"] == "LG"
    assert event_names(episode, watched) == {"swell"}
    assert episode.severity >= 0.99
    assert v.max() / v[0].max() - 1.0 > 1.0 - v.min() / v[0].min()


def test_fault__tripped_section__is_an_interruption_and_islanded(bench: Bench, play: Play) -> None:
    found = next((e for e in (play("fault", index) for index in range(120)) if e.status == "islanded"), None)

    assert found is not None
    assert found.reason.startswith("de-energised at the end: ")
    dead = [k for k in range(len(found.labels.event)) if "interruption" in event_names(found, k)]
    truth = describe(found.states, found.timeline, bench.meters.nominal_v)
    assert dead
    assert truth.v[dead, -1].max() < 0.1 * bench.meters.nominal_v[dead].max()
    assert np.isnan(truth.vuf_pct[dead, -1]).all()


def test_unbalance__many_episodes__reach_what_they_aimed_at_in_all_classes(bench: Bench, play: Play) -> None:
    hit, aimed, vuf, causes = 0, 0, [], set()
    for index in range(40):
        episode = play("unbalance", index)
        causes.add(episode.cause)
        truth = describe(episode.states, episode.timeline, bench.meters.nominal_v)
        vuf.append(truth.vuf_pct[:, -1])
        if episode.parameters.get("target"):
            aimed += 1
            hit += abs(np.log(episode.parameters["reached"] / episode.parameters["target"])) < 0.1
        if episode.parameters.get("aim") == "vuf_pct":
            watched = row(bench, episode.parameters["watched"])
            assert truth.vuf_pct[watched, -1] == pytest.approx(episode.parameters["reached"], rel=0.15)

    share = np.histogram(np.concatenate(vuf), bins=[0.0, 2.0, 5.0, 10.0, 101.0])[0] / np.concatenate(vuf).size
    assert hit >= 0.8 * aimed
    assert np.all(share > 0.02), share
    assert {"unbalance", "open_conductor", "single_phasing"} <= causes


def test_unbalance__interrupted_conductor__leaves_half_as_much_negative_as_positive_sequence(
    bench: Bench,
) -> None:
    from simulation.scenario.unbalancing.conductors import OPEN_OHM, OpenConductor

    feeder = bench.world.substation.feeder("F334")
    engine = bench.engine
    s_va = np.zeros((1, len(engine.loads)), dtype=np.complex128)
    s_va[0, 3 * len(bench.world.substation.feeders) - 3 :][:3] = 1e6 + 3e5j

    broken = OpenConductor(feeder, str(feeder.line), 0)
    v = engine.solve(broken.apply(engine, s_va, OPEN_OHM))[0]
    broken.undo(engine)

    # Loads between phase and earth: the open phase is dead, V1 = 2/3, V2 = V0 = 1/3.
    assert unbalance_pct(v[engine.layout.bus_nodes("f334_end")]) == pytest.approx(50.0, abs=2.5)


def test_unbalance__blown_vt_fuse__is_seen_by_one_instrument_only(bench: Bench, play: Play) -> None:
    found = next(e for e in (play("unbalance", index) for index in range(200)) if e.cause == "vt_fuse")

    watched = row(bench, found.parameters["watched"])
    named = [k for k in range(len(found.labels.event)) if event_names(found, k) != {"none"}]
    assert named == [watched]
    assert unbalance_pct(found.states.v).max() < 2.0
    assert len(found.malfunctions) == 1


@pytest.mark.parametrize(("index", "kind"), list(enumerate(("drift", "stuck", "spike", "dead", "swapped"))))
def test_instrument__each_kind__departs_by_its_severity_from_what_it_would_have_said(
    bench: Bench, play: Play, index: int, kind: str
) -> None:
    from simulation.instruments.observation import observe

    for turn in range(3):
        episode = play("instrument", index + 5 * turn)
        watched = row(bench, episode.parameters["watched"])
        with_it, without = (
            observe(
                np.random.default_rng(5),
                bench.meters,
                episode.states,
                episode.timeline,
                episode.f_hz,
                malfunctions=bad,
            )
            for bad in (episode.malfunctions, ())
        )

        change = np.abs(with_it.v[watched] / without.v[watched] - 1.0)
        assert episode.cause == kind
        assert event_names(episode, watched) == {kind}
        assert 1.0 <= episode.severity <= 20.5
        # Two exchanged devices differ by both their errors as well.
        room = 1.4 if kind == "swapped" else 0.5
        assert np.nanmax(change) / bench.world.limit[watched] == pytest.approx(episode.severity, abs=room)
        others = [k for k in range(change.shape[0]) if k != watched]
        assert np.array_equal(with_it.v[others], without.v[others], equal_nan=True)


def test_draw_severity__many_draws__are_log_uniform_from_1_to_20() -> None:
    from simulation.scenario.departure import draw_severity

    rng = np.random.default_rng(4)
    drawn = np.log([draw_severity(rng) for _ in range(4000)]) / np.log(20.0)

    assert drawn.min() >= 0.0
    assert drawn.max() <= 1.0
    assert np.histogram(drawn, bins=4, range=(0.0, 1.0))[0] == pytest.approx([1000] * 4, rel=0.12)


def test_describe__divided_second__is_the_weighted_mean_of_its_states(bench: Bench, play: Play) -> None:
    episode = play("sag", 2)
    truth = describe(episode.states, episode.timeline, bench.meters.nominal_v)
    begin, end = episode.timeline.begin, episode.timeline.end
    second = int(episode.fault.t_start_s)
    inside = np.flatnonzero((begin < second + 1) & (end > second))
    weights = np.minimum(end[inside], second + 1) - np.maximum(begin[inside], second)

    v = np.tensordot(weights, np.abs(episode.states.v[episode.timeline.state[inside]]), axes=1)
    lines = np.tensordot(
        weights, np.abs(line_voltages(episode.states.v[episode.timeline.state[inside]])), axes=1
    )

    assert weights.sum() == pytest.approx(1.0)
    assert truth.v[:, second] == pytest.approx(v)
    assert truth.v_ll[:, second] == pytest.approx(lines)
