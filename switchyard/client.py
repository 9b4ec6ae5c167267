"""A client of the inference endpoint: plain dictionaries in and out, typed errors, patient retries."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self, overload

import httpx

from switchyard.errors import SwitchyardError, UsageError

JsonObject = dict[str, Any]

RETRIED = frozenset({429, 503})
BACKOFF_S = 0.1
LONGEST_WAIT_S = 30.0


class ServiceError(SwitchyardError):
    """The service did not answer the request."""


class UnreachableError(ServiceError):
    """Nothing answers at the address, or the connection broke, at every attempt."""


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """One field that breaks the contract.

    Attributes:
        field: Its path in the item, such as `readings[3].v[1]`; empty for the whole body.
        rule: The rule's name.
        message: What must hold and what was found.
    """

    field: str
    rule: str
    message: str


class ProblemError(ServiceError):
    """The service answered with a problem document (RFC 9457).

    Attributes:
        status: HTTP status.
        type: Kind of the problem, a URI.
        title: The kind in words.
        errors: The fields that break the contract.
        request_id: The request's name in the service's log.
        retry_after_s: Seconds after which to come back, where the service said so.
    """

    def __init__(self, response: httpx.Response) -> None:
        document = _document(response)
        self.status = response.status_code
        self.type = str(document.get("type", "about:blank"))
        self.title = str(document.get("title", response.reason_phrase))
        self.errors = tuple(
            FieldProblem(str(one.get("field", "")), str(one.get("rule", "")), str(one.get("message", "")))
            for one in document.get("errors", [])
        )
        self.request_id = response.headers.get("x-request-id", "")
        self.retry_after_s = _retry_after(response)
        detail = document.get("detail") or f"the service answered with status {response.status_code}"
        super().__init__(f"{self.title} ({self.status}): {detail}", f"request {self.request_id}")


class RefusedError(ProblemError):
    """The request itself is wrong or too large; sending it again does not help."""


class BusyError(ProblemError):
    """The service was busy, stopping or not ready at every attempt; a later request may be answered."""


class Client:
    """Asks one service. Use it as a context manager; it may be used by several threads.

    Requests are safe to repeat, so a broken connection, 429 and 503 are tried again: after the service's
    `Retry-After`, or after a pause that doubles, with jitter so that clients do not all come back at once.

    Args:
        base_url: Address of the service, such as `http://127.0.0.1:3000`.
        attempts: How often a request is sent at most.
        timeout_s: Seconds for connecting, sending and receiving, each.
        headers: Sent with every request.
        sleep: Waits between attempts.
    """

    def __init__(
        self,
        base_url: str,
        *,
        attempts: int = 4,
        timeout_s: float = 10.0,
        headers: Mapping[str, str] | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._http = httpx.Client(base_url=base_url, timeout=timeout_s, headers=headers)
        self._attempts = max(attempts, 1)
        self._sleep = sleep
        self._random = random.SystemRandom()

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
    def infer(self, items: Mapping[str, Any], models: Sequence[str] | None = None) -> JsonObject: ...

    @overload
    def infer(
        self, items: Sequence[Mapping[str, Any]], models: Sequence[str] | None = None
    ) -> list[JsonObject]: ...

    def infer(
        self, items: Mapping[str, Any] | Sequence[Mapping[str, Any]], models: Sequence[str] | None = None
    ) -> JsonObject | list[JsonObject]:
        """Ask the models about one item or several.

        Args:
            items: One item as `docs/serving.md` describes it, or a sequence of up to 1000.
            models: Names of the models to ask; None asks all, or those that an item names itself.

        Returns:
            The response to the item; for a sequence one response per item, in order. The response to an item
            of a sequence that breaks the contract has `problem` in place of answers.

        Raises:
            RefusedError: The request breaks the contract or is too large.
            BusyError: The service took nothing on at any attempt.
            ProblemError: The service failed.
            UnreachableError: The service cannot be reached.
            UsageError: An item holds something that JSON does not know, such as NaN.
        """
        narrowed = {"models": list(models)} if models is not None else {}
        if isinstance(items, Mapping):
            answer: JsonObject = self._send("POST", "/v1/infer", {**items, **narrowed})
            return answer
        batch = self._send("POST", "/v1/infer", {**narrowed, "items": [dict(item) for item in items]})
        responses: list[JsonObject] = batch["items"]
        return responses

    def models(self) -> JsonObject:
        """The 16 models, their published versions and the points that are answered for.

        Raises:
            ServiceError: As for `infer`.
        """
        found: JsonObject = self._send("GET", "/v1/models")
        return found

    def ready(self) -> bool:
        """Whether the service answers requests now."""
        try:
            return self._http.get("/readyz").status_code == httpx.codes.OK
        except httpx.TransportError:
            return False

    def _send(self, method: str, path: str, body: JsonObject | None = None) -> Any:
        content = None if body is None else _encode(body)
        attempt = 0
        while True:
            attempt += 1
            try:
                return self._once(method, path, content)
            except (BusyError, UnreachableError) as error:
                if attempt >= self._attempts:
                    raise
                asked_s = error.retry_after_s if isinstance(error, BusyError) else None
            self._sleep(self._pause(attempt, asked_s))

    def _once(self, method: str, path: str, content: bytes | None) -> Any:
        try:
            response = self._http.request(
                method, path, content=content, headers={"content-type": "application/json"}
            )
        except httpx.TransportError as error:
            raise UnreachableError(
                f"{self._http.base_url} cannot be reached: {error}", "is the service running there?"
            ) from error
        if response.is_success:
            return response.json()
        raise _problem(response)

    def _pause(self, attempt: int, asked_s: float | None) -> float:
        """Seconds before the next attempt: what the service asked for, and jitter on top."""
        jitter = self._random.uniform(0.0, BACKOFF_S * 2.0**attempt)
        return min((asked_s or 0.0) + jitter, LONGEST_WAIT_S)


def _encode(body: JsonObject) -> bytes:
    try:
        return json.dumps(body, allow_nan=False, separators=(",", ":")).encode()
    except (TypeError, ValueError) as error:
        raise UsageError(
            f"the request cannot be written as JSON: {error}", "send numbers, texts and null; null, not NaN"
        ) from error


def _problem(response: httpx.Response) -> ProblemError:
    if response.status_code in RETRIED:
        return BusyError(response)
    return RefusedError(response) if response.is_client_error else ProblemError(response)


def _document(response: httpx.Response) -> JsonObject:
    """The problem document; empty where something between here and the service answered in its place."""
    try:
        document = response.json()
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _retry_after(response: httpx.Response) -> float | None:
    value = response.headers.get("retry-after", "")
    return float(value) if value.isdecimal() else None
