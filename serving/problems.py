"""Errors on the wire: RFC 9457 problem documents."""

from __future__ import annotations

from http import HTTPStatus

from msgspec import UNSET

from data_contracts.wire.response import FieldError
from data_contracts.wire.response import Problem as Document

MEDIA_TYPE = b"application/problem+json"
TYPES = "urn:switchyard:problem:"
INSTANCES = "urn:switchyard:request:"

TITLES = {
    "malformed": "The body is not JSON",
    "contract-violation": "The request breaks the contract",
    "too-large": "The request is too large",
    "media-type": "The request is not JSON",
    "busy": "The service is busy",
    "not-ready": "The service is not ready",
    "draining": "The service is stopping",
    "slow-body": "The request's body did not arrive in time",
    "not-found": "There is nothing at this address",
    "method": "This method is not allowed here",
    "unauthorized": "No valid API key came with the request",
    "forbidden": "The caller may not do this",
    "closed": "The service cannot tell who may ask",
    "deadline": "The request was not answered within its deadline",
    "header": "A header of the request cannot be read",
    "internal": "The service failed",
}

Headers = tuple[tuple[bytes, bytes], ...]
CLOSE: Headers = ((b"connection", b"close"),)


class ProblemError(Exception):
    """An answer other than success.

    Attributes:
        kind: Last part of the problem's type, such as `contract-violation`.
        status: HTTP status.
        detail: What is wrong with this request and what to do.
        errors: Fields at fault.
        headers: Further response headers.
    """

    def __init__(
        self,
        kind: str,
        status: int,
        detail: str,
        errors: list[FieldError] | None = None,
        headers: Headers = (),
    ) -> None:
        super().__init__(detail)
        self.kind = kind
        self.status = status
        self.detail = detail
        self.errors = errors
        self.headers = headers

    def document(self, request_id: str) -> Document:
        """The document that is sent for the request `request_id`."""
        return Document(
            type=TYPES + self.kind,
            title=TITLES.get(self.kind, HTTPStatus(self.status).phrase),
            status=self.status,
            detail=self.detail,
            instance=INSTANCES + request_id,
            errors=self.errors or UNSET,
        )


def malformed(detail: str) -> ProblemError:
    """400: the body cannot be read as JSON."""
    return ProblemError("malformed", 400, f"{detail}; NaN and Infinity are not JSON")


def violation(errors: list[FieldError]) -> ProblemError:
    """422: the body is JSON but breaks the contract at the given fields."""
    first = errors[0]
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    detail = f"{first.field}: {first.message}" if first.field else first.message
    return ProblemError("contract-violation", 422, detail + more, errors)


def too_large(detail: str) -> ProblemError:
    """413; the connection is closed, because the rest of the body is not read."""
    return ProblemError("too-large", 413, detail, headers=CLOSE)


def busy(retry_after_s: int, *, close: bool = False) -> ProblemError:
    """429 with the time after which to try again; `close` where a large body would have to be read on."""
    detail = f"this worker has as many requests at work as it takes; try again after {retry_after_s} s"
    return ProblemError("busy", 429, detail, headers=_retry_after(retry_after_s) + (CLOSE if close else ()))


def not_ready(reason: str, retry_after_s: int) -> ProblemError:
    """503: no snapshot is served yet."""
    return ProblemError("not-ready", 503, reason, headers=_retry_after(retry_after_s))


def draining(retry_after_s: int) -> ProblemError:
    """503: the worker finishes what it has and takes nothing new."""
    detail = "this worker is stopping; send the request again, another one will take it"
    return ProblemError("draining", 503, detail, headers=_retry_after(retry_after_s) + CLOSE)


def not_found(path: str) -> ProblemError:
    """404: no route has this path."""
    return ProblemError("not-found", 404, f"there is no {path[:100]}; inference is POST /v1/infer")


def wrong_method(route: str, method: str) -> ProblemError:
    """405: the route takes another method."""
    return ProblemError("method", 405, f"{route} takes {method}", headers=((b"allow", method.encode()),))


def slow_body(seconds: float) -> ProblemError:
    """408; the connection is closed, because the rest of the body is not read."""
    return ProblemError("slow-body", 408, f"the body did not arrive within {seconds:g} s", headers=CLOSE)


def media_type(detail: str) -> ProblemError:
    """415: the body is not announced as plain JSON."""
    return ProblemError("media-type", 415, detail)


def unreadable_deadline() -> ProblemError:
    """400: `X-Deadline-Ms` is no number of milliseconds."""
    return ProblemError("header", 400, "X-Deadline-Ms must be a whole number of milliseconds, at least 1")


def broken() -> ProblemError:
    """500: a fault of the service's own."""
    return ProblemError("internal", 500, "the service failed on this request; its log names the cause")


def unauthorized(detail: str) -> ProblemError:
    """401: no key, or none that is valid."""
    return ProblemError("unauthorized", 401, detail, headers=((b"www-authenticate", b"Bearer"),))


def forbidden(detail: str) -> ProblemError:
    """403: the caller is known, and may not do this."""
    return ProblemError("forbidden", 403, detail)


def closed(retry_after_s: int) -> ProblemError:
    """503: the file with the keys is lost or damaged, so nobody is let in."""
    detail = "the API keys of this service cannot be read, so nobody is let in; its log says why"
    return ProblemError("closed", 503, detail, headers=_retry_after(retry_after_s))


def late(deadline_s: float, retry_after_s: int) -> ProblemError:
    """503: the deadline has passed."""
    detail = f"no answer within {deadline_s:g} s; try again after {retry_after_s} s, or send less at once"
    return ProblemError("deadline", 503, detail, headers=_retry_after(retry_after_s))


def _retry_after(seconds: int) -> Headers:
    return ((b"retry-after", str(seconds).encode()),)
