"""How a fault is cleared: which protection, after how long, what is dead afterwards and for how long."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulation.faults.places import Site, elements_at
from substations.description import Substation

# Shares of faults cleared by the main protection, by the backup, and with a breaker that failed.
_SHARES = (0.86, 0.09, 0.05)
# Seconds until the current is broken. Above 100 kV distance or differential protection with a three-cycle
# breaker; below, overcurrent relays with inverse time. Backup adds its grading time, breaker failure the
# timer of IEEE C37.119's scheme.
_MAIN_HIGH_S, _MAIN_LOW_S = (0.06, 0.12), (0.10, 0.55)
_BACKUP_S, _FAILURE_S = (0.30, 0.50), (0.15, 0.25)
# Automatic reclosing of overhead lines: dead time, and how often the arc has gone.
_DEAD_TIME_S, _RECLOSED = (0.4, 1.2), 0.75


@dataclass(frozen=True, slots=True)
class Clearing:
    """What protection does.

    Attributes:
        cleared_by: `main`, `backup` or `breaker_failure`.
        duration_s: Time until the fault's current is broken.
        trips: Elements out of service afterwards.
        dead_time_s: Time until they are reclosed; infinite where they stay out.
    """

    cleared_by: str
    duration_s: float
    trips: tuple[str, ...]
    dead_time_s: float


def draw_clearing(rng: np.random.Generator, substation: Substation, site: Site) -> Clearing:
    """Draw how a fault at `site` is cleared, the elements tripped among them."""
    cleared_by = str(rng.choice(["main", "backup", "breaker_failure"], p=_SHARES))
    duration = _duration(rng, site, cleared_by)
    dead_time = float("inf")
    if not site.line:
        return Clearing(cleared_by, duration, elements_at(substation, site.bus), dead_time)
    if cleared_by == "breaker_failure":
        return _by_the_section(substation, site, duration)
    if site.overhead and rng.random() < _RECLOSED:
        dead_time = float(rng.uniform(*_DEAD_TIME_S))
    return Clearing(cleared_by, duration, (site.line,), dead_time)


def draw_failure(rng: np.random.Generator, substation: Substation, site: Site) -> Clearing:
    """Draw the clearing of a fault on a line of the substation whose breaker fails."""
    return _by_the_section(substation, site, _duration(rng, site, "breaker_failure"))


def _by_the_section(substation: Substation, site: Site, duration: float) -> Clearing:
    """The other breakers of the section do what the line's did not, and nobody recloses onto it."""
    trips = tuple(dict.fromkeys((site.line, *elements_at(substation, site.bus))))
    return Clearing("breaker_failure", duration, trips, float("inf"))


def draw_beyond(rng: np.random.Generator, site: Site) -> Clearing:
    """Draw the clearing of a fault on another's line behind a feeder's end: nothing here trips."""
    cleared_by = str(rng.choice(["main", "backup"], p=[0.9, 0.1]))
    return Clearing(cleared_by, _duration(rng, site, cleared_by), (), float("inf"))


def draw_remote(rng: np.random.Generator, site: Site) -> Clearing:
    """Draw the clearing of a fault on the transmission grid, breaker failure among its causes of delay."""
    cleared_by = str(rng.choice(["main", "backup", "breaker_failure"], p=_SHARES))
    return Clearing(cleared_by, _duration(rng, site, cleared_by), (), float("inf"))


def _duration(rng: np.random.Generator, site: Site, cleared_by: str) -> float:
    duration = float(rng.uniform(*(_MAIN_HIGH_S if site.kv > 100.0 else _MAIN_LOW_S)))
    if cleared_by == "backup":
        duration += float(rng.uniform(*_BACKUP_S))
    elif cleared_by == "breaker_failure":
        duration += float(rng.uniform(*_FAILURE_S))
    return duration
