"""One state of the grid: an hour under stress, dispatched, with elements out."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from simulation.demand import FeederLoads
from simulation.grid.fleet import Fleet
from simulation.grid.hours import SystemHours, simulate_hours
from simulation.grid.plants import PLANTS, SLACK_BUS
from simulation.noise import Floats
from simulation.stability.case import Case
from simulation.stability.cheapest import cheapest

# Reactive power of a machine of cos φ 0.85, over- and under-excited, pu of its rated active power.
_Q_MAX, _Q_MIN = 0.62, -0.33
# What excitation really gives of it: limiters, hydrogen pressure, auxiliaries (of the usual order; from
# common knowledge).
_EXCITATION = (0.85, 1.0)
_LOAD, _LOAD_BOUNDS = (0.8, 1.25), (0.45, 1.05)
_SPREAD_P, _SPREAD_Q = 0.12, 0.15
_REACTIVE = (0.6, 1.5)
# Largest further share of units that are out, and how far the operators stay below a line's rating.
_OUTAGES, _SECURITY = 0.2, (0.35, 0.75)
# Largest exchange with the neighbour's area, which two lines join to the rest.
_EXCHANGE_MW = (100.0, 700.0)
_UNIT_LOADING = (0.65, 0.92)
_LEVEL_PU, _SET_POINT_PU = (-0.025, 0.015), 0.008
_ELEMENTS_OUT = (0.4, 0.35, 0.25)
# The units of the interconnection are circuits to a neighbour, all of which are in service that can be.
_CIRCUITS = np.array([plant.fuel == "interconnection" for plant in PLANTS])
# Share of its load's reactive power that a substation's own banks do not compensate, as in the grid's hours.
_UNCOMPENSATED = 0.6


@dataclass(frozen=True, slots=True)
class State:
    """A dispatched state of n buses, u plants and parks, plants first.

    Attributes:
        hour: Its hour, alone.
        fleet: What plants and parks offer.
        load_mw: Load at each bus, shape [n].
        load_mvar: Reactive load, shape [n].
        p_mw: Output of each plant and park, shape [u].
        running: Units of each plant that run, shape [plants].
        v_set_pu: Voltage that each plant holds, shape [plants].
        excitation: Share of its reactive power that each plant can really give, shape [plants].
        inside: Branches in service, shape [m].
        security: Share of the lines' ratings that the dispatch uses.
    """

    hour: SystemHours
    fleet: Fleet
    load_mw: Floats
    load_mvar: Floats
    p_mw: Floats
    running: NDArray[np.int64]
    v_set_pu: Floats
    excitation: Floats
    inside: NDArray[np.bool_]
    security: float

    @property
    def capacity_mw(self) -> Floats:
        """Rated power of the units that run, shape [plants]."""
        return np.asarray(self.running * [plant.unit_mw for plant in PLANTS], dtype=np.float64)

    @property
    def headroom_mw(self) -> Floats:
        """What running units can give more, shape [plants]."""
        return np.maximum(self.capacity_mw - self.p_mw[: len(PLANTS)], 0.0)

    @property
    def q_max_mvar(self) -> Floats:
        """Largest reactive power of each plant's running units, shape [plants]."""
        return _Q_MAX * self.excitation * self.capacity_mw

    @property
    def q_min_mvar(self) -> Floats:
        """Least, shape [plants]."""
        return _Q_MIN * self.excitation * self.capacity_mw

    @property
    def renewable_mw(self) -> Floats:
        """Output of each park."""
        return self.p_mw[len(PLANTS) :]


def rated_q_mvar(running: NDArray[np.int64]) -> Floats:
    """Largest reactive power of running units by their nameplates, shape [plants]."""
    return np.asarray(_Q_MAX * running * [plant.unit_mw for plant in PLANTS], dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a substation is: bus, difference of its clock to UTC, its own load."""

    bus: int
    utc_offset_s: int
    loads: FeederLoads


def draw_state(rng: np.random.Generator, case: Case, place: Place, t: int) -> State:
    """Draw the hour that begins at `t` and its stress, and dispatch it.

    The dispatch does not know of the elements that are out: they have just gone, or are let go without. The
    substation's own load replaces the case's at its bus.

    Args:
        rng: Source of randomness.
        case: The network.
        place: The substation.
        t: Unix seconds.

    Raises:
        InfeasibleError: No dispatch serves the load.
        SimulationError: No load is simulated at `t`.
    """
    hour = _stressed(rng, simulate_hours(rng, np.array([t]), place.utc_offset_s))
    count = len(PLANTS)
    fleet = Fleet.of(hour, 0)
    level, reactive = hour.load_pu[0], rng.uniform(*_REACTIVE)
    load_mw = case.load_mw * level * np.exp(_SPREAD_P * rng.standard_normal(case.buses))
    load_mvar = case.load_mvar * level * reactive * np.exp(_SPREAD_Q * rng.standard_normal(case.buses))
    p_w, q_var = place.loads.at(float(t))
    load_mw[place.bus] = max(p_w.sum() / 1e6, 0.0)
    load_mvar[place.bus] = _UNCOMPENSATED * reactive * q_var.sum() / 1e6
    fleet = _exchanging(fleet, load_mw[SLACK_BUS], float(rng.uniform(*_EXCHANGE_MW)))
    p_mw, security = cheapest(case.flows, fleet, load_mw, (float(rng.uniform(*_SECURITY)), 1.0))
    loading = rng.uniform(*_UNIT_LOADING)
    needed = np.ceil(p_mw[:count] / (loading * np.array([plant.unit_mw for plant in PLANTS])))
    return State(
        hour=hour,
        fleet=fleet,
        load_mw=load_mw,
        load_mvar=load_mvar,
        p_mw=p_mw,
        running=np.where(_CIRCUITS, hour.units[0], np.clip(needed.astype(np.int64), 1, hour.units[0])),
        v_set_pu=np.array([plant.v_pu for plant in PLANTS])
        + rng.uniform(*_LEVEL_PU)
        + _SET_POINT_PU * rng.standard_normal(count),
        excitation=rng.uniform(*_EXCITATION, count),
        inside=_in_service(rng, case),
        security=security,
    )


def _stressed(rng: np.random.Generator, hour: SystemHours) -> SystemHours:
    """More load and fewer units than the hour itself has."""
    lost = rng.binomial(hour.units, rng.uniform(0.0, _OUTAGES))
    return replace(
        hour,
        load_pu=np.clip(hour.load_pu * rng.uniform(*_LOAD), *_LOAD_BOUNDS),
        units=np.maximum(hour.units - lost, 1),
    )


def _exchanging(fleet: Fleet, load_mw: float, most_mw: float) -> Fleet:
    """The offers with the interconnection's output within `most_mw` of the load at its bus."""
    low, high = fleet.minimum_mw.copy(), fleet.available_mw.copy()
    row = int(_CIRCUITS.argmax())
    low[row] = min(max(low[row], load_mw - most_mw), high[row])
    high[row] = max(min(high[row], load_mw + most_mw), low[row])
    return replace(fleet, minimum_mw=low, available_mw=high)


def _in_service(rng: np.random.Generator, case: Case) -> NDArray[np.bool_]:
    inside = np.ones(len(case.names), dtype=np.bool_)
    count = int(rng.choice(3, p=_ELEMENTS_OUT))
    inside[rng.choice(np.flatnonzero(~case.of_station), count, replace=False)] = False
    return inside
