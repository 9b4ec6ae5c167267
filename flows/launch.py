"""Running a flow from a command: the home's lock, a Prefect server of the run's own, then the flow."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from flows import prefect_server
from flows.job import Job
from flows.run_lock import run_lock
from flows.stages import data
from switchyard.errors import UsageError
from switchyard.home import Home
from switchyard.log import get_logger

SIMULATING = ("pipeline", "simulate", "train", "federate")
"""Flows that simulate where that is not done."""

_log = get_logger("flows")


def launch(name: str, profile: str, home: Home, **parameters: Any) -> Any:
    """Run the flow `name` and return what it returns.

    The Prefect server starts first; what the flow needs is imported while it does.

    Args:
        name: `pipeline`, `simulate`, `train`, `federate`, `promote`, `rollback` or `publish`.
        profile: Name or path of the profile.
        home: The installation's folders.
        parameters: What the flow takes beside profile and home.

    Raises:
        UsageError: There is no such flow.
        HomeBusyError: Another process runs a flow on this home.
        ChildError: The Prefect server did not come up; the message holds the end of its log.
        PrefectError: The server that `PREFECT_API_URL` names does not answer.
        SwitchyardError: What a stage raises.
    """
    if name not in prefect_server.FLOWS:
        raise UsageError(f"there is no flow {name!r}", f"choose one of {', '.join(prefect_server.FLOWS)}")
    job = Job.of(profile, str(home.root))
    # A wrong description is told at once, before anything is started.
    data.describe(job)
    with run_lock(home), prefect_server.running_server(home) as server:
        flow = getattr(import_module(f"flows.{name}"), name)
        simulates = name in SIMULATING and not parameters.get("datasets")
        if simulates and data.boundary_step(job, data.describe(job)).record(home) is None:
            # Takes seconds to import, and the server takes as many to start.
            import_module("pandapower")
        server.wait_ready()
        _log.info("Prefect server at %s", server.url)
        if server.ours:
            prefect_server.crash_stale_runs()
        return flow(profile=profile, home=str(home.root), **parameters)
