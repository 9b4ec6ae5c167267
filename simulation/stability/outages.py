"""What can fail next, and what the grid does after it: N-1 over branches, units and parks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from data_contracts.power_flow import Flows, Solved, solve
from data_contracts.stability_score import DEPARTURE_PU, EMERGENCY
from data_contracts.transmission_ac import LEAST_SHARE, PARK_LOSS
from simulation.grid.fleet import BUSES, NAMES
from simulation.grid.plants import PLANTS
from simulation.noise import Floats
from simulation.stability.case import BASE_MVA, Case, Masks
from simulation.stability.state import State


@dataclass(frozen=True, slots=True)
class Outage:
    """A failure of a branch (`row` of the case), or of a unit or half a park (`row` of the fleet)."""

    name: str
    row: int
    branch: bool


@dataclass(frozen=True, slots=True)
class After:
    """What each failure leads to, shape [c].

    Attributes:
        solved: The power flows.
        loading: Largest current of a line, of its rating; NaN without a solution.
        line: Row of that line.
        v_min_pu: Lowest voltage of a live bus.
        v_max_pu: Highest.
        lost_mw: Load that is cut off.
        severity: Largest of currents and departures of voltage, of what is permitted after a failure;
            infinite without a solution.
    """

    solved: Solved
    loading: Floats
    line: Floats
    v_min_pu: Floats
    v_max_pu: Floats
    lost_mw: Floats
    severity: Floats


def credible(case: Case, state: State) -> tuple[Outage, ...]:
    """Every branch that is in service, one unit of every plant, half of every park that feeds in.

    Stations' transformers stand for one of each unit: their failure is the unit's.
    """
    branches = np.flatnonzero(state.inside & ~case.of_station)
    sources = [k for k in range(BUSES.size) if k < len(PLANTS) or state.p_mw[k] > 1.0]
    return (
        *(Outage(case.names[k], int(k), True) for k in branches),
        *(Outage(f"{'unit' if k < len(PLANTS) else 'park'}-{NAMES[k]}", k, False) for k in sources),
    )


def lost_mw(state: State, row: int) -> float:
    """Active power that fails with a unit of plant `row`, or with half of a park."""
    if row < len(PLANTS):
        return float(state.p_mw[row] / state.running[row])
    return float(PARK_LOSS * state.p_mw[row])


def flows_after(case: Case, state: State, outages: tuple[Outage | None, ...]) -> Flows:
    """The networks after each failure, None for the state itself; shape [c, …].

    What is cut off from the part with most load is lost. What is missing is shared out in proportion to what
    running units can still give.
    """
    count, n, plants = len(outages), case.buses, len(PLANTS)
    inside = np.repeat(state.inside[None], count, axis=0)
    left = np.ones((count, BUSES.size))
    for k, outage in enumerate(outages):
        if outage is None:
            continue
        if outage.branch:
            inside[k, outage.row] = False
        elif outage.row < plants:
            left[k, outage.row] -= 1.0 / state.running[outage.row]
        else:
            left[k, outage.row] -= PARK_LOSS
    live = np.array([case.reached(each) for each in inside])
    inside &= live[:, case.ends].all(axis=2)
    at = np.zeros((BUSES.size, n))
    at[np.arange(BUSES.size), BUSES] = 1.0
    of_plants = left[:, :plants]
    give = np.maximum(state.headroom_mw, LEAST_SHARE * state.capacity_mw)
    share = (of_plants * give) @ at[:plants] * live
    to_bus = at[:plants]
    return Flows(
        y=case.matrix(inside),
        live=live,
        p=((left * state.p_mw) @ at - state.load_mw) * live / BASE_MVA,
        q=-state.load_mvar * live / BASE_MVA,
        share=share / share.sum(axis=1, keepdims=True),
        regulated=(of_plants @ to_bus > 0.0) & live,
        v_set=np.repeat((state.v_set_pu @ to_bus)[None], count, axis=0),
        q_min=(of_plants * state.q_min_mvar) @ to_bus / BASE_MVA,
        q_max=(of_plants * state.q_max_mvar) @ to_bus / BASE_MVA,
    )


def in_service(state: State, outages: tuple[Outage, ...]) -> Masks:
    """Branches in service after each failure, shape [c, m]."""
    inside = np.repeat(state.inside[None], len(outages), axis=0)
    for k, outage in enumerate(outages):
        if outage.branch:
            inside[k, outage.row] = False
    return inside


def examine(case: Case, state: State, outages: tuple[Outage, ...], flows: Flows, base: Solved) -> After:
    """Solve the networks after failures from the state's own solution and compare them with their limits."""
    count = len(outages)
    solved = solve(flows, base.rows(np.zeros(count, dtype=np.int64)))
    inside = in_service(state, outages) & flows.live[:, case.ends].all(axis=2)
    loading = case.currents(solved.v, inside) / case.rating_pu
    magnitude = np.abs(solved.v)
    low = np.where(flows.live, magnitude, np.inf).min(axis=1)
    high = magnitude.max(axis=1)
    worst = loading.max(axis=1)
    severity = np.maximum(worst / EMERGENCY, np.maximum(1.0 - low, high - 1.0) / DEPARTURE_PU)
    return After(
        solved=solved,
        loading=np.where(solved.ok, worst, np.nan),
        line=loading.argmax(axis=1),
        v_min_pu=np.where(solved.ok, low, np.nan),
        v_max_pu=np.where(solved.ok, high, np.nan),
        lost_mw=np.where(flows.live, 0.0, state.load_mw).sum(axis=1),
        severity=np.where(solved.ok, severity, np.inf),
    )
