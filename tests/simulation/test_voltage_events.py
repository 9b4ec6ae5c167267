"""What voltage events do, against closed forms and full power flows."""

import numpy as np
import pyarrow.parquet as pq
import pytest

from simulation.engine import Engine
from simulation.events.counting import INTERRUPTION, KIND_NAMES, RAPID, SAG, SWELL, count
from simulation.events.machine import LOCKED_ROTOR_PU, base_va, run_up
from simulation.events.occurring import happen
from simulation.events.standing import Standing
from simulation.faults.clearing import draw_remote
from simulation.faults.places import remote_site
from simulation.faults.zbus import FaultNetwork, between, bus_place, fault_admittance
from simulation.scenario.motor_start import largest_power_w, solve_start
from simulation.sequence import sequence_components, sequence_impedances
from simulation.solving import Bench
from simulation.tables.sag_events import write_sag_events

_A = np.exp(2j * np.pi / 3.0)


@pytest.fixture
def standing(bench: Bench) -> Standing:
    return Standing.at(bench.world, bench.engine, float(bench.world.loads.t[400]))


def unloaded(engine: Engine) -> FaultNetwork:
    nothing = np.zeros((1, len(engine.loads)), dtype=np.complex128)
    v = engine.solve(nothing)[0]
    return FaultNetwork.at(engine.network(), v, nothing[0], engine.emf_v)


def only_the_source(engine: Engine) -> FaultNetwork:
    for infeed in engine.substation.infeeds:
        engine.switch(infeed.line, on=False)
    return unloaded(engine)


@pytest.mark.parametrize("distance_km", [5.0, 80.0, 600.0])
def test_remote_fault__three_phases__is_the_voltage_divider_of_source_and_line(
    engine: Engine, distance_km: float
) -> None:
    faults, r_ohm = only_the_source(engine), 2.0
    site = remote_site(engine, distance_km)
    place = site.place(engine, engine.network())

    i = faults.currents(place, fault_admittance("LLL", "abc", np.array([r_ohm])))
    v = faults.voltages(place, i)[0][engine.layout.bus_nodes("grid")]

    z_fault = r_ohm + distance_km * (0.0146 + 0.257j)
    assert v[0] == pytest.approx(engine.emf_v * z_fault / (z_fault + engine.z1_ohm), rel=1e-6)


def test_remote_fault__one_phase__is_that_of_sequence_impedances(engine: Engine) -> None:
    faults, r_ohm, km = only_the_source(engine), 5.0, 120.0
    site = remote_site(engine, km)
    place = site.place(engine, engine.network())
    z1, z0 = engine.z1_ohm, sequence_impedances(faults.driving_point(bus_place(engine.network(), "grid")))[0]

    i = faults.currents(place, fault_admittance("LG", "a", np.array([r_ohm])))[0]
    v = faults.voltages(place, i[None])[0][engine.layout.bus_nodes("grid")]

    i1 = engine.emf_v / (2.0 * (z1 + km * (0.0146 + 0.257j)) + z0 + km * (0.145 + 1.05j) + 3.0 * r_ohm)
    sequence = sequence_components(v)
    assert i == pytest.approx(np.array([3.0 * i1, 0.0, 0.0]), rel=1e-6, abs=1e-6 * abs(i1))
    assert sequence == pytest.approx(np.array([-z0 * i1, engine.emf_v - z1 * i1, -z1 * i1]), rel=1e-6)
    assert sequence.sum() == pytest.approx(v[0], rel=1e-12)


@pytest.mark.parametrize("fraction", [0.1, 0.5, 1.0])
def test_fault_along_a_feeder__three_phases__leaves_the_divider_at_its_bus(
    engine: Engine, fraction: float
) -> None:
    """Without load, but for the charging beyond the fault, the line's impedance stands below the source's."""
    faults, network, r_ohm = unloaded(engine), engine.network(), 1.0
    near, far = bus_place(network, "lv2"), bus_place(network, "f334_end")
    line = engine.series_impedance("line.f334")
    place = between(near, far, line, fraction)

    i = faults.currents(place, fault_admittance("LLL", "abc", np.array([r_ohm])))
    v = faults.voltages(place, i)[0][engine.layout.bus_nodes("lv2")]

    z_bus, z_line = (sequence_impedances(z)[1] for z in (faults.driving_point(near), line))
    z_fault = fraction * z_line + r_ohm
    expected = faults.v[engine.layout.bus_nodes("lv2")[0]] * z_fault / (z_fault + z_bus)
    assert abs(v[0] - expected) / abs(faults.v[engine.layout.bus_nodes("lv2")[0]]) < 2e-3


def test_motor_start__no_load__is_the_divider_with_the_locked_rotor(engine: Engine) -> None:
    faults, network = unloaded(engine), engine.network()
    place = bus_place(network, "f334_end")
    z1 = sequence_impedances(faults.driving_point(place))[1]
    y_s = LOCKED_ROTOR_PU * base_va(1.5e6) / 33e3**2
    v0 = faults.v[engine.layout.bus_nodes("f334_end")[0]]

    s_va = np.zeros((1, len(engine.loads)), dtype=np.complex128)
    rows = 3 * [f.id for f in engine.substation.feeders].index("F334") + np.arange(3)
    _, v = solve_start(engine, s_va, rows, np.array([LOCKED_ROTOR_PU * base_va(1.5e6)]))

    assert abs(v0 / (1.0 + z1 * y_s)) == pytest.approx(
        np.abs(v[0, engine.layout.bus_nodes("f334_end")]).mean(), rel=2e-4
    )


def test_standing__motor_by_the_bus_impedance__is_near_the_full_power_flow(standing: Standing) -> None:
    engine, feeder = standing.engine, standing.world.substation.feeder("F333")
    power_w = largest_power_w(standing.ready, feeder)
    y_va = LOCKED_ROTOR_PU * base_va(power_w)
    row = standing.world.substation.feeders.index(feeder)

    linear = standing.with_admittance(feeder.end_bus, y_va / 33e3**2)
    _, v = solve_start(engine, standing.ready.s_va[None], 3 * row + np.arange(3), np.array([y_va]))
    full = v[0][engine.layout.point_nodes]

    drop = 1.0 - np.abs(full).min(axis=1) / np.abs(standing.before).min(axis=1)
    off = np.abs(np.abs(linear) - np.abs(full)).max(axis=1) / standing.nominal_v
    assert drop.max() > 0.08
    # Loads that draw constant power deepen the dip a little; as admittances they do not.
    assert np.all(off < 0.12 * drop.max())


def test_standing__capacitor_step__is_near_its_power_over_the_short_circuit_power(standing: Standing) -> None:
    engine, world = standing.engine, standing.world
    bank = next(bank for bank in world.substation.capacitors if bank.id == "C2")
    network = standing.ready.network
    z1 = sequence_impedances(standing.ready.faults.driving_point(bus_place(network, bank.bus)))[1]
    strength_va, q_var = 33e3**2 / abs(z1), bank.mvar * 1e6 / bank.steps

    after = standing.with_admittance(bank.bus, 1j * q_var / 33e3**2)
    k = next(k for k, point in enumerate(world.substation.points) if point.bus == bank.bus)
    step = (np.abs(after[k]) - np.abs(standing.before[k])).mean() / np.abs(standing.before[k]).mean()

    assert step == pytest.approx(q_var / strength_va, rel=0.12)
    assert step > 0.01
    # The whole power flow with the bank's switch itself.
    found = []
    for steps in (0, 1):
        engine.set_steps(bank.id, steps)
        found.append(np.abs(engine.solve(standing.ready.s_va[None])[0][engine.layout.point_nodes[k]]).mean())
    assert found[1] / found[0] - 1.0 == pytest.approx(step, rel=0.12)


def test_run_up__typical_motor__draws_six_times_rated_until_it_is_nearly_up() -> None:
    start = run_up()
    mean = start.between(np.array([0.0, 0.9, 2.0]), np.array([0.5, 1.0, 3.0]))

    assert abs(LOCKED_ROTOR_PU) == pytest.approx(6.2, abs=0.3)
    assert LOCKED_ROTOR_PU.real / abs(LOCKED_ROTOR_PU) < 0.35
    assert abs(start.y_pu[0] - LOCKED_ROTOR_PU) < 1e-9
    assert abs(mean[0]) > 5.0
    assert abs(mean[2]) == pytest.approx(abs(start.running_pu))
    assert 0.4 < abs(start.running_pu) < 1.1
    assert 0.7 < start.until(0.5) < 1.0
    assert np.all(np.diff(np.abs(start.y_pu)) < 1e-6)


def test_draw_remote__many_faults__last_as_their_protection_says(engine: Engine) -> None:
    rng, site = np.random.default_rng(3), remote_site(engine, 50.0)
    drawn = [draw_remote(rng, site) for _ in range(2000)]
    lasting = {
        by: [each.duration_s for each in drawn if each.cleared_by == by]
        for by in ("main", "backup", "breaker_failure")
    }

    assert 0.06 <= min(lasting["main"]) < max(lasting["main"]) <= 0.12
    assert 0.36 <= min(lasting["backup"]) < max(lasting["backup"]) <= 0.62
    assert 0.21 <= min(lasting["breaker_failure"]) < max(lasting["breaker_failure"]) <= 0.37
    assert len(lasting["main"]) == pytest.approx(0.86 * 2000, rel=0.05)


def test_count__thresholds__name_sag_interruption_swell_and_rapid_change() -> None:
    phases = np.array([1.0, _A**2, _A])
    before = np.tile(100.0 * phases, (6, 1))
    sizes = np.array(
        [[0.89, 1, 1], [0.05, 0.04, 0.02], [1.0, 1.12, 1.0], [0.96, 1, 1], [0.98, 1, 1], [1, 1, 1.04]]
    )

    found = count(before, before * sizes, np.full(6, 100.0))

    assert found.kind.tolist() == [SAG, INTERRUPTION, SWELL, RAPID, 0, RAPID]
    assert found.depth_pct[[0, 1, 2, 3, 5]] == pytest.approx([11.0, 98.0, 12.0, 4.0, 4.0])
    assert found.residual_pu[[0, 1, 2, 3, 5]] == pytest.approx([0.89, 0.02, 1.12, 0.96, 1.04])
    assert count(before, before * sizes, np.full(6, 100.0), rapid_pu=0.01).kind[4] == RAPID


def test_happen__thirty_days__rows_say_what_was_solved(bench: Bench, tmp_path) -> None:
    events = happen(bench.world, bench.engine, "small", 11)
    rows = write_sag_events(tmp_path / "sag_events-00000.parquet", bench.world, events)
    table = pq.read_table(tmp_path / "sag_events-00000.parquet").to_pydict()

    assert rows == len(table["t"]) > 100
    assert set(table["event_id"]) == {event.name for event in events}
    assert set(table["kind"]) <= set(KIND_NAMES[1:])
    for kind, residual, depth in zip(table["kind"], table["residual_pu"], table["depth_pct"], strict=True):
        low, high = {
            "interruption": (0.0, 0.1),
            "sag": (0.0, 0.9),
            "swell": (1.1, 2.0),
            "rapid_voltage_change": (0.9, 1.1),
        }[kind]
        assert low <= residual <= high
        assert depth >= (1.0 if kind == "rapid_voltage_change" else 10.0 - 1e-9)
    assert all(a <= b for a, b in zip(table["intensity_per_h"], table["total_intensity_per_h"], strict=True))
    assert table["scenario_id"] == [None] * rows
    assert bench.engine.out_of_service == frozenset({"line.bc33"})


def test_happen__fault_with_a_trip__interrupts_the_feeders_end(bench: Bench) -> None:
    end = [k for k, point in enumerate(bench.world.substation.points) if point.bus.endswith("_end")]
    events = happen(bench.world, bench.engine, "small", 11)
    dead = [event for event in events if event.happening.counted.is_interruption.any()]

    assert dead
    for event in dead:
        where = np.flatnonzero(event.happening.counted.is_interruption)
        assert set(where) & set(end)
        assert event.happening.cleared_by
        assert np.all(event.happening.duration_s[where] > 0.4)
