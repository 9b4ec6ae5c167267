"""Services in processes of their own, without and with keys."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil

from switchyard.home import Home
from tests.serving.compiled_models import Compiler
from tests.serving.publisher import Publisher


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass
class Server:
    """A service in processes of its own."""

    kind: str
    home: Home
    publisher: Publisher
    process: subprocess.Popen[bytes]
    url: str
    log: Path

    def client(self, **options: Any) -> httpx.Client:
        return httpx.Client(base_url=self.url, timeout=20, **options)

    def connect(self) -> socket.socket:
        host, port = self.url.removeprefix("http://").split(":")
        return socket.create_connection((host, int(port)), timeout=20)

    def head(self, length: int) -> bytes:
        lines = ("POST /v1/infer HTTP/1.1", "Host: x", "Content-Type: application/json")
        return "\r\n".join((*lines, f"Content-Length: {length}", "", "")).encode()

    def workers(self) -> list[psutil.Process]:
        marks = {"run": "spawn_main", "bentoml": "_bentoml_impl.worker.service"}
        found = []
        for child in psutil.Process(self.process.pid).children(recursive=True):
            try:
                if marks[self.kind] in " ".join(child.cmdline()):
                    found.append(child)
            except psutil.NoSuchProcess:
                continue
        return found

    def metric(self, line: str) -> float | None:
        for found in httpx.get(f"{self.url}/metrics", timeout=5).text.splitlines():
            name, _, value = found.rpartition(" ")
            if name == line:
                return float(value)
        return None

    def wait(self, condition: Callable[[], bool], seconds: float = 120.0, what: str = "it") -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert self.process.poll() is None, f"{self.kind} ended: {self.tail()}"
            assert time.monotonic() < deadline, f"{what} did not happen within {seconds} s: {self.tail()}"
            time.sleep(0.05)

    def answers(self, path: str, status: int = 200) -> bool:
        try:
            return httpx.get(f"{self.url}{path}", timeout=5).status_code == status
        except httpx.TransportError:
            return False

    def tail(self) -> str:
        return self.log.read_text(errors="replace")[-3000:]

    def stop(self) -> int:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise


def start_server(
    kind: str,
    root: Path,
    *,
    publish: bool = True,
    prepare: Callable[[Home], None] | None = None,
) -> Server:
    home = Home(root / "home")
    publisher = Publisher(home, Compiler(root / "compiled"))
    if publish:
        publisher.publish()
    if prepare is not None:
        prepare(home)
    port = free_port()
    arguments = {
        "run": ["-m", "serving.run", "--home", str(home.root), "--port", str(port)],
        "bentoml": [
            "-m",
            "bentoml",
            "serve",
            "serving.service:SwitchyardService",
            "--host",
            "127.0.0.1",
            "--port",
            str(port),
        ],
    }[kind]
    log = root / "server.log"
    environment = {
        **os.environ,
        "SWITCHYARD_HOME": str(home.root),
        "BENTOML_HOME": str(root / "bentoml"),
        "BENTOML_DO_NOT_TRACK": "True",
    }
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environment,
            cwd=Path(__file__).parents[2],
        )
    server = Server(kind, home, publisher, process, f"http://127.0.0.1:{port}", log)
    try:
        # Two cores may have much else to do.
        server.wait(lambda: server.answers("/readyz" if publish else "/livez"), seconds=180, what="readiness")
    except BaseException:
        process.terminate()
        process.wait(30)
        raise
    return server


@dataclass
class Keyed:
    """A service with two keys: one for infer and models at Mumbai, one for everything."""

    server: Server
    mumbai: str
    everything: str

    def ask(self, method: str, path: str, key: str | None = None, **options: Any) -> httpx.Response:
        bearer = {"authorization": f"Bearer {key}"} if key else {}
        headers = options.pop("headers", {}) | bearer
        with self.server.client() as client:
            return client.request(method, path, headers=headers, **options)

    def infer(self, body: Any, key: str | None = None, **options: Any) -> httpx.Response:
        return self.ask("POST", "/v1/infer", key, json=body, **options)

    def audit(self, request_id: str) -> dict[str, Any]:
        """The line about one request, once it is written."""

        def found() -> list[dict[str, Any]]:
            path = self.server.home.audit_log
            text = path.read_text() if path.exists() else ""
            return [line for line in map(json.loads, text.splitlines()) if line["request_id"] == request_id]

        self.server.wait(lambda: bool(found()), what=f"the audit line of {request_id}")
        (line,) = found()
        return line
