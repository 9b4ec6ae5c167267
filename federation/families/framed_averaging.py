"""Federated averaging between rounds of sums: for a network that is one part of a model.

What a network is to learn may depend on constants that all rows together decide, and what is said of its
answers on errors of all sites. Before the averaging, rounds of sums settle the former; only then is it known
what each row's inputs and target are. After it, rounds of sums settle the latter. A site that fine-tunes the
network settles what comes after from its own rows alone, and sends those sums with its weights. A robust
aggregation is one of the network; sums stay sums.

Local data: `X` and `X_validation` by row, and what else the plan's `Before` and `After` document.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from federation.errors import FederationError
from federation.families.averaging import FedAvg, Weights, weights_of
from federation.family import MINIMUM_ROWS, Expected, LocalData, Tuned, in_order
from federation.message import Arrays, Message, State, Update
from federation.terms import AGGREGATIONS, Aggregation
from models.declaration import Claim

KNOWN = "known."
"""Begins the names of the arrays in a state that sums have settled."""


class Sums(Protocol):
    """Rounds in which each site answers by sums over its rows, which are added up.

    What is known has other names than `mean`, `scale` and those of weights, which are the network's.

    Attributes:
        phases: Name of each round, in order.
    """

    phases: ClassVar[tuple[str, ...]]

    def local(self, phase: str, known: Arrays, data: LocalData) -> Update:
        """A site's sums, with `n`, the rows that entered."""

    def expects(self, phase: str, most: int) -> Mapping[str, Expected]:
        """The arrays of such an answer, for a site of at most `most` rows."""

    def inspect(self, phase: str, sums: Arrays) -> str:
        """What is wrong with sums that are as expected; empty if nothing is."""

    def close(self, phase: str, known: Arrays, sums: Arrays) -> Arrays:
        """What is known more from the sums of all sites."""


class Before(Sums, Protocol):
    """Sums that decide what the network learns."""

    def rows(self, known: Arrays, data: LocalData) -> LocalData:
        """Local data of `fedavg` from what is known and the site's arrays."""


class FramedFedAvg:
    """Phases: those before, then moments and train of `FedAvg`, those after, done; then fine_tune once.

    What is `known` to the sums is what was settled before them; to those after the averaging also the
    network's weights and scales, under the names that `FedAvg` gives them.
    """

    name: ClassVar[str] = "fedavg"
    claim: ClassVar[Claim] = "approximate"
    aggregations: ClassVar[tuple[Aggregation, ...]] = AGGREGATIONS

    def __init__(self, network: FedAvg, before: Before, after: Sums | None = None) -> None:
        self._network, self._before = network, before
        self._later: dict[str, Sums] = {} if after is None else dict.fromkeys(after.phases, after)
        self._sums: dict[str, Sums] = {**dict.fromkeys(before.phases, before), **self._later}
        first, last = (*before.phases, "moments"), (*self._later, "done")
        self._next = {**dict(pairwise(first)), **dict(pairwise(last))}
        self._closing = last[0]

    def start(self, settings: Mapping[str, Any], rows: Mapping[str, int]) -> State:
        """Ask for the first sums.

        Raises:
            FederationError: A hyper-parameter is unknown, of the wrong type or out of range.
        """
        return self._network.start(settings, rows).with_header(phase=self._before.phases[0])

    def finished(self, state: State) -> bool:
        """Whether everything is settled."""
        return bool(state.value("phase") == "done")

    def told(self, state: State) -> State:
        """Sites get what is settled and the weights, not the server's velocity."""
        return self._network.told(state)

    def local_update(self, state: State, data: LocalData, site: str) -> Update:
        """Sums, or what `FedAvg` answers; when fine-tuning also the sums after it, of this site alone.

        Raises:
            FederationError: The site has fewer than `MINIMUM_ROWS` rows, or other columns.
        """
        phase, known = _phase(state), _known(state)
        if phase in self._sums:
            found = self._sums[phase].local(phase, known, data)
            if found.n < MINIMUM_ROWS:
                raise FederationError(f"{site} has {found.n} rows, statistics need {MINIMUM_ROWS}")
            return found
        update = self._network.local_update(state, self._before.rows(known, data), site)
        if phase != "fine_tune":
            return update
        arrays = dict(update.arrays)
        known |= network_arrays(update)
        for later, sums in self._later.items():
            own = sums.local(later, known, data)
            known |= sums.close(later, known, own.arrays)
            arrays |= {f"{later}.{name}": array for name, array in own.arrays.items()}
        return Message(update.header, arrays)

    def expects(self, state: State, site: str, most: int) -> Mapping[str, Expected]:
        """Sums as they are documented, or what `FedAvg` expects, or both."""
        phase = _phase(state)
        if phase in self._sums:
            return self._sums[phase].expects(phase, most)
        found = dict(self._network.expects(state, site, most))
        if phase == "fine_tune":
            for later, sums in self._later.items():
                rules = sums.expects(later, most)
                found |= {f"{later}.{name}": rule for name, rule in rules.items()}
        return found

    def inspect(self, state: State, update: Update) -> str:
        """Sums must be those of some rows; weights may move no farther than `FedAvg` allows."""
        phase = _phase(state)
        if phase in self._sums:
            return self._sums[phase].inspect(phase, update.arrays)
        wrong = self._network.inspect(state, update)
        if phase == "fine_tune":
            for later, sums in self._later.items():
                wrong = wrong or sums.inspect(later, _part(update, later))
        return wrong

    def aggregate(self, state: State, updates: Mapping[str, Update]) -> State:
        """What is known more, or the next step of the server.

        Sites are added in the order of their names, so that the result does not depend on who came first.
        """
        phase = _phase(state)
        if phase in self._sums:
            parts = [update.arrays for update in in_order(updates)]
            total = {name: sum((part[name] for part in parts[1:]), parts[0][name]) for name in parts[0]}
            more = self._sums[phase].close(phase, _known(state), total)
            return Message({**state.header, "phase": self._next[phase]}, {**state.arrays, **_marked(more)})
        after = self._network.aggregate(state, updates)
        closing = self._network.finished(after)
        header = {**after.header, "phase": self._closing} if closing else after.header
        return Message(header, {**_settled(state), **after.arrays})

    def ask_tuning(self, state: State) -> State | None:
        """The finished state as a task; None where no epochs are set for it."""
        return self._network.ask_tuning(state)

    def tuned(self, state: State, update: Update) -> Tuned:
        """The finished state with a site's own weights and with what its own sums settle after them."""
        own = self._network.tuned(state, update)
        known, settled = {**_known(state), **network_arrays(update)}, _settled(state)
        for later, sums in self._later.items():
            more = sums.close(later, known, _part(update, later))
            known |= more
            settled |= _marked(more)
        return Tuned(Message(own.state.header, {**settled, **own.state.arrays}), own.before, own.after)

    def result(self, state: State) -> tuple[Arrays, Weights, NDArray[np.float64], NDArray[np.float64]]:
        """What the sums settled; the network's weights, means [p] and scales [p].

        Raises:
            FederationError: It is not finished.
        """
        return (_known(state), *self._network.result(state))


def network_arrays(message: Message) -> dict[str, NDArray[Any]]:
    """The network's weights in a message, by the names that `weights_of` knows."""
    return {f"w{at:02d}": array for at, array in enumerate(weights_of(message))}


def _phase(state: State) -> str:
    return str(state.value("phase"))


def _settled(state: State) -> dict[str, NDArray[Any]]:
    return {name: array for name, array in state.arrays.items() if name.startswith(KNOWN)}


def _known(state: State) -> dict[str, NDArray[Any]]:
    return {name.removeprefix(KNOWN): array for name, array in state.arrays.items()}


def _marked(arrays: Arrays) -> dict[str, NDArray[Any]]:
    return {f"{KNOWN}{name}": array for name, array in arrays.items()}


def _part(update: Update, phase: str) -> dict[str, NDArray[Any]]:
    """What an answer to fine-tuning says of one of the phases after it."""
    start = f"{phase}."
    return {
        name.removeprefix(start): array for name, array in update.arrays.items() if name.startswith(start)
    }
