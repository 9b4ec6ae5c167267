import numpy as np
import pytest

from simulation.engine import Engine
from simulation.grid import BoundaryHour
from simulation.scenario.operation import operate
from simulation.scenario.recording import Recording
from simulation.scenario.regulation import (
    BANK_DELAY_S,
    DEADBAND_PU,
    TAP_DELAY_S,
    Guess,
    Positions,
    Regulators,
    bank_needs,
    errors_pu,
    neutral,
    regulators_of,
    settle,
)
from simulation.sequence import sequence_components
from simulation.solving import Bench
from substations.description import Substation


@pytest.fixture
def regulators(bench: Bench) -> Regulators:
    return bench.world.regulators


def settled(engine: Engine, regulators: Regulators, hour: BoundaryHour, s_va: np.ndarray) -> Positions:
    calm = np.zeros(len(regulators.groups))
    return settle(engine, regulators, hour, s_va, offsets_pu=calm, guess=neutral(regulators)).positions


def waiting(regulators: Regulators, **waited: float) -> np.ndarray:
    found = np.zeros(len(regulators.groups) + len(regulators.banks))
    for name, seconds in waited.items():
        found[int(name[1:])] = seconds
    return found


def test_regulators_of__coupled_busbars__step_together(mumbai: Substation) -> None:
    found = regulators_of(mumbai)

    assert [group.transformers for group in found.groups] == [("AT1", "AT2"), ("DTX1",), ("DTX2",)]
    assert [bank.name for bank in found.banks] == ["C1", "C2"]


@pytest.mark.parametrize("index", [0, 4, 9])
def test_settle__any_hour__puts_the_grids_voltage_on_the_bus_and_regulators_to_rest(
    engine: Engine,
    regulators: Regulators,
    hours: tuple[BoundaryHour, ...],
    rated_loads: np.ndarray,
    index: int,
) -> None:
    hour = hours[index]

    settled(engine, regulators, hour, rated_loads)

    v = engine.solve(rated_loads[None])
    nodes = engine.layout.bus_nodes(engine.source_bus)
    at_bus = sequence_components(v[0, nodes])[1] / engine.layout.base_v[nodes[0]]
    assert at_bus == pytest.approx(hour.v_pu * np.exp(1j * np.radians(hour.angle_deg)), abs=2.5e-4)
    assert engine.z1_ohm == pytest.approx(hour.source_z1_ohm())
    for group in regulators.groups:
        assert abs(errors_pu(engine, group, v)[0]) <= DEADBAND_PU
    network = engine.network()
    for need in bank_needs(
        regulators, network.point_voltages(v), network.point_currents(v, np.array([engine.emf_v]))
    ):
        assert need[0] < 1.0


def test_settle__good_guess__comes_to_the_same_rest(
    bench: Bench,
    engine: Engine,
    regulators: Regulators,
    hours: tuple[BoundaryHour, ...],
    rated_loads: np.ndarray,
) -> None:
    far = settled(engine, regulators, hours[3], rated_loads)
    emf = engine.emf_pu

    guess = bench.world.guesses.near(rated_loads, hours[3])
    near = settle(engine, regulators, hours[3], rated_loads, offsets_pu=np.zeros(3), guess=guess).positions

    assert all(abs(one - other) <= 1 for one, other in zip(near.taps, far.taps, strict=True))
    assert engine.emf_pu == pytest.approx(emf, abs=5e-3)


def test_guess_moved__higher_grid_voltage__steps_the_upper_group_and_spares_those_below(
    regulators: Regulators,
) -> None:
    rest = Positions((9, 9, 9), (0, 0))
    guess = Guess(rest, 0j, v_pu=1.0, errors_pu=(0.0, 0.0, 0.002))

    # 0.024 pu more are two steps of 0.0125 pu above; what is left of them is inside the dead bands below.
    assert guess.moved(regulators, 1.024, np.zeros(3)).taps == (11, 9, 9)
    assert guess.moved(regulators, 1.009, np.zeros(3)).taps == (9, 9, 10)
    assert guess.moved(regulators, 1.009, np.array([0.0, 0.0, 0.005])) == rest


def test_guess_moved__unknown_deviations__stays(regulators: Regulators) -> None:
    guess = neutral(regulators)

    assert guess.moved(regulators, 1.05, np.zeros(3)) == guess.positions


def test_operate__voltage_outside_for_the_delay__steps_once_and_comes_back(
    engine: Engine, regulators: Regulators, hours: tuple[BoundaryHour, ...], rated_loads: np.ndarray
) -> None:
    rest = settled(engine, regulators, hours[0], rated_loads)
    # Two steps away is outside of the dead band wherever the rest was in it.
    off = Positions((rest.taps[0], rest.taps[1] + 2, rest.taps[2]), rest.steps)
    recording = Recording()
    s_va = np.tile(rated_loads, (20, 1))

    done = operate(
        engine, regulators, s_va, off, waiting(regulators, r1=TAP_DELAY_S - 6.0), recording=recording
    )

    assert [(move.second, move.event) for move in done.moves] == [(6, "tap_step")]
    assert done.positions[5] == off
    assert done.positions[6] == Positions((rest.taps[0], rest.taps[1] + 1, rest.taps[2]), rest.steps)
    lv1 = [point.id for point in engine.substation.points].index("LV1")
    v = np.abs(recording.states().v[done.states, lv1, 0]) / regulators.groups[1].base_v
    assert v[6] - v[5] == pytest.approx(regulators.groups[1].step_pu, rel=0.25)
    assert np.ptp(v[6:]) < 1e-6


def test_operate__voltage_inside__does_nothing(
    engine: Engine, regulators: Regulators, hours: tuple[BoundaryHour, ...], rated_loads: np.ndarray
) -> None:
    rest = settled(engine, regulators, hours[0], rated_loads)

    done = operate(
        engine,
        regulators,
        np.tile(rated_loads, (10, 1)),
        rest,
        waiting(regulators, r0=29.0, r1=29.0, r2=29.0),
        recording=Recording(),
    )

    assert done.moves == ()
    assert set(done.positions) == {rest}


def test_operate__surplus_of_a_bank__is_switched_off(
    engine: Engine, regulators: Regulators, hours: tuple[BoundaryHour, ...], rated_loads: np.ndarray
) -> None:
    night = 0.25 * rated_loads
    rest = settled(engine, regulators, hours[0], night)
    surplus = Positions(rest.taps, (rest.steps[0], 1))

    done = operate(
        engine,
        regulators,
        np.tile(night, (10, 1)),
        surplus,
        waiting(regulators, r4=BANK_DELAY_S - 3.0),
        recording=Recording(),
    )

    assert rest.steps[1] == 0
    assert [(move.second, move.event) for move in done.moves] == [(3, "switching")]
    assert done.positions[-1].steps[1] == 0


def test_operate__step_that_is_foreseen__solves_no_second_twice(
    engine: Engine,
    regulators: Regulators,
    hours: tuple[BoundaryHour, ...],
    rated_loads: np.ndarray,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rest = settled(engine, regulators, hours[0], rated_loads)
    off = Positions((rest.taps[0], rest.taps[1] + 2, rest.taps[2]), rest.steps)
    solved, solve = [], engine.solve

    def counted(s_va: np.ndarray) -> np.ndarray:
        solved.append(s_va.shape[0])
        return solve(s_va)

    monkeypatch.setattr(engine, "solve", counted)
    operate(
        engine,
        regulators,
        np.tile(rated_loads, (20, 1)),
        off,
        waiting(regulators, r1=TAP_DELAY_S - 6.0),
        recording=Recording(),
    )

    assert sum(solved) == 20
