"""What can come back in place of an answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import httpx

from switchyard.errors import SwitchyardError

RETRIED = frozenset({429, 503})


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


class DeniedError(RefusedError):
    """The API key is missing, unknown or expired, or does not cover what was asked."""


class BusyError(ProblemError):
    """The service was busy, stopping or not ready at every attempt; a later request may be answered."""


def problem(response: httpx.Response) -> ProblemError:
    """The error that a response other than success stands for."""
    if response.status_code in RETRIED:
        return BusyError(response)
    if response.status_code in {401, 403}:
        return DeniedError(response)
    return RefusedError(response) if response.is_client_error else ProblemError(response)


def _document(response: httpx.Response) -> dict[str, Any]:
    """The problem document; empty where something between here and the service answered in its place."""
    try:
        document = response.json()
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _retry_after(response: httpx.Response) -> float | None:
    value = response.headers.get("retry-after", "")
    return float(value) if value.isdecimal() else None
