"""What disturbs the balance: trips, load steps, ramps, inertia that leaves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulation.noise import Floats


@dataclass(frozen=True, slots=True)
class Disturbance:
    """One event.

    Attributes:
        kind: A name in `data_contracts.tables.frequency.EVENTS`.
        onset_s: Seconds from the episode's start.
        power_pu: What it adds to generation minus load, on the system's base.
        rise_s: Time over which it does so in a straight line; 0 at once.
        inertia_lost_s: How much of the inertia constant leaves with it, s.
        governor_lost: Share of the primary reserve that leaves with it.
    """

    kind: str
    onset_s: float
    power_pu: float
    rise_s: float = 0.0
    inertia_lost_s: float = 0.0
    governor_lost: float = 0.0


def power_of(disturbances: tuple[tuple[Disturbance, ...], ...], steps: int, step_s: float) -> Floats:
    """Power of all disturbances in the middle of every step, pu, shape [steps, episodes]."""
    middle = (np.arange(steps) + 0.5) * step_s
    found = np.zeros((steps, len(disturbances)))
    for episode, events in enumerate(disturbances):
        for event in events:
            onset = round(event.onset_s / step_s)
            since = middle[onset:] - onset * step_s
            rise = 1.0 if event.rise_s <= 0.0 else np.minimum(since / event.rise_s, 1.0)
            found[onset:, episode] += event.power_pu * rise
    return found
