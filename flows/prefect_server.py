"""The Prefect server of a run: one of our own on loopback, that of `switchyard up`, or a named one.

Prefect's own ephemeral server leaves its process behind and its run in state Running when the run is killed.
Ours is tied to the run's life, keeps its database below the home, and a later run marks what was left
Running as Crashed. Runs and artifacts are there when somebody starts `prefect server` on that home.
"""

from __future__ import annotations

import os
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flows.loopback import HOST, bypass_proxies
from flows.up.state import read_state
from switchyard.children import ChildProcess, free_port, start_child
from switchyard.errors import ConfigurationError, SwitchyardError
from switchyard.home import Home
from switchyard.log import ROOT, get_logger

READY_S = 120.0
HAND_OVER_S = 5.0
PAGE = 200
KILLED = "its process was killed"
FLOWS = ("pipeline", "simulate", "train", "federate", "promote", "rollback", "publish")

# The console has our own lines; the UI gets ours and Prefect's.
CLIENT_ENVIRONMENT = {
    "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "false",
    "PREFECT_LOGGING_EXTRA_LOGGERS": ROOT,
    "PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW": "ignore",
    "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL",
}

_log = get_logger("prefect")


class PrefectError(SwitchyardError):
    """The Prefect server did not come up or does not answer."""


class PrefectServer:
    """Where this run reports to.

    Attributes:
        url: Address of the API.
        child: The server process where this run started it, else None.
        ours: Whether its database is that of the home: this run's own server, or that of `switchyard up`.
    """

    def __init__(self, url: str, child: ChildProcess | None, *, ours: bool | None = None) -> None:
        self.url = url
        self.child = child
        self.ours = child is not None if ours is None else ours

    def wait_ready(self, timeout_s: float = READY_S) -> None:
        """Wait until the API answers.

        Raises:
            PrefectError: Somebody else's server does not answer.
            ChildError: Our own ended or is not ready in time; the message holds the end of its log.
        """
        if self.child is not None:
            self.child.wait_ready(self.is_ready, timeout_s=timeout_s)
            return
        refusal = self._refusal()
        if refusal is not None:
            raise PrefectError(
                f"PREFECT_API_URL = {self.url}: the server does not answer ({refusal})",
                "start it, or unset PREFECT_API_URL to have a server started for the run",
            )

    def is_ready(self) -> bool:
        """Whether the API answers now."""
        return self._refusal() is None

    def _refusal(self) -> str | None:
        try:
            with urllib.request.urlopen(f"{self.url}/health", timeout=5) as answer:  # noqa: S310 - http only
                return None if answer.status == 200 else f"status {answer.status}"
        except (OSError, ValueError) as error:
            return str(error)


def start(home: Home) -> PrefectServer:
    """Start a server for this run, unless `PREFECT_API_URL` names one or `switchyard up` runs one here.

    Does not wait for it. Sets the environment that Prefect's client reads when it is first imported.

    Raises:
        ConfigurationError: Prefect was imported before, with other settings.
    """
    if "prefect" in sys.modules:
        raise ConfigurationError(
            "Prefect was imported before its server's address was known", "start the server first"
        )
    for name, value in CLIENT_ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    named = os.environ.get("PREFECT_API_URL")
    if named:
        return PrefectServer(named.rstrip("/"), None)
    os.environ["PREFECT_HOME"] = str(home.prefect)
    server = _standing(home) or start_own(home)
    os.environ["PREFECT_API_URL"] = server.url
    return server


def _standing(home: Home) -> PrefectServer | None:
    """The server of `switchyard up`, where it runs on this home: two would write to one database."""
    up = read_state(home)
    url = None if up is None else up.url("prefect")
    if url is None:
        return None
    bypass_proxies()
    return PrefectServer(f"{url}/api", None, ours=True)


def start_own(home: Home) -> PrefectServer:
    """Start a server on a free loopback port whose database lies below the home; does not wait for it."""
    bypass_proxies()
    home.prefect.mkdir(parents=True, exist_ok=True)
    port = free_port()
    url = f"http://{HOST}:{port}/api"
    child = start_child(
        server_arguments(port),
        log_path=home.logs / "prefect-server.log",
        env=server_environment(home, url),
        name="the Prefect server",
    )
    return PrefectServer(url, child)


def server_arguments(port: int) -> tuple[str, ...]:
    """Arguments of the Python interpreter for a server on a loopback port."""
    return ("-m", "prefect", "server", "start", "--host", HOST, "--port", str(port))


def server_environment(home: Home, url: str) -> dict[str, str]:
    """What a server of this home is told: where its database lies, its API's address, to send nothing."""
    return {
        "PREFECT_HOME": str(home.prefect),
        "PREFECT_API_URL": url,
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
        "PREFECT_SERVER_LOGGING_LEVEL": "WARNING",
    }


@contextmanager
def running_server(home: Home) -> Iterator[PrefectServer]:
    """`start` a server; at the end hand over what is still to be told, and stop it where it is ours."""
    server = start(home)
    try:
        yield server
    finally:
        if server.child is not None:
            if server.is_ready():
                hand_over()
            server.child.stop()


def hand_over() -> None:
    """Wait until the server has this process's logs and events and has written down how the tasks ended.

    The client sends them in the background and would go on trying after the server is gone.
    """
    if "prefect" not in sys.modules:
        return
    from prefect.client.orchestration import get_client
    from prefect.events.worker import EventsWorker
    from prefect.logging.handlers import APILogWorker

    for worker in (APILogWorker, EventsWorker):
        worker.drain_all(timeout=HAND_OVER_S)
    deadline = time.monotonic() + HAND_OVER_S
    with get_client(sync_client=True) as client:
        while _unfinished_task_runs(client) and time.monotonic() < deadline:
            time.sleep(0.1)


def crash_stale_runs() -> int:
    """Mark the runs that a killed process left Running, and their tasks, as Crashed.

    Call it while holding the home's lock and before a flow starts: no run of this home is alive then.

    Returns:
        How many flow runs were marked.
    """
    from prefect.client.orchestration import get_client
    from prefect.states import Crashed

    marked = 0
    with get_client(sync_client=True) as client:
        while runs := _stale_runs(client):
            for run in runs:
                for task_run in _unfinished_task_runs(client, run.id):
                    client.set_task_run_state(task_run.id, Crashed(message=KILLED), force=True)
                client.set_flow_run_state(run.id, Crashed(message=KILLED), force=True)
                _log.info("marked the earlier run %s as crashed: its process was killed", run.name)
            marked += len(runs)
    return marked


def _stale_runs(client: Any) -> Any:
    from prefect.client.schemas import filters
    from prefect.client.schemas.objects import StateType
    from prefect.client.schemas.sorting import FlowRunSort

    # What waits for a worker has a deployment; it is Pending and not stale.
    direct = {"deployment_id": {"is_null_": True}, "state": {"type": {"any_": [StateType.PENDING]}}}
    stale = {"state": {"type": {"any_": [StateType.RUNNING, StateType.CANCELLING]}}}
    found = []
    for condition in (stale, direct):
        found += client.read_flow_runs(
            flow_filter=_ours(),
            flow_run_filter=filters.FlowRunFilter.model_validate(condition),
            sort=FlowRunSort.ID_DESC,
            limit=PAGE,
        )
    return found


def _unfinished_task_runs(client: Any, flow_run_id: Any = None) -> Any:
    from prefect.client.schemas import filters
    from prefect.client.schemas.objects import StateType
    from prefect.client.schemas.sorting import TaskRunSort

    state = {"type": {"any_": [StateType.RUNNING, StateType.PENDING]}}
    of = {} if flow_run_id is None else {"id": {"any_": [flow_run_id]}}
    return client.read_task_runs(
        flow_filter=_ours(),
        flow_run_filter=filters.FlowRunFilter.model_validate(of),
        task_run_filter=filters.TaskRunFilter.model_validate({"state": state}),
        sort=TaskRunSort.ID_DESC,
        limit=PAGE,
    )


def _ours() -> Any:
    from prefect.client.schemas import filters

    return filters.FlowFilter(name=filters.FlowFilterName(any_=list(FLOWS)))
