"""A sag by a short circuit on the transmission grid, seen through the grid's source impedance."""

from __future__ import annotations

from simulation.faults.clearing import draw_remote
from simulation.faults.hit import Hit, draw_kind, draw_resistance
from simulation.faults.places import draw_remote_site
from simulation.scenario.episode import Episode
from simulation.scenario.fault import before_fault, play_fault
from simulation.scenario.stage import Stage


def simulate_remote_fault(stage: Stage) -> Episode:
    """Play a fault of drawn kind, distance and clearing on a line that leaves the substation's grid bus."""
    rng = stage.rng
    calm, ready, start = before_fault(stage)
    site, distance_km = draw_remote_site(rng, stage.engine)
    kind, phases = draw_kind(rng)
    hit = Hit(site, kind, phases, draw_resistance(rng), draw_remote(rng, site), start)
    return play_fault(stage, calm, ready, hit, {"aim": "", "distance_km": distance_km})
