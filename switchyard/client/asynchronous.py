"""The client for programs on asyncio."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self, cast, overload

import httpx

from switchyard.client.answers import Catalogue, Response
from switchyard.client.errors import ServiceError
from switchyard.client.policy import ATTEMPTS, TIMEOUT_S, Call, Connection, Retries, infer_call, models_call


class AsyncClient:
    """Asks one service, as `Client` does. Use it as an asynchronous context manager, on one event loop.

    Args:
        base_url: Address of the service, such as `http://127.0.0.1:3000`.
        key: API key, where the service asks for one.
        attempts: How often a request is sent at most (429, 503 and broken connections are tried again).
        timeout_s: Seconds for connecting, sending and receiving, each.
        ca: Authority of the service's certificate, PEM; None trusts the system's.
        certificate: Own certificate and private key in one file, PEM, where the service asks for one.
        headers: Sent with every request.
        sleep: Waits between attempts.

    Raises:
        ConfigurationError: A certificate cannot be loaded.
    """

    def __init__(
        self,
        base_url: str,
        *,
        key: str | None = None,
        attempts: int = ATTEMPTS,
        timeout_s: float = TIMEOUT_S,
        ca: Path | None = None,
        certificate: Path | None = None,
        headers: Mapping[str, str] | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        connection = Connection(base_url, key, timeout_s, ca, certificate, headers or {})
        self._http = httpx.AsyncClient(**connection.options())
        self._retries = Retries(attempts)
        self._sleep = sleep

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    @overload
    async def infer(
        self,
        items: Mapping[str, Any],
        models: Sequence[str] | None = None,
        *,
        request_id: str | None = None,
        deadline_s: float | None = None,
    ) -> Response: ...

    @overload
    async def infer(
        self,
        items: Sequence[Mapping[str, Any]],
        models: Sequence[str] | None = None,
        *,
        request_id: str | None = None,
        deadline_s: float | None = None,
    ) -> list[Response]: ...

    async def infer(
        self,
        items: Mapping[str, Any] | Sequence[Mapping[str, Any]],
        models: Sequence[str] | None = None,
        *,
        request_id: str | None = None,
        deadline_s: float | None = None,
    ) -> Response | list[Response]:
        """Ask the models about one item or several.

        Args:
            items: One item as `docs/serving.md` describes it, or a sequence of up to 1000.
            models: Names of the models to ask; None asks all, or those that an item names itself.
            request_id: Name of the request in logs, kept at every attempt; None makes one up.
            deadline_s: Seconds within which one attempt is to be answered; None takes the service's own.

        Returns:
            The response to the item; for a sequence one response per item, in order. The response to an item
            of a sequence that breaks the contract has `problem` in place of answers.

        Raises:
            RefusedError: The request breaks the contract or is too large.
            DeniedError: The key is missing or not valid, or does not cover what was asked.
            BusyError: The service took nothing on at any attempt.
            ProblemError: The service failed.
            UnreachableError: The service cannot be reached.
            UsageError: An item holds something that JSON does not know, such as NaN.
        """
        answer = await self._send(infer_call(items, models, request_id, deadline_s))
        if isinstance(items, Mapping):
            return cast("Response", answer)
        return cast("list[Response]", answer["items"])

    async def models(self) -> Catalogue:
        """The 16 models, their published versions and the points that are answered for.

        Raises:
            ServiceError: As for `infer`.
        """
        return cast("Catalogue", await self._send(models_call()))

    async def ready(self) -> bool:
        """Whether the service answers requests now."""
        try:
            return (await self._http.get("/readyz")).status_code == httpx.codes.OK
        except httpx.TransportError:
            return False

    async def _send(self, call: Call) -> Any:
        attempt = 0
        while True:
            attempt += 1
            try:
                return await self._once(call)
            except ServiceError as error:
                pause_s = self._retries.pause_s(attempt, error)
                if pause_s is None:
                    raise
            await self._sleep(pause_s)

    async def _once(self, call: Call) -> Any:
        try:
            response = await self._http.request(
                call.method, call.path, content=call.content, headers=call.headers
            )
        except httpx.TransportError as error:
            raise call.unreachable(self._http.base_url, error) from error
        return call.outcome(response)
