"""Situations in which a station has something to gain from moving feeders or traction supplies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulation.clock import DAY_S, QUARTER_S
from simulation.engine.network import Complexes
from simulation.engine.opendss import NEIGHBOURS
from simulation.grid import BoundaryHour
from simulation.instruments.accuracy import current_limits, voltage_limits
from simulation.noise import Floats
from simulation.scenario.regulation import DEADBAND_PU
from simulation.scenario.world import World
from simulation.transfers.arrangement import PAIRS, Arrangement, Movable
from switchyard.identity import ScenarioId, generator
from switchyard.profiles import Profile

KIND = "transfer"
"""Kind in the scenario identifiers."""

_GOLDEN = 0.6180339887498949
# Growth of all feeders that can be moved, of each of them, and the shares of its bay's rated current at which
# it and the traction on it end.
_GROWTH, _OWN_GROWTH, _FULL, _FULL_TRACTION = (0.8, 1.5), 0.35, 0.85, 0.4
# How unevenly the customers are connected to the phases, of feeders that can be moved and of the others.
_UNEVEN_MOVABLE, _UNEVEN_OTHERS = 0.08, 0.02
# Chances that a feeder hangs on the other section, that a supply runs, that it uses its own phase pair, and
# how much of its rated power it takes.
_MOVED, _RUNNING, _OWN_PAIR, _POWER = 0.25, 0.8, 0.6, (0.3, 1.0)
_SETTLED_SHARE, _CLASS_SIGMA = 0.6, 0.45


@dataclass(frozen=True, slots=True)
class Situation:
    """One quarter of an hour of a station, before it is solved.

    Attributes:
        scenario: Its name.
        quarter: Row of the world's load.
        s_va: Power of the engine's loads, VA, shape [l].
        present: Where feeders and supplies are.
        running: Whether each traction supply is in operation.
        hour: The grid.
        offsets_pu: Where in their dead bands the tap changers rest, shape [groups].
    """

    scenario: ScenarioId
    quarter: int
    s_va: Complexes
    present: Arrangement
    running: tuple[bool, ...]
    hour: BoundaryHour
    offsets_pu: Floats

    @classmethod
    def drawn(cls, world: World, movable: Movable, scenario: ScenarioId) -> Situation:
        """Draw a situation.

        Days are spread by the golden ratio over the campaign, as those of episodes are. Feeders that can be
        moved have grown, each differently, up to 85 % of their bay's rated current; some hang on the other
        section already; traction runs.
        """
        rng, loads = scenario.generator("situation"), world.loads
        first = generator(scenario.substation, scenario.campaign, str(scenario.seed), KIND, "days").random()
        day = int(world.days * ((first + scenario.index * _GOLDEN) % 1.0))
        quarter = day * (DAY_S // QUARTER_S) + int(rng.integers(DAY_S // QUARTER_S))
        supplies = world.substation.traction
        running = rng.random(len(supplies)) < _RUNNING
        traction_va = np.where(running, _traction_va(rng, world), 0.0)
        level = loads.p_w[quarter] + 1j * loads.q_var[quarter]
        level = level * _growth(rng, world, movable, np.abs(level), np.abs(traction_va))
        phases = level[:, None] / 3.0 * _shares(rng, world, movable)
        s_va = np.concatenate([phases.ravel(), traction_va, np.zeros(len(NEIGHBOURS))])
        moved = rng.random(len(movable.feeders)) < _MOVED
        own = rng.random(len(supplies)) < _OWN_PAIR
        drawn = rng.integers(len(PAIRS), size=len(supplies))
        present = Arrangement(
            tuple(buses[int(there)] for buses, there in zip(movable.buses, moved, strict=True)),
            tuple(
                supply.phases if keeps else PAIRS[pair]
                for supply, keeps, pair in zip(supplies, own, drawn, strict=True)
            ),
        )
        groups = len(world.regulators.groups)
        return cls(
            scenario,
            quarter,
            s_va,
            present,
            tuple(bool(each) for each in running),
            world.hour_like(int(loads.t[quarter])),
            DEADBAND_PU * rng.uniform(-_SETTLED_SHARE, _SETTLED_SHARE, groups),
        )

    @property
    def served_w(self) -> float:
        """Active power of all feeders and traction supplies."""
        return float(self.s_va.real.sum())


def situations(world: World, movable: Movable, profile: Profile) -> tuple[Situation, ...]:
    """All situations of a campaign."""
    return tuple(
        Situation.drawn(
            world, movable, ScenarioId(world.substation.name, profile.name, profile.seed, KIND, index)
        )
        for index in range(profile.simulation.transfers.states)
    )


def metered(
    rng: np.random.Generator, world: World, v: Complexes, i: Complexes
) -> tuple[Complexes, Complexes]:
    """Voltages and currents of the points as their instrument transformers have them.

    Each device has ratio and phase errors of 45 % of its class as standard deviation (IEC 61869-2, -3, -5),
    drawn for each situation.

    Args:
        rng: Where they are drawn.
        world: The substation in its campaign.
        v: Phase voltages, V, shape [p, 3].
        i: Currents, A, shape [p, 3].
    """
    points = world.substation.points
    rated_a = np.array([[point.rated_a] for point in points])
    v_ratio, v_turn = voltage_limits(np.array([point.vt_class for point in points]))
    i_ratio, i_turn = current_limits(np.array([point.ct_class for point in points]), np.abs(i) / rated_a)
    drawn = _CLASS_SIGMA * rng.standard_normal((4, len(points), 3))
    of_v = (1.0 + v_ratio[:, None] * drawn[0]) * np.exp(1j * v_turn[:, None] * drawn[1])
    of_i = (1.0 + i_ratio * drawn[2]) * np.exp(1j * i_turn * drawn[3])
    return np.asarray(v * of_v), np.asarray(i * of_i)


def metered_gain(rng: np.random.Generator, count: int) -> Complexes:
    """What the meters of class 0.5 at traction supplies make of their power, shape [count]."""
    classes = np.full(1, 0.5)
    (v_ratio, v_turn), (i_ratio, i_turn) = voltage_limits(classes), current_limits(classes, np.ones((1, 1)))
    ratio, turn = _CLASS_SIGMA * rng.standard_normal((2, 2, count))
    size = 1.0 + v_ratio[0] * ratio[0] + i_ratio[0, 0] * ratio[1]
    return np.asarray(size * np.exp(1j * (v_turn[0] * turn[0] + i_turn[0, 0] * turn[1])))


def _traction_va(rng: np.random.Generator, world: World) -> Complexes:
    substation = world.substation
    found = []
    for supply in substation.traction:
        power = supply.rated_mw * 1e6 * float(rng.uniform(*_POWER)) / supply.power_factor
        for feeder in substation.feeders:
            if feeder.end_bus == supply.bus:
                point = substation.point(feeder.point)
                power = min(power, _FULL_TRACTION * point.rated_a * point.nominal_kv * 1e3)
        found.append(power * np.exp(1j * np.arccos(supply.power_factor)))
    return np.array(found, dtype=np.complex128)


def _growth(
    rng: np.random.Generator, world: World, movable: Movable, apparent_va: Floats, traction_va: Floats
) -> Floats:
    feeders = world.substation.feeders
    moves = np.array([movable.has(feeder) for feeder in feeders])
    wanted = rng.uniform(*_GROWTH) * np.exp(_OWN_GROWTH * rng.standard_normal(len(feeders)))
    room = []
    for feeder in feeders:
        point = world.substation.point(feeder.point)
        # A load between two phases draws √3 times the current that it would draw from three.
        traction = sum(
            float(va)
            for va, supply in zip(traction_va, world.substation.traction, strict=True)
            if supply.bus == feeder.end_bus
        )
        room.append(np.sqrt(3.0) * (_FULL * point.nominal_kv * 1e3 * point.rated_a - traction))
    return np.where(moves, np.minimum(wanted, np.array(room) / np.maximum(apparent_va, 1.0)), 1.0)


def _shares(rng: np.random.Generator, world: World, movable: Movable) -> Floats:
    feeders = world.substation.feeders
    uneven = np.array([_UNEVEN_MOVABLE if movable.has(feeder) else _UNEVEN_OTHERS for feeder in feeders])
    share = rng.standard_normal((len(feeders), 3))
    return np.asarray(1.0 + uneven[:, None] * (share - share.mean(axis=1, keepdims=True)))
