"""Requests that are not as they should be: every answer is one that the OpenAPI document declares."""

from __future__ import annotations

import json
import socket
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import httpx

from benchmarks.resilience.mutations import INFER, Case, cases
from benchmarks.resilience.service import HOST, Service, examples

ANSWER_S = 60.0
QUIET_S = 0.3
PAUSE_S = 0.002
SHOWN = 10
JSON_TYPES = (b"application/json", b"application/problem+json")


def fuzz(service: Service, count: int, seed: int = 1) -> dict[str, Any]:
    """Figures of `count` cases, with the first of those that were answered wrongly."""
    declared = declared_statuses(service)
    statuses: Counter[int] = Counter()
    kinds: Counter[str] = Counter()
    wrong: list[dict[str, Any]] = []
    unanswered = 0
    pids = {worker.pid for worker in service.workers()}
    for case in cases(examples(service), count, seed):
        answers = exchange(service.port, case)
        kinds[case.kind] += 1
        statuses.update(status for status, _, _ in answers)
        missing = case.well_formed and len(answers) < case.answers and not closing(answers)
        unanswered += missing
        complaints = [found for answer in answers if (found := complaint(case, answer, declared))]
        if complaints or missing:
            first = b"".join(case.parts)[:300].decode("latin-1")
            wrong.append({"kind": case.kind, "why": complaints[:1] or ["no answer"], "request": first})
    return {
        "fuzz_cases": count,
        "fuzz_5xx": sum(number for status, number in statuses.items() if status >= 500),
        "fuzz_undocumented": len(wrong) - unanswered,
        "fuzz_unanswered": unanswered,
        "fuzz_statuses": {str(status): number for status, number in sorted(statuses.items())},
        "fuzz_kinds": dict(sorted(kinds.items())),
        "fuzz_workers_lost": len(pids - {worker.pid for worker in service.workers()}),
        "fuzz_wrong": wrong[:SHOWN],
    }


def declared_statuses(service: Service) -> dict[tuple[str, str], set[int]]:
    """Statuses that the OpenAPI document declares, by path and method."""
    document = httpx.get(f"{service.url}/docs.json", timeout=60).json()
    return {
        (path, method.upper()): {int(status) for status in told["responses"]}
        for path, methods in document["paths"].items()
        for method, told in methods.items()
    }


def complaint(
    case: Case, answer: tuple[int, Mapping[bytes, bytes], bytes], declared: Mapping[tuple[str, str], set[int]]
) -> str:
    """What is wrong with an answer; empty if nothing is."""
    status, headers, body = answer
    if status >= 500:
        return f"{status}: {body[:300].decode(errors='replace')}"
    if not case.well_formed:
        return ""
    allowed = declared.get((case.path, case.method))
    if case.method == "HEAD" and (case.path, "GET") in declared:
        # HTTP has it wherever there is GET; it is declared nowhere by itself.
        allowed = declared[case.path, "GET"] | {405}
    if allowed is None:
        allowed = {404, 405} if any(path == case.path for path, _ in declared) else {200, 404, 405, 307}
    if status not in allowed:
        return (
            f"{status} is not declared for {case.method} {case.path}: {body[:200].decode(errors='replace')}"
        )
    return "" if case.path != INFER or case.method == "HEAD" else _form(status, headers, body)


def _form(status: int, headers: Mapping[bytes, bytes], body: bytes) -> str:
    """What is wrong with the form of an answer of `/v1/infer`; empty if nothing is."""
    if not headers.get(b"content-type", b"").startswith(JSON_TYPES):
        return f"{status} with content type {headers.get(b'content-type', b'')!r}: {body[:200]!r}"
    try:
        document = json.loads(body, parse_constant=_refuse)
    except ValueError as error:
        return f"{status} with a body that is not JSON: {error}"
    if status >= 400 and document.get("status") != status:
        return f"{status} with a problem of status {document.get('status')}"
    return "" if b"x-request-id" in headers else f"{status} without X-Request-ID"


def _refuse(literal: str) -> None:
    raise ValueError(f"{literal} is not JSON")


def closing(answers: Sequence[tuple[int, Mapping[bytes, bytes], bytes]]) -> bool:
    """Whether the last answer announced that nothing more comes."""
    return bool(answers) and answers[-1][1].get(b"connection", b"").lower() == b"close"


def exchange(port: int, case: Case) -> list[tuple[int, Mapping[bytes, bytes], bytes]]:
    """Send a case; status, headers and body of each of its answers.

    What is not HTTP may be left unanswered until its sender goes: a quiet moment is taken for the end.
    """
    with socket.create_connection((HOST, port), timeout=ANSWER_S) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            for k, part in enumerate(case.parts):
                if k:
                    time.sleep(PAUSE_S)
                connection.sendall(part)
        except (BrokenPipeError, ConnectionResetError):
            pass  # it has been refused before all was sent; the answer is waiting
        if not case.well_formed:
            connection.settimeout(QUIET_S)
        return _answers(connection, case)


def _answers(connection: socket.socket, case: Case) -> list[tuple[int, Mapping[bytes, bytes], bytes]]:
    data = bytearray()
    found: list[tuple[int, Mapping[bytes, bytes], bytes]] = []
    while len(found) < case.answers:
        answer = _take(data, bodiless=case.method == "HEAD")
        if answer is not None:
            found.append(answer)
            continue
        try:
            more = connection.recv(1 << 16)
        except (TimeoutError, ConnectionResetError):
            break
        if not more:
            break
        data += more
    return found


def _take(data: bytearray, *, bodiless: bool) -> tuple[int, Mapping[bytes, bytes], bytes] | None:
    """One whole answer from the front of `data`, if it is there."""
    end = data.find(b"\r\n\r\n")
    if end < 0:
        return None
    first, *lines = bytes(data[:end]).split(b"\r\n")
    status = int(first.split(b" ")[1])
    if 100 <= status < 200:
        del data[: end + 4]
        return None
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(b":") for line in lines)}
    length = 0 if bodiless else int(headers.get(b"content-length", b"0"))
    if len(data) < end + 4 + length:
        return None
    body = bytes(data[end + 4 : end + 4 + length])
    del data[: end + 4 + length]
    return status, headers, body
