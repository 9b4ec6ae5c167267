"""A swell on the phases that an earth fault does not touch."""

from __future__ import annotations

import numpy as np

from simulation.errors import InfeasibleError
from simulation.faults.clearing import draw_beyond
from simulation.faults.hit import LARGEST_OHM, Hit
from simulation.faults.places import lateral_sites
from simulation.faults.zbus import BOLTED_OHM
from simulation.scenario.departure import departure, seen_for
from simulation.scenario.episode import Episode
from simulation.scenario.fault import before_fault, play_fault
from simulation.scenario.stage import Stage

# Dry or frozen ground: beyond what faults on conductors are drawn with.
_RESISTANCES = np.geomspace(BOLTED_OHM, 3.0 * LARGEST_OHM, 48)


def simulate_earth_fault_rise(stage: Stage) -> Episode:
    """Play an earth fault behind a feeder's end after which some point's healthy phases rise the most.

    Where the zero-sequence impedance is large or the fault has resistance, a healthy phase rises by more than
    the faulted one falls. Of all places, phases, resistances and points at which this is an event, one is
    drawn.

    Raises:
        InfeasibleError: Nowhere behind the feeders does an earth fault do so.
    """
    rng, engine, world = stage.rng, stage.engine, stage.world
    calm, ready, start = before_fault(stage)
    before = ready.network.point_voltages(ready.faults.v)
    found = []
    for site in lateral_sites(world.substation):
        clearing = draw_beyond(rng, site)
        for phase in "abc":
            during = ready.voltages(site.place(engine, ready.network), "LG", phase, _RESISTANCES)
            changes = departure(before, during)
            rise, fall = changes[..., :3].max(axis=-1), -changes[..., :3].min(axis=-1)
            for k in range(stage.points):
                half = bool(world.sees_half_cycles[k])
                seen = seen_for(changes[:, k], clearing.duration_s, half_cycles=half) / world.limit[k]
                found += [
                    (k, Hit(site, "LG", phase, float(_RESISTANCES[m]), clearing, start))
                    for m in np.flatnonzero((rise[:, k] > fall[:, k]) & (seen >= 1.0))
                ]
    if not found:
        raise InfeasibleError(
            f"{world.substation.name}: no earth fault lifts a phase more than it lowers one"
        )
    watched, hit = found[int(rng.integers(len(found)))]
    aim = {"aim": "", "watched": stage.point_name(watched)}
    return play_fault(stage, calm, ready, hit, aim, watched=watched)
