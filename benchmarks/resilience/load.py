"""Load on keep-alive connections: closed loop (each asks again when answered), open loop (at a rate)."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from benchmarks.resilience.service import HOST

BROKEN = 0
"""Status of a request whose connection broke before its answer."""

Look = Callable[[bytes], None]
"""Looks at the body of an answer with status 200."""


@dataclass
class Outcome:
    """What became of the requests.

    Attributes:
        statuses: Requests by status; `BROKEN` where the connection broke.
        durations: Of the answered requests, s.
        unsent: Requests of an open loop for which no connection was free.
        seconds: How long the load lasted.
    """

    statuses: Counter[int] = field(default_factory=Counter)
    durations: list[float] = field(default_factory=list)
    unsent: int = 0
    seconds: float = 0.0

    @property
    def failed(self) -> int:
        """Requests without an answer of status 200."""
        return sum(count for status, count in self.statuses.items() if status != 200)

    @property
    def rate(self) -> float:
        """Answers of status 200 a second."""
        return self.statuses[200] / self.seconds if self.seconds else 0.0


class Connection(asyncio.Protocol):
    """One keep-alive connection with at most one request under way."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[tuple[int, bytes]] | None = None
        self._data = bytearray()

    @classmethod
    async def open(cls, port: int) -> Connection:
        """Connect; tries again while nothing listens."""
        loop = asyncio.get_running_loop()
        while True:
            try:
                _, protocol = await loop.create_connection(cls, HOST, port)
            except OSError:
                await asyncio.sleep(0.01)
            else:
                return protocol

    @property
    def closed(self) -> bool:
        """Whether the other side has gone."""
        return self._transport is None or self._transport.is_closing()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the loop."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio names it
        """Called by the loop: what is under way has failed."""
        self._transport = None
        self._settle(BROKEN, b"")

    def data_received(self, data: bytes) -> None:
        """Called by the loop."""
        self._data += data
        end = self._data.find(b"\r\n\r\n")
        if end < 0:
            return
        head = bytes(self._data[:end]).lower()
        at = head.find(b"content-length:")
        length = int(head[at + 15 :].partition(b"\r\n")[0]) if at >= 0 else 0
        if len(self._data) < end + 4 + length:
            return
        body = bytes(self._data[end + 4 : end + 4 + length])
        self._data.clear()
        self._settle(int(head[9:12]), body)

    def ask(self, request: bytes) -> asyncio.Future[tuple[int, bytes]]:
        """Send a request; the future holds status and body."""
        answer: asyncio.Future[tuple[int, bytes]] = asyncio.get_running_loop().create_future()
        self._answer = answer
        if self._transport is None:
            self._settle(BROKEN, b"")
        else:
            self._transport.write(request)
        return answer

    def close(self) -> None:
        """Close without waiting."""
        if self._transport is not None:
            self._transport.abort()

    def _settle(self, status: int, body: bytes) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_result((status, body))


async def closed_loop(
    port: int,
    requests: Sequence[bytes],
    connections: int,
    until: Callable[[], bool],
    look: Look | None = None,
) -> Outcome:
    """Every connection asks again when it is answered, until `until` says so; broken ones are replaced."""
    outcome, started = Outcome(), time.perf_counter()

    async def ask(first: int) -> None:
        connection, sent = await Connection.open(port), first
        while not until():
            if connection.closed:
                connection = await Connection.open(port)
            begun = time.perf_counter()
            status, body = await connection.ask(requests[sent % len(requests)])
            sent += connections
            outcome.statuses[status] += 1
            if status != BROKEN:
                outcome.durations.append(time.perf_counter() - begun)
            if status == 200 and look is not None:
                look(body)
        connection.close()

    await asyncio.gather(*(ask(k) for k in range(connections)))
    outcome.seconds = time.perf_counter() - started
    return outcome


async def open_loop(
    port: int, requests: Sequence[bytes], rate: float, connections: int, seconds: float
) -> Outcome:
    """Requests at `rate` a second, whatever becomes of those before them.

    A request that is due while all connections wait for answers is not sent and counted so.
    """
    outcome = Outcome()
    free = [await Connection.open(port) for _ in range(connections)]
    under_way: set[asyncio.Task[None]] = set()
    started, sent = time.perf_counter(), 0

    async def ask(connection: Connection, request: bytes) -> None:
        begun = time.perf_counter()
        try:
            status, _ = await connection.ask(request)
        except asyncio.CancelledError:
            # Nobody else has this connection while its request is under way.
            connection.close()
            raise
        outcome.statuses[status] += 1
        if status != BROKEN:
            outcome.durations.append(time.perf_counter() - begun)
        free.append(await Connection.open(port) if connection.closed else connection)

    while (elapsed := time.perf_counter() - started) < seconds:
        due = int(rate * elapsed)
        while sent < due:
            if free:
                task = asyncio.create_task(ask(free.pop(), requests[sent % len(requests)]))
                under_way.add(task)
                task.add_done_callback(under_way.discard)
            else:
                outcome.unsent += 1
            sent += 1
        await asyncio.sleep(0.001)
    outcome.seconds = time.perf_counter() - started
    answered = Outcome(Counter(outcome.statuses), list(outcome.durations), outcome.unsent, outcome.seconds)
    for task in tuple(under_way):
        task.cancel()
    await asyncio.gather(*under_way, return_exceptions=True)
    for connection in free:
        connection.close()
    return answered


def for_seconds(seconds: float) -> Callable[[], bool]:
    """True once `seconds` have passed from now."""
    end = time.perf_counter() + seconds
    return lambda: time.perf_counter() >= end
