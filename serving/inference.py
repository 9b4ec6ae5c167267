"""`POST /v1/infer`: admission, reading, computing, and an answer whatever happens."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from serving import metrics
from serving.admission import Admission
from serving.engine import Engine
from serving.exchange import Head, Receive, read_body
from serving.intake import infer
from serving.limits import Limits
from serving.live import Live
from serving.problems import draining, not_ready, too_large

Compute = Callable[[Engine, bytes, str], bytes]
"""From an engine, a body and the request's name to the encoded answer."""


class Inference:
    """Answers inference requests on the engine that is live.

    A request passes, in this order: size cap, availability, the bound on requests at work, media type, the
    counted reading of its body, strict decoding, the contract. Who may ask is decided behind the size cap.

    Attributes:
        admission: Requests at work.
        draining: Set when the worker stops: nothing new is taken.
    """

    def __init__(self, live: Live, limits: Limits, compute: Compute = infer) -> None:
        self.admission = Admission(limits)
        self.draining = False
        self._live = live
        self._limits = limits
        self._compute = compute
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="inference")

    async def answer(self, head: Head, receive: Receive) -> bytes:
        """Encoded answer to one request.

        Raises:
            ProblemError: Whatever stands in the way.
            DisconnectedError: The client went away.
        """
        limits = self._limits
        if head.length is not None and head.length > limits.batch_bytes:
            raise too_large(f"the body has {head.length} bytes, a batch may have {limits.batch_bytes}")
        engine = self.require_open()
        with self.admission.enter() as ticket:
            head.require_json()
            body = await read_body(receive, ticket.arrived, limits.batch_bytes, limits.body_s)
            ticket.arrived(body)
            if len(body) <= limits.inline_bytes:
                return self._timed(engine, body, head.request_id)
            queued = time.perf_counter()
            return await asyncio.get_running_loop().run_in_executor(
                self._pool, self._timed, engine, body, head.request_id, queued
            )

    def require_open(self) -> Engine:
        """The engine that answers now.

        Raises:
            ProblemError: 503: the worker is stopping, or has no snapshot yet.
        """
        if self.draining:
            metrics.shed.labels("draining").inc()
            raise draining(self._limits.retry_after_s)
        engine = self._live.engine
        if engine is None:
            metrics.shed.labels("not_ready").inc()
            raise not_ready(self._live.reason, self._limits.retry_after_s)
        return engine

    def close(self) -> None:
        """Let the computing thread end."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _timed(self, engine: Engine, body: bytes, request_id: str, queued: float | None = None) -> bytes:
        started = time.perf_counter()
        if queued is not None:
            metrics.queue_seconds.observe(started - queued)
        try:
            return self._compute(engine, body, request_id)
        finally:
            metrics.compute_seconds.observe(time.perf_counter() - started)
