"""Several families one after the other: for a model of several learners, of which the last weighs the others.

Each link is a family of its own with its own settings. What it learns from may depend on what the links
before it have come to: the site works that out from its own rows and from the finished states, which it is
then told. What leaves a site is what the links' own families say, round by round.

Local data: as the plan's links take it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from numpy.typing import NDArray

from federation.errors import FederationError
from federation.family import Expected, Family, LocalData
from federation.message import Message, State, Update
from models.declaration import Claim

RowsOf = Callable[[LocalData, Mapping[str, State]], LocalData]
"""Local data of a link's family from a site's arrays and the finished states that it needs."""


@dataclass(frozen=True, slots=True)
class Link:
    """One family of a chain.

    Attributes:
        name: Names its settings and begins the names of its arrays, with a dot behind it.
        family: How it learns.
        rows: What it learns from.
        needs: Earlier links whose finished states `rows` needs.
    """

    name: str
    family: Family
    rows: RowsOf
    needs: tuple[str, ...] = ()


class Chain:
    """Phases: those of the first link, then those of each other one with its name before them; then done.

    All links' families are exact.
    """

    name: ClassVar[str] = "chained"
    claim: ClassVar[Claim] = "exact"

    def __init__(self, links: Sequence[Link]) -> None:
        self._links = {link.name: link for link in links}
        self._order = tuple(self._links)

    def start(self, settings: Mapping[str, Any], rows: Mapping[str, int]) -> State:
        """Begin the first link; all settings are checked before.

        Args:
            settings: Settings of each link's family, by its name.
            rows: Enrolled rows by site.

        Raises:
            FederationError: A link has none, there are others, or one of them is wrong.
        """
        if set(settings) != set(self._order):
            raise FederationError(
                f"chain: settings of {', '.join(sorted(settings))}", f"give those of {', '.join(self._order)}"
            )
        begun = {name: link.family.start(settings[name], rows) for name, link in self._links.items()}
        inner = {name: dict(state.header) for name, state in begun.items()}
        return self._named(Message({"link": self._order[0], "inner": inner}, _joined(begun)))

    def finished(self, state: State) -> bool:
        """Whether the last link is finished."""
        return bool(state.value("phase") == "done")

    def of(self, state: State, name: str) -> State:
        """The state of one link."""
        start = f"{name}."
        arrays = {part.removeprefix(start): a for part, a in state.arrays.items() if part.startswith(start)}
        return Message(state.value("inner")[name], arrays)

    def told(self, state: State) -> State:
        """Sites get what the link's family tells them, and the finished links that it needs."""
        link = self._current(state)
        told = {link.name: link.family.told(self.of(state, link.name))}
        told |= {name: self.of(state, name) for name in link.needs}
        header = {
            "phase": state.value("phase"),
            "link": link.name,
            "inner": {name: dict(one.header) for name, one in told.items()},
        }
        return Message(header, _joined(told))

    def local_update(self, state: State, data: LocalData, site: str) -> Update:
        """What the link's family answers.

        Raises:
            FederationError: The site's rows are too few for it, or others than it takes.
        """
        link = self._current(state)
        found = {name: self.of(state, name) for name in link.needs}
        return link.family.local_update(self.of(state, link.name), link.rows(data, found), site)

    def expects(self, state: State, site: str, most: int) -> Mapping[str, Expected]:
        """What the link's family expects."""
        link = self._current(state)
        return link.family.expects(self.of(state, link.name), site, most)

    def inspect(self, state: State, update: Update) -> str:
        """What the link's family finds wrong."""
        link = self._current(state)
        return link.family.inspect(self.of(state, link.name), update)

    def aggregate(self, state: State, updates: Mapping[str, Update]) -> State:
        """The link's next state; the next link where it is finished."""
        link = self._current(state)
        after = link.family.aggregate(self.of(state, link.name), updates)
        start = f"{link.name}."
        others = {name: array for name, array in state.arrays.items() if not name.startswith(start)}
        arrays = {**others, **{f"{start}{part}": array for part, array in after.arrays.items()}}
        inner = {**state.value("inner"), link.name: dict(after.header)}
        at = self._order.index(link.name) + link.family.finished(after)
        if at == len(self._order):
            return Message({**state.header, "phase": "done", "inner": inner}, arrays)
        return self._named(Message({"link": self._order[at], "inner": inner}, arrays))

    def _current(self, state: State) -> Link:
        return self._links[state.value("link")]

    def _named(self, state: State) -> State:
        """The state under a phase that tells link and phase."""
        link = state.value("link")
        inner = state.value("inner")[link]["phase"]
        return state.with_header(phase=inner if link == self._order[0] else f"{link} {inner}")


def _joined(states: Mapping[str, State]) -> dict[str, NDArray[Any]]:
    """Arrays of several links by their names in a chain's state."""
    return {f"{name}.{part}": array for name, one in states.items() for part, array in one.arrays.items()}
