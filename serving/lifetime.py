"""A worker's life: it watches for snapshots, drains when told to stop, and never outlives its parent."""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

from serving import metrics
from serving.access import Access
from serving.audit import Audit
from serving.inference import Inference
from serving.limits import Limits
from serving.live import Live
from switchyard.log import get_logger

_log = get_logger("serving")

SignalHandler = Callable[[int, FrameType | None], Any]


class Lifetime:
    """What begins when a worker starts and ends when it stops.

    On SIGTERM the worker answers newcomers with 503 and `Retry-After` for a moment, so that load balancers
    and clients with open connections go elsewhere, finishes what is at work, and lets the server stop.
    """

    def __init__(
        self, live: Live, inference: Inference, access: Access, audit: Audit | None, limits: Limits
    ) -> None:
        self._live = live
        self._access = access
        self._audit = audit
        self._inference = inference
        self._limits = limits
        self._watching: list[asyncio.Task[None]] = []
        self._draining: asyncio.Task[None] | None = None
        self._stop_server: SignalHandler | None = None

    async def start(self) -> None:
        """Begin to watch for snapshots and keys, for SIGTERM and for the death of the parent."""
        self._live.shadow.yield_to(self._inference.admission.idle.is_set)
        metrics.started()
        self._watching = [asyncio.create_task(self._live.watch()), asyncio.create_task(self._watch_keys())]
        if self._audit is not None:
            self._audit.start()
        loop = asyncio.get_running_loop()
        if threading.current_thread() is threading.main_thread():
            previous = signal.getsignal(signal.SIGTERM)
            if callable(previous):
                self._stop_server = previous
                signal.signal(signal.SIGTERM, lambda *_: loop.call_soon_threadsafe(self._on_terminate))
        parent = multiprocessing.parent_process()
        if parent is not None:
            loop.add_reader(parent.sentinel, self._on_orphaned, loop, parent.sentinel)

    async def stop(self) -> None:
        """End what `start` began; the requests at work are done by now."""
        self._inference.draining = True
        metrics.ready.set(0)
        for task in self._watching:
            task.cancel()
        self._live.shadow.close()
        self._inference.close()
        if self._audit is not None:
            self._audit.stop()

    async def _watch_keys(self) -> None:
        while True:
            await asyncio.sleep(self._limits.poll_s)
            self._access.refresh()

    def _on_terminate(self) -> None:
        if self._draining is None:
            self._draining = asyncio.create_task(self._drain())
        else:
            self._end()

    async def _drain(self) -> None:
        self._inference.draining = True
        metrics.ready.set(0)
        _log.info("stopping: %d requests at work", self._inference.admission.in_flight)
        await asyncio.sleep(self._limits.drain_s)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._inference.admission.idle.wait(), self._limits.drain_limit_s)
        self._end()

    def _end(self) -> None:
        if self._stop_server is not None:
            self._stop_server(signal.SIGTERM, None)

    def _on_orphaned(self, loop: asyncio.AbstractEventLoop, sentinel: int) -> None:
        loop.remove_reader(sentinel)
        _log.error("the supervisor is gone; this worker stops")
        os.kill(os.getpid(), signal.SIGTERM)
