"""What holds for a day of a station: how even its phases are, what its feeders emit, how its meters err."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulation.demand import FeederLoads
from simulation.engine.network import Complexes
from simulation.harmonics.mix import draw_mix
from simulation.noise import Floats
from simulation.scenario.conditions import UNEVEN_HIGH, UNEVEN_LOW
from simulation.scenario.regulation import DEADBAND_PU
from simulation.scenario.world import World
from simulation.states.resistances import Agreement
from switchyard.identity import ScenarioId

_SETTLED_SHARE = 0.6
# Deviation of an instrument's error as a share of its class, and minutes of arc that a class of 1 allows
# current and voltage transformers (IEC 61869-2 and -3).
CLASS_SIGMA, _MINUTES = 0.45, (60.0, 40.0)


@dataclass(frozen=True, slots=True)
class Day:
    """What holds for a day.

    Attributes:
        scenario: Its name.
        offsets_pu: Where in their dead bands the tap changers rest, shape [groups].
        shares: Phases' powers over a third of their feeder's, shape [f, 3].
        agreement: How the feeders' harmonics add up.
        gains: What the feeders' instruments make of their power, shape [f].
        gain_v: What those of the first infeed make of its voltage.
    """

    scenario: ScenarioId
    offsets_pu: Floats
    shares: Floats
    agreement: Agreement
    gains: Complexes
    gain_v: float

    @classmethod
    def drawn(cls, world: World, scenario: ScenarioId) -> Day:
        """Draw a day; errors of instruments have the deviation that they have in readings."""
        rng, feeders = scenario.generator("state"), world.substation.feeders
        offsets = DEADBAND_PU * rng.uniform(-_SETTLED_SHARE, _SETTLED_SHARE, len(world.regulators.groups))
        kv = {bus.id: bus.nominal_kv for bus in world.substation.buses}
        uneven = np.array([UNEVEN_HIGH if kv[feeder.end_bus] > 100.0 else UNEVEN_LOW for feeder in feeders])
        share = rng.standard_normal((len(feeders), 3))
        share = 1.0 + uneven[:, None] * (share - share.mean(axis=1, keepdims=True))
        mixes = [draw_mix(rng, feeder, feeder.base_mw * 1e6) for feeder in feeders]
        agreement = Agreement.of(np.array([mix.phasors for mix in mixes]))
        points = [world.substation.point(feeder.point) for feeder in feeders]
        classes = np.array([(point.ct_class, point.vt_class) for point in points])
        gains = meter_gains(rng, classes)
        infeed = world.substation.point(world.substation.infeeds[0].point)
        gain_v = 1.0 + CLASS_SIGMA * infeed.vt_class / 100.0 * float(rng.standard_normal())
        return cls(scenario, offsets, share, agreement, gains, gain_v)


def meter_gains(rng: np.random.Generator, classes: Floats) -> Complexes:
    """What instruments make of a power, drawn; complex factors, shape [k].

    Args:
        rng: Source of their errors.
        classes: Accuracy classes of each one's current and voltage transformers, shape [k, 2].
    """
    ratio, turn = CLASS_SIGMA * rng.standard_normal((2, len(classes), 2))
    degrees = (turn * classes * _MINUTES).sum(axis=1) / 60.0
    return np.asarray((1.0 + (ratio * classes).sum(axis=1) / 100.0) * np.exp(1j * np.radians(degrees)))


def powers(loads: FeederLoads, quarter: int, shares: Floats, count: int) -> Complexes:
    """Power of the engine's loads: the feeders' phases, everything else at rest, VA, shape [count]."""
    s_va = np.zeros(count, dtype=np.complex128)
    level = (loads.p_w[quarter] + 1j * loads.q_var[quarter]) / 3.0
    s_va[: shares.size] = (level[:, None] * shares).ravel()
    return s_va
