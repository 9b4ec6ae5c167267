"""`python -m flows.up.prefect_child worker|deployments`: what talks to the Prefect server of `switchyard up`.

Both import what they need while the server starts, wait until it answers, and then run Prefect's own command
in the folder of `prefect.yaml`, from which the worker runs the flows.
"""

from __future__ import annotations

import os
import runpy
import sys
import time
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from importlib import import_module

from flows import prefect_server
from flows.run_lock import HomeBusyError, run_lock
from flows.up.parts import POOL, PROJECT
from switchyard import log
from switchyard.errors import ConfigurationError, SwitchyardError
from switchyard.settings import get_settings

_log = log.get_logger("up")

WORKER = ("worker", "start", "--pool", POOL, "--type", "process", "--limit", "1", "--with-healthcheck")
DEPLOY = ("deploy", "--all")
TAG = "switchyard"


def start_worker(server: prefect_server.PrefectServer) -> None:
    """Run the worker until it is stopped; runs that an earlier one left Running become Crashed first."""
    import_module("prefect.cli.worker")
    _wait_for(server)
    try:
        with run_lock(get_settings().folders):
            prefect_server.crash_stale_runs()
    except HomeBusyError as error:
        _log.info("no run was marked as crashed: %s", error.message)
    _prefect(WORKER)


def register_deployments(server: prefect_server.PrefectServer) -> None:
    """Register the deployments of `prefect.yaml` and the pool of the worker that runs them."""
    import_module("prefect.cli.deploy")
    # The deployments' forms are made from the flows, whose import takes seconds.
    import_module("flows.pipeline")
    _wait_for(server)
    _make_pool()
    forget_deployments(named_deployments())
    _prefect(DEPLOY)


def named_deployments() -> set[str]:
    """The deployments of `prefect.yaml`, each as `<flow>/<name>`."""
    import yaml

    described = yaml.safe_load((PROJECT / "prefect.yaml").read_text(encoding="utf-8"))
    return {f"{one['entrypoint'].partition(':')[2]}/{one['name']}" for one in described["deployments"]}


def forget_deployments(kept: AbstractSet[str]) -> None:
    """Delete our deployments that are not among `kept`: an earlier release gave them other names.

    Ours are those with the tag `switchyard`; their runs stay.
    """
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterTags

    with get_client(sync_client=True) as client:
        ours = DeploymentFilter(tags=DeploymentFilterTags(all_=[TAG]))
        for one in client.read_deployments(deployment_filter=ours):
            if f"{client.read_flow(one.flow_id).name}/{one.name}" not in kept:
                client.delete_deployment(one.id)


def _wait_for(server: prefect_server.PrefectServer) -> None:
    deadline = time.monotonic() + prefect_server.READY_S
    while not server.is_ready() and time.monotonic() < deadline:
        time.sleep(0.2)
    server.wait_ready()


def _make_pool() -> None:
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.actions import WorkPoolCreate
    from prefect.exceptions import ObjectAlreadyExists

    with get_client(sync_client=True) as client:
        try:
            client.create_work_pool(WorkPoolCreate(name=POOL, type="process"))
        except ObjectAlreadyExists:
            return


def _prefect(words: Sequence[str]) -> None:
    sys.argv = ["prefect", "--no-prompt", *words]
    runpy.run_module("prefect", run_name="__main__", alter_sys=True)


def main(arguments: Sequence[str]) -> int:
    """Run the worker, or register the deployments; returns the exit code."""
    (what,) = arguments
    settings = get_settings()
    log.configure(settings.log_level, settings.folders.logs, f"up-{what}")
    try:
        if not (PROJECT / "prefect.yaml").is_file():
            raise ConfigurationError(
                f"{PROJECT / 'prefect.yaml'} does not exist", "install Switchyard from its checkout"
            )
        os.chdir(PROJECT)
        server = prefect_server.PrefectServer(os.environ["PREFECT_API_URL"], None)
        {"worker": start_worker, "deployments": register_deployments}[what](server)
    except SwitchyardError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
