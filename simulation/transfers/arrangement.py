"""Which busbar section each feeder hangs on and which phases each traction supply uses."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations, product

from simulation.engine import Engine
from substations.description import Feeder, Substation

PAIRS = ("ab", "bc", "ca")
"""Phase pairs that a single-phase traction supply can be connected to."""

FEEDER_OPERATIONS = 2
"""Operations to move one feeder: the other section's isolator is closed, the present one's opened."""

COUPLER_OPERATIONS = 2
"""Operations around the moves of feeders: the coupler is closed before the first and opened after the last,
so that nobody is interrupted (the usual on-load transfer with two busbars, from common knowledge)."""

TRACTION_OPERATIONS = 4
"""Operations to move a traction supply: breaker off, two phases over, breaker on."""


@dataclass(frozen=True, slots=True)
class Movable:
    """What can be moved in a substation.

    Attributes:
        feeders: Feeders that have another section to go to.
        lines: Their line elements.
        buses: The two sections of each: that of the description first.
        supplies: Elements of the traction supplies.
        names: Their names.
        described: Their phase pairs in the description.
    """

    feeders: tuple[str, ...]
    lines: tuple[str, ...]
    buses: tuple[tuple[str, str], ...]
    supplies: tuple[str, ...]
    names: tuple[str, ...]
    described: tuple[str, ...]

    @classmethod
    def of(cls, substation: Substation) -> Movable:
        """What the description says can be moved; a load without a line stays where it is."""
        found = [
            (feeder.id, feeder.line, (feeder.bus, feeder.transfer_bus))
            for feeder in substation.feeders
            if feeder.line is not None and feeder.transfer_bus is not None
        ]
        return cls(
            tuple(name for name, _, _ in found),
            tuple(line for _, line, _ in found),
            tuple(buses for _, _, buses in found),
            tuple(supply.element for supply in substation.traction),
            tuple(supply.id for supply in substation.traction),
            tuple(supply.phases for supply in substation.traction),
        )

    def has(self, feeder: Feeder) -> bool:
        """Whether the feeder can be moved."""
        return feeder.id in self.feeders


@dataclass(frozen=True, slots=True)
class Arrangement:
    """Where everything movable is.

    Attributes:
        buses: Section of each movable feeder.
        pairs: Phase pair of each traction supply.
    """

    buses: tuple[str, ...]
    pairs: tuple[str, ...]

    def feeders_moved(self, present: Arrangement) -> int:
        """Feeders that are elsewhere than in `present`."""
        return sum(one != other for one, other in zip(self.buses, present.buses, strict=True))

    def supplies_moved(self, present: Arrangement) -> int:
        """Traction supplies that use other phases than in `present`."""
        return sum(one != other for one, other in zip(self.pairs, present.pairs, strict=True))

    def operations(self, present: Arrangement) -> int:
        """Operations of switchgear from `present` to here."""
        feeders = self.feeders_moved(present)
        coupler = COUPLER_OPERATIONS if feeders else 0
        return FEEDER_OPERATIONS * feeders + coupler + TRACTION_OPERATIONS * self.supplies_moved(present)


def around(
    movable: Movable, present: Arrangement, most: int, running: tuple[bool, ...]
) -> Iterator[Arrangement]:
    """Every arrangement within reach, the present one first.

    Args:
        movable: What can be moved.
        present: Where it is now.
        most: Feeders moved at most.
        running: Whether each traction supply is in operation; one at rest is not moved.
    """
    pairs = [
        (now, *(pair for pair in PAIRS if pair != now)) if runs else (now,)
        for now, runs in zip(present.pairs, running, strict=True)
    ]
    for count in range(min(most, len(movable.feeders)) + 1):
        for chosen in combinations(range(len(movable.feeders)), count):
            buses = tuple(
                _other(movable.buses[k], bus) if k in chosen else bus for k, bus in enumerate(present.buses)
            )
            for turned in product(*pairs):
                yield Arrangement(buses, turned)


def apply(engine: Engine, movable: Movable, now: Arrangement, wanted: Arrangement) -> None:
    """Move what is in `now` elsewhere than in `wanted`."""
    for line, bus, to in zip(movable.lines, now.buses, wanted.buses, strict=True):
        if bus != to:
            engine.move(line, to)
    for supply, pair, to in zip(movable.supplies, now.pairs, wanted.pairs, strict=True):
        if pair != to:
            engine.turn(supply, phases_of(to))


def as_described(movable: Movable) -> Arrangement:
    """The arrangement of the circuit file."""
    return Arrangement(tuple(buses[0] for buses in movable.buses), movable.described)


def phases_of(pair: str) -> tuple[int, int]:
    """Phases 0, 1, 2 of a pair such as `ca`."""
    return "abc".index(pair[0]), "abc".index(pair[1])


def _other(buses: tuple[str, str], bus: str) -> str:
    return buses[1] if bus == buses[0] else buses[0]
