"""The grid's optimal power flow: the cheapest output that keeps every limit of the AC network."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulation.grid.dispatch import branch_name
from simulation.grid.fleet import Fleet, at_buses
from simulation.grid.network import build_network
from simulation.grid.plants import PLANTS
from simulation.noise import Floats

V_MIN_PU, V_MAX_PU = 0.95, 1.05
"""Permitted voltage: 380–420 kV at 400 kV (CEA grid standards; from common knowledge)."""

# Reactive power of a machine of cos φ 0.85, over- and under-excited, pu of what can run.
_Q_MAX, _Q_MIN = 0.62, -0.33
# A line loaded to this share of its limit is at it.
_AT_LIMIT = 1.0 - 1e-5
_TOLERANCES = {
    "OPF_VIOLATION": 1e-9,
    "PDIPM_FEASTOL": 1e-9,
    "PDIPM_GRADTOL": 1e-7,
    "PDIPM_COMPTOL": 1e-7,
    "PDIPM_COSTTOL": 1e-9,
}


# Load of the solution that every other one starts from, pu of the case's: from flat voltages one hour in
# twenty does not converge.
_FIRST_LOAD_PU = 0.8


@dataclass(frozen=True, slots=True)
class Optimum:
    """One hour's AC optimum.

    Attributes:
        p_mw: Output of each plant and park, shape [u].
        cost_per_h: Variable cost of the hour.
        loss_mw: Losses of lines and transformers.
        limiting: Most loaded line, if it is at its limit; "" where none is.
        v_min_pu: Lowest voltage of the grid.
        v_max_pu: Highest voltage.
        loading_pct: Current of the most loaded line in percent of its limit.
    """

    p_mw: Floats
    cost_per_h: float
    loss_mw: float
    limiting: str
    v_min_pu: float
    v_max_pu: float
    loading_pct: float


class OptimalFlow:
    """The network with limits and costs, solved hour by hour.

    Lines are limited by current at `rating_factor` of their rating; transformers are not, as in the lossless
    dispatch. Machines give reactive power within cos φ 0.85, parks none.
    """

    def __init__(self, rating_factor: float) -> None:
        import pandapower as pp

        self._net = net = build_network()
        self._factor = rating_factor
        load, load_mvar = (
            at_buses(_FIRST_LOAD_PU * net.load[name].to_numpy(), net.load.bus.to_numpy(), len(net.bus))
            for name in ("p_mw", "q_mvar")
        )
        net.line["max_loading_percent"] = 100.0 * rating_factor
        net.bus["min_vm_pu"], net.bus["max_vm_pu"] = V_MIN_PU, V_MAX_PU
        net.gen["controllable"], net.sgen["controllable"] = True, True
        net.sgen["min_q_mvar"], net.sgen["max_q_mvar"] = 0.0, 0.0
        net.load = net.load.iloc[:0]
        for bus in net.bus.index:
            pp.create_load(net, int(bus), p_mw=0.0)
        for table in ("gen", "sgen"):
            for index in net[table].index:
                pp.create_poly_cost(net, int(index), table, cp1_eur_per_mw=0.0)
        self._offer(Fleet.usual(), load, load_mvar)
        pp.runopp(net, numba=False, init="flat", **_TOLERANCES)
        self._start = {name: net[name].copy() for name in net if name.startswith("res_")}

    def solve(self, fleet: Fleet, p_mw: Floats, q_mvar: Floats) -> Optimum | None:
        """The cheapest output for the loads `p_mw` and `q_mvar` at each bus; None where none was found.

        Minimise Σ b·p + c·p² subject to the AC power flow at every bus, voltages and currents within their
        limits and p and q within each plant's, by pandapower's primal-dual interior point method (H. Wang and
        others, 2007).
        """
        import pandapower as pp

        net = self._net
        self._offer(fleet, p_mw, q_mvar)
        for name, table in self._start.items():
            net[name] = table.copy()
        try:
            pp.runopp(net, numba=False, init="results", **_TOLERANCES)
        except pp.OPFNotConverged:
            return None
        found = np.concatenate([net.res_gen.p_mw.to_numpy(), net.res_sgen.p_mw.to_numpy()])
        # The solver may leave a limit by a millionth of a megawatt.
        found = np.clip(found, fleet.minimum_mw, fleet.available_mw)
        loading = net.res_line.loading_percent.to_numpy() / self._factor
        most = int(loading.argmax())
        line = net.line.iloc[most]
        v_pu = net.res_bus.vm_pu.to_numpy()
        return Optimum(
            p_mw=found,
            cost_per_h=fleet.cost_per_h(found),
            loss_mw=float(net.res_line.pl_mw.sum() + net.res_trafo.pl_mw.sum()),
            limiting=branch_name("line", int(line.from_bus), int(line.to_bus))
            if loading[most] >= 100.0 * _AT_LIMIT
            else "",
            v_min_pu=float(v_pu.min()),
            v_max_pu=float(v_pu.max()),
            loading_pct=float(loading[most]),
        )

    def _offer(self, fleet: Fleet, p_mw: Floats, q_mvar: Floats) -> None:
        """Put an hour's loads, limits and costs into the network."""
        net, plants = self._net, len(PLANTS)
        net.load["p_mw"], net.load["q_mvar"] = p_mw, q_mvar
        net.gen["min_p_mw"], net.gen["max_p_mw"] = fleet.minimum_mw[:plants], fleet.available_mw[:plants]
        net.gen["min_q_mvar"] = _Q_MIN * fleet.available_mw[:plants]
        net.gen["max_q_mvar"] = _Q_MAX * fleet.available_mw[:plants]
        net.sgen["min_p_mw"], net.sgen["max_p_mw"] = fleet.minimum_mw[plants:], fleet.available_mw[plants:]
        net.poly_cost["cp1_eur_per_mw"] = fleet.cost_per_mwh
        net.poly_cost["cp2_eur_per_mw2"] = fleet.quadratic_per_mw2h
