from dataclasses import replace
from datetime import date
from pathlib import Path

import msgspec
import numpy as np
import pyarrow.parquet as pq
import pytest
from scipy.optimize import linprog

import simulation.grid.dispatch as dispatching
import substations
from data_contracts.facts import SubstationFacts
from data_contracts.inspection import inspect
from data_contracts.tables.dispatch import DISPATCH
from simulation.clock import DAY_S, local_midnight
from simulation.demand import simulate_load
from simulation.errors import SimulationError
from simulation.grid import BoundaryHour, GridHours, solve_boundary, solve_grid
from simulation.grid.block import solve_block
from simulation.grid.boundary import grid_block
from simulation.grid.dispatch import LOSS_SHARE, Lossless, dispatch, lossless
from simulation.grid.fleet import BUSES, NAMES, RENEWABLE, Fleet, at_buses
from simulation.grid.hours import choose_hours, simulate_hours
from simulation.grid.network import build_network
from simulation.grid.optimum import V_MAX_PU, V_MIN_PU, OptimalFlow
from simulation.grid.plants import FORCED_OUTAGE, PLANTS, SLACK_BUS
from simulation.tables.dispatch import write_dispatch
from simulation.tables.standing import copy_table
from substations.description import Substation
from switchyard.profiles import Profile

Case = tuple[Lossless, np.ndarray]


@pytest.fixture(scope="module")
def case() -> Case:
    net = build_network()
    loads = at_buses(net.load.p_mw.to_numpy(), net.load.bus.to_numpy(), len(net.bus))
    return lossless(net, 1.2), loads


@pytest.fixture(scope="module")
def fleet() -> Fleet:
    """All units, no wind or sun, costs that do not rise with output."""
    usual = Fleet.usual()
    dark = np.where(RENEWABLE, 0.0, usual.available_mw)
    return replace(usual, available_mw=dark, quadratic_per_mw2h=np.zeros(BUSES.size))


@pytest.fixture(scope="module")
def flow() -> OptimalFlow:
    return OptimalFlow(1.15)


@pytest.fixture(scope="module")
def solved(small_profile: Profile) -> tuple[list[Substation], GridHours]:
    described = [substations.read(name) for name in ("mumbai", "delhi")]
    plan = msgspec.structs.replace(small_profile.simulation, grid_hours=12)
    return described, solve_grid(msgspec.structs.replace(small_profile, simulation=plan), described)


def test_choose_hours__twelve_of_thirty_days__cover_the_day_and_are_distinct() -> None:
    start = local_midnight(date(2025, 1, 1), 19800)

    t = choose_hours(start, 30, 12)

    assert np.unique(t).size == 12
    assert sorted({int((each - start) % DAY_S // 3600) for each in t}) == list(range(0, 24, 2))
    assert t.max() < start + 30 * DAY_S


def test_choose_hours__more_than_there_are__gives_all() -> None:
    assert choose_hours(0, 1, 100).tolist() == [3600 * k for k in range(24)]


def test_simulate_hours__a_year__has_night_without_sun_and_a_plausible_load() -> None:
    t = choose_hours(local_midnight(date(2025, 1, 1), 19800), 365, 400)

    hours = simulate_hours(np.random.default_rng(1), t, 19800)

    local = (t + 19800) % DAY_S / 3600
    assert np.all(hours.solar_pu[(local < 4) | (local >= 20)] == 0.0)
    assert hours.solar_pu.max() > 0.5
    assert 0.55 < hours.load_pu.mean() < 0.95
    assert np.all((hours.wind_pu >= 0.0) & (hours.wind_pu <= 1.0))


def test_lossless__branch_sensitivities__satisfy_kirchhoffs_current_law(
    case: Case,
) -> None:
    net = build_network()
    model, _ = case
    ends = [(int(r.from_bus), int(r.to_bus)) for r in net.line.itertuples()]
    ends += [(int(r.hv_bus), int(r.lv_bus)) for r in net.trafo.itertuples()]
    leaving = np.zeros((len(net.bus), len(ends)))
    for branch, (one, other) in enumerate(ends):
        leaving[one, branch], leaving[other, branch] = 1.0, -1.0

    balance = leaving @ model.sensitivity

    expected = np.eye(len(net.bus))
    expected[SLACK_BUS] -= 1.0
    assert balance == pytest.approx(expected, abs=1e-9)


def test_dispatch__without_limits__is_the_merit_order(case: Case, fleet: Fleet) -> None:
    model, loads = case

    found = dispatch(model.without_limits(), fleet, 0.8 * loads)

    plants = np.flatnonzero(~RENEWABLE)
    order = plants[np.argsort(fleet.cost_per_mwh[plants])]
    low, high = fleet.minimum_mw[order], fleet.available_mw[order]
    ranked = (found.p_mw[order] - low) / (high - low)
    marginal = int(np.argmax(ranked < 1.0 - 1e-9))
    assert not found.congested
    assert np.all(ranked[:marginal] == pytest.approx(1.0))
    assert np.all(ranked[marginal + 1 :] == pytest.approx(0.0, abs=1e-9))
    assert found.price_per_mwh == pytest.approx(np.full(39, fleet.cost_per_mwh[order[marginal]]))


def test_dispatch__rising_costs_without_limits__marginal_costs_are_equal(case: Case) -> None:
    model, loads = case
    usual = Fleet.usual()

    found = dispatch(model.without_limits(), usual, 0.8 * loads)

    marginal = usual.cost_per_mwh + 2.0 * usual.quadratic_per_mw2h * found.p_mw
    price = found.price_per_mwh[0]
    free = (found.p_mw > usual.minimum_mw + 1e-6) & (found.p_mw < usual.available_mw - 1e-6)
    assert free.sum() >= 1
    assert marginal[free] == pytest.approx(price, rel=1e-9)
    assert np.all(marginal[found.p_mw <= usual.minimum_mw + 1e-6] >= price * (1.0 - 1e-9))
    assert np.all(marginal[found.p_mw >= usual.available_mw - 1e-6] <= price * (1.0 + 1e-9))


def test_dispatch__linear_costs__as_linear_programme_by_highs(case: Case, fleet: Fleet) -> None:
    model, loads = case
    demand = 0.95 * (1.0 + LOSS_SHARE) * loads
    limited = np.isfinite(model.rating_mw)
    h, rating = model.sensitivity[limited], model.rating_mw[limited]
    columns, offset = h[:, BUSES], h @ demand

    expected = linprog(
        fleet.cost_per_mwh,
        A_ub=np.vstack([columns, -columns]),
        b_ub=np.concatenate([rating + offset, rating - offset]),
        A_eq=np.ones((1, BUSES.size)),
        b_eq=[demand.sum()],
        bounds=list(zip(fleet.minimum_mw, fleet.available_mw, strict=True)),
        method="highs-ds",
    )
    found = dispatch(model, fleet, 0.95 * loads)

    duals = expected.ineqlin.marginals
    price = expected.eqlin.marginals[0] + h.T @ (duals[: rating.size] - duals[rating.size :])
    assert found.p_mw == pytest.approx(expected.x, abs=1e-5)
    assert found.cost_per_h == pytest.approx(expected.fun, rel=1e-10)
    assert found.price_per_mwh == pytest.approx(price, rel=1e-6)


def test_dispatch__within_limits__costs_more_and_prices_differ(case: Case, fleet: Fleet) -> None:
    model, loads = case
    free = dispatch(model.without_limits(), fleet, 0.95 * loads)

    found = dispatch(model, fleet, 0.95 * loads)

    injected = at_buses(found.p_mw, BUSES, 39) - 0.95 * (1.0 + LOSS_SHARE) * loads
    flow = np.abs(model.sensitivity @ injected)
    assert found.congested
    assert found.cost_per_h > free.cost_per_h
    assert np.ptp(found.price_per_mwh) > 100.0
    assert np.all(flow <= model.rating_mw * (1.0 + 1e-9))
    assert flow[model.names.index(found.limiting)] == pytest.approx(
        model.rating_mw[model.names.index(found.limiting)]
    )
    assert not found.shed_mw.any()


def test_dispatch__one_more_megawatt__costs_its_price(case: Case, fleet: Fleet) -> None:
    model, loads = case
    bus = 15
    more = 0.9 * loads.copy()
    more[bus] += 1.0 / (1.0 + LOSS_SHARE)

    before, after = dispatch(model, fleet, 0.9 * loads), dispatch(model, fleet, more)

    assert after.cost_per_h - before.cost_per_h == pytest.approx(before.price_per_mwh[bus], rel=1e-6)


def test_dispatch__more_than_the_plants_can_give__sheds(case: Case, fleet: Fleet) -> None:
    model, loads = case

    found = dispatch(model, fleet, 1.5 * loads)

    assert found.shed_mw.sum() > 500.0
    assert np.all(found.shed_mw <= 1.5 * (1.0 + LOSS_SHARE) * loads + 1e-6)


def test_dispatch__tolerance_that_rounding_does_not_reach__is_solved_to_the_next_one(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, loads = case
    expected = dispatch(model, Fleet.usual(), 0.9 * loads)
    tolerances = {name: 1e-3 * value for name, value in dispatching._TOLERANCES.items()}
    monkeypatch.setattr(dispatching, "_TOLERANCES", {**tolerances, "feastol": 1e-19})
    monkeypatch.setattr(dispatching, "_LOOSER", (1.0, 1e9))

    found = dispatch(model, Fleet.usual(), 0.9 * loads)

    assert found.p_mw == pytest.approx(expected.p_mw, abs=1e-4)
    assert found.limiting == expected.limiting


def test_dispatch__less_than_the_plants_minimum__is_refused(case: Case, fleet: Fleet) -> None:
    model, loads = case

    with pytest.raises(SimulationError, match="dispatch has no solution"):
        dispatch(model, fleet, 0.1 * loads)


def test_fleet__units_out__offer_less(small_profile: Profile) -> None:
    t = choose_hours(local_midnight(date(2025, 1, 1), 19800), 365, 200)
    hours = simulate_hours(np.random.default_rng(2), t, 19800)

    out = 1.0 - hours.units / np.array([plant.units for plant in PLANTS])
    fleets = [Fleet.of(hours, k) for k in range(200)]

    expected = np.array([FORCED_OUTAGE[plant.fuel] for plant in PLANTS])
    assert out.mean(axis=0) == pytest.approx(expected, abs=0.04)
    assert np.all(hours.units >= 1)
    for k, offered in enumerate(fleets):
        assert np.all(offered.minimum_mw <= offered.available_mw)
        assert offered.available_mw[0] == pytest.approx(hours.units[k, 0] * PLANTS[0].unit_mw)
    assert np.median(hours.cost_pu, axis=0) == pytest.approx(1.0, abs=0.05)


def test_optimal_flow__nine_tenths_of_the_load__balances_within_limits(case: Case, flow: OptimalFlow) -> None:
    _, loads = case
    net = build_network()
    q = at_buses(net.load.q_mvar.to_numpy(), net.load.bus.to_numpy(), 39)
    usual = Fleet.usual()

    found = flow.solve(usual, 0.9 * loads, 0.9 * q)

    assert found is not None
    assert found.p_mw.sum() - 0.9 * loads.sum() == pytest.approx(found.loss_mw, abs=1e-4)
    assert np.all(found.p_mw >= usual.minimum_mw - 1e-4)
    assert np.all(found.p_mw <= usual.available_mw + 1e-4)
    assert found.v_min_pu >= V_MIN_PU - 1e-6
    assert found.v_max_pu <= V_MAX_PU + 1e-6
    assert found.loading_pct <= 100.001


def test_optimal_flow__one_hour_before_or_after_another__the_same_bits(case: Case, flow: OptimalFlow) -> None:
    _, loads = case
    usual = Fleet.usual()

    first = flow.solve(usual, 0.7 * loads, 0.1 * loads)
    flow.solve(usual, 0.9 * loads, 0.2 * loads)
    again = flow.solve(usual, 0.7 * loads, 0.1 * loads)

    assert first is not None
    assert again is not None
    assert np.array_equal(first.p_mw, again.p_mw)


def test_optimal_flow__more_load_than_lines_can_carry__is_not_found(case: Case, flow: OptimalFlow) -> None:
    _, loads = case

    assert flow.solve(Fleet.usual(), 1.4 * loads, 0.3 * loads) is None


def test_solve_grid__twelve_hours__no_dispatch_is_cheaper_than_the_merit_order(
    case: Case, solved: tuple[list[Substation], GridHours]
) -> None:
    model, _ = case
    _, found = solved
    optima = 0

    for hour in found.dispatch:
        assert hour.merit.cost_per_h <= hour.lossless.cost_per_h * (1.0 + 1e-9)
        if hour.optimum is None:
            continue
        optima += 1
        # The cheapest way to generate what the AC optimum does, losses included.
        generated = hour.optimum.p_mw.sum() / (1.0 + LOSS_SHARE)
        floor = dispatch(model.without_limits(), hour.fleet, generated * hour.p_mw / hour.p_mw.sum())
        assert floor.cost_per_h <= hour.optimum.cost_per_h * (1.0 + 1e-9)
    assert optima >= 10
    assert np.mean([hour.lossless.congested for hour in found.dispatch]) >= 0.4
    assert np.mean([hour.optimum.limiting != "" for hour in found.dispatch if hour.optimum]) >= 0.4


def test_solve_grid__boundary__is_that_of_solve_boundary(
    small_profile: Profile, solved: tuple[list[Substation], GridHours]
) -> None:
    described, found = solved
    plan = msgspec.structs.replace(small_profile.simulation, grid_hours=12)

    alone = solve_boundary(msgspec.structs.replace(small_profile, simulation=plan), described)

    assert alone == found.boundary


def test_write_dispatch__solved_hours__keep_the_contract(
    tmp_path: Path, mumbai: Substation, solved: tuple[list[Substation], GridHours]
) -> None:
    _, found = solved
    lost = replace(found.dispatch[0], optimum=None, status="not_converged")
    path = tmp_path / "dispatch-00000.parquet"

    rows = write_dispatch(path, (lost, *found.dispatch[1:]))

    kept = inspect(DISPATCH, path, SubstationFacts.of(mumbai))
    read = pq.read_table(path).to_pylist()
    assert rows == 12 * len(NAMES)
    assert kept.counts() == {}
    assert {row["ac_opf_mw"] for row in read[: len(NAMES)]} == {None}
    assert [row["unit"] for row in read[: len(NAMES)]] == sorted(NAMES)


def test_copy_table__written_dispatch__has_the_same_bytes(
    tmp_path: Path, solved: tuple[list[Substation], GridHours]
) -> None:
    source, target = tmp_path / "dispatch.parquet", tmp_path / "dispatch" / "dispatch-00000.parquet"
    rows = write_dispatch(source, solved[1].dispatch)

    assert copy_table(source, target) == rows
    assert target.read_bytes() == source.read_bytes()


def test_copy_table__no_such_file__is_refused(tmp_path: Path) -> None:
    with pytest.raises(SimulationError, match="does not exist"):
        copy_table(tmp_path / "dispatch.parquet", tmp_path / "copy.parquet")


def test_solve_block__more_load_than_all_can_give__is_shed_and_kept(mumbai: Substation) -> None:
    t = choose_hours(local_midnight(date(2025, 1, 1), mumbai.utc_offset_s), 30, 1)
    hours = simulate_hours(np.random.default_rng(3), t, mumbai.utc_offset_s)
    scarce = replace(hours, units=np.ones_like(hours.units), load_pu=np.full(1, 1.0))
    loads = {"mumbai": simulate_load(mumbai, date(2025, 1, 1), 30, "small", 11)}

    found = solve_block(grid_block(scarce, [mumbai], loads, optimum=True))

    hour = found.dispatch[0]
    assert hour.status == "load_shed"
    assert hour.optimum is None
    assert hour.lossless.shed_mw.sum() > 1000.0
    assert found.boundary["mumbai"][0].system_load_mw == pytest.approx(hour.p_mw.sum())


def test_solve_boundary__twelve_hours__are_congested_often_enough_and_within_ratings(
    solved: tuple[list[Substation], GridHours],
) -> None:
    described, found = solved

    for substation in described:
        hours = found.boundary[substation.name]
        assert len(hours) == 12
        assert [hour.t for hour in hours] == sorted(hour.t for hour in hours)
        assert np.mean([hour.congested for hour in hours]) >= 0.4
        assert all(0.95 <= hour.v_pu <= 1.05 for hour in hours)
        # Breakers at 400 kV break 40 kA.
        assert all(2000.0 < hour.short_circuit_mva < np.sqrt(3.0) * 400.0 * 40.0 for hour in hours)
        assert all(0.0 < hour.r_over_x < 0.3 for hour in hours)
        assert all(0.0 < hour.load_mw < hour.system_load_mw for hour in hours)


def test_source_z1_ohm__short_circuit_power__is_given_back() -> None:
    hour = BoundaryHour(0, 1.0, 0.0, 9000.0, 0.08, 300.0, 3000.0, 5000.0, 1e7, congested=False)

    z = hour.source_z1_ohm()

    assert 1.1 * 400.0**2 / abs(z) == pytest.approx(9000.0)
    assert z.real / z.imag == pytest.approx(0.08)


def test_solve_boundary__two_substations_on_one_bus__are_refused(
    small_profile: Profile, mumbai: Substation
) -> None:
    twin = msgspec.structs.replace(mumbai, name="twin")

    with pytest.raises(SimulationError, match="twin and mumbai both have grid_bus"):
        solve_boundary(small_profile, [mumbai, twin])


@pytest.mark.parametrize(("bus", "message"), [(30, "power station"), (11, "not at 400 kV")])
def test_solve_boundary__bus_that_cannot_be_a_substation__is_refused(
    small_profile: Profile, mumbai: Substation, bus: int, message: str
) -> None:
    with pytest.raises(SimulationError, match=message):
        solve_boundary(small_profile, [msgspec.structs.replace(mumbai, grid_bus=bus)])
