"""The ASGI application: `/v1/*` and `/metrics` by hand, in front of the BentoML stack that keeps the rest."""

from __future__ import annotations

import asyncio
import time

import msgspec

from serving import metrics, openapi
from serving.access import Access
from serving.audit import Audit
from serving.description import catalogue
from serving.exchange import JSON, App, DisconnectedError, Head, Message, Receive, Scope, Send, respond
from serving.inference import Compute, Inference
from serving.intake import infer
from serving.lifetime import Lifetime
from serving.limits import Limits
from serving.live import Live
from serving.problems import MEDIA_TYPE, ProblemError, broken, not_found, wrong_method
from serving.scoping import covered
from serving.visit import Visit
from switchyard.log import get_logger

_log = get_logger("serving")

INFER, MODELS, METRICS = "/v1/infer", "/v1/models", "/metrics"
_METHODS = {INFER: "POST", MODELS: "GET", METRICS: "GET"}
_AUDITED = frozenset({INFER, MODELS, METRICS})
_HEALTH = frozenset({"/livez", "/healthz", "/readyz"})
_DOCS = frozenset({"/", "/docs.json", "/schema.json"})
_STATIC = "/static_content/"


class Gateway:
    """Front of the service.

    Args:
        inner: The application behind the front.
        live: The engine that answers.
        access: Decides who may ask.
        audit: Where it is written down who asked; None writes nothing.
        limits: What a worker takes on.
        compute: What answers a body.

    Attributes:
        live: The engine that answers.
        inference: The handler of `/v1/infer`.
    """

    def __init__(
        self,
        inner: App,
        live: Live,
        access: Access,
        *,
        audit: Audit | None = None,
        limits: Limits | None = None,
        compute: Compute = infer,
    ) -> None:
        limits = limits or Limits()
        self.live = live
        self.inference = Inference(live, access, limits, compute)
        self._inner = inner
        self._access = access
        self._audit = audit
        self._lifetime = Lifetime(live, self.inference, access, audit, limits)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI connection."""
        if scope["type"] == "lifespan":
            await self._lifespan(scope, receive, send)
        elif scope["type"] == "http":
            await self._http(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = time.perf_counter()
        route = _route(scope["path"])
        head = Head(scope)
        visit = Visit(head.request_id)
        try:
            if route in _METHODS:
                media_type, body = await self._own(route, head, scope, receive, visit)
                status = 200
                await respond(send, status, media_type, body, request_id=head.request_id)
            else:
                status = await self._pass_on(scope, receive, send, route, head.request_id)
        except ProblemError as problem:
            status = problem.status
            await _respond_problem(send, problem, head.request_id)
        except DisconnectedError:
            status = 499
        except Exception:  # noqa: BLE001 - the process's border: the client gets a document, the log the trace
            status = 500
            _log.exception("request %s failed", head.request_id)
            await _respond_problem(send, broken(), head.request_id)
        seconds = time.perf_counter() - started
        metrics.observe_request(route, status, seconds)
        if self._audit is not None and route in _AUDITED:
            self._audit.note(visit, route, status, seconds)

    async def _own(
        self, route: str, head: Head, scope: Scope, receive: Receive, visit: Visit
    ) -> tuple[bytes, bytes]:
        """Media type and body of an answer to one of our own routes.

        Raises:
            ProblemError: Whatever stands in the way.
        """
        method = _METHODS[route]
        if scope["method"] != method:
            raise wrong_method(route, method)
        if route == INFER:
            return JSON, await self.inference.answer(head, scope, receive, visit)
        visit.caller = self._access.admit(head, scope, "models" if route == MODELS else "metrics")
        if route == MODELS:
            engine = self.inference.require_open()
            visit.snapshot = engine.snapshot
            return JSON, msgspec.json.encode(covered(catalogue(engine), visit.caller))
        return metrics.CONTENT_TYPE.encode(), await asyncio.to_thread(metrics.render)

    async def _pass_on(self, scope: Scope, receive: Receive, send: Send, route: str, request_id: str) -> int:
        """Hand a request on to BentoML, if it is one of those that it is kept for."""
        path = scope["path"]
        if route == "other":
            raise not_found(path)
        if scope["method"] not in {"GET", "HEAD"}:
            raise ProblemError("method", 405, f"{route} takes GET", headers=((b"allow", b"GET, HEAD"),))
        if path == "/readyz":
            self.inference.require_open()
        status = 200

        async def noted(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        if path == "/docs.json":
            await respond(send, 200, JSON, openapi.encoded(), request_id=request_id)
        else:
            await self._inner(scope, receive, noted)
        return status

    async def _lifespan(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Start with the inner application and stop before it."""

        async def received() -> Message:
            message = await receive()
            if message["type"] == "lifespan.shutdown":
                await self._lifetime.stop()
            return message

        async def sent(message: Message) -> None:
            if message["type"] == "lifespan.startup.complete":
                await self._lifetime.start()
            await send(message)

        await self._inner(scope, received, sent)


def _route(path: str) -> str:
    """Template of a path; never the raw path, which would be an unbounded label."""
    if path in _METHODS:
        return path
    if path in _HEALTH:
        return "/health"
    return "/docs" if path in _DOCS or path.startswith(_STATIC) else "other"


async def _respond_problem(send: Send, problem: ProblemError, request_id: str) -> None:
    body = msgspec.json.encode(problem.document(request_id))
    await respond(send, problem.status, MEDIA_TYPE, body, request_id=request_id, headers=problem.headers)
