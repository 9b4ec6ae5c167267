"""One real Prefect server, and one real pipeline that was killed once, for the whole session."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil
import pytest

from flows import prefect_server
from flows.job import Job
from switchyard.home import Home

KILL_WITHIN_S = 600.0
GONE_S = 60.0
MINI = Path(__file__).with_name("mini.yaml")
MARK = "SWITCHYARD_TEST_RUN"

RUN = """
import json, sys, msgspec
from pathlib import Path
from flows.launch import launch
from switchyard import log
from switchyard.home import Home
home = Home(Path(sys.argv[2]))
log.configure("INFO", home.logs, "run")
summary = launch(sys.argv[1], sys.argv[3], home)
print(json.dumps(msgspec.to_builtins(summary)))
"""


def environment(home: Home) -> dict[str, str]:
    """This process's environment without settings of Prefect and with a mark that descendants inherit."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    return {**kept, MARK: str(home.root), "SWITCHYARD_HOME": str(home.root)}


def descendants(home: Home) -> list[psutil.Process]:
    """Live processes of runs on this home, whoever their parent is now."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARK) == str(home.root) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found


def wait_until(condition: Callable[[], bool], timeout_s: float) -> bool:
    """Whether `condition` became true within the time."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


@dataclass
class Run:
    """A flow in a process of its own; a context manager that leaves nothing running."""

    home: Home
    process: subprocess.Popen[bytes]
    output: Path

    @classmethod
    def start(cls, home: Home, flow: str = "pipeline", profile: Path | str = MINI) -> Self:
        output = home.root.parent / f"run-{time.monotonic_ns()}.txt"
        with output.open("wb") as out:
            process = subprocess.Popen(
                [sys.executable, "-c", RUN, flow, str(home.root), str(profile)],
                stdout=out,
                stderr=subprocess.STDOUT,
                env=environment(home),
                start_new_session=True,
            )
        return cls(home, process, output)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()
        for left in descendants(self.home):
            left.kill()

    def kill(self) -> None:
        """SIGKILL to the run alone."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()

    def text(self) -> str:
        """What it has printed so far."""
        return self.output.read_text(errors="replace")

    def finish(self, timeout_s: float = 600.0) -> str:
        """Wait for its end and return what it printed."""
        code = self.process.wait(timeout_s)
        assert code == 0, self.text()
        return self.text()


@pytest.fixture(scope="session")
def server_home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return Home(tmp_path_factory.mktemp("prefect-home"))


@pytest.fixture(scope="session")
def prefect_url(server_home: Home) -> Iterator[str]:
    """Address of the session's server; Prefect's client in this process reports to it."""
    server = prefect_server.start_own(server_home)
    assert server.child is not None
    with server.child:
        from prefect.settings import PREFECT_API_URL, PREFECT_HOME, temporary_settings

        server.wait_ready()
        with temporary_settings({PREFECT_API_URL: server.url, PREFECT_HOME: str(server_home.prefect)}):
            yield server.url


def prepare(home: Home, server_home: Home) -> Home:
    """Give a home a Prefect database that is laid out already, which saves a server its slowest seconds."""
    home.prefect.mkdir(parents=True)
    with (
        closing(sqlite3.connect(server_home.prefect / "prefect.db")) as source,
        closing(sqlite3.connect(home.prefect / "prefect.db")) as target,
    ):
        source.backup(target)
    return home


@pytest.fixture
def home(tmp_path: Path, server_home: Home, prefect_url: str) -> Home:
    assert prefect_url
    return prepare(Home(tmp_path / "home"), server_home)


@dataclass(frozen=True)
class Finished:
    """A pipeline that was killed while it trained, and was started again.

    Attributes:
        job: Home and profile.
        left: Names of processes that were alive some seconds after the kill, then after the end.
        output: What the second run printed.
    """

    job: Job
    left: tuple[list[str], list[str]]
    output: str


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory, server_home: Home, prefect_url: str) -> Finished:
    assert prefect_url
    home = prepare(Home(tmp_path_factory.mktemp("finished") / "home"), server_home)
    with Run.start(home) as run:
        trains = wait_until(
            lambda: any(home.optuna.glob("*.journal")) or run.process.poll() is not None, KILL_WITHIN_S
        )
        assert trains, run.text()
        assert run.process.poll() is None, run.text()
        run.kill()
        wait_until(lambda: not descendants(home), GONE_S)
        after_kill = [" ".join(process.cmdline()) for process in descendants(home)]
    with Run.start(home) as run:
        output = run.finish()
        # multiprocessing's resource tracker ends when it notices that its pipe is closed.
        wait_until(lambda: not descendants(home), GONE_S)
        after_end = [" ".join(process.cmdline()) for process in descendants(home)]
    return Finished(Job.of(str(MINI), str(home.root)), (after_kill, after_end), output)


@pytest.fixture
def processes() -> Callable[[Home], list[psutil.Process]]:
    """Finds the live processes of runs on a home."""
    return descendants


@pytest.fixture
def start_run() -> Callable[..., Run]:
    """Starts a flow in a process of its own."""
    return Run.start
