"""One HTTP exchange in plain ASGI: request head, bounded body, response."""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from serving.problems import Headers, media_type, slow_body, too_large, unreadable_deadline

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

JSON = b"application/json"
_REQUEST_ID = re.compile(rb"[A-Za-z0-9._:-]{1,64}")
LONGEST_DEADLINE_MS = 9_999_999
_MILLISECONDS = re.compile(rb"[1-9][0-9]{0,6}")


class DisconnectedError(Exception):
    """The client went away before its request was complete."""


class Head:
    """What the request's head says.

    Attributes:
        request_id: The client's own `X-Request-ID` where it is well formed, otherwise a fresh one.
        length: Announced length of the body in bytes; None where it is sent in chunks.
        media_type: Content type without parameters, lower case.
        encoding: Content encoding, empty for none.
        authorization: Who says to be asking, empty for nobody.
    """

    __slots__ = ("_deadline_ms", "authorization", "encoding", "length", "media_type", "request_id")

    def __init__(self, scope: Scope) -> None:
        self.length: int | None = None
        self.media_type = b""
        self.encoding = b""
        self.authorization = b""
        self._deadline_ms = b""
        request_id = b""
        for name, value in scope["headers"]:
            if name == b"content-length":
                # uvicorn has refused everything but digits before it gets here.
                self.length = int(value)
            elif name == b"content-type":
                self.media_type = value.partition(b";")[0].strip().lower()
            elif name == b"content-encoding":
                self.encoding = value.strip().lower()
            elif name == b"x-request-id":
                request_id = value
            elif name == b"authorization":
                self.authorization = value.strip()
            elif name == b"x-deadline-ms":
                self._deadline_ms = value
        known = _REQUEST_ID.fullmatch(request_id)
        self.request_id = request_id.decode() if known else secrets.token_hex(8)

    def deadline_s(self, longest_s: float) -> float:
        """Seconds within which the client wants its answer: `X-Deadline-Ms`, at most `longest_s`.

        Raises:
            ProblemError: 400: the header is no number of milliseconds.
        """
        if not self._deadline_ms:
            return longest_s
        if not _MILLISECONDS.fullmatch(self._deadline_ms):
            raise unreadable_deadline()
        return min(longest_s, int(self._deadline_ms) / 1e3)

    def require_json(self) -> None:
        """Refuse a body that is not announced as plain JSON.

        Raises:
            ProblemError: 415.
        """
        if self.media_type != JSON:
            found = self.media_type.decode("latin-1") or "none"
            raise media_type(f"content type {found}; send application/json")
        if self.encoding not in {b"", b"identity"}:
            found = self.encoding.decode("latin-1")
            raise media_type(f"content encoding {found}; send the body as it is")


async def read_body(
    receive: Receive, on_chunk: Callable[[bytes | bytearray], None], limit: int, seconds: float
) -> bytes:
    """Read a body that may be at most `limit` bytes long and must arrive within `seconds`.

    Args:
        receive: The exchange's receive.
        on_chunk: Told all that has arrived whenever more is still to come; may raise to stop reading.
        limit: Largest length in bytes.
        seconds: Time limit.

    Raises:
        ProblemError: 413, without reading on, or 408.
        DisconnectedError: The client went away.
    """
    message = await receive()
    if message["type"] == "http.disconnect":
        raise DisconnectedError
    body: bytes = message.get("body", b"")
    if not message.get("more_body", False):
        _within(body, limit)
        return body
    parts = bytearray(body)
    try:
        async with asyncio.timeout(seconds):
            while message.get("more_body", False):
                _within(parts, limit)
                on_chunk(parts)
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise DisconnectedError
                parts += message.get("body", b"")
    except TimeoutError as error:
        raise slow_body(seconds) from error
    _within(parts, limit)
    return bytes(parts)


def _within(body: bytes | bytearray, limit: int) -> None:
    if len(body) > limit:
        raise too_large(f"the body is larger than {limit} bytes")


async def respond(
    send: Send, status: int, media_type: bytes, body: bytes, *, request_id: str, headers: Headers = ()
) -> None:
    """Send a whole response."""
    await send(
        {
            "type": "http.response.start",
            "status": status,
            "headers": [
                (b"content-type", media_type),
                (b"content-length", str(len(body)).encode()),
                (b"x-request-id", request_id.encode()),
                *headers,
            ],
        }
    )
    await send({"type": "http.response.body", "body": body})
