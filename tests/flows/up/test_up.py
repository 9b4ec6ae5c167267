"""The real parts: Prefect with its worker, MLflow and the service, as the commands start and stop them."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from flows.up.state import UpState, read_state
from switchyard.children import free_port
from switchyard.home import Home

MINI = Path(__file__).parents[1] / "mini.yaml"
MARK = "SWITCHYARD_TEST_UP"
CLI = "from switchyard.cli import main; main()"


def ports() -> list[str]:
    """Ports of this test alone; the usual ones may be another test's."""
    names = ("--serve-port", "--mlflow-port", "--prefect-port")
    return [word for name in names for word in (name, str(free_port()))]


class Commands:
    """Runs commands on a home and finds the processes that they leave."""

    def __init__(self, home: Home) -> None:
        self.home = home
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
        self.environment = {**kept, MARK: str(home.root), "SWITCHYARD_HOME": str(home.root)}

    def __call__(self, *words: str) -> Any:
        ran = subprocess.run(
            [sys.executable, "-c", CLI, *words, "--json"],
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr
        return json.loads(ran.stdout)

    def left(self) -> list[psutil.Process]:
        found = []
        for process in psutil.process_iter():
            try:
                marked = process.environ().get(MARK) == str(self.home.root)
                if marked and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
            except (psutil.NoSuchProcess, psutil.AccessDenied):
                continue
        return found

    def state(self) -> UpState:
        state = read_state(self.home)
        assert state is not None
        return state


def wait_for(condition: Callable[[], bool], timeout_s: float) -> bool:
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


def get(url: str) -> tuple[int, str]:
    with urllib.request.urlopen(url, timeout=20) as answer:
        return answer.status, answer.read().decode()


def post(url: str, body: dict[str, Any]) -> Any:
    request = urllib.request.Request(
        url, data=json.dumps(body).encode(), headers={"content-type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.loads(answer.read())


@pytest.fixture
def commands(home: Home) -> Iterator[Commands]:
    found = Commands(home)
    yield found
    for process in found.left():
        process.kill()


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_up__home_with_a_snapshot__every_page_answers_deaths_are_repaired_and_runs_are_triggered(
    finished: Any, commands: Commands
) -> None:
    home = commands.home
    shutil.copytree(finished.job.home.serving, home.serving)
    told = commands("up", "--detach", *ports())
    parts = {one["name"]: one for one in told["parts"]}
    assert {name: one["state"] for name, one in parts.items()} == {
        "service": "answers",
        "prefect": "answers",
        "worker": "answers",
        "deployments": "done",
        "mlflow": "answers",
    }
    assert get(parts["service"]["url"] + "/readyz")[0] == 200
    assert "<html" in get(parts["prefect"]["url"])[1]
    assert "<html" in get(parts["mlflow"]["url"])[1]
    listening = [
        connection.laddr.ip
        for process in commands.left()
        for connection in process.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    ]
    assert set(listening) == {"127.0.0.1"}

    again = commands("up")
    assert (again["pid"], again["parts"]) == (told["pid"], told["parts"])

    for name in ("service", "mlflow"):
        guard = psutil.Process(parts[name]["pid"])
        guard.children()[0].kill()
    assert wait_for(
        lambda: all(
            one.state == "answers" and one.restarts == 1
            for one in commands.state().parts
            if one.name in {"service", "mlflow"}
        ),
        120,
    ), commands.state()

    api = parts["prefect"]["url"] + "/api"
    (publish,) = [one for one in post(f"{api}/deployments/filter", {}) if "publish" in one["entrypoint"]]
    given = {"profile": str(MINI), "home": str(finished.job.home.root)}
    run = post(f"{api}/deployments/{publish['id']}/create_flow_run", {"parameters": given})
    assert wait_for(
        lambda: json.loads(get(f"{api}/flow_runs/{run['id']}")[1])["state_type"] == "COMPLETED", 240
    ), (home.logs / "up-worker.log").read_text()
    status = commands("status")
    assert status["up"]["pid"] == told["pid"]
    assert status["runs"][0]["flow"] == "publish"
    assert status["snapshot"] is not None

    assert commands("down")["stopped"]["pid"] == told["pid"]
    assert wait_for(lambda: not commands.left(), 10), commands.left()
    assert commands("down") == {"stopped": None}
    assert commands("status")["up"] is None


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_up__nothing_published_and_the_supervisor_killed__said_and_nothing_left(commands: Commands) -> None:
    told = commands("up", "--detach", *ports())
    states = {one["name"]: (one["state"], one["note"]) for one in told["parts"]}
    assert states["service"][0] == "waits"
    assert "no snapshot is published yet" in states["service"][1]
    assert states["prefect"][0] == states["mlflow"][0] == states["worker"][0] == "answers"
    os.kill(told["pid"], signal.SIGKILL)
    assert wait_for(lambda: not commands.left(), 25), commands.left()
    assert commands("status")["up"] is None
