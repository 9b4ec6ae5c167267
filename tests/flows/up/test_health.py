"""What counts as an answer."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from flows.up.health import Health, pages, service
from switchyard.children import free_port

ANSWERS: dict[str, tuple[int, bytes]] = {}


class Page(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        status, body = ANSWERS.get(self.path, (404, b"not here"))
        self.send_response(status)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture
def url() -> Iterator[str]:
    ANSWERS.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_pages__all_answer__answers(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    ANSWERS.update({"/health": (200, b"OK"), "/": (200, b"<html>")})
    assert pages(f"{url}/health", f"{url}/")() == Health("answers")


def test_pages__one_is_broken__silent_and_named(url: str) -> None:
    ANSWERS.update({"/health": (200, b"OK"), "/": (500, b"")})
    assert pages(f"{url}/health", f"{url}/")() == Health("silent", f"{url}/ answered with status 500")


def test_pages__nobody_listens__silent_with_the_reason() -> None:
    assert "refused" in pages(f"http://127.0.0.1:{free_port()}/")().note


@pytest.mark.parametrize(
    ("live", "ready", "health"),
    [
        ((200, b"\n"), (200, b"\n"), Health("answers")),
        ((200, b"\n"), (503, b'{"detail": "no snapshot"}'), Health("waits", "no snapshot")),
        ((200, b"\n"), (503, b"busy"), Health("waits", "/readyz answered with status 503")),
        ((500, b""), (200, b""), Health("silent", "/livez answered with status 500")),
    ],
)
def test_service__alive_and_ready_or_not(
    url: str, live: tuple[int, bytes], ready: tuple[int, bytes], health: Health
) -> None:
    ANSWERS.update({"/livez": live, "/readyz": ready})
    assert service(url)() == health
