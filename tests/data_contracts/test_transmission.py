"""The published grid against the one that the simulator solves."""

import numpy as np

from data_contracts.transmission import LINE_NAMES, OWN_LOADS, PLANTS, UNITS, bus_loads_mw, sensitivities
from simulation.grid.block import _RATING_FACTOR
from simulation.grid.dispatch import lossless
from simulation.grid.fleet import NAMES
from simulation.grid.network import build_network
from simulation.grid.plants import PLANTS as SIMULATED


def test_sensitivities__of_the_published_grid__are_those_of_the_simulated_network():
    model, found = lossless(build_network(), _RATING_FACTOR), sensitivities()
    limited = np.isfinite(model.rating_mw)
    assert tuple(np.array(model.names)[limited]) == LINE_NAMES
    np.testing.assert_allclose(found.loads, -model.sensitivity[limited], atol=1e-12)
    np.testing.assert_allclose(found.limit_mw, model.rating_mw[limited], rtol=1e-12)
    by_bus = model.sensitivity[limited][:, [unit.bus - 1 for unit in UNITS]]
    np.testing.assert_allclose(found.units, by_bus, atol=1e-12)


def test_units__of_the_published_grid__are_those_that_are_simulated():
    assert [unit.name for unit in UNITS] == sorted(NAMES)
    simulated = {plant.bus + 1: plant for plant in SIMULATED}
    for plant in PLANTS:
        of = simulated[plant.bus]
        assert (plant.rated_mw, plant.minimum_pu, plant.rise) == (of.p_max_mw, of.minimum_pu, of.rise)


def test_bus_loads__case_load__is_shared_as_in_the_case():
    net = build_network()
    load = np.bincount(net.load.bus, weights=net.load.p_mw, minlength=39)
    own = load[[bus - 1 for bus in OWN_LOADS]]
    np.testing.assert_allclose(bus_loads_mw(np.array([load.sum()]), own[None])[0], load, rtol=1e-12)
