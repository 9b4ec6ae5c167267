"""Frequency after the largest credible loss of infeed, by the swing equation of `simulation.frequency`."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from simulation.frequency.disturbance import Disturbance
from simulation.frequency.region import draw_system, region_of
from simulation.frequency.swing import respond
from simulation.frequency.system import Systems
from simulation.grid.fleet import BUSES, NAMES
from simulation.grid.plants import PLANTS
from simulation.noise import Floats
from simulation.stability.outages import lost_mw
from simulation.stability.state import State

INERTIA_S = {"hydro": 3.2, "gas": 5.0, "coal": 4.0, "nuclear": 5.5, "interconnection": 0.0}
"""Inertia constant of a unit on its own rating, s (of textbooks' order; from common knowledge).

Behind the interconnection is a neighbour with inertia and governors of its own."""

_POWER_FACTOR = 0.85
_DROOP = 0.05
_NONE = ("nuclear", "interconnection")
_HYDRO = ("hydro",)
# What of the governors really answers, and what a unit gives within ten seconds, of its rating.
_ANSWERS, _HYDRO_ANSWERS, _WITHIN = (0.5, 1.0), (0.6, 1.0), 0.15
_LOAD_INERTIA_S = (0.05, 0.30)
# Load of the neighbour, of the grid's own.
_NEIGHBOUR = (0.4, 1.5)
_ONSET_S, _SECONDS = 1.0, 30


@dataclass(frozen=True, slots=True)
class Loss:
    """A system of one state and its largest credible loss of infeed.

    Attributes:
        systems: What answers, one system without shedding and secondary control.
        disturbance: The loss.
        name: What fails.
        mw: Its output.
        inertia_s: Inertia constant of running units and load, on the load.
        reserve_mw: Primary reserve that really answers, with the neighbour's.
        neighbour_mw: Load of the neighbour.
    """

    systems: Systems
    disturbance: Disturbance
    name: str
    mw: float
    inertia_s: float
    reserve_mw: float
    neighbour_mw: float


def unit_inertia_mws() -> Floats:
    """Energy of one unit's rotor at nominal speed, MWs, shape [plants]."""
    return np.array([INERTIA_S[plant.fuel] * plant.unit_mw / _POWER_FACTOR for plant in PLANTS])


def primary_reserve_mw(state: State) -> Floats:
    """Primary reserve of each plant if all its governors answered: headroom, at most 15 % of rating."""
    takes_part = np.array([plant.fuel not in _NONE for plant in PLANTS])
    return np.asarray(takes_part * np.minimum(state.headroom_mw, _WITHIN * state.capacity_mw))


def draw_loss(rng: np.random.Generator, substation: str, nominal_hz: float, state: State) -> Loss:
    """Draw what answers in a state, and find its largest loss of infeed.

    Turbines, dead bands and load damping are drawn as for the frequency of the substation's region; inertia,
    droop and reserve are those of the running units, of whose governors a part that nobody knows answers, and
    of a neighbour behind the interconnection that is drawn like them. Powers are on the load of both.
    """
    drawn = draw_system(rng, region_of(substation), nominal_hz)
    own = float(state.load_mw.sum())
    other = own * float(rng.uniform(*_NEIGHBOUR))
    load = own + other
    hydro = np.array([plant.fuel in _HYDRO for plant in PLANTS])
    takes_part = np.array([plant.fuel not in _NONE for plant in PLANTS])
    count = len(PLANTS)
    answers = np.where(hydro, rng.uniform(*_HYDRO_ANSWERS, count), rng.uniform(*_ANSWERS, count)) * takes_part
    gain = answers * state.capacity_mw / (_DROOP * load)
    reserve = answers * primary_reserve_mw(state)
    energy = unit_inertia_mws()
    stored = float((energy * state.running).sum()) + other * float(drawn.inertia_s[0])
    inertia = stored / load + float(rng.uniform(*_LOAD_INERTIA_S))
    gains, up = drawn.gain * other / load, drawn.up * other / load
    for group, chosen in enumerate((~hydro, hydro)):
        gains[group] += gain[chosen].sum()
        up[group] += reserve[chosen].sum() / load
    largest = max(range(BUSES.size), key=lambda row: lost_mw(state, row))
    power = lost_mw(state, largest)
    has_rotor = largest < count
    one = 1.0 / state.running[largest] if has_rotor else 0.0
    return Loss(
        systems=replace(
            drawn,
            inertia_s=np.array([inertia]),
            gain=gains,
            up=up,
            agc_rate=np.zeros(1),
            agc_share=np.zeros(1),
            shed_at=np.full_like(drawn.shed_at, -np.inf),
        ),
        disturbance=Disturbance(
            "unit_trip",
            _ONSET_S,
            -power / load,
            0.0,
            float(energy[largest] / load) if has_rotor else 0.0,
            float(gain[largest] * one / gains[:3].sum()) if has_rotor else 0.0,
        ),
        name=f"{'unit' if has_rotor else 'park'}-{NAMES[largest]}",
        mw=power,
        inertia_s=inertia,
        reserve_mw=float(up.sum() * load),
        neighbour_mw=other,
    )


def nadirs_hz(losses: list[Loss]) -> Floats:
    """Lowest frequency within half a minute after each loss if no load were shed, Hz, shape [e].

    The integration gives the frequency at whole seconds and its mean between them, and so by Simpson's rule
    that at half seconds; through the three lowest of all these a parabola is laid.
    """
    if not losses:
        return np.zeros(0)
    systems = Systems.side_by_side([loss.systems for loss in losses])
    found = respond(
        systems, tuple((loss.disturbance,) for loss in losses), np.zeros((_SECONDS + 1, len(losses)))
    )
    ends = np.vstack([np.zeros((1, len(losses))), np.cumsum(found.rocof_hz_s, axis=0)])
    between = (6.0 * (found.f_hz - systems.nominal_hz) - ends[:-1] - ends[1:]) / 4.0
    departure_hz = lowest(np.stack([ends[:-1], between], axis=1).reshape(-1, len(losses)))
    return np.asarray(departure_hz + systems.nominal_hz)


def lowest(path: Floats) -> Floats:
    """Lowest value of smooth curves through equally spaced samples, shape [t, e] to [e]."""
    place = np.clip(path.argmin(axis=0), 1, path.shape[0] - 2)
    rows = np.arange(path.shape[1])
    before, at, after = (path[place + k, rows] for k in (-1, 0, 1))
    bend = before - 2.0 * at + after
    vertex = at - np.where(bend > 0.0, (after - before) ** 2 / (8.0 * np.where(bend > 0.0, bend, 1.0)), 0.0)
    inner = (path.argmin(axis=0) == place) & (bend > 0.0)
    return np.asarray(np.where(inner, vertex, path.min(axis=0)))
