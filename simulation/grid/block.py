"""Solving a block of the grid's hours: dispatch, power flow and short-circuit strength of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulation.errors import SimulationError
from simulation.grid.dispatch import LOSS_SHARE, Dispatch, dispatch, lossless
from simulation.grid.fleet import Fleet, at_buses
from simulation.grid.hours import SystemHours
from simulation.grid.network import EHV_KV, build_network
from simulation.grid.optimum import OptimalFlow
from simulation.grid.plants import PLANTS
from simulation.grid.records import BoundaryHour, DispatchHour, GridHours
from simulation.noise import Floats
from substations.description import Substation

# Thermal ratings of the case times this: about half of a year's hours then meet a limit of the AC network.
_RATING_FACTOR = 1.15
_HEADROOM = 0.92


@dataclass(frozen=True, slots=True)
class GridBlock:
    """Hours that are solved together; each for itself, so that blocks may be solved anywhere.

    Attributes:
        hours: What the grid draws and harvests in them.
        substations: Whose buses are looked at.
        p_mw: Load of each substation in each hour, shape [h, substations].
        q_mvar: What its own banks leave of its reactive load, shape [h, substations].
        optimum: Whether the hours are also dispatched by merit order and by the AC optimal power flow.
    """

    hours: SystemHours
    substations: tuple[Substation, ...]
    p_mw: Floats
    q_mvar: Floats
    optimum: bool


def solve_block(block: GridBlock) -> GridHours:
    """Solve the hours of a block; see `solve_boundary` and `solve_grid`."""
    net, hours, substations = build_network(), block.hours, block.substations
    flow = OptimalFlow(_RATING_FACTOR) if block.optimum else None
    model = lossless(net, _RATING_FACTOR)
    rows = _load_rows(net, substations)
    own = [rows[sub.name] for sub in substations]
    buses, places = len(net.bus), net.load.bus.to_numpy()
    case_p, case_q = net.load.p_mw.to_numpy(copy=True), net.load.q_mvar.to_numpy(copy=True)
    found: dict[str, list[BoundaryHour]] = {sub.name: [] for sub in substations}
    dispatched: list[DispatchHour] = []
    strength: dict[tuple[int, ...], dict[int, tuple[float, float]]] = {}
    for k, t in enumerate(hours.t):
        p_mw, q_mvar = case_p * hours.load_pu[k], case_q * hours.load_pu[k]
        p_mw[own], q_mvar[own] = block.p_mw[k], block.q_mvar[k]
        fleet = Fleet.of(hours, k)
        load_mw, load_mvar = at_buses(p_mw, places, buses), at_buses(q_mvar, places, buses)
        result = dispatch(model, fleet, load_mw)
        served = 1.0 - result.shed_mw / np.maximum((1.0 + LOSS_SHARE) * load_mw, 1e-9)
        _run(net, result, p_mw * served[places], q_mvar * served[places])
        units = _units_needed(result.p_mw[: len(PLANTS)], hours.units[k])
        if units not in strength:
            strength[units] = _short_circuit(net, units, [sub.grid_bus for sub in substations])
        for sub in substations:
            mva, r_over_x = strength[units][sub.grid_bus]
            found[sub.name].append(
                BoundaryHour(
                    t=int(t),
                    v_pu=float(net.res_bus.at[sub.grid_bus, "vm_pu"]),
                    angle_deg=float(net.res_bus.at[sub.grid_bus, "va_degree"]),
                    short_circuit_mva=mva,
                    r_over_x=r_over_x,
                    load_mw=float(p_mw[rows[sub.name]]),
                    price_per_mwh=float(result.price_per_mwh[sub.grid_bus]),
                    system_load_mw=float(p_mw.sum()),
                    dispatch_cost=result.cost_per_h,
                    congested=result.congested,
                )
            )
        if flow is not None:
            merit = dispatch(model.without_limits(), fleet, load_mw)
            best = None if result.shed_mw.any() else flow.solve(fleet, load_mw, load_mvar)
            status = "load_shed" if result.shed_mw.any() else "ok" if best else "not_converged"
            dispatched.append(DispatchHour(int(t), fleet, load_mw, load_mvar, merit, result, best, status))
    return GridHours({name: tuple(rows_) for name, rows_ in found.items()}, tuple(dispatched))


def _run(net: Any, result: Dispatch, p_mw: Floats, q_mvar: Floats) -> None:
    """Solve the AC power flow of a dispatch for the loads that are served."""
    import pandapower as pp

    net.load["p_mw"], net.load["q_mvar"] = p_mw, q_mvar
    net.gen["p_mw"], net.sgen["p_mw"] = result.p_mw[: len(PLANTS)], result.p_mw[len(PLANTS) :]
    try:
        pp.runpp(net, numba=False, init="dc")
    except pp.LoadflowNotConverged as error:
        raise SimulationError(
            f"the grid's power flow has no solution at {p_mw.sum():.0f} MW",
            "lower the substations' loads",
        ) from error


def _load_rows(net: Any, substations: Sequence[Substation]) -> dict[str, int]:
    """Row of each substation's load; a bus without one gets one."""
    import pandapower as pp

    rows = {}
    for sub in substations:
        if float(net.bus.at[sub.grid_bus, "vn_kv"]) != EHV_KV:
            raise SimulationError(
                f"{sub.name}: grid_bus {sub.grid_bus} is not at 400 kV", "choose another bus"
            )
        own = np.flatnonzero(net.load.bus.to_numpy() == sub.grid_bus)
        rows[sub.name] = int(own[0]) if own.size else int(pp.create_load(net, sub.grid_bus, p_mw=0.0))
    return rows


def _units_needed(p_mw: Floats, available: NDArray[np.int64]) -> tuple[int, ...]:
    """Units that each plant runs to give `p_mw` with some headroom, at least one of those `available`."""
    return tuple(
        int(np.clip(np.ceil(p / (_HEADROOM * plant.unit_mw)), 1, count))
        for p, plant, count in zip(p_mw, PLANTS, available, strict=True)
    )


def _short_circuit(net: Any, units: tuple[int, ...], buses: Sequence[int]) -> dict[int, tuple[float, float]]:
    """Short-circuit power in MVA and R/X at `buses` with `units` of each plant running (IEC 60909)."""
    from pandapower.shortcircuit import calc_sc

    net.gen["sn_mva"] = [count * plant.unit_mw / 0.85 for count, plant in zip(units, PLANTS, strict=True)]
    calc_sc(net, case="max", fault="3ph", bus=list(buses), ip=False, ith=False, branch_results=False)
    found = net.res_bus_sc
    return {
        bus: (float(found.at[bus, "skss_mw"]), float(found.at[bus, "rk_ohm"] / found.at[bus, "xk_ohm"]))
        for bus in buses
    }
