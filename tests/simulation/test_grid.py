from datetime import date

import msgspec
import numpy as np
import pytest

import substations
from simulation.clock import DAY_S, local_midnight
from simulation.errors import SimulationError
from simulation.grid import BoundaryHour, solve_boundary
from simulation.grid.dispatch import Lossless, dispatch, lossless
from simulation.grid.hours import choose_hours, simulate_hours
from simulation.grid.network import build_network
from simulation.grid.plants import PLANTS, SLACK_BUS
from substations.description import Substation
from switchyard.profiles import Profile


def case_loads() -> tuple[Lossless, np.ndarray]:
    net = build_network()
    at_buses = np.zeros(len(net.bus))
    np.add.at(at_buses, net.load.bus.to_numpy(), net.load.p_mw.to_numpy())
    return lossless(net, 1.2), at_buses


@pytest.fixture(scope="module")
def case() -> tuple[Lossless, np.ndarray]:
    return case_loads()


@pytest.fixture(scope="module")
def solved(small_profile: Profile) -> tuple[list[Substation], dict[str, tuple[BoundaryHour, ...]]]:
    described = [substations.read(name) for name in ("mumbai", "delhi")]
    plan = msgspec.structs.replace(small_profile.simulation, grid_hours=12)
    return described, dict(solve_boundary(msgspec.structs.replace(small_profile, simulation=plan), described))


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
    case: tuple[Lossless, np.ndarray],
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


def test_dispatch__without_limits__is_the_merit_order(case: tuple[Lossless, np.ndarray]) -> None:
    model, loads = case
    free = Lossless(model.sensitivity, np.full_like(model.rating_mw, 1e9))

    found = dispatch(free, 0.8 * loads)

    order = np.argsort([plant.cost_per_mwh for plant in PLANTS])
    share = (found.p_mw - [p.minimum_pu * p.p_max_mw for p in PLANTS]) / [
        (1.0 - p.minimum_pu) * p.p_max_mw for p in PLANTS
    ]
    ranked = share[order]
    marginal = int(np.argmax(ranked < 1.0 - 1e-9))
    assert not found.congested
    assert np.all(ranked[:marginal] == pytest.approx(1.0))
    assert np.all(ranked[marginal + 1 :] == pytest.approx(0.0))
    assert found.price_per_mwh == pytest.approx(np.full(39, PLANTS[order[marginal]].cost_per_mwh))


def test_dispatch__within_limits__costs_more_and_prices_differ(case: tuple[Lossless, np.ndarray]) -> None:
    model, loads = case
    free = dispatch(Lossless(model.sensitivity, np.full_like(model.rating_mw, 1e9)), 0.95 * loads)

    found = dispatch(model, 0.95 * loads)

    flow = model.sensitivity @ (_at_buses(found.p_mw) - 0.95 * 1.009 * loads)
    assert found.congested
    assert found.cost_per_h > free.cost_per_h
    assert np.ptp(found.price_per_mwh) > 100.0
    assert np.all(np.abs(flow) <= model.rating_mw * (1.0 + 1e-6))
    assert found.shed_mw == pytest.approx(0.0, abs=1e-6)


def test_dispatch__one_more_megawatt__costs_its_price(case: tuple[Lossless, np.ndarray]) -> None:
    model, loads = case
    bus = 15
    more = 0.9 * loads.copy()
    more[bus] += 1.0 / 1.009

    before, after = dispatch(model, 0.9 * loads), dispatch(model, more)

    assert after.cost_per_h - before.cost_per_h == pytest.approx(before.price_per_mwh[bus], rel=1e-6)


def _at_buses(p_mw: np.ndarray) -> np.ndarray:
    found = np.zeros(39)
    for plant, p in zip(PLANTS, p_mw, strict=True):
        found[plant.bus] += p
    return found


def test_dispatch__more_than_the_plants_can_give__sheds(case: tuple[Lossless, np.ndarray]) -> None:
    model, loads = case

    found = dispatch(model, 1.5 * loads)

    assert found.shed_mw > 500.0


def test_dispatch__less_than_the_plants_minimum__is_refused(case: tuple[Lossless, np.ndarray]) -> None:
    model, loads = case

    with pytest.raises(SimulationError, match="dispatch has no solution"):
        dispatch(model, 0.1 * loads)


def test_solve_boundary__twelve_hours__are_congested_often_enough_and_within_ratings(
    solved: tuple[list[Substation], dict[str, tuple[BoundaryHour, ...]]],
) -> None:
    described, found = solved

    for substation in described:
        hours = found[substation.name]
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
