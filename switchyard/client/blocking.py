"""The client for programs that wait for their answers."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self, cast, overload

import httpx

from switchyard.client.answers import Catalogue, Response
from switchyard.client.errors import ServiceError
from switchyard.client.policy import ATTEMPTS, TIMEOUT_S, Call, Connection, Retries, infer_call, models_call


class Client:
    """Asks one service. Use it as a context manager; it may be used by several threads.

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
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        connection = Connection(base_url, key, timeout_s, ca, certificate, headers or {})
        self._http = httpx.Client(**connection.options())
        self._retries = Retries(attempts)
        self._sleep = sleep

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    @overload
    def infer(
        self,
        items: Mapping[str, Any],
        models: Sequence[str] | None = None,
        *,
        request_id: str | None = None,
        deadline_s: float | None = None,
    ) -> Response: ...

    @overload
    def infer(
        self,
        items: Sequence[Mapping[str, Any]],
        models: Sequence[str] | None = None,
        *,
        request_id: str | None = None,
        deadline_s: float | None = None,
    ) -> list[Response]: ...

    def infer(
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
        answer = self._send(infer_call(items, models, request_id, deadline_s))
        if isinstance(items, Mapping):
            return cast("Response", answer)
        return cast("list[Response]", answer["items"])

    def models(self) -> Catalogue:
        """The 16 models, their published versions and the points that are answered for.

        Raises:
            ServiceError: As for `infer`.
        """
        return cast("Catalogue", self._send(models_call()))

    def ready(self) -> bool:
        """Whether the service answers requests now."""
        try:
            return self._http.get("/readyz").status_code == httpx.codes.OK
        except httpx.TransportError:
            return False

    def _send(self, call: Call) -> Any:
        attempt = 0
        while True:
            attempt += 1
            try:
                return self._once(call)
            except ServiceError as error:
                pause_s = self._retries.pause_s(attempt, error)
                if pause_s is None:
                    raise
            self._sleep(pause_s)

    def _once(self, call: Call) -> Any:
        try:
            response = self._http.request(call.method, call.path, content=call.content, headers=call.headers)
        except httpx.TransportError as error:
            raise call.unreachable(self._http.base_url, error) from error
        return call.outcome(response)
