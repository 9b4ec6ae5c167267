"""The transmission grid as the substations see it: voltage, strength and price at each one's bus."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from simulation.clock import local_midnight
from simulation.demand import FeederLoads, simulate_load
from simulation.errors import SimulationError
from simulation.grid.dispatch import dispatch, lossless
from simulation.grid.hours import SystemHours, choose_hours, simulate_hours
from simulation.grid.network import EHV_KV, build_network
from simulation.grid.plants import PLANTS, RENEWABLES
from simulation.noise import Floats
from substations.description import Substation
from switchyard.identity import generator
from switchyard.profiles import Profile

# Thermal ratings of the case times this: about two thirds of a year's hours then meet a limit.
_RATING_FACTOR = 1.2
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


def solve_boundary(profile: Profile, substations: Sequence[Substation]) -> BoundaryHours:
    """Dispatch the grid in the profile's representative hours and read it at every substation's bus.

    For each hour: a lossless economic dispatch within the lines' limits, then an AC power flow with it (the
        slack takes
    the losses), then IEC 60909 with the units that the dispatch needs. A substation's own load replaces the
    case's load at its bus.

    Args:
        profile: Days, number of hours, seed.
        substations: All substations of the campaign; two may not share a bus.

    Raises:
        SimulationError: A bus of the grid cannot be a substation's, or an hour has no solution.
    """
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
    return solve_hours(hours, substations, loads)


def solve_hours(
    hours: SystemHours, substations: Sequence[Substation], loads: Mapping[str, FeederLoads]
) -> BoundaryHours:
    """Solve the given system hours; see `solve_boundary`."""
    import pandapower as pp

    net = build_network()
    model = lossless(net, _RATING_FACTOR)
    rows = _load_rows(net, substations)
    case_p, case_q = net.load.p_mw.to_numpy(copy=True), net.load.q_mvar.to_numpy(copy=True)
    found: dict[str, list[BoundaryHour]] = {sub.name: [] for sub in substations}
    strength: dict[tuple[int, ...], dict[int, tuple[float, float]]] = {}
    for k, t in enumerate(hours.t):
        p_mw, q_mvar = case_p * hours.load_pu[k], case_q * hours.load_pu[k]
        for sub in substations:
            p_w, q_var = loads[sub.name].at(float(t))
            p_mw[rows[sub.name]] = p_w.sum() / 1e6
            q_mvar[rows[sub.name]] = _UNCOMPENSATED * q_var.sum() / 1e6
        net.load["p_mw"], net.load["q_mvar"] = p_mw, q_mvar
        parks = np.array(
            [park.p_max_mw * getattr(hours, f"{park.kind}_pu")[k] for park in RENEWABLES], dtype=np.float64
        )
        net.sgen["p_mw"] = parks
        at_buses = np.zeros(len(net.bus))
        np.add.at(at_buses, net.load.bus.to_numpy(), p_mw)
        np.subtract.at(at_buses, net.sgen.bus.to_numpy(), parks)
        result = dispatch(model, at_buses)
        net.gen["p_mw"] = result.p_mw
        try:
            pp.runpp(net, numba=False, init="dc")
        except pp.LoadflowNotConverged as error:
            raise SimulationError(
                f"the grid's power flow has no solution at {p_mw.sum():.0f} MW",
                "lower the substations' loads",
            ) from error
        units = _units_needed(result.p_mw)
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
    return {name: tuple(rows_) for name, rows_ in found.items()}


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


def _units_needed(p_mw: Floats) -> tuple[int, ...]:
    """Units that each plant runs to give `p_mw` with some headroom, at least one."""
    return tuple(
        int(np.clip(np.ceil(p / (_HEADROOM * plant.unit_mw)), 1, plant.units))
        for p, plant in zip(p_mw, PLANTS, strict=True)
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
