"""The server of a run: its life, its failures, and what it does with runs that a killed process left."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import psutil
import pytest

from flows import prefect_server
from switchyard.children import ChildError
from switchyard.home import Home

STARTER = """
import sys, time
from flows import prefect_server
from switchyard.home import Home
server = prefect_server.start(Home(sys.argv[1]))
print(server.url, server.child.pid if server.child else 0, flush=True)
server.wait_ready(float(sys.argv[2]))
print("ready", flush=True)
from prefect.settings import get_current_settings
settings = get_current_settings()
print(settings.api.url, settings.home, settings.server.analytics_enabled, flush=True)
time.sleep(60)
"""


def own_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}


def test_start__parent_killed__server_gone_and_its_database_below_the_home(home: Home) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", STARTER, str(home.root), "90"],
        stdout=subprocess.PIPE,
        text=True,
        env=own_environment(),
    ) as parent:
        assert parent.stdout is not None
        url, pid = parent.stdout.readline().split()
        assert url.startswith("http://127.0.0.1:")
        assert parent.stdout.readline() == "ready\n"
        assert parent.stdout.readline().split() == [url, str(home.prefect), "False"]
        family = [psutil.Process(int(pid)), *psutil.Process(int(pid)).children(recursive=True)]
        listening = [c for p in family for c in p.net_connections("inet") if c.status == psutil.CONN_LISTEN]
        assert {c.laddr.ip for c in listening} == {"127.0.0.1"}
        parent.send_signal(signal.SIGKILL)
    _, alive = psutil.wait_procs(family, timeout=10)
    assert not alive
    with closing(sqlite3.connect(home.prefect / "prefect.db")) as database:
        assert database.execute("select count(*) from flow_run").fetchone() is not None


def test_start__address_given_and_nobody_there__clear_error(tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", STARTER, str(tmp_path), "5"],
        capture_output=True,
        text=True,
        check=False,
        env={**own_environment(), "PREFECT_API_URL": "http://127.0.0.1:9/api"},
    )
    assert ran.stdout.split() == ["http://127.0.0.1:9/api", "0"]
    assert "PrefectError: PREFECT_API_URL = http://127.0.0.1:9/api: the server does not answer" in ran.stderr
    assert not (tmp_path / "prefect").exists()


def test_wait_ready__database_cannot_be_opened__error_with_the_end_of_the_log(tmp_path: Path) -> None:
    home = Home(tmp_path)
    (home.prefect / "prefect.db").mkdir(parents=True)
    server = prefect_server.start_own(home)
    assert server.child is not None
    with (
        server.child,
        pytest.raises(ChildError, match=r"(?s)the Prefect server ended with exit code .*its log ends"),
    ):
        server.wait_ready()


@pytest.mark.usefixtures("prefect_url")
def test_crash_stale_runs__left_running_by_a_killed_process__crashed_and_others_kept() -> None:
    from prefect import flow
    from prefect.client.orchestration import get_client
    from prefect.states import Completed, Pending, Running

    @flow(name="pipeline")
    def pipeline() -> None:
        return

    @flow(name="somebody-elses")
    def stranger() -> None:
        return

    with get_client(sync_client=True) as client:
        stale = client.create_flow_run(pipeline, state=Running())
        pending = client.create_flow_run(pipeline, state=Pending())
        done = client.create_flow_run(pipeline, state=Completed())
        other = client.create_flow_run(stranger, state=Running())
        assert prefect_server.crash_stale_runs() == 2
        assert prefect_server.crash_stale_runs() == 0
        states = [client.read_flow_run(run.id).state.name for run in (stale, pending, done, other)]
    assert states == ["Crashed", "Crashed", "Completed", "Running"]
