"""The resolver's power flows against pandapower's own, with and without its voltage control."""

import numpy as np
import pandapower as pp
import pytest

from data_contracts.transmission import LINE_NAMES, PARKS, PLANTS, UNITS, bus_loads_mw
from flows.resolving import GridResolver
from simulation.grid.fleet import NAMES
from simulation.grid.network import build_network

MVAR = 0.25


def pandapowers(p_mw, load_mw, v_pu):
    """Currents of the lines, voltages and outputs of the plants by `runpp`."""
    net = build_network()
    net.load = net.load.iloc[:0]
    for bus, mw in enumerate(load_mw):
        pp.create_load(net, bus, p_mw=mw, q_mvar=MVAR * mw)
    by_name = dict(zip([unit.name for unit in UNITS], p_mw, strict=True))
    net.gen["p_mw"] = [by_name[name] for name in NAMES[: len(PLANTS)]]
    net.sgen["p_mw"] = [by_name[name] for name in NAMES[len(PLANTS) :]]
    net.gen["vm_pu"] = v_pu
    pp.runpp(net, numba=False, init="dc", tolerance_mva=1e-6)
    return net


@pytest.mark.parametrize("load", [3200.0, 5400.0])
def test_solve__light_and_heavy_hour__gives_what_pandapower_gives(load):
    load_mw = bus_loads_mw(np.array([load]), 0.06 * np.full((1, 4), load))[0]
    rated = np.array([unit.rated_mw for unit in UNITS])
    p_mw = np.concatenate([0.3 * rated[: len(PARKS)], rated[len(PARKS) :]])
    p_mw[len(PARKS) :] *= (load - p_mw[: len(PARKS)].sum()) / rated[len(PARKS) :].sum()
    flow = GridResolver().solve(p_mw, load_mw, MVAR * load_mw)
    assert flow is not None
    assert flow.v_max_pu <= 1.05
    # The voltages that its control has come to: those at the plants' buses.
    grid_v = flow.v_plants_pu
    net = pandapowers(p_mw, load_mw, grid_v)
    of = {
        f"line-b{int(one) + 1:02d}-b{int(other) + 1:02d}": k
        for k, (one, other) in enumerate(zip(net.line.from_bus, net.line.to_bus, strict=True))
    }
    loading = net.res_line.loading_percent.to_numpy()[[of[name] for name in LINE_NAMES]] / 115.0
    np.testing.assert_allclose(flow.current_pu, loading, atol=1e-7)
    np.testing.assert_allclose(
        [flow.v_min_pu, flow.v_max_pu], [net.res_bus.vm_pu.min(), net.res_bus.vm_pu.max()], atol=1e-8
    )
    np.testing.assert_allclose(flow.p_mw[-1], net.res_gen.p_mw.to_numpy()[-1], atol=1e-5)
    loss = net.res_line.pl_mw.sum() + net.res_trafo.pl_mw.sum()
    np.testing.assert_allclose(flow.loss_mw, loss, atol=1e-5)


def test_solve__far_too_much_load__has_no_power_flow():
    load_mw = bus_loads_mw(np.array([40_000.0]), np.full((1, 4), 1500.0))[0]
    assert GridResolver().solve(np.zeros(len(UNITS)), load_mw, load_mw) is None
