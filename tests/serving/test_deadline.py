"""Deadlines: what is late is told so in time, and what waits beyond its deadline is not computed."""

import asyncio
import json
import time

import pytest

from serving.access import Access
from serving.app import Gateway
from serving.limits import Limits
from serving.live import Live
from switchyard.home import Home

LARGE = b'{"items": [' + b"1," * 30_000 + b"1]}"
SMALL = b"{}"


class Engine:
    """Stands in for the engine: what computes here needs none."""

    snapshot = "000001-aaaaaaaaaaaa"


@pytest.fixture
def ask(tmp_path):
    """Asks a front that computes for a second; returns what came, how many were done by then, and which."""
    computed = []

    def compute(engine, body, request_id, visit):
        time.sleep(1.0)
        computed.append(request_id)
        return b"{}"

    async def one(gateway, name, body, deadline_ms):
        sent = []

        async def receive():
            return {"type": "http.request", "body": body}

        async def send(message):
            sent.append(message)

        headers = [(b"content-type", b"application/json"), (b"x-request-id", name.encode())]
        headers += [(b"x-deadline-ms", str(deadline_ms).encode())] if deadline_ms else []
        scope = {"type": "http", "path": "/v1/infer", "method": "POST", "headers": headers, "client": None}
        await gateway(scope, receive, send)
        body = json.loads(sent[1]["body"])
        return sent[0]["status"], body.get("type", "").rpartition(":")[2], len(computed), sent[0]

    def run(*requests, deadline_s=30.0, beside=8):
        async def all_of_them():
            limits = Limits(deadline_s=deadline_s, beside=beside)
            home = Home(tmp_path)
            live = Live(home, (), limits)
            live.engine = Engine()
            gateway = Gateway(None, live, Access(home), limits=limits, compute=compute)
            answers = await asyncio.gather(*(one(gateway, *request) for request in requests))
            # Whoever was turned away has given its place back; what still computes ends by itself.
            assert gateway.inference.admission.in_flight == 0
            await asyncio.to_thread(gateway.inference._pool.shutdown)
            return answers

        return asyncio.run(all_of_them()), computed

    return run


def test_large_body__computed_for_longer_than_its_deadline__503_at_the_deadline(ask):
    ((status, kind, computed_by_then, head),), _ = ask(("a", LARGE, 100))
    assert (status, kind) == (503, "deadline")
    assert computed_by_then == 0
    assert (b"retry-after", b"1") in head["headers"]


def test_large_body__waiting_behind_another_beyond_its_deadline__is_never_computed(ask):
    (first, second), computed = ask(("a", LARGE, None), ("b", LARGE, 150))
    assert first[0] == 200
    assert (second[0], second[1]) == (503, "deadline")
    assert computed == ["a"]


def test_small_body__computed_for_longer_than_its_deadline__503_and_not_200(ask):
    ((status, kind, _, _),), computed = ask(("a", SMALL, 100))
    assert (status, kind) == (503, "deadline")
    assert computed == ["a"]


def test_deadline__of_the_service__cannot_be_raised(ask):
    ((status, kind, _, _),), _ = ask(("a", SMALL, 60_000), deadline_s=0.1)
    assert (status, kind) == (503, "deadline")


def test_deadline__long_enough__answered(ask):
    (small, large), _ = ask(("a", SMALL, 60_000), ("b", LARGE, 60_000))
    assert small[0] == large[0] == 200


def test_large_body__as_many_as_may_wait_beside_the_loop__told_to_come_back_and_small_ones_are_answered(ask):
    (first, second, third), computed = ask(
        ("a", LARGE, None), ("b", LARGE, None), ("c", SMALL, None), beside=1
    )
    assert first[0] == 200
    assert (second[0], second[1]) == (429, "busy")
    assert (b"retry-after", b"1") in second[3]["headers"]
    assert third[0] == 200
    assert sorted(computed) == ["a", "c"]
