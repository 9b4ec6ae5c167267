"""Killed with SIGKILL at ten random moments and started again each time."""

from __future__ import annotations

import random
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import psutil
import pytest

from switchyard.files import read_json
from switchyard.home import Home
from switchyard.profiles import load_profile

MINI = Path(__file__).with_name("mini.yaml")
KILLS = 10
LONGEST_S = 60.0
GONE_S = 20.0


def left(home: Home, processes: Callable[[Home], list[psutil.Process]]) -> list[str]:
    """Processes that are still there after a while."""
    deadline = time.monotonic() + GONE_S
    while processes(home) and time.monotonic() < deadline:
        time.sleep(0.1)
    return [process.name() for process in processes(home)]


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_pipeline__ten_kills_at_random_moments__completes_registers_once_leaves_nothing(
    tmp_path: Path,
    start_run: Callable[..., Any],
    processes: Callable[[Home], list[psutil.Process]],
    record_property: Callable[[str, object], None],
) -> None:
    home = Home(tmp_path / "home")
    home.root.mkdir()
    seed = time.time_ns()
    moments = [random.Random(seed + number).uniform(1.0, LONGEST_S) for number in range(KILLS)]
    record_property("kill_moments_s", [round(moment, 1) for moment in moments])
    for moment in moments:
        with start_run(home) as run:
            deadline = time.monotonic() + moment
            while time.monotonic() < deadline and run.process.poll() is None:
                time.sleep(0.02)
            assert run.process.poll() in (None, 0), run.text()
            run.kill()
            assert left(home, processes) == []
    with start_run(home) as run:
        run.finish(600.0)
        assert left(home, processes) == []
    with closing(sqlite3.connect(home.mlflow_db)) as registry:
        made = registry.execute(
            "select name, value from model_version_tags where key = 'trained_by'"
        ).fetchall()
        steps = [value for (value,) in registry.execute("select value from tags where key = 'step_key'")]
        states = {state for (state,) in registry.execute("select status from runs")}
    profile = load_profile(str(MINI))
    both = [(name, way) for name in profile.models for way in ("federated", "pooled")]
    tuned = [(f"frequency_stability.{site}", "fine_tuned") for site in profile.training]
    assert sorted(made) == sorted([*both, *tuned])
    assert len(steps) == len(made)
    assert len(set(steps)) == len(both)
    assert states == {"FINISHED"}
    with closing(sqlite3.connect(home.prefect / "prefect.db")) as database:
        open_runs = database.execute(
            "select count(*) from flow_run where state_type in ('RUNNING', 'PENDING')"
        ).fetchone()
    assert open_runs == (0,)
    assert len(read_json(home.reports / "answers.json")) == 8
    assert not any(path.name.startswith(".") for path in home.snapshots.iterdir())
