"""`POST /v1/infer`: admission, reading, computing, and an answer whatever happens."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from serving import metrics
from serving.access import Access
from serving.admission import Admission
from serving.engine import Engine
from serving.exchange import Head, Receive, Scope, read_body
from serving.intake import infer, infer_together
from serving.limits import Limits
from serving.live import Live
from serving.problems import busy, draining, late, not_ready, too_large
from serving.together import Call, Later, Outcome, Together
from serving.visit import Visit

Compute = Callable[[Engine, bytes, str, Visit], bytes]
"""From an engine, a body, the request's name and the visit that it is to the encoded answer."""


class Inference:
    """Answers inference requests on the engine that is live.

    A request passes, in this order: size cap, who may ask, availability, the bound on requests at work, media
    type, the counted reading of its body, strict decoding, which substations may be asked about, the
    contract. What is not answered within its deadline is told so.

    Attributes:
        admission: Requests at work.
        draining: Set when the worker stops: nothing new is taken.
    """

    def __init__(self, live: Live, access: Access, limits: Limits, compute: Compute = infer) -> None:
        self.admission = Admission(limits)
        self.draining = False
        self._live = live
        self._access = access
        self._limits = limits
        self._compute = compute
        self._beside_now = 0
        self._together = Together(self._timed_together)
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="inference")

    async def answer(self, head: Head, scope: Scope, receive: Receive, visit: Visit) -> bytes:
        """Encoded answer to one request.

        Raises:
            ProblemError: Whatever stands in the way.
            DisconnectedError: The client went away.
        """
        limits = self._limits
        if head.length is not None and head.length > limits.batch_bytes:
            raise too_large(f"the body has {head.length} bytes, a batch may have {limits.batch_bytes}")
        visit.caller = self._access.admit(head, scope, "infer")
        engine = self.require_open()
        with self.admission.enter() as ticket:
            head.require_json()
            deadline_s = head.deadline_s(limits.deadline_s)
            until = time.perf_counter() + deadline_s
            body = await read_body(
                receive, ticket.arrived, limits.batch_bytes, min(limits.body_s, deadline_s)
            )
            ticket.arrived(body)
            try:
                if len(body) <= limits.inline_bytes:
                    answer = await self._together.answer(engine, Call(body, visit))
                else:
                    answer = partial(self._compute, engine, body, visit.request_id, visit)
                if not isinstance(answer, bytes):
                    answer = await self._beside(answer, until)
            except TimeoutError as error:
                raise late(deadline_s, limits.retry_after_s) from error
            if time.perf_counter() > until:
                raise late(deadline_s, limits.retry_after_s)
            return answer

    async def _beside(self, work: Later, until: float) -> bytes:
        """Compute beside the event loop; what waits for its turn beyond its deadline is not computed.

        Raises:
            ProblemError: 429: as many as may wait there.
            TimeoutError: The deadline has passed.
        """
        if self._beside_now >= self._limits.beside:
            metrics.shed.labels("beside").inc()
            raise busy(self._limits.retry_after_s)
        self._beside_now += 1
        try:
            return await self._computed(work, until)
        finally:
            self._beside_now -= 1

    async def _computed(self, work: Later, until: float) -> bytes:
        """What `work` gives, from the thread.

        Raises:
            TimeoutError: The deadline has passed.
        """
        queued = time.perf_counter()
        computing = asyncio.get_running_loop().run_in_executor(self._pool, self._timed, work, queued)
        return await asyncio.wait_for(computing, max(until - queued, 0.0))

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

    def _timed(self, work: Later, queued: float | None = None) -> bytes:
        started = time.perf_counter()
        if queued is not None:
            metrics.queue_seconds.observe(started - queued)
        try:
            return work()
        finally:
            metrics.compute_seconds.observe(time.perf_counter() - started)

    def _timed_together(self, engine: Engine, calls: Sequence[Call]) -> list[Outcome]:
        """Answer small requests; what answers otherwise than the service does is asked for each."""
        if self._compute is not infer:
            return [self._outcome(engine, call) for call in calls]
        started = time.perf_counter()
        try:
            return infer_together(engine, calls)
        finally:
            took_s = time.perf_counter() - started
            for _ in calls:
                metrics.compute_seconds.observe(took_s)

    def _outcome(self, engine: Engine, call: Call) -> Outcome:
        try:
            return self._timed(partial(self._compute, engine, call.body, call.visit.request_id, call.visit))
        except Exception as error:  # noqa: BLE001 - told to the one that asked
            return error
