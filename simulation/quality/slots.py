"""Which ten minutes of the campaign an episode is: no two episodes have the same."""

from __future__ import annotations

from math import gcd

from simulation.clock import DAY_S
from simulation.errors import SimulationError
from simulation.quality.interval import INTERVAL_S
from simulation.scenario.world import World
from switchyard.identity import ScenarioId, generator

_GOLDEN = 0.6180339887498949
# The last quarter of the last day has no successor to interpolate to.
_RESERVE_S = 2 * INTERVAL_S + 900


def slot_start(world: World, scenario: ScenarioId) -> int:
    """Unix seconds of a full ten minutes in UTC (IEC 61000-4-30), spread by the golden ratio.

    Raises:
        SimulationError: The campaign has fewer intervals than episodes.
    """
    first = -(-world.midnight // INTERVAL_S)
    count = (world.days * DAY_S - _RESERVE_S) // INTERVAL_S
    if scenario.index >= count:
        raise SimulationError(
            f"{scenario}: the campaign has {count} intervals of ten minutes only", "simulate more days"
        )
    stride = round(count * _GOLDEN)
    while gcd(stride, count) != 1:
        stride += 1
    names = (scenario.substation, scenario.campaign, str(scenario.seed), scenario.kind, "slots")
    offset = int(generator(*names).integers(count))
    return (first + (offset + scenario.index * stride) % count) * INTERVAL_S
