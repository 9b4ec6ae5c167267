"""The client against a scripted HTTP server: retries, waits and errors."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from switchyard.client import BusyError, Client, ProblemError, RefusedError, UnreachableError
from switchyard.errors import UsageError

OK = (200, {}, {"items": [{"request_id": "r"}], "request_id": "r"})
BUSY = (429, {"Retry-After": "2"}, {"title": "The service is busy", "detail": "try again", "status": 429})
DRAINING = (503, {}, {"title": "The service is stopping", "detail": "elsewhere", "status": 503})


class Script(BaseHTTPRequestHandler):
    """Answers with the next entry of the server's script; None breaks the connection."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.received.append((self.path, json.loads(body)))
        self.reply()

    def do_GET(self):
        self.reply()

    def reply(self):
        entry = self.server.script.pop(0)
        if entry is None:
            self.close_connection = True
            return
        status, headers, document = entry
        content = document if isinstance(document, bytes) else json.dumps(document).encode()
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(content)), "X-Request-ID": "r7"}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *args):
        pass


@pytest.fixture
def peer():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Script)
    server.script, server.received = [], []
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def waits():
    return []


@pytest.fixture
def client(peer, waits):
    with Client(f"http://127.0.0.1:{peer.server_port}", attempts=3, sleep=waits.append) as client:
        yield client


def test_infer__one_item__sent_as_it_is(client, peer):
    peer.script = [OK]
    assert client.infer({"point": "A"})["request_id"] == "r"
    assert peer.received == [("/v1/infer", {"point": "A"})]


def test_infer__sequence_narrowed__sent_as_a_batch_whose_models_come_first(client, peer):
    peer.script = [OK]
    assert client.infer([{"point": "A"}], models=("phase_imbalance",)) == [{"request_id": "r"}]
    assert list(peer.received[0][1].items()) == [("models", ["phase_imbalance"]), ("items", [{"point": "A"}])]


def test_infer__busy_once__tried_again_after_what_the_service_asked(client, peer, waits):
    peer.script = [BUSY, OK]
    client.infer({})
    assert len(waits) == 1
    assert 2.0 <= waits[0] <= 2.2


def test_infer__connection_broken_and_draining__tried_again_with_growing_jitter(client, peer, waits):
    peer.script = [None, DRAINING, OK]
    client.infer({})
    assert len(waits) == 2
    assert 0.0 <= waits[0] <= 0.2
    assert 0.0 <= waits[1] <= 0.4


def test_infer__busy_at_every_attempt__busy_error_with_the_wait(client, peer, waits):
    peer.script = [BUSY] * 3
    with pytest.raises(BusyError) as caught:
        client.infer({})
    assert caught.value.status == 429
    assert caught.value.retry_after_s == 2.0
    assert len(waits) == 2


def test_infer__contract_broken__refused_at_once_with_the_fields(client, peer, waits):
    problem = {
        "type": "urn:switchyard:problem:contract-violation",
        "title": "The request breaks the contract",
        "detail": "point: there is no point 'X'",
        "status": 422,
        "errors": [{"field": "point", "rule": "unknown_point", "message": "there is no point 'X'"}],
    }
    peer.script = [(422, {}, problem)]
    with pytest.raises(
        RefusedError, match=r"breaks the contract \(422\): point: there is no point 'X'"
    ) as caught:
        client.infer({})
    assert caught.value.errors[0].field == "point"
    assert caught.value.request_id == "r7"
    assert waits == []


@pytest.mark.parametrize("document", [b"<html>", b"[1]", b""])
def test_infer__a_proxy_answers_in_its_place__still_typed(client, peer, document):
    peer.script = [(502, {}, document)]
    with pytest.raises(ProblemError) as caught:
        client.infer({})
    assert caught.value.status == 502
    assert not isinstance(caught.value, RefusedError | BusyError)


def test_infer__nothing_listens__unreachable_naming_the_address(waits):
    with Client("http://127.0.0.1:1", attempts=2, sleep=waits.append) as client:
        with pytest.raises(UnreachableError, match=r"127\.0\.0\.1:1"):
            client.infer({})
        assert not client.ready()
    assert len(waits) == 1


def test_infer__nan__refused_before_it_is_sent(client, peer):
    with pytest.raises(UsageError, match="JSON"):
        client.infer({"f": float("nan")})
    assert peer.received == []
