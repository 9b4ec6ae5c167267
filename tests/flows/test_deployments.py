"""`prefect.yaml`: its deployments are ours, and a local process worker really runs one."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml

from flows import prefect_server
from switchyard.children import start_child
from switchyard.home import Home

PREFECT_YAML = Path(__file__).parents[2] / "prefect.yaml"
MINI = Path(__file__).with_name("mini.yaml")


def deployments() -> list[dict[str, Any]]:
    return list(yaml.safe_load(PREFECT_YAML.read_text())["deployments"])


def test_prefect_yaml__deployments__one_for_every_flow() -> None:
    assert sorted(one["entrypoint"] for one in deployments()) == sorted(
        f"flows/{name}.py:{name}" for name in prefect_server.FLOWS
    )


@pytest.mark.parametrize("entrypoint", [one["entrypoint"] for one in deployments()])
def test_prefect_yaml__entrypoint__a_flow_whose_parameters_are_described(entrypoint: str) -> None:
    path, _, name = entrypoint.partition(":")
    flow = getattr(import_module(path.removesuffix(".py").replace("/", ".")), name)
    assert flow.name == name
    assert flow.description
    properties = flow.parameters.model_dump()["properties"]
    own = {
        "simulate": {"runner"},
        "train": {"model", "substation", "trials", "algorithm"},
        "federate": {"model", "substations", "aggregation", "quorum", "datasets", "by_point", "group"}
        | {"validation_from", "test_from"},
        "promote": {"model", "version", "dry_run", "force"},
        "rollback": {"model", "to"},
    }
    assert set(properties) == {"profile", "home"} | own.get(name, set())
    assert all(len(entry["description"]) > 20 for entry in properties.values())
    given = next(one["parameters"] for one in deployments() if one["entrypoint"] == entrypoint)
    assert set(given) <= set(properties)


@pytest.mark.timeout(1800)
def test_worker__deployed_pipeline_on_a_finished_home__runs_it_and_skips_every_step(
    finished: Any, home: Home, processes: Callable[[Home], list[psutil.Process]], tmp_path: Path
) -> None:
    server = prefect_server.start_own(home)
    assert server.child is not None
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")},
        "PREFECT_API_URL": server.url,
        "PREFECT_HOME": str(home.prefect),
        "SWITCHYARD_TEST_RUN": str(home.root),
    }

    def prefect(*arguments: str) -> str:
        ran = subprocess.run(
            [sys.executable, "-m", "prefect", "--no-prompt", *arguments],
            cwd=PREFECT_YAML.parent,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=400,
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr
        return ran.stdout

    with server.child:
        server.wait_ready()
        prefect("work-pool", "create", "switchyard", "--type", "process")
        prefect("deploy", "--all")
        with start_child(
            ["-m", "prefect", "worker", "start", "--pool", "switchyard", "--limit", "1"],
            log_path=tmp_path / "worker.log",
            env=environment,
            cwd=PREFECT_YAML.parent,
        ):
            parameters = {"profile": str(MINI), "home": str(finished.job.home.root)}
            given = [f"--params={json.dumps(parameters)}", "--watch"]
            output = prefect("deployment", "run", "pipeline/run-everything", *given)
    assert "finished successfully" in " ".join(output.split()), (tmp_path / "worker.log").read_text()
    deadline = time.monotonic() + 10
    while processes(home) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not processes(home)
    runs = sorted((finished.job.home.state).glob("*/*.json"))
    assert len(runs) == len({run.parent.name for run in runs}), "a step ran twice"
    shutil.rmtree(home.root)
