"""Standing conditions of an episode: its time, what the feeders draw, the frequency, the grid."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from simulation.clock import DAY_S
from simulation.engine.network import Complexes
from simulation.frequency.ambient import covariance_of_means
from simulation.grid import BoundaryHour
from simulation.noise import Floats
from simulation.scenario.world import World
from switchyard.identity import ScenarioId, generator

_GOLDEN = 0.6180339887498949
# Standard deviation of a load's second-to-second movement and its memory in seconds: all phases of a feeder,
# each phase.
_FEEDER_SIGMA, _FEEDER_MEMORY = 0.0030, 14.0
_PHASE_SIGMA, _PHASE_MEMORY = 0.0020, 4.0
# Reactive power that the grid's other customers move from second to second, of the short-circuit power.
_NEIGHBOUR_SHARE, _NEIGHBOUR_MEMORY = 3.0e-4, 8.0
# How unevenly customers are connected to the phases, below and above 100 kV, and the unevenness of the grid's
# other customers as a share of the short-circuit power.
UNEVEN_LOW, UNEVEN_HIGH, _UNEVEN_GRID = 0.03, 0.010, 1.0e-3


@dataclass(frozen=True, slots=True)
class Conditions:
    """What an episode finds.

    Attributes:
        t_start: Unix seconds of its first second.
        s_va: Power of each of the engine's loads in each second, VA, shape [t, l].
        f_hz: System frequency, shape [t].
        hour: The grid.
    """

    t_start: int
    s_va: Complexes
    f_hz: Floats
    hour: BoundaryHour

    @property
    def seconds(self) -> int:
        """Length of the episode."""
        return int(self.s_va.shape[0])


def draw_conditions(
    rng: np.random.Generator, world: World, scenario: ScenarioId, seconds: int, *, day: int | None = None
) -> Conditions:
    """Draw an episode's conditions.

    Days are spread by the golden ratio over the campaign, so that any block of days holds its share of every
    kind; an episode never crosses local midnight.

    Args:
        rng: The scenario's own stream.
        world: The substation in its campaign.
        scenario: The episode's identifier.
        seconds: Its length.
        day: Day of the campaign that it is to be played on, from 0; None draws one.
    """
    if day is None:
        first = _first_day(scenario.substation, scenario.campaign, scenario.seed, scenario.kind)
        day = int(world.days * ((first + scenario.index * _GOLDEN) % 1.0))
    # The last quarter of the last day has no successor to interpolate to.
    t_start = world.midnight + day * DAY_S + int(rng.integers(0, DAY_S - 900 - seconds))
    return conditions_at(rng, world, t_start, seconds)


def conditions_at(rng: np.random.Generator, world: World, t_start: int, seconds: int) -> Conditions:
    """Draw the conditions of an episode that begins at a given time."""
    (p0, q0), (p1, q1) = world.loads.at(t_start), world.loads.at(t_start + seconds)
    rise = (np.arange(seconds) + 0.5)[:, None] / seconds
    level = (p0 + 1j * q0) + rise * ((p1 - p0) + 1j * (q1 - q0))
    return conditions_of(rng, world, t_start, np.asarray(level, dtype=np.complex128))


def conditions_of(rng: np.random.Generator, world: World, t_start: int, level: Complexes) -> Conditions:
    """Draw the conditions around a given load.

    Args:
        rng: Source of randomness.
        world: The substation in its campaign.
        t_start: Unix seconds of the first second.
        level: Power of each feeder in each second without what seconds add to it, VA, shape [t, f].
    """
    hour = world.hour_like(t_start)
    return Conditions(t_start, _powers(rng, world, level, hour), _frequency(rng, world, level.shape[0]), hour)


def _powers(rng: np.random.Generator, world: World, level: Complexes, hour: BoundaryHour) -> Complexes:
    feeders = world.substation.feeders
    seconds, count = level.shape
    kv = {bus.id: bus.nominal_kv for bus in world.substation.buses}
    uneven = np.array([UNEVEN_HIGH if kv[f.end_bus] > 100.0 else UNEVEN_LOW for f in feeders])
    # Some feeders are restless: arc furnaces, rolling mills.
    restless = np.exp(0.5 * rng.standard_normal(count))
    together = coloured(rng, seconds, 2 * count, _FEEDER_SIGMA, _FEEDER_MEMORY).reshape(seconds, 2, count)
    apart = coloured(rng, seconds, 3 * count, _PHASE_SIGMA, _PHASE_MEMORY).reshape(seconds, count, 3)
    share = rng.standard_normal((count, 3))
    share = 1.0 + uneven[:, None] * (share - share.mean(axis=1, keepdims=True))
    moving = 1.0 + restless[:, None] * (together[:, 0, :, None] + apart)
    phases = level[:, :, None] / 3.0 * share * moving
    phases.imag *= 1.0 + restless[:, None] * together[:, 1, :, None]
    strength_va = hour.short_circuit_mva * 1e6 / 3.0
    neighbours = coloured(rng, seconds, 4, _NEIGHBOUR_SHARE * strength_va, _NEIGHBOUR_MEMORY)
    standing = rng.standard_normal(3)
    standing = _UNEVEN_GRID * strength_va * (standing - standing.mean())
    swing = neighbours[:, :1] + 0.15 * neighbours[:, 1:] + standing
    rest = np.zeros((seconds, len(world.substation.traction)), dtype=np.complex128)
    return np.concatenate([phases.reshape(seconds, 3 * count), rest, 1j * swing], axis=1)


def _frequency(rng: np.random.Generator, world: World, seconds: int) -> Floats:
    nominal = float(world.substation.frequency_hz)
    return np.asarray(nominal + _frequency_root(seconds) @ rng.standard_normal(seconds), dtype=np.float64)


def coloured(rng: np.random.Generator, steps: int, width: int, sigma: float, memory: float) -> Floats:
    """First-order autoregressive noise, by the root of its covariance, shape [steps, width]."""
    return np.asarray(sigma * (_root(steps, memory) @ rng.standard_normal((steps, width))))


@lru_cache(maxsize=64)
def _first_day(substation: str, campaign: str, seed: int, kind: str) -> float:
    """Where the days of a kind begin within the campaign, 0 to 1."""
    return float(generator(substation, campaign, str(seed), kind, "days").random())


@lru_cache(maxsize=64)
def _root(steps: int, memory: float) -> Floats:
    lag = np.abs(np.subtract.outer(np.arange(steps), np.arange(steps)))
    return np.asarray(np.linalg.cholesky(np.exp(-lag / memory)))


@lru_cache(maxsize=8)
def _frequency_root(steps: int) -> Floats:
    """Root of the covariance of quiet frequency's means over seconds, Hz."""
    lag = np.abs(np.subtract.outer(np.arange(steps), np.arange(steps))).astype(np.float64)
    return np.asarray(np.linalg.cholesky(covariance_of_means(lag) + 1e-14 * np.eye(steps)))
