"""Requests that were sound until something was done to them: values, structure, bytes, heads, sending."""

# Long lists of odd values read best in full lines.
# ruff: noqa: E501

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

INFER = "/v1/infer"


@dataclass(frozen=True)
class Case:
    """One request on a connection of its own.

    Attributes:
        kind: What was done, for the report.
        method: Its method.
        path: Its path without a query.
        parts: What is sent, with a pause between parts.
        answers: Responses to wait for.
        well_formed: Whether it is HTTP, so that the document's statuses hold.
    """

    kind: str
    method: str
    path: str
    parts: tuple[bytes, ...]
    answers: int = 1
    well_formed: bool = True


NASTY: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2**31, -(2**63), 2**64, 10**40, 0.0, -0.0, 1e-320, 1e308, -1e308, 0.1, "", " ",
    "0", "NaN", "null", "mumbai", "../../etc/passwd", "\x00", "\u202e", "é" * 200, "𝔘𝔫𝔦", "%s%n", "{{7*7}}",
    "' OR 1=1", "A" * 70_000, "2026-01-05T08:00:00Z", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z",
    "2026-02-30T00:00:00Z", "1970-01-01", [], [[]], [None], [0] * 3, [1e308] * 3, ["a"] * 3, [[[[[[]]]]]], {},
    {"": None}, {"__class__": "x"}, {"items": []}, {"t": 1}, [1] * 5000,
)  # fmt: skip
LITERALS = (
    b"NaN", b"Infinity", b"-Infinity", b"1e999", b"-1e999", b"1e-999", b"0x10", b"01", b"+1", b".5", b"1.", b"--1",
    b'"\\ud800"', b'"\\u0000"', b'"\\x"', b"'a'", b"tru", b"nul", b"9" * 5000, b"0." + b"3" * 5000, b'"\xff\xfe"',
    b"[" * 3000, b'{"a":' * 3000, b"/* */1", b"1,", b"",
)  # fmt: skip
TYPES = (
    "", "text/plain", "application/xml", "application/json; charset=utf-16", "APPLICATION/JSON", "application/json;",
    "multipart/form-data; boundary=x", "application/x-www-form-urlencoded", "a" * 4000, "application/jsonp", "*/*",
    "application/json, text/plain", "application/vnd.api+json", "\x7f", "application/json\tx",
)  # fmt: skip
HEADERS = (
    "X-Request-ID: ", "X-Request-ID: a b", "X-Request-ID: " + "x" * 65, "X-Request-ID: ü", "X-Request-ID: {0}",
    "X-Request-ID: ok-1", "Content-Encoding: gzip", "Content-Encoding: identity", "Content-Encoding: br, gzip",
    "Accept: text/html", "Accept-Encoding: gzip;q=nan", "Authorization: Bearer " + "x" * 3000, "Authorization: Basic",
    "X-Deadline-Ms: -1", "X-Deadline-Ms: abc", "X-Deadline-Ms: 99999999999", "X-Deadline-Ms: 1e3",
    "Connection: close", "Connection: upgrade\r\nUpgrade: h2c", "Upgrade: websocket", "Expect: 100-continue",
    "Expect: nonsense", "Range: bytes=0-1", "Cookie: " + "a=b;" * 500, "X-Forwarded-For: 1.1.1.1",
    "Transfer-Encoding: identity", "Host: other", "TE: trailers", "Content-Type: text/plain",
    "\r\n".join(f"X-{k}: {k}" for k in range(80)), "If-None-Match: *", "Traceparent: 00-zz",
)  # fmt: skip
PATHS = (
    "/", "/v1", "/v1/", "/v1/infer/", "//v1/infer", "/v1/infer/../models", "/V1/INFER", "/v1/infer%00", "/v1/models",
    "/metrics", "/livez", "/readyz", "/healthz", "/docs.json", "/v2/infer", "/%2e%2e/%2e%2e/etc/passwd", "/infer",
    "/static_content/../../service.py", "/" + "a" * 5000, "/v1/infer;x=1", "/\xc3\xa9", "/schema.json", "/v1/%69nfer",
)  # fmt: skip
METHODS = ("GET", "PUT", "DELETE", "OPTIONS", "HEAD", "PATCH", "TRACE", "POST")


def head(
    length: int | str | None,
    *,
    method: str = "POST",
    path: str = INFER,
    media: str = "application/json",
    more: str = "",
) -> bytes:
    """The head of a request."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1"]
    if media:
        lines.append(f"Content-Type: {media}")
    if length is not None:
        lines.append(f"Content-Length: {length}")
    if more:
        lines.append(more)
    return ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8", "surrogateescape")


def cases(items: Sequence[dict[str, Any]], count: int, seed: int) -> Iterator[Case]:
    """`count` cases made of sound items; the same for the same seed."""
    rng = random.Random(seed)
    kinds: tuple[tuple[Callable[[dict[str, Any], random.Random], Case], int], ...] = (
        (_values, 40), (_structure, 16), (_literals, 12), (_bytes, 10), (_batches, 8), (_heads, 6), (_media, 3),
        (_routes, 3), (_chunked, 3), (_pipelined, 2), (_lengths, 2), (_slow, 1), (_not_http, 1),
    )  # fmt: skip
    makers, weights = zip(*kinds, strict=True)
    for _ in range(count):
        yield rng.choices(makers, weights)[0](rng.choice(items), rng)


def _posted(kind: str, body: bytes) -> Case:
    return Case(kind, "POST", INFER, (head(len(body)) + body,))


def _dump(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode("utf-8", "surrogatepass")


def _places(value: Any, found: list[tuple[Any, Any]]) -> list[tuple[Any, Any]]:
    """Every container with each of its keys."""
    if isinstance(value, dict | list):
        keys = value if isinstance(value, dict) else range(len(value))
        for key in keys:
            found.append((value, key))
            _places(value[key], found)
    return found


def _values(item: dict[str, Any], rng: random.Random) -> Case:
    changed = copy.deepcopy(item)
    for _ in range(rng.choice((1, 1, 2, 4))):
        container, key = rng.choice(_places(changed, []))
        old = container[key]
        number = isinstance(old, int | float) and not isinstance(old, bool)
        container[key] = (
            old * rng.choice((-1, 0, 1e-12, 1e3, 1e12, 1e200))
            if number and rng.random() < 0.5
            else (copy.deepcopy(rng.choice(NASTY)))
        )
    return _posted("values", _dump(changed))


def _structure(item: dict[str, Any], rng: random.Random) -> Case:
    changed = copy.deepcopy(item)
    container, key = rng.choice(_places(changed, []))
    action = rng.randrange(5)
    if action == 0:
        del container[key]
    elif action == 1:
        for _ in range(rng.choice((1, 5, 60, 900))):
            container[key] = [container[key]] if rng.random() < 0.5 else {"v": container[key]}
    elif action == 2 and isinstance(container, list):
        container.extend([container[key]] * rng.choice((1, 100, 4000)))
    elif action == 3 and isinstance(container, dict):
        container[rng.choice(("", "surplus", str(key).upper(), f"{key} ", "\u0000"))] = container[key]
    else:
        # A key twice: text, for no dictionary has one.
        text = _dump(changed)
        name = rng.choice([name for name in item if isinstance(name, str)])
        return _posted("duplicate key", text[:-1] + b"," + _dump(name) + b":" + _dump(item[name]) + b"}")
    return _posted("structure", _dump(changed))


def _literals(item: dict[str, Any], rng: random.Random) -> Case:
    changed = copy.deepcopy(item)
    container, key = rng.choice(_places(changed, []))
    container[key] = "@here@"
    return _posted("literals", _dump(changed).replace(b'"@here@"', rng.choice(LITERALS), 1))


def _bytes(item: dict[str, Any], rng: random.Random) -> Case:
    body = bytearray(_dump(item))
    action = rng.randrange(5)
    if action == 0:
        del body[rng.randrange(len(body)) :]
    elif action == 1:
        for _ in range(rng.choice((1, 3, 20))):
            body[rng.randrange(len(body))] = rng.randrange(256)
    elif action == 2:
        at = rng.randrange(len(body))
        body[at:at] = rng.randbytes(rng.choice((1, 4, 100)))
    elif action == 3:
        body[:0] = rng.choice((b"\xef\xbb\xbf", b"\xff\xfe", b"\x00", b"  \n", b")]}',\n"))
    else:
        body += rng.choice((b"}", b"{}", b"\x00", b",", b" " * 300_000, bytes(body)))
    return _posted("bytes", bytes(body))


def _batches(item: dict[str, Any], rng: random.Random) -> Case:
    count = rng.choice((0, 1, 2, 5, 1001))
    items: list[Any] = [item] * count if count < 1000 else [{}] * count
    if items and rng.random() < 0.7:
        items[rng.randrange(len(items))] = rng.choice(NASTY)
    models: Any = rng.choice(
        (None, [], ["phase_imbalance"], ["phase_imbalance"] * 40, ["none"], "all", [1], {})
    )
    whole: dict[str, Any] = {"items": items}
    if rng.random() < 0.6:
        whole["models"] = models
    if rng.random() < 0.2:
        whole |= item
    return _posted("batch", _dump(whole))


def _heads(item: dict[str, Any], rng: random.Random) -> Case:
    body = _dump(item)
    more = "\r\n".join(rng.sample(HEADERS, rng.choice((1, 1, 2))))
    # Two lengths, hosts or transfer codings make it another protocol's message; a refusal may be of any form.
    odd = any(word in more for word in ("Transfer-Encoding", "Host:", "Upgrade", "Expect"))
    return Case("headers", "POST", INFER, (head(len(body), more=more) + body,), well_formed=not odd)


def _media(item: dict[str, Any], rng: random.Random) -> Case:
    body, media = _dump(item), rng.choice(TYPES)
    return Case(
        "media type", "POST", INFER, (head(len(body), media=media) + body,), well_formed="\x7f" not in media
    )


def _routes(item: dict[str, Any], rng: random.Random) -> Case:
    method, path = rng.choice(METHODS), rng.choice((*PATHS, INFER, INFER, INFER + "?a=b"))
    body = _dump(item) if method in {"POST", "PUT", "PATCH"} else b""
    sent = head(len(body), method=method, path=path) + body
    return Case("routes", method, path.partition("?")[0], (sent,), well_formed=path.isascii())


def _chunked(item: dict[str, Any], rng: random.Random) -> Case:
    body, parts = _dump(item), []
    while body:
        size = rng.choice((1, 7, 500, 5000, len(body)))
        parts.append(b"%x\r\n%s\r\n" % (len(body[:size]), body[:size]))
        body = body[size:]
    sound = rng.random() < 0.6
    last = (
        b"0\r\n\r\n"
        if sound
        else rng.choice((b"zz\r\n\r\n", b"-1\r\n\r\n", b"0\r\nX: y\r\n\r\n", b"ffffffffffffffff\r\n"))
    )
    start = head(None, more="Transfer-Encoding: chunked")
    whole = b"".join(parts)
    return Case("chunked", "POST", INFER, (start + whole[:100], whole[100:] + last), well_formed=sound)


def _pipelined(item: dict[str, Any], rng: random.Random) -> Case:
    body, count = _dump(item), rng.choice((2, 3, 8))
    return Case("pipelined", "POST", INFER, ((head(len(body)) + body) * count,), answers=count)


def _lengths(item: dict[str, Any], rng: random.Random) -> Case:
    body = _dump(item)
    length = rng.choice(
        (-1, "a", "1e3", 2**63, 10**30, 17 * 2**20, "", "+5", "0x10", "5, 5", len(body) - 1, 0)
    )
    well_formed = isinstance(length, int) and length >= 0 and length < 2**62
    answers = 1
    return Case(
        "length",
        "POST",
        INFER,
        (head(length) + body,),
        answers,
        well_formed and length not in {0, len(body) - 1},
    )


def _slow(item: dict[str, Any], rng: random.Random) -> Case:
    whole = head(len(_dump(item))) + _dump(item)
    cuts = sorted(rng.randrange(1, len(whole)) for _ in range(4))
    parts = [whole[a:b] for a, b in zip((0, *cuts), (*cuts, len(whole)), strict=True)]
    return Case("slow", "POST", INFER, tuple(parts))


def _not_http(item: dict[str, Any], rng: random.Random) -> Case:
    sent = rng.choice(
        (b"\x16\x03\x01\x02\x00", b"GET\r\n\r\n", b"\r\n\r\n\r\n", rng.randbytes(64) + b"\r\n\r\n", _dump(item) + b"\r\n\r\n",
         b"POST /v1/infer HTTP/9.9\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"POST  /v1/infer  HTTP/1.1\r\n\r\n")
    )  # fmt: skip
    return Case("not HTTP", "POST", INFER, (sent,), well_formed=False)
