"""A short circuit behind a feeder's end, sized so that a drawn point sees a sag of a drawn severity."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulation.errors import InfeasibleError
from simulation.faults.clearing import draw_beyond
from simulation.faults.hit import LARGEST_OHM, Hit, draw_kind
from simulation.faults.places import lateral_sites
from simulation.faults.zbus import BOLTED_OHM
from simulation.scenario.departure import departure, draw_severity, seen_for
from simulation.scenario.episode import Episode
from simulation.scenario.fault import before_fault, play_fault
from simulation.scenario.short_circuit import Ready
from simulation.scenario.stage import Stage
from simulation.scenario.unbalancing.mechanism import miss

_RESISTANCES = np.geomspace(BOLTED_OHM, LARGEST_OHM, 96)
_TRIES = 24


@dataclass(frozen=True, slots=True)
class SizedSag:
    """A fault whose sag at the watched point has the drawn severity."""

    watched: int
    severity: float
    hit: Hit


def simulate_sized_sag(stage: Stage) -> Episode:
    """Play a short circuit behind a feeder's end that gives a sag of drawn severity at a drawn point.

    Raises:
        InfeasibleError: The substation has no feeder lines.
    """
    calm, ready, start = before_fault(stage)
    sized = draw_sized_sag(stage, ready, start)
    aim = {"aim": "severity", "watched": stage.point_name(sized.watched), "drawn": sized.severity}
    return play_fault(stage, calm, ready, sized.hit, aim, watched=sized.watched)


def draw_sized_sag(stage: Stage, ready: Ready, start_s: float) -> SizedSag:
    """Draw a fault whose resistance gives a sag of a drawn severity at a drawn point.

    Places, types, points and severities are drawn until the wanted departure lies between those of a bolted
    fault and of one through the largest resistance; the resistance is then interpolated on its logarithm.

    Raises:
        InfeasibleError: The substation has no feeder lines, or no fault behind them moves anything.
    """
    rng, engine, world = stage.rng, stage.engine, stage.world
    sites = lateral_sites(world.substation)
    if not sites:
        raise InfeasibleError(f"{world.substation.name}: no feeder has a line that a fault could lie behind")
    before = ready.network.point_voltages(ready.faults.v)
    nearest: list[tuple[float, SizedSag]] = []
    for _ in range(_TRIES):
        severity, watched = draw_severity(rng), int(rng.integers(stage.points))
        site = sites[int(rng.integers(len(sites)))]
        kind, phases = draw_kind(rng)
        clearing = draw_beyond(rng, site)
        during = ready.voltages(site.place(engine, ready.network), kind, phases, _RESISTANCES)
        changes = departure(before, during)[:, watched]
        reach = seen_for(changes, clearing.duration_s, half_cycles=bool(world.sees_half_cycles[watched]))
        reach = reach / world.limit[watched]
        # A larger resistance is a smaller sag nearly everywhere; where it is not, the outermost crossing is
        # taken.
        above = np.flatnonzero(reach >= severity)
        k = int(above[-1]) if above.size else 0
        if above.size and k + 1 < reach.size:
            share = (reach[k] - severity) / max(reach[k] - reach[k + 1], 1e-12)
            r_ohm = float(_RESISTANCES[k] ** (1.0 - share) * _RESISTANCES[k + 1] ** share)
            return SizedSag(watched, severity, Hit(site, kind, phases, r_ohm, clearing, start_s))
        found = SizedSag(
            watched, severity, Hit(site, kind, phases, float(_RESISTANCES[k]), clearing, start_s)
        )
        nearest.append((miss(float(reach[k]), severity), found))
    return min(nearest, key=lambda each: each[0])[1]
