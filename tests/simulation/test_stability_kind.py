"""States of the kind `contingency`: what is drawn, what is kept, and the files."""

from pathlib import Path

import numpy as np
import pytest

from data_contracts.enforcement import enforce_dataset
from data_contracts.facts import SubstationFacts
from data_contracts.tables.stability import ELEMENTS, KNOWN, STABILITY
from data_contracts.transmission import UNITS
from data_contracts.transmission_ac import BRANCH_NAMES, MACHINES, network
from simulation.demand import simulate_load
from simulation.grid.plants import PLANTS
from simulation.parts import Part
from simulation.pool import Job, Workers, solve_part
from simulation.stability.case import the_case
from simulation.stability.nadir import INERTIA_S
from simulation.stability.play import Outcome, play
from substations.description import Substation
from switchyard.home import Home
from switchyard.identity import ScenarioId
from switchyard.profiles import Profile


def names(first: int, stop: int) -> tuple[ScenarioId, ...]:
    return tuple(ScenarioId("mumbai", "small", 11, "contingency", k) for k in range(first, stop))


@pytest.fixture(scope="module")
def outcomes(mumbai: Substation, small_profile: Profile) -> tuple[Outcome, ...]:
    plan = small_profile.simulation
    loads = simulate_load(mumbai, plan.start, plan.load_days, small_profile.name, small_profile.seed)
    return play(mumbai, small_profile, names(0, 30), loads)


def solved(outcomes: tuple[Outcome, ...]) -> list[Outcome]:
    return [each for each in outcomes if each.status == "ok"]


def test_play__many_states__differ_in_class_and_in_what_limits(outcomes: tuple[Outcome, ...]) -> None:
    values = [each.values for each in solved(outcomes)]

    assert {each["stability_class"] for each in values} == {"stable", "marginal", "unstable"}
    assert len({each["limited_by"] for each in values}) == 3
    assert len({each["limiting_contingency"] for each in values}) > 4
    assert len(values) > 20


def test_play__elements_out__are_none_one_or_two(outcomes: tuple[Outcome, ...]) -> None:
    assert {len(each.out) for each in solved(outcomes)} == {0, 1, 2}
    for each in solved(outcomes):
        assert each.values["lines_out"] == len(each.out)
        assert each.values["limiting_contingency"] not in each.out


def test_play__states_without_a_solution__are_kept_with_their_reason(outcomes: tuple[Outcome, ...]) -> None:
    unsolved = [each for each in outcomes if each.status != "ok"]

    assert {each.status for each in unsolved} & {"infeasible", "islanded"}
    assert all(each.reason and not each.values for each in unsolved)


def test_play__what_is_known__is_near_the_truth_but_not_it(outcomes: tuple[Outcome, ...]) -> None:
    values = [each.values for each in solved(outcomes)]

    def ratio(known: str, true: str) -> np.ndarray:
        return np.array([float(each[known]) / float(each[true]) for each in values]) - 1.0

    for known, true, share in (
        ("load_metered_mw", "load_mw", 0.005),
        ("v_bus_metered_pu", "v_bus_pu", 0.003),
        ("loss_metered_mw", "loss_mw", 0.015),
        ("largest_infeed_metered_mw", "largest_infeed_mw", 0.005),
    ):
        off = ratio(known, true)
        assert (np.abs(off) > 0.0).all()
        assert 0.4 * share < off.std() < 1.8 * share
    assert np.abs(ratio("inertia_estimate_s", "inertia_s")).max() < 0.5


def test_play__after_a_failure__margin_is_not_larger(outcomes: tuple[Outcome, ...]) -> None:
    for each in solved(outcomes):
        assert 0.0 <= float(each.values["nose_after_pct"]) <= float(each.values["nose_pct"]) + 1.0
        assert float(each.values["violations"]) >= float(each.values["unsolved"])


def test_play__alone_or_beside_others__is_the_same(
    outcomes: tuple[Outcome, ...], mumbai: Substation, small_profile: Profile
) -> None:
    plan = small_profile.simulation
    loads = simulate_load(mumbai, plan.start, plan.load_days, small_profile.name, small_profile.seed)

    assert play(mumbai, small_profile, names(3, 5), loads) == outcomes[3:5]


def test_solve_part__contingency__passes_its_contracts(
    mumbai: Substation, small_profile: Profile, tmp_path: Path
) -> None:
    home = Home(tmp_path)
    part = Part("mumbai", "small", 11, "contingency", 0, 0, 8, 3600)

    result = solve_part(Job(mumbai, small_profile, ()), part, home.staging / "small.mumbai")
    report = enforce_dataset(home, "small.mumbai", SubstationFacts.of(mumbai), reject_share=0.0)

    assert result.rows == {"stability": 8, "scenarios": 8}
    assert sum(result.statuses.values()) == 8
    assert report.rejected == 0
    assert report.rows == 16


def test_workers__another_process__writes_the_bytes_of_this_one(
    mumbai: Substation, small_profile: Profile, tmp_path: Path
) -> None:
    parts = [Part("mumbai", "small", 11, "contingency", k, k, k + 1, 3600) for k in range(2)]
    job = Job(mumbai, small_profile, ())
    for part in parts:
        solve_part(job, part, tmp_path / "here")
    with Workers(1) as pool:
        assert len(list(pool.solve(job, parts, tmp_path / "there"))) == 2

    for part in parts:
        here, there = (tmp_path / folder / "stability" / part.file for folder in ("here", "there"))
        assert here.read_bytes() == there.read_bytes()


def test_known__of_the_table__holds_no_truth() -> None:
    assert len(set(KNOWN)) == len(KNOWN) > 35
    assert not {name for name in KNOWN if name.startswith(("score", "nose", "nadir", "severity"))}


def test_play__telemetry_of_elements__is_near_the_truth_and_agrees_with_itself(
    outcomes: tuple[Outcome, ...],
) -> None:
    for each in solved(outcomes):
        told = {name: np.asarray(each.values[name]) for name in ELEMENTS}
        assert all(STABILITY.column(name).length == values.size for name, values in told.items())
        out = {BRANCH_NAMES[k] for k in np.flatnonzero(told["branch_in_service"] == 0.0)}
        assert out == set(each.out)
        assert (told["branch_metered_mw"][told["branch_in_service"] == 0.0] == 0.0).all()
        assert abs(told["bus_metered_mw"].sum() / float(each.values["load_mw"]) - 1.0) < 0.01
        assert abs(told["unit_metered_mw"].sum() / float(each.values["generation_mw"]) - 1.0) < 0.01
        assert told["plant_units_in_service"].sum() == each.values["units_running"]
        # At each bus what is fed in, less the load, flows off; a branch's loss is at its second bus.
        net = network()
        off = told["bus_metered_mw"].copy()
        np.add.at(off, net.ends[:, 0], told["branch_metered_mw"])
        np.add.at(off, net.ends[:, 1], -told["branch_metered_mw"])
        np.add.at(off, [unit.bus - 1 for unit in UNITS], -told["unit_metered_mw"])
        assert np.abs(off).max() < 0.05 * float(each.values["load_mw"])


def test_network__of_the_contracts__is_that_of_the_simulation() -> None:
    net, case = network(), the_case()
    assert net.names == case.names
    np.testing.assert_array_equal(net.ends, case.ends)
    np.testing.assert_allclose(net.admittance, case.admittance, rtol=1e-6)
    np.testing.assert_allclose(net.rating_pu, case.rating_pu, rtol=1e-9)
    np.testing.assert_array_equal(net.of_station, case.of_station)
    for plant, machine in zip(PLANTS, MACHINES, strict=True):
        assert (plant.units, plant.unit_mw) == (machine.units, machine.unit_mw)
        assert INERTIA_S[plant.fuel] == machine.inertia_s
