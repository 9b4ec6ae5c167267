"""Challengers beside the champions of one snapshot: where they answer, and where in the shadow."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType

from serving.panel import Served
from serving.routing import HUNDREDTHS, NO_CHALLENGE, Challenge, Routing
from serving.sites import Site

SLOTS = 100 * HUNDREDTHS
"""Places that points are spread over; a canary of 1 % takes the first hundred of them."""

_NONE: Mapping[str, Served] = MappingProxyType({})


@lru_cache(maxsize=65536)
def slot(substation: str, point: str) -> int:
    """Place of a point, 0 to 9999: the same on every machine, in every version and for every model."""
    digest = hashlib.sha256(f"{substation}\0{point}".encode()).digest()
    return int.from_bytes(digest[:8], "big") % SLOTS


def in_canary(site: Site, percent: float) -> bool:
    """Whether a point is among the first `percent` of all places.

    Raising the percentage keeps every point that was among them.
    """
    return slot(site.substation, site.point) < round(percent * HUNDREDTHS)


class Challengers:
    """Challengers that a snapshot holds and what is asked of them; never changed once made.

    Attributes:
        served: The challenger by registered name of its champion.
        routing: What is asked.
    """

    def __init__(self, served: Mapping[str, Served] = _NONE, routing: Routing = NO_CHALLENGE) -> None:
        self.served = served
        self.routing = routing

    def challenge(self, registered: str) -> Challenge | None:
        """What is asked of the challenger of `registered`; None where it is not the version asked for."""
        asked, served = self.routing.challenges.get(registered), self.served.get(registered)
        if asked is None or served is None or served.model.entry.version != asked.version:
            return None
        return asked

    def waiting(self) -> list[str]:
        """Names and versions that are asked for but not in the snapshot."""
        return [
            f"{registered}:{asked.version}"
            for registered, asked in self.routing.challenges.items()
            if self.challenge(registered) is None
        ]

    def answering(self, site: Site, routes: Mapping[str, Served]) -> Mapping[str, Served]:
        """Who answers at a point: `routes` with the champions replaced whose canary takes the point."""
        chosen = dict(routes)
        for model, champion in routes.items():
            registered = champion.model.entry.registered
            asked = self.challenge(registered)
            if asked is not None and in_canary(site, asked.canary_percent):
                chosen[model] = self.served[registered]
        return chosen

    def shadowing(self, site: Site, routes: Mapping[str, Served]) -> dict[str, Served]:
        """Who answers off the path at a point: shadows whose champion answers there, by model."""
        found = {}
        for model, champion in routes.items():
            registered = champion.model.entry.registered
            asked = self.challenge(registered)
            if asked is not None and asked.shadow and not in_canary(site, asked.canary_percent):
                found[model] = self.served[registered]
        return found
