"""Arrangements of feeders and traction supplies that are within reach, and codes of the moves to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations, product

import numpy as np
from numpy.typing import NDArray

Int = NDArray[np.int64]


PAIRS = ("ab", "bc", "ca")
"""Phase pairs of a traction supply."""

MOST_FEEDERS, MOST_SUPPLIES = 2, 2
"""Feeders and traction supplies that are moved at once, at most."""

MOST = MOST_FEEDERS + MOST_SUPPLIES

FEEDER_OPERATIONS, COUPLER_OPERATIONS, TRACTION_OPERATIONS = 2, 2, 4
"""Operations for a feeder (isolators of both busbars), around all feeders (the coupler closes and opens), and
for a traction supply (breaker off, two phases over, breaker on)."""

EACH, SUPPLIES = 1024, 513
"""Numbers that one move of a code can have, and the first one of a supply."""


@dataclass(frozen=True, slots=True)
class Reach:
    """Every arrangement within reach of any present one, k of them; the first is the present one.

    Attributes:
        moved: Which feeders go to their other busbar, bool [k, f].
        turned: By how many places in `PAIRS` each supply is turned, [k, s].
        moves: Feeders and supplies moved, [k].
        operations: Operations of switchgear, [k].
    """

    moved: NDArray[np.bool_]
    turned: Int
    moves: Int
    operations: Int

    def codes(self, side: Int, pair: Int) -> list[float]:
        """Code of each arrangement, from where feeders [f] and supplies [s] are, k of them."""
        return [code_of(moves_to(self, k, side, pair)) for k in range(self.moves.size)]


@lru_cache(maxsize=64)
def reach(feeders: int, supplies: int) -> Reach:
    """Arrangements of so many movable feeders and supplies, few moves of feeders first."""
    turns = [
        turn
        for turn in product(range(len(PAIRS)), repeat=supplies)
        if np.count_nonzero(turn) <= MOST_SUPPLIES
    ]
    moved, turned = [], []
    for count in range(min(MOST_FEEDERS, feeders) + 1):
        for chosen in combinations(range(feeders), count):
            for turn in turns:
                moved.append([k in chosen for k in range(feeders)])
                turned.append(turn)
    of_feeders = np.array(moved, dtype=bool).reshape(len(moved), feeders)
    of_supplies = np.array(turned, dtype=np.int64).reshape(len(turned), supplies)
    many, others = of_feeders.sum(axis=1), (of_supplies > 0).sum(axis=1)
    return Reach(
        of_feeders,
        of_supplies,
        many + others,
        FEEDER_OPERATIONS * many + COUPLER_OPERATIONS * (many > 0) + TRACTION_OPERATIONS * others,
    )


@dataclass(frozen=True, slots=True)
class Move:
    """One move.

    Attributes:
        supply: Whether a traction supply is moved, or a feeder.
        place: Its place among them.
        origin: Place of the busbar of the feeder's two, or of the phase pair in `PAIRS`.
        target: Where it goes, likewise.
    """

    supply: bool
    place: int
    origin: int
    target: int

    @property
    def number(self) -> int:
        """From 1 to `EACH` − 1; two moves differ in it."""
        if self.supply:
            return SUPPLIES + len(PAIRS) ** 2 * self.place + len(PAIRS) * self.origin + self.target
        return 1 + 2 * self.place + self.origin


def moves_of(code: float) -> list[Move]:
    """The moves that a code of `Alternatives` stands for, feeders first."""
    found = []
    rest = int(code)
    while rest:
        rest, number = divmod(rest, EACH)
        if number < SUPPLIES:
            place, side = divmod(number - 1, 2)
            found.append(Move(supply=False, place=place, origin=side, target=1 - side))
        else:
            place, pairs = divmod(number - SUPPLIES, len(PAIRS) ** 2)
            origin, target = divmod(pairs, len(PAIRS))
            found.append(Move(supply=True, place=place, origin=origin, target=target))
    return found


def code_of(moves: Sequence[Move]) -> float:
    """One number for some moves; 0 for none."""
    return float(sum(move.number * EACH**k for k, move in enumerate(moves)))


def moves_to(within: Reach, k: int, side: Int, pair: Int) -> list[Move]:
    """Moves to the arrangement `k` from where feeders [f] and supplies [s] are."""
    moves = [
        Move(supply=False, place=f, origin=int(side[f]), target=1 - int(side[f]))
        for f in np.flatnonzero(within.moved[k]).tolist()
    ]
    for s in np.flatnonzero(within.turned[k]).tolist():
        now = int(pair[s])
        target = (now + int(within.turned[k, s])) % len(PAIRS)
        moves.append(Move(supply=True, place=s, origin=now, target=target))
    return moves
