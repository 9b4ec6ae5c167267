"""What both clients share: how a connection is made, a request written, and when it is sent again."""

from __future__ import annotations

import json
import random
import secrets
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from switchyard.client.errors import BusyError, ServiceError, UnreachableError, problem
from switchyard.errors import ConfigurationError, UsageError

ATTEMPTS = 4
TIMEOUT_S = 15.0
BACKOFF_S = 0.1
LONGEST_WAIT_S = 30.0


@dataclass(frozen=True, slots=True)
class Connection:
    """How to reach a service.

    Attributes:
        base_url: Address of the service, such as `http://127.0.0.1:3000`.
        key: API key; None where none is in force.
        timeout_s: Seconds for connecting, sending and receiving, each.
        ca: Authority of the service's certificate, PEM; None trusts the system's.
        certificate: Own certificate and private key in one file, PEM, where the service asks for one.
        headers: Sent with every request.
    """

    base_url: str
    key: str | None = None
    timeout_s: float = TIMEOUT_S
    ca: Path | None = None
    certificate: Path | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def options(self) -> dict[str, Any]:
        """What httpx is told.

        Raises:
            ConfigurationError: A certificate cannot be loaded.
        """
        headers = dict(self.headers)
        if self.key is not None:
            headers["authorization"] = f"Bearer {self.key}"
        return {
            "base_url": self.base_url,
            "timeout": self.timeout_s,
            "headers": headers,
            "verify": self._verify(),
        }

    def _verify(self) -> ssl.SSLContext | bool:
        if self.ca is None and self.certificate is None:
            return True
        try:
            context = ssl.create_default_context(cafile=None if self.ca is None else str(self.ca))
            if self.certificate is not None:
                context.load_cert_chain(self.certificate)
        except OSError as error:
            files = ", ".join(str(file) for file in (self.ca, self.certificate) if file is not None)
            raise ConfigurationError(
                f"TLS files {files}: {error}", "each must be PEM; the own one holds certificate and key"
            ) from error
        return context


@dataclass(frozen=True, slots=True)
class Call:
    """One request, the same at every attempt: it keeps its name, so that logs show the attempts as one.

    Attributes:
        method: HTTP method.
        path: Path on the service.
        content: Body, None for none.
        headers: Of this request.
    """

    method: str
    path: str
    content: bytes | None
    headers: dict[str, str]

    def outcome(self, response: httpx.Response) -> Any:
        """What the service answered.

        Raises:
            ProblemError: It answered with a problem.
        """
        if response.is_success:
            return response.json()
        raise problem(response)

    def unreachable(self, base_url: object, error: httpx.TransportError) -> UnreachableError:
        """What a broken connection is told as."""
        return UnreachableError(
            f"{base_url} cannot be reached: {error or type(error).__name__}", "is the service running there?"
        )


class Retries:
    """When a request is sent again.

    Requests are safe to repeat, so a broken connection, 429 and 503 are tried again: after the service's
    `Retry-After`, or after a pause that doubles, with jitter so that clients do not all come back at once.

    Args:
        attempts: How often a request is sent at most.
    """

    def __init__(self, attempts: int) -> None:
        self._attempts = max(attempts, 1)
        self._random = random.SystemRandom()

    def pause_s(self, attempt: int, error: ServiceError) -> float | None:
        """Seconds before the next attempt; None if `attempt`, counted from 1, was the last.

        Args:
            attempt: The attempt that failed.
            error: How it failed.
        """
        if attempt >= self._attempts or not isinstance(error, BusyError | UnreachableError):
            return None
        asked_s = error.retry_after_s if isinstance(error, BusyError) else None
        jitter_s = self._random.uniform(0.0, BACKOFF_S * 2.0**attempt)
        return min((asked_s or 0.0) + jitter_s, LONGEST_WAIT_S)


def infer_call(
    items: Mapping[str, Any] | Sequence[Mapping[str, Any]],
    models: Sequence[str] | None,
    request_id: str | None,
    deadline_s: float | None,
) -> Call:
    """The request of `infer`.

    Raises:
        UsageError: An item holds what JSON does not know, such as NaN, or the deadline is not positive.
    """
    narrowed = {"models": list(models)} if models is not None else {}
    if isinstance(items, Mapping):
        body = {**items, **narrowed}
    else:
        body = {**narrowed, "items": [dict(item) for item in items]}
    headers = {"content-type": "application/json", "x-request-id": request_id or secrets.token_hex(8)}
    if deadline_s is not None:
        if deadline_s <= 0:
            raise UsageError(f"a deadline of {deadline_s:g} s", "it must be positive")
        headers["x-deadline-ms"] = str(max(1, round(1e3 * deadline_s)))
    return Call("POST", "/v1/infer", _encode(body), headers)


def models_call() -> Call:
    """The request of `models`."""
    return Call("GET", "/v1/models", None, {"x-request-id": secrets.token_hex(8)})


def _encode(body: Mapping[str, Any]) -> bytes:
    try:
        return json.dumps(body, allow_nan=False, separators=(",", ":")).encode()
    except (TypeError, ValueError) as error:
        raise UsageError(
            f"the request cannot be written as JSON: {error}", "send numbers, texts and null; null, not NaN"
        ) from error
