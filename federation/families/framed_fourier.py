"""Random Fourier features between rounds of sums: for regressions that are one part of a model.

How many targets there are may depend on what all rows together say, and what is said of the regressions on
errors at all sites. Before the regressions, rounds of sums settle the former; after them, rounds of sums
settle the latter.

Local data: `X` by row, and what else the plan's `Before` and `After` document.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from federation.errors import FederationError
from federation.families.framed_averaging import Sums
from federation.families.random_fourier import RandomFourier
from federation.family import MINIMUM_ROWS, Expected, LocalData, in_order
from federation.message import Arrays, Message, State, Update
from models.declaration import Claim
from models.fourier import FourierMachine

KNOWN = "known."
"""Begins the names of the arrays in a state that sums have settled."""


class Before(Sums, Protocol):
    """Sums that decide what is to be estimated."""

    def targets(self, known: Arrays) -> int:
        """Number of targets."""

    def rows(self, known: Arrays, data: LocalData) -> LocalData:
        """Local data of `random_fourier` from what is known and the site's arrays."""


class FramedFourier:
    """Phases: those before, then moments and sums of `RandomFourier`, those after, done.

    What is `known` to the sums is what was settled before them; to those after the regressions also all that
    `machine` needs.
    """

    name: ClassVar[str] = "random_fourier"
    claim: ClassVar[Claim] = "surrogate"

    def __init__(self, before: Before, after: Sums) -> None:
        self._fourier, self._before = RandomFourier(), before
        self._sums: dict[str, Sums] = {
            **dict.fromkeys(before.phases, before),
            **dict.fromkeys(after.phases, after),
        }
        first, last = (*before.phases, "moments"), (*after.phases, "done")
        self._next = {**dict(pairwise(first)), **dict(pairwise(last))}
        self._opening, self._closing = first[0], last[0]

    def start(self, settings: Mapping[str, Any], rows: Mapping[str, int]) -> State:
        """Ask for the first sums.

        Raises:
            FederationError: A hyper-parameter is unknown, of the wrong type or out of range.
        """
        # The number of targets is not known yet.
        return self._fourier.start({**settings, "targets": 1}, rows).with_header(phase=self._opening)

    def finished(self, state: State) -> bool:
        """Whether everything is settled."""
        return bool(state.value("phase") == "done")

    def told(self, state: State) -> State:
        """Sites get everything: what is settled, moments of all rows together, then the weights."""
        return state

    def local_update(self, state: State, data: LocalData, site: str) -> Update:
        """Sums, or what `RandomFourier` answers.

        Raises:
            FederationError: The site has fewer than `MINIMUM_ROWS` rows, or other columns.
        """
        phase = _phase(state)
        if phase not in self._sums:
            return self._fourier.local_update(state, self._before.rows(_settled(state), data), site)
        found = self._sums[phase].local(phase, self.known(state), data)
        if found.n < MINIMUM_ROWS:
            raise FederationError(f"{site} has {found.n} rows, statistics need {MINIMUM_ROWS}")
        return found

    def expects(self, state: State, site: str, most: int) -> Mapping[str, Expected]:
        """Sums as they are documented, or what `RandomFourier` expects."""
        phase = _phase(state)
        if phase in self._sums:
            return self._sums[phase].expects(phase, most)
        return self._fourier.expects(state, site, most)

    def inspect(self, state: State, update: Update) -> str:
        """Sums must be those of some rows."""
        phase = _phase(state)
        if phase in self._sums:
            return self._sums[phase].inspect(phase, update.arrays)
        return self._fourier.inspect(state, update)

    def aggregate(self, state: State, updates: Mapping[str, Update]) -> State:
        """What is known more, or scales, then weights.

        Sites are added in the order of their names, so that the result does not depend on who came first.
        """
        phase = _phase(state)
        if phase not in self._sums:
            after = self._fourier.aggregate(state, updates)
            closing = self._fourier.finished(after)
            header = {**after.header, "phase": self._closing} if closing else after.header
            kept = {name: array for name, array in state.arrays.items() if name.startswith(KNOWN)}
            return Message(header, {**kept, **after.arrays})
        parts = [update.arrays for update in in_order(updates)]
        total = {name: sum((part[name] for part in parts[1:]), parts[0][name]) for name in parts[0]}
        more = self._sums[phase].close(phase, self.known(state), total)
        arrays = {**state.arrays, **{f"{KNOWN}{name}": array for name, array in more.items()}}
        after = Message({**state.header, "phase": self._next[phase]}, arrays)
        if _phase(after) != "moments":
            return after
        targets = self._before.targets(_settled(after))
        return after.with_header(settings={**after.value("settings"), "targets": targets})

    def result(self, state: State) -> tuple[Arrays, tuple[FourierMachine, ...]]:
        """What the sums settled, and one regression a target.

        Raises:
            FederationError: It is not finished.
        """
        return _settled(state), self._fourier.result(state)

    def known(self, state: State) -> Arrays:
        """What sums are told: what is settled and, once they are solved, what the regressions are made of."""
        settled = _settled(state)
        return {**settled, **self._fourier.parts(state)} if "weights" in state.arrays else settled


def machine(known: Arrays, target: int) -> FourierMachine:
    """One target's regression from what is known after the regressions."""
    return FourierMachine(
        known["centre"],
        known["scale"],
        known["directions"],
        known["phases"],
        known["weights"][target],
        float(known["intercepts"][target]),
    )


def _phase(state: State) -> str:
    return str(state.value("phase"))


def _settled(state: State) -> dict[str, NDArray[Any]]:
    marked = {name: array for name, array in state.arrays.items() if name.startswith(KNOWN)}
    return {name.removeprefix(KNOWN): np.asarray(array) for name, array in marked.items()}
