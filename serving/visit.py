"""One request on its way through the service: who asks, about what, and what is written down of it."""

from __future__ import annotations

from dataclasses import dataclass

from serving.keys import VERBS
from serving.problems import ProblemError, forbidden

MOST_SUBSTATIONS = 16
NOBODY = "-"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks.

    Attributes:
        name: Name of the key; `-` where none is in force.
        substations: Substations that may be asked about; None for all.
        verbs: What may be done.
    """

    name: str = NOBODY
    substations: frozenset[str] | None = None
    verbs: frozenset[str] = frozenset(VERBS)


ANYONE = Caller()


class Visit:
    """One request.

    Attributes:
        request_id: Name of the request.
        caller: Who asks; anyone, until it is known.
        items: Items in the request.
        refused: Of these, those that were not answered.
        substations: Substations that the items name, as they name them.
        snapshot: The set of versions that answered; empty where none did.
    """

    __slots__ = ("caller", "items", "refused", "request_id", "snapshot", "substations")

    def __init__(self, request_id: str) -> None:
        self.request_id = request_id
        self.caller = ANYONE
        self.items = 0
        self.refused = 0
        self.substations: set[str] = set()
        self.snapshot = ""

    def denial(self, substation: str) -> ProblemError | None:
        """403 if the caller may not ask about `substation`; notes that it was asked."""
        self.items += 1
        if len(self.substations) < MOST_SUBSTATIONS:
            self.substations.add(substation)
        allowed = self.caller.substations
        if allowed is None or substation in allowed:
            return None
        return forbidden(f"the key of {self.caller.name} does not cover the substation {substation!r}")
