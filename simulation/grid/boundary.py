"""The transmission grid hour by hour: its dispatch, and what the substations see of it at their buses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulation.clock import local_midnight
from simulation.demand import FeederLoads, simulate_load
from simulation.errors import SimulationError
from simulation.grid.dispatch import LOSS_SHARE, Dispatch, dispatch, lossless
from simulation.grid.fleet import Fleet, at_buses
from simulation.grid.hours import SystemHours, choose_hours, simulate_hours
from simulation.grid.network import EHV_KV, build_network
from simulation.grid.optimum import OptimalFlow, Optimum
from simulation.grid.plants import PLANTS
from simulation.noise import Floats
from substations.description import Substation
from switchyard.identity import generator
from switchyard.profiles import Profile

# Thermal ratings of the case times this: about half of a year's hours then meet a limit of the AC network.
_RATING_FACTOR = 1.15
_HEADROOM = 0.92
# Share of its load's reactive power that a substation's own banks do not compensate.
_UNCOMPENSATED = 0.6


@dataclass(frozen=True, slots=True)
class BoundaryHour:
    """One hour at one substation's bus.

    Attributes:
        t: Unix seconds of its beginning.
        v_pu: Voltage of the bus.
        angle_deg: Its angle.
        short_circuit_mva: Initial three-phase short-circuit power by IEC 60909 (c = 1.1, maximum).
        r_over_x: R/X of the impedance behind the bus.
        load_mw: The substation's load.
        price_per_mwh: Marginal price at the bus.
        system_load_mw: Load of the whole grid.
        dispatch_cost: Variable cost of the hour's dispatch, per hour.
        congested: Whether a line of the grid is at its limit.
    """

    t: int
    v_pu: float
    angle_deg: float
    short_circuit_mva: float
    r_over_x: float
    load_mw: float
    price_per_mwh: float
    system_load_mw: float
    dispatch_cost: float
    congested: bool

    def source_z1_ohm(self) -> complex:
        """Impedance of the equivalent source, Ω: |Z| = c·U_n²/S″_k (IEC 60909-0, c = 1.1), split by R/X."""
        magnitude = 1.1 * EHV_KV**2 / self.short_circuit_mva
        x = magnitude / np.hypot(1.0, self.r_over_x)
        return complex(self.r_over_x * x, x)


BoundaryHours = Mapping[str, tuple[BoundaryHour, ...]]
"""Hours by substation name, rising in time."""


@dataclass(frozen=True, slots=True)
class DispatchHour:
    """One hour of the whole grid, dispatched in three ways.

    Attributes:
        t: Unix seconds of its beginning.
        fleet: What plants and parks offer.
        p_mw: Load at each bus, shape [n].
        q_mvar: Reactive load at each bus, shape [n].
        merit: Dispatch without a network.
        lossless: Dispatch on the lossless network within the lines' limits.
        optimum: Optimum of the AC network; None where there is none.
        status: `ok`, `load_shed` where the lossless dispatch cannot serve all load, `not_converged` where the
            AC optimum was not found.
    """

    t: int
    fleet: Fleet
    p_mw: Floats
    q_mvar: Floats
    merit: Dispatch
    lossless: Dispatch
    optimum: Optimum | None
    status: str


@dataclass(frozen=True, slots=True)
class GridHours:
    """What the whole grid does and what each substation sees of it, hour by hour."""

    boundary: BoundaryHours
    dispatch: tuple[DispatchHour, ...]


def solve_boundary(profile: Profile, substations: Sequence[Substation]) -> BoundaryHours:
    """Dispatch the grid in the profile's representative hours and read it at every substation's bus.

    For each hour: an economic dispatch within the lines' limits, then an AC power flow with it (the slack
    takes what the dispatch misjudges of the losses), then IEC 60909 with the units that the dispatch needs. A
    substation's own load replaces the case's load at its bus.

    Args:
        profile: Days, number of hours, seed.
        substations: All substations of the campaign; two may not share a bus.

    Raises:
        SimulationError: A bus of the grid cannot be a substation's, or an hour has no solution.
    """
    return _solve(profile, substations, None).boundary


def solve_grid(profile: Profile, substations: Sequence[Substation]) -> GridHours:
    """As `solve_boundary`, and the same hours also by merit order and by the AC optimal power flow.

    Raises:
        SimulationError: As `solve_boundary`. An hour without an AC optimum is kept and says so.
    """
    return _solve(profile, substations, OptimalFlow(_RATING_FACTOR))


def _solve(profile: Profile, substations: Sequence[Substation], flow: OptimalFlow | None) -> GridHours:
    _check_buses(substations)
    plan = profile.simulation
    start = local_midnight(plan.start, substations[0].utc_offset_s)
    t = choose_hours(start, plan.load_days, plan.grid_hours)
    rng = generator("grid", profile.name, str(profile.seed))
    hours = simulate_hours(rng, t, substations[0].utc_offset_s)
    loads = {
        sub.name: simulate_load(sub, plan.start, plan.load_days, profile.name, profile.seed)
        for sub in substations
    }
    return solve_hours(hours, substations, loads, flow)


def solve_hours(
    hours: SystemHours,
    substations: Sequence[Substation],
    loads: Mapping[str, FeederLoads],
    flow: OptimalFlow | None = None,
) -> GridHours:
    """Solve the given system hours; see `solve_boundary` and, with a `flow`, `solve_grid`."""
    net = build_network()
    model = lossless(net, _RATING_FACTOR)
    rows = _load_rows(net, substations)
    buses, places = len(net.bus), net.load.bus.to_numpy()
    case_p, case_q = net.load.p_mw.to_numpy(copy=True), net.load.q_mvar.to_numpy(copy=True)
    found: dict[str, list[BoundaryHour]] = {sub.name: [] for sub in substations}
    dispatched: list[DispatchHour] = []
    strength: dict[tuple[int, ...], dict[int, tuple[float, float]]] = {}
    for k, t in enumerate(hours.t):
        p_mw, q_mvar = case_p * hours.load_pu[k], case_q * hours.load_pu[k]
        for sub in substations:
            p_w, q_var = loads[sub.name].at(float(t))
            p_mw[rows[sub.name]] = p_w.sum() / 1e6
            q_mvar[rows[sub.name]] = _UNCOMPENSATED * q_var.sum() / 1e6
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
            optimum = None if result.shed_mw.any() else flow.solve(fleet, load_mw, load_mvar)
            status = "load_shed" if result.shed_mw.any() else "ok" if optimum else "not_converged"
            dispatched.append(DispatchHour(int(t), fleet, load_mw, load_mvar, merit, result, optimum, status))
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


def _check_buses(substations: Sequence[Substation]) -> None:
    taken: dict[int, str] = {}
    special = {plant.bus for plant in PLANTS}
    for sub in substations:
        if sub.grid_bus in taken:
            raise SimulationError(
                f"{sub.name} and {taken[sub.grid_bus]} both have grid_bus {sub.grid_bus}",
                "give each substation its own bus of the 39-bus grid",
            )
        if sub.grid_bus in special:
            raise SimulationError(
                f"{sub.name}: grid_bus {sub.grid_bus} is a power station's",
                "choose a load bus, such as 2 or 15",
            )
        taken[sub.grid_bus] = sub.name


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
