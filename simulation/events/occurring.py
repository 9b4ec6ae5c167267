"""The voltage events of a whole campaign, each solved at its own instant."""

from __future__ import annotations

from dataclasses import dataclass

from simulation.engine import Engine
from simulation.errors import InfeasibleError, NotConvergedError
from simulation.events.covariates import HOUR_S
from simulation.events.happening import Happening, draw_happening
from simulation.events.intensity import Campaign
from simulation.events.standing import Standing
from simulation.events.streams import CAUSES
from simulation.scenario.world import World
from switchyard.identity import generator
from switchyard.log import get_logger

_log = get_logger("simulation")


@dataclass(frozen=True, slots=True)
class VoltageEvent:
    """One event with what it did.

    Attributes:
        name: Its identifier.
        t_ms: Beginning, Unix milliseconds.
        cause: Code of the cause.
        happening: What it did.
        intensity_per_h: Intensity of its cause just before, and that of all causes.
    """

    name: str
    t_ms: int
    cause: int
    happening: Happening
    intensity_per_h: tuple[float, float]


def happen(world: World, engine: Engine, campaign: str, seed: int) -> tuple[VoltageEvent, ...]:
    """Draw a campaign's events and solve each at its own instant; what no point would count is left out.

    Args:
        world: The substation in its campaign.
        engine: Its engine, freshly compiled.
        campaign: Name of the profile.
        seed: The campaign's seed.
    """
    drawn = Campaign.of(world.substation, world.loads, campaign, seed)
    arrivals, prefix = drawn.arrivals, f"{world.substation.name}.{campaign}.{seed}.event"
    per_cause = drawn.by_cause(arrivals.intensity_per_h)
    found: list[VoltageEvent] = []
    last_ms = 0
    for k, hours in enumerate(arrivals.hours):
        name, stream = f"{prefix}.{k:06d}", drawn.streams[arrivals.stream[k]]
        t = float(drawn.hourly.t[0]) + HOUR_S * float(hours)
        try:
            standing = Standing.at(world, engine, t)
            happening = draw_happening(
                generator(name), standing, stream, incipient=bool(arrivals.incipient[k])
            )
        except (InfeasibleError, NotConvergedError):
            engine.compile()
            continue
        if happening is None:
            continue
        # No two events share a millisecond.
        last_ms = max(round(1000.0 * t), last_ms + 1)
        cause = CAUSES.index(stream.cause)
        both = (float(per_cause[k, cause]), float(per_cause[k].sum()))
        found.append(VoltageEvent(name, last_ms, cause, happening, both))
    _log.info(
        "%s: %d voltage events, %d of them counted", world.substation.name, arrivals.hours.size, len(found)
    )
    return tuple(found)
