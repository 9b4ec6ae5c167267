"""The projection: limits kept, the simulator's optimum reached, one row as in a batch, too much load."""

import numpy as np
import pytest

from data_contracts.economic_dispatch import Offers, dispatch_mw, fixed_shares_mw
from data_contracts.transmission import PARKS, PLANTS, UNITS, bus_loads_mw, sensitivities
from simulation.grid.dispatch import LOSS_SHARE, dispatch, lossless
from simulation.grid.fleet import NAMES, Fleet
from simulation.grid.network import build_network

HOURS = 6
LIMITS = np.tile(sensitivities().limit_mw, (HOURS, 1))


@pytest.fixture
def hours():
    """Offers and loads of some hours, the first at night: no sun."""
    rng = np.random.default_rng(3)
    parks = rng.uniform(0, 1, (HOURS, len(PARKS))) * [park.rated_mw for park in PARKS]
    parks[0, [0, 2]] = 0.0
    plants = rng.uniform(0.7, 1, (HOURS, len(PLANTS))) * [plant.rated_mw for plant in PLANTS]
    cost = rng.uniform(1900, 6100, (HOURS, len(PLANTS)))
    system = rng.uniform(3500, 5200, HOURS)
    loads = bus_loads_mw(system, rng.uniform(150, 320, (HOURS, 4)))
    return Offers.of(parks, plants, cost), loads


def test_dispatch__all_hours__keeps_balance_and_limits(hours):
    offers, loads = hours
    total = loads.sum(axis=1) + 50.0
    # The fuels' usual costs meet the line b02-b03; with drawn ones tighter limits do.
    limits = 0.6 * LIMITS
    p_mw = dispatch_mw(offers, total, loads, limits)
    np.testing.assert_allclose(p_mw.sum(axis=1), total, atol=1e-3)
    assert (p_mw >= offers.minimum_mw).all()
    assert (p_mw <= offers.available_mw).all()
    lines = sensitivities()
    flow = p_mw @ lines.units.T + loads @ lines.loads.T
    assert (np.abs(flow) <= limits + 1e-3).all()
    assert (np.abs(flow) > limits - 1e-3).any()


def test_dispatch__same_programme__costs_what_the_simulators_solver_says(hours):
    offers, loads = hours
    loads = loads / (1 + LOSS_SHARE)
    total = loads.sum(axis=1) * (1 + LOSS_SHARE)
    p_mw = dispatch_mw(offers, total, loads * (1 + LOSS_SHARE), LIMITS)
    model, place = (
        lossless(build_network(), 1.15),
        [[unit.name for unit in UNITS].index(name) for name in NAMES],
    )
    for k in range(HOURS):
        fleet = Fleet(
            offers.minimum_mw[k, place], offers.available_mw[k, place], offers.cost_per_mwh[k, place],
            offers.quadratic_per_mw2h[k, place],
        )  # fmt: skip
        np.testing.assert_allclose(
            offers.cost_per_h(p_mw)[k], dispatch(model, fleet, loads[k]).cost_per_h, rtol=3e-6
        )


def test_dispatch__one_at_a_time__gives_what_the_batch_gives(hours):
    offers, loads = hours
    total = loads.sum(axis=1)
    batch = dispatch_mw(offers, total, loads, LIMITS)
    for k in range(HOURS):
        own = Offers(
            *(part[k : k + 1] for part in (offers.minimum_mw, offers.available_mw, offers.cost_per_mwh,
                                           offers.quadratic_per_mw2h))
        )  # fmt: skip
        one = dispatch_mw(own, total[k : k + 1], loads[k : k + 1], LIMITS[:1])
        np.testing.assert_allclose(one[0], batch[k], atol=1e-6)


def test_dispatch__more_than_all_units_have__gives_nearly_all_of_it(hours):
    offers, loads = hours
    p_mw = dispatch_mw(offers, np.full(HOURS, 1e5), loads, LIMITS)
    assert (p_mw.sum(axis=1) > 0.99 * offers.available_mw.sum(axis=1)).all()


def test_dispatch__limit_that_cannot_be_kept__is_overrun_as_little_as_can_be(hours):
    offers, loads = hours
    lines, tight = sensitivities(), np.full_like(LIMITS, 1.0)
    p_mw = dispatch_mw(offers, loads.sum(axis=1), loads, tight)
    np.testing.assert_allclose(p_mw.sum(axis=1), loads.sum(axis=1), atol=1e-3)
    over = np.abs(p_mw @ lines.units.T + loads @ lines.loads.T).max(axis=1)
    free = dispatch_mw(offers, loads.sum(axis=1), loads, 1e4 * np.ones_like(LIMITS))
    assert (over < np.abs(free @ lines.units.T + loads @ lines.loads.T).max(axis=1)).all()


@pytest.mark.parametrize("seed", range(4))
def test_dispatch__offers_and_loads_of_any_size__gives_outputs_within_bounds_and_in_balance(seed):
    rng, n = np.random.default_rng(seed), 200
    lines = sensitivities()
    rated = np.array([plant.rated_mw for plant in PLANTS])
    parks = rng.uniform(0, 300, (n, len(PARKS))) * (rng.random((n, len(PARKS))) > 0.3)
    plants = rated * rng.uniform(0, 1.2, (n, len(PLANTS)))
    offers = Offers.of(parks, plants, 10.0 ** rng.uniform(-1, 7, (n, len(PLANTS))))
    loads = rng.uniform(0, 200, (n, lines.loads.shape[1])) * rng.choice([0.0, 0.1, 1.0, 10.0], (n, 1))
    limits = np.tile(lines.limit_mw, (n, 1)) * rng.choice([0.01, 0.5, 1.0, 1e3], (n, 1))
    total = loads.sum(axis=1) * rng.choice([0.1, 1.0, 10.0], n)
    p_mw = dispatch_mw(offers, total, loads, limits)
    assert (p_mw >= offers.minimum_mw).all()
    assert (p_mw <= offers.available_mw).all()
    least, most = offers.minimum_mw.sum(axis=1), offers.available_mw.sum(axis=1)
    wanted = np.clip(total, least, most)
    assert (np.abs(p_mw.sum(axis=1) - wanted) <= 1e-3 * (most - least) + 1e-3).all()


def test_fixed_shares__parks_first__then_one_share_of_every_plant(hours):
    offers, loads = hours
    p_mw = fixed_shares_mw(offers, loads.sum(axis=1))
    np.testing.assert_allclose(p_mw.sum(axis=1), loads.sum(axis=1))
    share = p_mw[:, len(PARKS) :] / offers.available_mw[:, len(PARKS) :]
    np.testing.assert_allclose(share, np.repeat(share[:, :1], len(PLANTS), axis=1))
    np.testing.assert_allclose(p_mw[:, : len(PARKS)], offers.available_mw[:, : len(PARKS)])
