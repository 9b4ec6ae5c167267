"""Replicas against a real MLflow server, and against servers that are down, slow or talk nonsense."""

import asyncio
import json
import logging
import os
import random
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

from flows.snapshot_store import announce
from serving.engine import Engine
from serving.errors import SnapshotError
from serving.pull import PullError, Source, wait_after, watch
from serving.snapshot import current_name, open_snapshot, set_current, snapshot_names
from switchyard.children import free_port, start_child
from switchyard.errors import UsageError
from switchyard.home import Home

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def central(tmp_path_factory, make_publisher):
    """The machine that trains: a home with a registry in SQLite and two announced snapshots."""
    publisher = make_publisher(tmp_path_factory.mktemp("central"))
    first = publisher.publish("1")
    announce(publisher.home, first)
    second = publisher.publish("2", low=-0.7, challenger="3")
    announce(publisher.home, second)
    return publisher.home, first, second


@pytest.fixture(scope="module")
def mlflow_url(central, tmp_path_factory):
    """An MLflow server of the home's registry, as `switchyard up` starts it."""
    home = central[0]
    url = f"http://127.0.0.1:{(port := free_port())}"
    arguments = ["-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    arguments += ["--backend-store-uri", home.mlflow_uri, "--default-artifact-root", home.artifacts.as_uri()]
    log = tmp_path_factory.mktemp("mlflow") / "server.log"
    env = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}

    def answers():
        try:
            return httpx.get(f"{url}/health", timeout=5).status_code == 200
        except httpx.TransportError:
            return False

    with start_child(arguments, log_path=log, name="MLflow", env=env) as child:
        child.wait_ready(answers, timeout_s=600)
        yield url


@pytest.fixture
def replica(tmp_path):
    return Home(tmp_path / "replica")


def pull(url, home, within_s=60.0):
    return asyncio.run(Source(url, within_s).pull(home))


def test_pull__what_mlflow_announces__whole_proven_and_current_then_nothing_to_do(
    central, mlflow_url, replica
):
    home, first, second = central
    assert pull(mlflow_url, replica) == second
    assert current_name(replica) == second
    assert open_snapshot(replica, second).manifest == open_snapshot(home, second).manifest
    engine = Engine.load(replica, second)
    assert {served.model.version for served in engine.challengers.served.values()} == {"voltage_anomaly:3"}
    assert pull(mlflow_url, replica) is None
    # The way back is announced like the way forward; what is here already is not fetched again.
    announce(home, first)
    try:
        assert pull(mlflow_url, replica) == first
        assert snapshot_names(replica) == [first, second]
        announce(home, second)
        before = (replica.snapshots / second).stat().st_ino
        assert pull(mlflow_url, replica) == second
        assert (replica.snapshots / second).stat().st_ino == before
    finally:
        announce(home, second)


def test_pull__damaged_copy_on_the_replica__fetched_again(central, mlflow_url, replica):
    second = central[2]
    pull(mlflow_url, replica)
    model = replica.snapshots / second / "models/voltage_anomaly/2/model.onnx"
    model.write_bytes(model.read_bytes()[:-1])
    assert pull(mlflow_url, replica) == second
    open_snapshot(replica, second).verify()


def test_command__once_in_a_process__imports_neither_mlflow_nor_prefect(central, mlflow_url, replica):
    script = (
        "import sys\n"
        "from switchyard.cli import main\n"
        "code = 0\n"
        "try:\n"
        "    main(sys.argv[1:])\n"
        "except SystemExit as end:\n"
        "    code = end.code\n"
        "heavy = {'mlflow', 'prefect', 'pandas', 'sklearn', 'tensorflow', 'onnx'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
        "sys.exit(code)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, "pull", "--from", mlflow_url, "--home", str(replica.root), "--json"],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env={**os.environ},
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"snapshot": central[2]}


class Trouble:
    """Stands before a real server and spoils what comes through."""

    def __init__(self, target: str) -> None:
        self.kind = "none"
        trouble = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                kind = trouble.kind
                if kind == "hung up":
                    self.close_connection = True
                elif kind == "error page":
                    self.say(500, b"<html>oops</html>")
                elif kind == "garbage":
                    self.say(200, b"\x00\xff not JSON")
                else:
                    self.spoil(kind)

            def spoil(self, kind: str) -> None:
                if kind == "slow":
                    time.sleep(3)
                found = httpx.get(f"{target}{self.path}", timeout=60)
                body = found.content
                if self.path.startswith("/get-artifact"):
                    whole = len(body)
                    if kind in {"truncated", "short"}:
                        body = body[: whole // 2]
                    elif kind == "other bytes":
                        body = body[:-20] + bytes(20)
                    self.say(200, body, length=whole if kind == "truncated" else None)
                    return
                if kind == "name of a path":
                    body = body.replace(b'"000002-', b'"../../../000002-')
                elif kind == "lost tag":
                    body = body.replace(b"switchyard.sha256", b"switchyard.md5")
                self.say(found.status_code, body)

            def say(self, status: int, body: bytes, length: int | None = None) -> None:
                self.send_response(status)
                self.send_header("content-length", str(len(body) if length is None else length))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture(scope="module")
def trouble(mlflow_url):
    standing = Trouble(mlflow_url)
    yield standing
    standing.server.shutdown()
    standing.server.server_close()


@pytest.fixture
def served(central, replica, make_publisher, tmp_path):
    """A replica that serves an older snapshot."""
    publisher = make_publisher(tmp_path / "own")
    name = publisher.publish("1")
    publisher.home.serving.rename((replica.root.mkdir(), replica.serving)[1])
    set_current(replica, name)
    return name


@pytest.mark.parametrize(
    "kind",
    [
        "hung up",
        "error page",
        "garbage",
        "slow",
        "truncated",
        "short",
        "other bytes",
        "name of a path",
        "lost tag",
    ],
)
def test_pull__server_in_trouble__refused_and_what_is_served_stays(replica, served, trouble, kind):
    trouble.kind = kind
    with pytest.raises((PullError, SnapshotError)) as refused:
        pull(trouble.url, replica, within_s=1.0 if kind == "slow" else 60.0)
    assert "Traceback" not in str(refused.value)
    assert current_name(replica) == served
    assert snapshot_names(replica) == [served]
    assert [
        path.name for path in replica.serving.iterdir() if path.name.startswith((".pull", ".staging"))
    ] == []


def test_watch__down_then_garbage_then_well__tells_retries_and_pulls(
    replica, served, trouble, central, caplog
):
    logging.getLogger("switchyard").propagate = True
    trouble.kind = "hung up"

    async def run() -> None:
        with caplog.at_level(logging.INFO, logger="switchyard.pull"):
            task = asyncio.create_task(watch(Source(trouble.url), replica, 0.05, 0.2, random.Random(1)))

            async def told(text: str) -> None:
                async with asyncio.timeout(60):
                    while not any(text in record.getMessage() for record in caplog.records):  # noqa: ASYNC110
                        await asyncio.sleep(0.02)

            await told("attempt 3")
            trouble.kind = "garbage"
            await told("no answer of MLflow's API")
            assert current_name(replica) == served
            trouble.kind = "none"
            await told("pulled snapshot")
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(run())
    assert f"{served} stays; nothing pulled, attempt 1" in caplog.text
    assert current_name(replica) == central[2]


def test_pull__nobody_listens__told_in_one_line(replica):
    with pytest.raises(PullError, match="ConnectError"):
        pull(f"http://127.0.0.1:{free_port()}", replica)


def test_pull__nothing_announced_yet__says_what_to_do(replica, mlflow_url, central):
    from mlflow import MlflowClient

    from serving import pull as module

    client = MlflowClient(central[0].mlflow_uri)
    of = client.get_experiment_by_name(module.EXPERIMENT).experiment_id
    run_id = client.get_experiment(of).tags[module.CURRENT_RUN]
    client.delete_experiment_tag(of, module.CURRENT_RUN)
    try:
        with pytest.raises(PullError, match="switchyard publish"):
            pull(mlflow_url, replica)
    finally:
        client.set_experiment_tag(of, module.CURRENT_RUN, run_id)


@pytest.mark.parametrize("address", ["mlflow-host:5000", "ftp://host", "http://", "file:///etc/passwd"])
def test_source__no_servers_address__refused(address):
    with pytest.raises(UsageError, match="no server's address"):
        Source(address)


def test_wait_after__failures__doubles_to_the_cap_with_jitter():
    chance = random.Random(7)
    regular = [wait_after(0, 30.0, 300.0, chance) for _ in range(200)]
    assert 22.5 <= min(regular) < 25 < 35 < max(regular) <= 37.5
    assert all(30.0 <= wait_after(1, 30.0, 300.0, chance) <= 60.0 for _ in range(50))
    late = [wait_after(10_000, 30.0, 300.0, chance) for _ in range(200)]
    assert 150.0 <= min(late) < 170 < 280 < max(late) <= 300.0
    assert wait_after(5, 600.0, 300.0, chance) <= 600.0
