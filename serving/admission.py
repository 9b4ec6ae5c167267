"""Admission: how much one worker takes on before it asks clients to come back."""

from __future__ import annotations

import asyncio
import re
from types import TracebackType
from typing import Self

from serving import metrics
from serving.limits import Limits
from serving.problems import busy, too_large

_FIRST_KEY = re.compile(rb'\s*\{\s*"([a-z_]+)"')
_BATCH_KEYS = frozenset({b"items", b"models"})


class Admission:
    """Counts the requests at work; used by one event loop, so plain numbers are enough.

    Attributes:
        limits: The worker's limits.
        in_flight: Requests at work.
        large: Of these, large ones.
        idle: Set while none is at work.
    """

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.in_flight = 0
        self.large = 0
        self.idle = asyncio.Event()
        self.idle.set()

    def enter(self) -> Ticket:
        """Take one request on; leave the ticket's context when it is answered.

        Raises:
            ProblemError: 429: the worker has its hands full.
        """
        if self.in_flight >= self.limits.in_flight:
            metrics.shed.labels("in_flight").inc()
            raise busy(self.limits.retry_after_s)
        return Ticket(self)


class Ticket:
    """One admitted request."""

    __slots__ = ("_admission", "_large")

    def __init__(self, admission: Admission) -> None:
        self._admission = admission
        self._large = False

    def __enter__(self) -> Self:
        self._admission.in_flight += 1
        self._admission.idle.clear()
        metrics.in_flight.inc()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._admission.in_flight -= 1
        if not self._admission.in_flight:
            self._admission.idle.set()
        if self._large:
            self._admission.large -= 1
        metrics.in_flight.dec()

    def arrived(self, body: bytes | bytearray) -> None:
        """Look at what has arrived of a body: beyond the size of one item, only a batch is read on.

        Raises:
            ProblemError: 413: it is a single item. 429: the worker's memory is spoken for.
        """
        limits = self._admission.limits
        if self._large or len(body) <= limits.item_bytes:
            return
        first_key = _FIRST_KEY.match(body[:200])
        if first_key is None or first_key[1] not in _BATCH_KEYS:
            raise too_large(
                f"a single item may have {limits.item_bytes} bytes; "
                'send more as a batch whose object begins with "items" or "models"'
            )
        if self._admission.large >= limits.large_in_flight:
            metrics.shed.labels("large").inc()
            raise busy(limits.retry_after_s, close=True)
        self._admission.large += 1
        self._large = True
