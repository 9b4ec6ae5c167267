"""Clients of the benchmarks of serving: raw sockets that send prepared bytes, in a closed and an open loop.

Per request a client does one `send`, one or two `recv` and a look for the content length: some 20 µs, an
order less than any server here. `floor_rps` is what the same client gets from a server that does nothing.
"""

from __future__ import annotations

import selectors
import socket
import time
from collections import deque
from collections.abc import Sequence
from typing import Self

HOST = "127.0.0.1"


def request_bytes(port: int, body: bytes, path: str = "/v1/infer") -> bytes:
    """A whole request, head and body."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {HOST}:{port}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


class Connection:
    """One connection with at most one request under way."""

    __slots__ = ("_got", "_whole", "began", "socket")

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection((HOST, port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.began = 0.0
        self._got = b""
        self._whole = 0

    def send(self, request: bytes, began: float) -> None:
        """Send a request that counts from `began`."""
        self.began, self._got, self._whole = began, b"", 0
        self.socket.sendall(request)

    def received(self) -> bool:
        """Take what has arrived; whether the response is whole.

        Raises:
            RuntimeError: The response is not 200, or the server closed the connection.
        """
        data = self.socket.recv(1 << 17)
        if not data:
            raise RuntimeError("the server closed the connection")
        self._got += data
        if not self._whole:
            end = self._got.find(b"\r\n\r\n")
            if end < 0:
                return False
            head = self._got[:end].lower()
            if not head.startswith(b"http/1.1 200"):
                raise RuntimeError(self._got[:2000].decode(errors="replace"))
            place = head.index(b"content-length:") + len(b"content-length:")
            self._whole = end + 4 + int(head[place:].split(b"\r\n", 1)[0])
        return len(self._got) >= self._whole


class Connections:
    """Several connections to one port, for a `with`."""

    def __init__(self, port: int, count: int) -> None:
        self.all = [Connection(port) for _ in range(count)]
        self.selector = selectors.DefaultSelector()
        for one in self.all:
            self.selector.register(one.socket, selectors.EVENT_READ, one)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.selector.close()
        for one in self.all:
            one.socket.close()

    def finished(self, timeout_s: float | None) -> list[Connection]:
        """Connections whose response has become whole, waiting for the first event at most so long."""
        return [key.data for key, _ in self.selector.select(timeout_s) if key.data.received()]


def closed_loop(port: int, connections: int, requests: Sequence[bytes], seconds: float) -> list[float]:
    """Durations of all requests, s: every connection sends its next as soon as its last is answered.

    What is under way when the time is over is waited for, so that a slow answer counts too.
    """
    durations = []
    with Connections(port, connections) as held:
        ends = time.perf_counter() + seconds
        for sent, one in enumerate(held.all):
            one.send(requests[sent % len(requests)], time.perf_counter())
        sent = under_way = connections
        while under_way:
            for one in held.finished(1.0):
                now = time.perf_counter()
                durations.append(now - one.began)
                if now < ends:
                    one.send(requests[sent % len(requests)], now)
                    sent += 1
                else:
                    under_way -= 1
    return durations


def open_loop(
    port: int, connections: int, requests: Sequence[bytes], seconds: float, rate_rps: float
) -> list[float]:
    """Latencies of requests that are due at a fixed rate, s, whether or not the server keeps up.

    A request's latency counts from the instant at which it was due, so that one slow answer is not hidden by
    the requests that it holds up.
    """
    latencies: list[float] = []
    count = int(seconds * rate_rps)
    with Connections(port, connections) as held:
        idle = deque(held.all)
        started = time.perf_counter()
        sent = 0
        while len(latencies) < count:
            now = time.perf_counter()
            while sent < count and idle and started + sent / rate_rps <= now:
                idle.popleft().send(requests[sent % len(requests)], started + sent / rate_rps)
                sent += 1
            wait = started + sent / rate_rps - now if sent < count and idle else 1.0
            for one in held.finished(max(wait, 0.0)):
                latencies.append(time.perf_counter() - one.began)
                idle.append(one)
    return latencies
