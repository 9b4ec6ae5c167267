"""What the capacitor banks' busbars want: the least loss within the limits, and an engine left as it was."""

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from data_contracts.compensation import POWER_FACTOR
from data_contracts.facts import SubstationFacts
from data_contracts.inspection import inspect
from data_contracts.tables import TABLES
from simulation.engine import Engine
from simulation.errors import NotConvergedError
from simulation.solving import Bench
from simulation.states.compensating import PER_DAY, chosen, compensate, feeding_points
from simulation.states.station import Station
from simulation.tables.compensation import write_compensation


@pytest.fixture
def station(bench: Bench) -> Station:
    return Station(bench.world, bench.engine, "small", 11)


QUARTERS = (0, 14, 40, 53, 72)


def loss_and_power(station: Station, bank: int, size_var: float, s_va: np.ndarray) -> tuple[float, complex]:
    engine, point = station.engine, feeding_points(station.world.substation)[bank]
    engine.set_bank_var(station.world.substation.capacitors[bank].id, size_var)
    v = engine.solve(s_va[None])
    network = engine.network()
    row = [each.id for each in station.world.substation.points].index(point.id)
    i = network.point_currents(v, np.array([engine.emf_v]))[0, row]
    fed = -complex((network.point_voltages(v)[0, row] * i.conj()).sum())
    return engine.supplied_va().real - float(s_va.real.sum()), fed


def test_compensate__size_found__loses_least_within_the_limits(station: Station) -> None:
    states = tuple(station.states(QUARTERS))
    found = compensate(station, states)

    assert len(found) == 2 * len(states)
    reasons = set()
    for each in found:
        assert each.state.solution is not None
        station.recall(each.state, each.state.solution)
        reasons.add(each.limited_by)
        step = 2e5
        (less, _), (at, fed), (more, over) = (
            loss_and_power(station, each.bank, each.optimal_var + k * step, each.state.s_va)
            for k in (-1, 0, 1)
        )
        station.engine.restore_bank(
            station.world.substation.capacitors[each.bank].id, each.state.solution.positions.steps[each.bank]
        )
        assert abs(fed.real) / abs(fed) == pytest.approx(each.power_factor, abs=1e-5)
        if each.limited_by == "none":
            assert at < min(less, more)
            assert each.power_factor >= POWER_FACTOR
        else:
            assert each.limited_by == "power_factor"
            assert each.power_factor == pytest.approx(POWER_FACTOR, abs=1e-5)
            # Beyond the limit it would lose less still, or about the same, but the power factor is too low.
            assert at < less
            assert more < at + 100.0
            assert abs(over.real) / abs(over) < POWER_FACTOR
    assert "power_factor" in reasons


def test_compensate__afterwards__the_engine_solves_its_states_as_before(station: Station) -> None:
    (state,) = station.states(QUARTERS[:1])
    assert state.solution is not None
    before = station.engine.solve(state.s_va[None])
    loss_w = station.engine.lossy().read().total_w.sum()

    (first, _) = compensate(station, (state,))

    station.recall(state, state.solution)
    np.testing.assert_allclose(station.engine.solve(state.s_va[None]), before, atol=1e-3)
    assert station.engine.lossy().read().total_w.sum() == pytest.approx(loss_w, abs=10.0)
    present = state.solution.positions.steps[first.bank]
    assert first.step_loss_w[present] == pytest.approx(state.solution.losses.total_w, abs=10.0)


def test_compensate__instruments__err_within_their_classes(station: Station) -> None:
    found = compensate(station, station.states(QUARTERS))
    drawn = np.array([each.feeders_va[-4:].sum() for each in found[::2]])
    fed = np.array([found[k].metered_va + found[k + 1].metered_va for k in range(0, len(found), 2)])
    # What the bays feed in, feeders draw; the banks supply reactive power only.
    np.testing.assert_allclose(fed.real, drawn.real, rtol=0.02)
    error = np.array([each.metered_var - each.optimal_var for each in found])
    assert 0.0 < np.abs(error).max() < 1e6


def test_chosen__many_states_of_a_day__are_thinned_evenly(station: Station) -> None:
    states = tuple(station.states(range(0, 96, 8)))
    kept = [state.quarter for state in chosen(states)]
    assert len(kept) == PER_DAY
    assert kept[0] == 0
    assert kept[-1] == 88


def test_write_compensation__a_size_that_does_not_converge__is_kept_and_keeps_the_contract(
    station: Station, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    states = tuple(station.states(QUARTERS[:2]))
    solve, calls = Engine.solve, []

    def sometimes(self: Engine, s_va: np.ndarray) -> np.ndarray:
        calls.append(1)
        if len(calls) == 3:
            raise NotConvergedError("no power-flow solution")
        return solve(self, s_va)

    with monkeypatch.context() as patched:
        patched.setattr(Engine, "solve", sometimes)
        found = compensate(station, states)
    file = tmp_path / "compensation-00000.parquet"
    rows = write_compensation(file, station, found)

    assert [each.reason for each in found] == ["no power-flow solution", "", "", ""]
    assert rows == 4
    facts = SubstationFacts.of(station.world.substation)
    assert inspect(TABLES["compensation"], file, facts).counts() == {}
    table = pq.read_table(file).to_pydict()
    assert table["status"] == ["unsolved", "ok", "ok", "ok"]
    assert table["optimal_var"][0] is None
    again = compensate(station, states)
    assert found[3].optimal_var == pytest.approx(again[3].optimal_var, abs=1e3)


def test_write_compensation__nothing_found__writes_an_empty_table(station: Station, tmp_path: Path) -> None:
    assert write_compensation(tmp_path / "compensation-00000.parquet", station, ()) == 0
