"""`switchyard train MODEL --substation S --trials N`, killed while it tunes and started again."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import psutil
import pytest

from switchyard.files import read_json
from switchyard.home import Home

MINI = Path(__file__).with_name("mini.yaml")
NAME = "phase_imbalance.delhi"
TRIALS, MORE = 30, 31
DATA_STEPS = ("boundary.", "simulate.", "contract.", "features.")


def start(home: Home, url: str, *words: str) -> subprocess.Popen[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    where = {"SWITCHYARD_TEST_RUN": str(home.root), "PREFECT_API_URL": url, "PREFECT_HOME": str(home.prefect)}
    command = [sys.executable, "-c", "from switchyard.cli import main; main()", "train", *words]
    return subprocess.Popen(
        [*command, "--home", str(home.root), "--profile", str(MINI), "--json"],
        env={**kept, **where},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process: subprocess.Popen[str]) -> dict[str, Any]:
    out, err = process.communicate(timeout=400)
    assert process.returncode == 0, err
    value: dict[str, Any] = json.loads(out.splitlines()[-1])
    return value


def ask(home: Home, question: str) -> list[tuple[Any, ...]]:
    if not home.mlflow_db.exists():
        return []
    with closing(sqlite3.connect(home.mlflow_db, timeout=30)) as store:
        try:
            return store.execute(question).fetchall()
        except sqlite3.OperationalError:  # Its tables are being made.
            return []


TRIAL_RUNS = "select run_uuid, value from tags where key = 'trial'"
VERSIONS = "select name, version from model_versions order by version"


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_train__one_site_killed_while_tuning__goes_on_where_it_was_and_registers_once(
    finished: Any, prefect_url: str, processes: Callable[[Home], list[psutil.Process]], tmp_path: Path
) -> None:
    home = Home(tmp_path / "home")
    shutil.copytree(finished.job.home.data, home.data)
    for folder in finished.job.home.state.iterdir():
        if folder.name.startswith(DATA_STEPS):
            shutil.copytree(folder, home.state / folder.name)
    asked = ("phase_imbalance", "--substation", "delhi", "--trials")
    first = start(home, prefect_url, *asked, str(TRIALS))
    deadline = time.monotonic() + 240
    while len(ask(home, TRIAL_RUNS)) < 3 and first.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    assert first.poll() is None, first.communicate()
    first.send_signal(signal.SIGKILL)
    first.communicate()
    while processes(home) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not processes(home)
    kept = ask(home, TRIAL_RUNS)
    assert 3 <= len(kept) < TRIALS
    assert ask(home, VERSIONS) == []

    done = finish(start(home, prefect_url, *asked, str(TRIALS)))
    assert (done["name"], done["skipped"]) == (NAME, False)
    assert done["version"]["alias"] == "champion"
    assert done["version"]["tags"]["trained_by"] == "local"
    assert {row["substation"] for row in done["figures"]} == {"training", "delhi"}
    runs = ask(home, TRIAL_RUNS)
    assert set(kept) <= set(runs)
    assert sorted(int(number) for _, number in runs) == list(range(TRIALS))
    assert {state for (state,) in ask(home, "select status from runs")} == {"FINISHED"}
    assert {row["model"] for row in read_json(home.reports / "models.json")} == {NAME}

    assert finish(start(home, prefect_url, *asked, str(TRIALS)))["skipped"]
    assert ask(home, VERSIONS) == [(NAME, 1)]
    finish(start(home, prefect_url, *asked, str(MORE)))
    assert ask(home, VERSIONS) == [(NAME, 1), (NAME, 2)]
    assert len(list(home.optuna.glob("*.journal"))) == 1
