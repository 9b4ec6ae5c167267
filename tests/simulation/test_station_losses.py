"""Losses of a station's states against sums over elements and closed forms."""

from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pyarrow.parquet as pq
import pytest

from data_contracts.facts import SubstationFacts
from data_contracts.inspection import inspect
from data_contracts.tables import TABLES
from simulation.engine import Engine
from simulation.engine.losses import REACTOR_LOSS
from simulation.errors import InfeasibleError, NotConvergedError
from simulation.scenario.regulation import Positions, apply
from simulation.solving import Bench
from simulation.states.following import Following
from simulation.states.plan import plan_states
from simulation.states.playing import play
from simulation.states.settings import Settings, Watched, around, solve_settings
from simulation.states.state import State
from simulation.states.station import Station
from simulation.tables.controls import write_controls
from simulation.tables.losses import write_losses
from switchyard.profiles import Profile, States


@pytest.fixture(scope="module")
def profile(small_profile: Profile) -> Profile:
    plan = msgspec.structs.replace(
        small_profile.simulation, states=States(stride=97, controls=2, tap_window=1)
    )
    return msgspec.structs.replace(small_profile, simulation=plan)


@pytest.fixture(scope="module")
def played(shared_bench: Bench, profile: Profile) -> tuple[Station, tuple[State, ...], tuple[Settings, ...]]:
    (part,) = plan_states(profile, "mumbai")
    return play(shared_bench.world, shared_bench.engine, profile, part)


@pytest.fixture
def station(bench: Bench) -> Station:
    return Station(bench.world, bench.engine, "small", 11)


def one_phase_w(engine: Engine, v: np.ndarray, line: str) -> float:
    """I²R of a line's series impedance from its terminals' voltages, all phases."""
    one, other = (engine.layout.bus_nodes(bus) for bus in ("lv2", "f334_end"))
    drop = v[one] - v[other]
    i = np.linalg.solve(engine.series_impedance(line), drop)
    return float((drop * i.conj()).real.sum())


def test_read__loaded_station__elements_sum_to_what_the_grid_gives_beyond_the_load(
    engine: Engine, rated_loads: np.ndarray
) -> None:
    engine.lossy().energise()
    engine.solve(rated_loads[None])

    found = engine.lossy().read()

    assert found.total_w.sum() == pytest.approx(engine.supplied_va().real - rated_loads.real.sum(), abs=1.0)
    parts = found.resistive_w + found.reactive_w + found.core_w
    assert parts == pytest.approx(found.total_w)


def test_read__one_feeder__is_the_current_squared_times_the_resistance(
    engine: Engine, rated_loads: np.ndarray
) -> None:
    v = engine.solve(rated_loads[None])[0]

    lossy = engine.lossy()
    found = lossy.read()

    place = lossy.place("line.f334")
    assert found.total_w[place] == pytest.approx(one_phase_w(engine, v, "line.f334"), rel=1e-6)
    power = rated_loads[3 * 7 : 3 * 8].sum()
    # All but the charging current is that of the load: (Q/S)² of the loss is due to its reactive part.
    assert found.reactive_w[place] / found.total_w[place] == pytest.approx(
        (power.imag / abs(power)) ** 2, rel=0.1
    )


def test_read__every_element__is_what_opendss_says(engine: Engine, rated_loads: np.ndarray) -> None:
    engine.lossy().energise()
    engine.solve(rated_loads[None])

    lossy = engine.lossy()
    found = lossy.read()

    for k, name in enumerate(lossy.names):
        element = engine._elements[name]
        powers = np.asarray(element.Powers()).reshape(int(element.NumTerminals()), -1)
        assert found.total_w[k] == pytest.approx(element.Losses().real, rel=1e-6, abs=1.0)
        largest_va = 1e3 * np.abs(powers.sum(axis=1)).max()
        assert found.apparent_va[k] == pytest.approx(largest_va, rel=1e-6, abs=1.0)


def test_read__no_load__leaves_cores_and_reactors(engine: Engine) -> None:
    engine.lossy().energise()
    for feeder in engine.substation.feeders:
        engine.switch(feeder.line, on=False)
    for capacitor in engine.substation.capacitors:
        engine.set_steps(capacitor.id, 0)
    v = engine.solve(np.zeros((1, len(engine.loads)), dtype=np.complex128))[0]

    lossy = engine.lossy()
    found = lossy.read()

    for transformer in engine.substation.transformers:
        nodes = engine.layout.bus_nodes(transformer.windings[1].bus)
        squares = float(np.mean(np.abs(v[nodes] / engine.layout.base_v[nodes]) ** 2))
        expected = 1e3 * transformer.no_load_loss_kw * squares
        assert found.core_w[lossy.place(transformer.element)] == pytest.approx(expected, rel=1e-6)
    for reactor in engine.substation.reactors:
        nodes = engine.layout.bus_nodes(reactor.bus)
        squares = float(np.mean(np.abs(v[nodes] / engine.layout.base_v[nodes]) ** 2))
        assert found.core_w[lossy.place(reactor.element)] == pytest.approx(
            REACTOR_LOSS * reactor.mvar * 1e6 * squares, rel=1e-6
        )
    assert found.core_w.sum() / found.total_w.sum() > 0.98


def test_heat__all_resistances_doubled__doubles_the_loss_of_the_same_current(
    engine: Engine, rated_loads: np.ndarray
) -> None:
    lossy, names = engine.lossy(), ("line.f334", "transformer.dtx2")
    engine.solve(rated_loads[None])
    places = [lossy.place(name) for name in names]
    cold = lossy.read().total_w[places]

    lossy.heat(dict.fromkeys(names, 2.0))
    engine.solve(rated_loads[None])
    hot = lossy.read().total_w[places]
    lossy.heat(dict.fromkeys(names, 1.0))
    engine.solve(rated_loads[None])

    # The warmer line drops more voltage, so that the same power needs a little more current.
    assert hot / cold == pytest.approx(2.0, rel=0.15)
    assert np.all(hot / cold > 2.0)
    assert lossy.read().total_w[places] == pytest.approx(cold, rel=1e-6)


def test_compile__after_heat_and_core_loss__forgets_both(engine: Engine, rated_loads: np.ndarray) -> None:
    engine.solve(rated_loads[None])
    before = engine.lossy().read().total_w
    engine.lossy().energise()
    engine.lossy().heat({"line.f334": 3.0})
    engine.solve(rated_loads[None])

    engine.compile()
    engine.solve(rated_loads[None])

    assert engine.lossy().read().total_w == pytest.approx(before, abs=1e-3)


def test_line_ohm__shipped_line__is_the_code_s_resistance_times_the_length(engine: Engine) -> None:
    assert engine.lossy().line_ohm("line.f334") == pytest.approx(0.3035 * 22.0)


def test_states__each__balances_and_loses_more_with_harmonics(
    played: tuple[Station, tuple[State, ...], tuple[Settings, ...]],
) -> None:
    station, states, _ = played

    assert len(states) == len(range(0, station.world.loads.t.size, 97))
    for state in states:
        found = state.solution
        assert found is not None
        assert max(map(abs, found.residual_pu)) <= 1e-6
        assert found.supplied_va.real - state.s_va.real.sum() == pytest.approx(found.losses.total_w, abs=10.0)
        assert sum(found.losses.by_class_w) == pytest.approx(found.losses.total_w)
        assert 0.0 < found.losses.harmonic_w < 0.1 * found.losses.resistive_w
        assert 0.8 < state.nameplate_w / found.losses.total_w < 1.2
    assert sum(station.design_shares) == pytest.approx(1.0)


def test_solve__no_rest__is_kept_with_its_reason(station: Station, monkeypatch: pytest.MonkeyPatch) -> None:
    def restless(*_: object, **__: object) -> None:
        raise InfeasibleError("the regulators chase each other", "widen the dead bands")

    with monkeypatch.context() as patched:
        patched.setattr(Following, "solve", restless)
        lost = station.solve(40)
    found = station.solve(40)

    assert (lost.status, lost.reason) == ("unsolved", "the regulators chase each other")
    assert found.status == "ok"


def test_around__at_the_last_tap__stays_within_the_range(bench: Bench) -> None:
    groups = bench.world.regulators.groups
    present = Positions(tuple(group.steps for group in groups), (0, 0))

    found = list(around(bench.world.regulators, present, 2))

    assert len(found) == len(set(found)) == 3 ** len(groups) * 3 * 2
    assert present in found
    assert max(max(each.taps) for each in found) == groups[0].steps


def test_solve_settings__present_one__is_the_state_s_own_loss(
    played: tuple[Station, tuple[State, ...], tuple[Settings, ...]],
) -> None:
    _, _, settings = played

    assert len(settings) == 2
    for each in settings:
        assert each.state.solution is not None
        assert each.loss_w[each.present] == pytest.approx(each.state.solution.losses.total_w, abs=10.0)
        assert each.positions[each.present] == each.state.solution.positions
        assert np.all(each.loss_w > 0.5 * each.loss_w[each.present])
        assert np.ptp(each.loss_w) > 1e4


def test_solve_settings__any_of_them__is_what_a_fresh_engine_finds(station: Station) -> None:
    state = station.solve(40)
    assert state.solution is not None
    settings = solve_settings(station, Watched.of(station), state, state.solution, 1)
    k = len(settings.positions) - 1

    station.resume(state, state.solution)
    apply(station.engine, station.world.regulators, settings.positions[k])
    station.engine.solve(state.s_va[None])

    found = station.engine.lossy().read()
    assert found.total_w.sum() == pytest.approx(settings.loss_w[k], abs=10.0)


def test_solve_settings__one_without_solution__is_kept_and_the_others_are_as_before(
    station: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = station.solve(40)
    assert state.solution is not None
    watched = Watched.of(station)
    before = solve_settings(station, watched, state, state.solution, 1)
    solve, calls = Engine.solve, []

    def sometimes(self: Engine, s_va: np.ndarray) -> np.ndarray:
        calls.append(1)
        if len(calls) == 3:
            raise NotConvergedError("no power-flow solution")
        return solve(self, s_va)

    with monkeypatch.context() as patched:
        patched.setattr(Engine, "solve", sometimes)
        found = solve_settings(station, watched, state, state.solution, 1)

    assert np.flatnonzero(np.isnan(found.loss_w)).tolist() == [2]
    rest = np.arange(len(found.positions)) != 2
    assert found.loss_w[rest] == pytest.approx(before.loss_w[rest], abs=10.0)


def test_tables__written__keep_their_contracts_and_name_their_states(
    played: tuple[Station, tuple[State, ...], tuple[Settings, ...]], tmp_path: Path
) -> None:
    station, states, settings = played
    lost = replace(states[1], solution=None, reason="lost")
    files = {name: tmp_path / f"{name}-00000.parquet" for name in ("losses", "controls")}

    rows = write_losses(files["losses"], station, (states[0], lost, *states[2:]))
    settings_rows = write_controls(files["controls"], station, settings)

    facts = SubstationFacts.of(station.world.substation)
    assert {name: inspect(TABLES[name], file, facts).counts() for name, file in files.items()} == {
        "losses": {},
        "controls": {},
    }
    assert (rows, settings_rows) == (len(states), sum(len(each.positions) for each in settings))
    losses = pq.read_table(files["losses"]).to_pydict()
    controls = pq.read_table(files["controls"]).to_pydict()
    assert losses["status"][1] == "unsolved"
    assert losses["total_w"][1] is None
    key = list(zip(losses["scenario_id"], losses["t"], strict=True))
    for k, present in enumerate(controls["present"]):
        if present:
            row = key.index((controls["scenario_id"][k], controls["t"][k]))
            assert controls["taps"][k] == losses["taps"][row]
            assert controls["p_served_w"][k] == pytest.approx(losses["p_served_w"][row])


def test_write_controls__no_state_was_solved__writes_an_empty_table(station: Station, tmp_path: Path) -> None:
    assert write_controls(tmp_path / "controls-00000.parquet", station, ()) == 0
