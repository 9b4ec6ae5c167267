"""Requests that are already there are answered together, in one vectorised call; none waits for another.

Whatever one turn of the event loop has read is collected and computed in the next: a request that comes alone
is answered alone, at once. Under load, features and graphs of many requests cost little more than of one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from serving.engine import Engine
from serving.visit import Visit


@dataclass(frozen=True, slots=True, eq=False)
class Call:
    """One request whose body has arrived.

    Attributes:
        body: The body.
        visit: Who asks, and where it is written down what was asked.
    """

    body: bytes
    visit: Visit


Later = Callable[[], bytes]
"""Gives the encoded answer to a call that takes long: to be called where nobody waits for it."""

Outcome = bytes | Later | Exception
"""The encoded answer to a call, what gives it, or what stands in its way."""

ComputeTogether = Callable[[Engine, Sequence[Call]], list[Outcome]]
"""From an engine and calls to their outcomes, in the same order."""


class Together:
    """Collects the calls of one turn of the event loop.

    Args:
        compute: What answers them.
    """

    def __init__(self, compute: ComputeTogether) -> None:
        self._compute = compute
        self._waiting: dict[Engine, list[tuple[Call, asyncio.Future[bytes | Later]]]] = {}

    async def answer(self, engine: Engine, call: Call) -> bytes | Later:
        """The encoded answer to one call, or what gives it.

        Raises:
            ProblemError: The call cannot be answered.
        """
        loop = asyncio.get_running_loop()
        answered: asyncio.Future[bytes | Later] = loop.create_future()
        if not self._waiting:
            loop.call_soon(self._answer_all)
        self._waiting.setdefault(engine, []).append((call, answered))
        return await answered

    def _answer_all(self) -> None:
        """Answer what has been collected; an engine that was swapped meanwhile answers its own calls."""
        waiting, self._waiting = self._waiting, {}
        for engine, collected in waiting.items():
            # A client that went away is not answered.
            open_calls = [(call, answered) for call, answered in collected if not answered.done()]
            outcomes = self._compute(engine, [call for call, _ in open_calls])
            for (_, answered), outcome in zip(open_calls, outcomes, strict=True):
                if isinstance(outcome, Exception):
                    answered.set_exception(outcome)
                else:
                    answered.set_result(outcome)
