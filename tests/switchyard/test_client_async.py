"""The asynchronous client: the same policy as the blocking one, on an event loop."""

import asyncio
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from switchyard.client import AsyncClient, BusyError, Client, DeniedError, RefusedError, UnreachableError
from switchyard.errors import UsageError

OK = (200, {}, {"items": [{"request_id": "r"}], "request_id": "r"})
BUSY = (429, {"Retry-After": "2"}, {"title": "The service is busy", "detail": "try again", "status": 429})
DRAINING = (503, {}, {"title": "The service is stopping", "detail": "elsewhere", "status": 503})
DENIED = (401, {}, {"title": "No valid API key", "detail": "the key is not known here", "status": 401})


class Script(BaseHTTPRequestHandler):
    """Answers with the next entry of the server's script; None breaks the connection."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.received.append((dict(self.headers), json.loads(body)))
        self.reply()

    def do_GET(self):
        self.server.received.append((dict(self.headers), None))
        self.reply()

    def reply(self):
        entry = self.server.script.pop(0)
        if entry is None:
            self.close_connection = True
            return
        status, headers, document = entry
        content = json.dumps(document).encode()
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
def ask(peer):
    """Runs something with a client; returns what it gave and how long it waited between attempts."""

    def run(use, **options):
        waits = []

        async def wait(seconds):
            waits.append(seconds)

        async def with_client():
            url = options.pop("url", f"http://127.0.0.1:{peer.server_port}")
            async with AsyncClient(url, attempts=3, sleep=wait, **options) as client:
                return await use(client)

        return asyncio.run(with_client()), waits

    return run


def test_infer__busy_broken_and_draining__tried_again_by_one_name_after_what_was_asked(peer, ask):
    peer.script = [BUSY, None, OK]
    answer, waits = ask(lambda client: client.infer({"point": "A"}))
    assert answer == OK[2]
    assert 2.0 <= waits[0] <= 2.2
    assert 0.0 <= waits[1] <= 0.4
    names = {headers["x-request-id"] for headers, _ in peer.received}
    assert len(names) == 1
    assert len(names.pop()) == 16
    assert [body for _, body in peer.received] == [{"point": "A"}] * 3


def test_infer__given_name_deadline_and_key__sent_with_every_attempt(peer, ask):
    peer.script = [DRAINING, OK]
    ask(lambda client: client.infer({}, request_id="gw-7:1", deadline_s=0.25), key="sy_00000000_x")
    for headers, _ in peer.received:
        assert headers["x-request-id"] == "gw-7:1"
        assert headers["x-deadline-ms"] == "250"
        assert headers["authorization"] == "Bearer sy_00000000_x"


def test_infer__sequence_and_catalogue__as_the_blocking_client(peer, ask):
    peer.script = [OK]
    answers, _ = ask(lambda client: client.infer([{"point": "A"}], models=("phase_imbalance",)))
    assert answers == [{"request_id": "r"}]
    assert peer.received[0][1] == {"models": ["phase_imbalance"], "items": [{"point": "A"}]}
    peer.script = [OK]
    catalogue, _ = ask(lambda client: client.models())
    assert catalogue == OK[2]


@pytest.mark.parametrize(("entry", "kind"), [(BUSY, BusyError), (None, UnreachableError)])
def test_infer__the_same_at_every_attempt__typed_error_after_all_of_them(peer, ask, entry, kind):
    peer.script = [entry] * 3
    with pytest.raises(kind):
        ask(lambda client: client.infer({}))
    assert len(peer.received) == 3


def test_infer__denied__at_once_and_typed(peer, ask):
    peer.script = [DENIED]
    with pytest.raises(DeniedError) as caught:
        ask(lambda client: client.infer({}), key="sy_00000000_secret")
    assert isinstance(caught.value, RefusedError)
    assert "secret" not in str(caught.value)
    assert len(peer.received) == 1


def test_infer__many_at_once__each_gets_its_own(peer, ask):
    peer.script = [OK] * 20

    async def many(client):
        return await asyncio.gather(*(client.infer({"point": str(number)}) for number in range(20)))

    answers, _ = ask(many)
    assert len(answers) == 20
    assert {body["point"] for _, body in peer.received} == {str(number) for number in range(20)}
    assert len({headers["x-request-id"] for headers, _ in peer.received}) == 20


def test_ready__nothing_listens__false(ask):
    ready, _ = ask(lambda client: client.ready(), url="http://127.0.0.1:1")
    assert ready is False


@pytest.mark.parametrize("deadline_s", [0.0, -1.0])
def test_infer__deadline_that_is_none__usage_error(ask, peer, deadline_s):
    with pytest.raises(UsageError, match="deadline"):
        ask(lambda client: client.infer({}, deadline_s=deadline_s))
    assert peer.received == []


def test_clients__methods__are_the_same():
    def of(kind):
        return {name for name in dir(kind) if not name.startswith("_")}

    assert of(Client) == of(AsyncClient) == {"close", "infer", "models", "ready"}
