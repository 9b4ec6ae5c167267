"""What every model family must be able to do, and what the gate may therefore expect of its updates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, runtime_checkable

from numpy.typing import NDArray

from federation.message import State, Update
from federation.terms import Aggregation
from models.declaration import Claim

LocalData = Mapping[str, NDArray[Any]]
"""One site's arrays by name, as the family documents them. They never leave the site."""

MINIMUM_ROWS = 32
"""Rows below which a site sends no statistics: a mean of one row is that row."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What the gate expects of one array of an update.

    Attributes:
        dtype: numpy dtype string, e.g. `<i8`.
        shape: Length of each axis; None where the site decides.
        low: Smallest value allowed.
        high: Largest value allowed.
        total: Largest sum of absolute values allowed; None for no bound.
        longest: Largest number of elements where an axis is free.
    """

    dtype: str
    shape: tuple[int | None, ...]
    low: float
    high: float
    total: float | None = None
    longest: int | None = None


class Family(Protocol):
    """A way to learn one kind of model from sites that keep their rows.

    The control centre calls `start` once; then, until `finished`, sends what `told` leaves of the state to
    the sites, which answer by `local_update`, and turns the updates that pass the gate into the next state by
    `aggregate`. All are pure functions of their arguments: the same calls by another transport give the same
    model.

    Attributes:
        name: Name of the family.
        claim: What the result promises against the same algorithm on pooled rows.
    """

    name: ClassVar[str]
    claim: ClassVar[Claim]

    def start(self, settings: Mapping[str, Any], rows: Mapping[str, int]) -> State:
        """The first state.

        Args:
            settings: Hyper-parameters and what else the sites need, JSON values; the family checks them.
            rows: Enrolled rows by site.
        """

    def told(self, state: State) -> State:
        """The part of a state that sites get to see."""

    def local_update(self, state: State, data: LocalData, site: str) -> Update:
        """What a site answers to `state`; its header holds `n`, the rows that entered."""

    def expects(self, state: State, site: str, most: int) -> Mapping[str, Expected]:
        """The arrays that an answer of `site` to `state` must hold, for a site of at most `most` rows."""

    def inspect(self, state: State, update: Update) -> str:
        """What is wrong with an update whose arrays are as expected; empty if nothing is."""

    def aggregate(self, state: State, updates: Mapping[str, Update]) -> State:
        """The next state from the updates by site; independent of their order."""

    def finished(self, state: State) -> bool:
        """Whether `state` is the fitted model."""


@dataclass(frozen=True, slots=True)
class Tuned:
    """One site's own version of a finished model.

    Attributes:
        state: A finished state of the family.
        before: Loss of the global model on the site's validation rows.
        after: Loss of its own version there.
    """

    state: State
    before: float
    after: float

    @property
    def helped(self) -> bool:
        """Whether the site's validation rows speak for its own version."""
        return self.after < self.before


@runtime_checkable
class FineTuning(Protocol):
    """What a family has besides whose finished model each site may go on training on its own rows."""

    def ask_tuning(self, state: State) -> State | None:
        """What the sites are sent after the last round, with `state` finished; None to ask for nothing."""

    def tuned(self, state: State, update: Update) -> Tuned:
        """A site's version from its answer to `ask_tuning`, which passed the gate as any update does."""


@runtime_checkable
class Averaging(Protocol):
    """What a family has besides that averages weights, and takes `aggregation` among its settings.

    Attributes:
        aggregations: How it can do so.
    """

    aggregations: ClassVar[tuple[Aggregation, ...]]


def in_order(updates: Mapping[str, Update]) -> Sequence[Update]:
    """Updates in the order of their sites' names: floating sums do not depend on who answered first."""
    return [updates[site] for site in sorted(updates)]
