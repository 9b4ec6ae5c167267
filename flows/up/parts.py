"""What is started: the Prefect server, its deployments, its worker, the MLflow UI and the service."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from flows import prefect_server
from flows.loopback import HOST
from flows.up.health import Check, pages, service
from flows.up.state import PartState
from switchyard.errors import UsageError
from switchyard.home import Home

POOL = "switchyard"
PROJECT = Path(__file__).parents[2]
PREFECT, DEPLOYMENTS, WORKER, MLFLOW, SERVICE = "prefect", "deployments", "worker", "mlflow", "service"
# The ports that the documentation names, taken where they are free.
USUAL = {SERVICE: 3000, MLFLOW: 5000, PREFECT: 4200}
MLFLOW_VARIABLE = "SWITCHYARD_MLFLOW_URI"


@dataclass(frozen=True, slots=True)
class Part:
    """One process that the supervisor starts and watches.

    Attributes:
        name: What the table and messages call it.
        url: The page to open; empty for a part without one.
        arguments: Arguments of the Python interpreter.
        check: Whether it answers; None for a part that does its work and ends.
        env: Variables set on top of the supervisor's own.
        after: Part that must answer before this one counts as started; it is stopped after this one.
        grace_s: Seconds between the request to end and the kill.
        done: Note of a part that has done its work.
    """

    name: str
    url: str
    arguments: tuple[str, ...]
    check: Check | None
    env: Mapping[str, str] = field(default_factory=dict)
    after: str | None = None
    grace_s: float = 5.0
    done: str = ""


def choose_ports(given: Mapping[str, int | None]) -> dict[str, int]:
    """A loopback port for each page and for the worker's health.

    Args:
        given: Port that was asked for, by part; None takes the usual one, or any free one where it is taken.

    Raises:
        UsageError: A port that was asked for is taken.
    """
    chosen = {}
    # All stay bound until the last is chosen, so that none is chosen twice.
    with ExitStack() as bound:
        for name, port in sorted(given.items(), key=lambda one: one[1] is None):
            candidates = (USUAL.get(name, 0), 0) if port is None else (port,)
            for candidate in candidates:
                try:
                    probe = bound.enter_context(socket.socket())
                    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                    probe.bind((HOST, candidate))
                except OSError as error:
                    if port is not None:
                        raise UsageError(
                            f"--{name.replace('service', 'serve')}-port {port}: {error.strerror or error}",
                            "choose another port, or leave the option out to have a free one taken",
                        ) from error
                else:
                    chosen[name] = int(probe.getsockname()[1])
                    break
    return chosen


def parts(home: Home, ports: Mapping[str, int]) -> tuple[Part, ...]:
    """The parts of a home, in the order in which they are shown.

    Args:
        home: The installation's folders.
        ports: Port by part, from `choose_ports`.
    """
    url = {name: f"http://{HOST}:{port}" for name, port in ports.items()}
    api = f"{url[PREFECT]}/api"
    client = {
        **prefect_server.CLIENT_ENVIRONMENT,
        "SWITCHYARD_HOME": str(home.root),
        "PREFECT_HOME": str(home.prefect),
        "PREFECT_API_URL": api,
    }
    helper = ("-m", "flows.up.prefect_child")
    found = [
        Part(
            SERVICE,
            url[SERVICE],
            ("-m", "serving.run", "--home", str(home.root), "--host", HOST, "--port", str(ports[SERVICE])),
            service(url[SERVICE]),
            grace_s=10.0,
        ),
        Part(
            PREFECT,
            url[PREFECT],
            prefect_server.server_arguments(ports[PREFECT]),
            pages(f"{api}/health", f"{url[PREFECT]}/"),
            env=prefect_server.server_environment(home, api),
        ),
        Part(
            WORKER,
            url[WORKER] + "/health",
            (*helper, "worker"),
            pages(f"{url[WORKER]}/health"),
            env={
                **client,
                "PREFECT_WORKER_WEBSERVER_HOST": HOST,
                "PREFECT_WORKER_WEBSERVER_PORT": str(ports[WORKER]),
                "PREFECT_WORKER_QUERY_SECONDS": "5",
            },
            after=PREFECT,
            grace_s=10.0,
        ),
        Part(
            DEPLOYMENTS,
            f"{url[PREFECT]}/deployments",
            (*helper, "deployments"),
            None,
            env=client,
            after=PREFECT,
            done="open one and press Run",
        ),
    ]
    if not store_uri(home).startswith("http"):
        found.append(_mlflow(home, ports[MLFLOW]))
    return tuple(found)


def elsewhere(home: Home) -> tuple[PartState, ...]:
    """Pages that somebody else runs for this home: the MLflow server of the settings."""
    uri = store_uri(home)
    if not uri.startswith("http"):
        return ()
    return (PartState(MLFLOW, uri, "elsewhere", f"the server that {MLFLOW_VARIABLE} names"),)


def store_uri(home: Home) -> str:
    """Where versions and runs of models are kept."""
    return os.environ.get(MLFLOW_VARIABLE) or home.mlflow_uri


def _mlflow(home: Home, port: int) -> Part:
    url = f"http://{HOST}:{port}"
    return Part(
        MLFLOW,
        url,
        (
            *("-m", "mlflow", "ui", "--host", HOST, "--port", str(port), "--workers", "1"),
            # A line for each look of the supervisor would fill the disk.
            "--uvicorn-opts=--log-level warning",
            *("--backend-store-uri", store_uri(home), "--default-artifact-root", home.artifacts.as_uri()),
        ),
        pages(f"{url}/health", f"{url}/"),
        env={"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"},
    )
