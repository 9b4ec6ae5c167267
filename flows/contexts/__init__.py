"""What a gateway knows beside readings, from the tables of a campaign, by topic of `flows.episodes`.

A topic that has context is one function of `CONTEXTS`: it says where each of its episodes is to be asked
about, what goes into the request, and what is truly so that the tables of the readings do not hold.
"""

from __future__ import annotations

from collections.abc import Mapping

from flows.contexts.ageing import ageings
from flows.contexts.balancing import balancings
from flows.contexts.compensation import compensations
from flows.contexts.demand import demands
from flows.contexts.dispatch import dispatches
from flows.contexts.load import loads
from flows.contexts.losses import station_losses
from flows.contexts.overload import overloads
from flows.contexts.quality import qualities
from flows.contexts.sag import sags
from flows.contexts.settings import settings
from flows.contexts.stability import stabilities
from flows.contexts.told import Context, Told

__all__ = ["CONTEXTS", "TABLES", "Context", "Told"]

CONTEXTS: Mapping[str, Context] = {
    "overload": overloads,
    "ageing": ageings,
    "load": loads,
    "losses": station_losses,
    "quality": qualities,
    "sag": sags,
    "demand": demands,
    "dispatch": dispatches,
    "stability": stabilities,
    "balancing": balancings,
    "compensation": compensations,
    "settings": settings,
}
"""By topic."""

TABLES: Mapping[str, tuple[str, ...]] = {
    "overload": ("thermal",),
    "ageing": ("assets",),
    "load": ("load",),
    "losses": ("losses", "load"),
    "quality": ("power_quality",),
    "sag": ("sag_events", "load"),
    "demand": ("customers",),
    "dispatch": ("dispatch",),
    "stability": ("stability",),
    "balancing": ("transfers",),
    "compensation": ("compensation",),
    "settings": ("controls", "losses", "load"),
}
"""What a campaign must have simulated for a topic."""
