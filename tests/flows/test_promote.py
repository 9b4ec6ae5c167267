"""`switchyard promote` and `rollback` on a home in which a whole run has been: flows under Prefect."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from models import registry
from switchyard.home import Home

MINI = Path(__file__).with_name("mini.yaml")
NAME = "phase_imbalance"

pytestmark = pytest.mark.timeout(1800)


@pytest.fixture
def home(finished: Any, tmp_path: Path) -> Home:
    """A copy of the finished home's registry, records and snapshots; its datasets and files stay there."""
    whole, copy = finished.job.home, Home(tmp_path / "home")
    copy.root.mkdir()
    copy.data.symlink_to(whole.data)
    shutil.copy(whole.mlflow_db, copy.mlflow_db)
    shutil.copytree(whole.state, copy.state)
    shutil.copytree(whole.serving, copy.serving)
    return copy


def command(home: Home, url: str, *words: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    where = {"SWITCHYARD_TEST_RUN": str(home.root), "PREFECT_API_URL": url, "PREFECT_HOME": str(home.prefect)}
    line = [sys.executable, "-c", "from switchyard.cli import main; main()", *words]
    return subprocess.run(
        [*line, "--home", str(home.root), "--profile", str(MINI)],
        env={**kept, **where},
        capture_output=True,
        text=True,
        check=False,
        timeout=400,
    )


@pytest.mark.slow
def test_promote_and_rollback__federated_challenger__by_the_rule_then_forced_then_back(
    home: Home, prefect_url: str
) -> None:
    challenger = registry.get(home, NAME, registry.CHALLENGER)
    assert challenger.tags["trained_by"] == "federated"
    served = home.current.read_text()

    asked = command(home, prefect_url, "promote", NAME)
    assert f"{NAME}: version {challenger.version} beside champion 1" in asked.stdout, asked.stderr
    decision = registry.get(home, NAME, challenger.version).tags["promotion"]
    assert asked.returncode == {"promoted": 0, "refused": 1}[decision], asked.stderr

    if decision == "refused":
        assert home.current.read_text() == served
        forced = command(home, prefect_url, "promote", NAME, "--force", "a test", "--json")
        assert forced.returncode == 0, forced.stderr
        outcome = json.loads(forced.stdout.splitlines()[-1])
        assert outcome["decision"]["decision"] == "forced"
        assert outcome["published"]["versions"][NAME] == str(challenger.version)
    assert home.current.read_text() != served

    back = command(home, prefect_url, "rollback", NAME)
    assert back.returncode == 0, back.stderr
    assert f"with {NAME} version 1" in back.stdout
    assert home.current.read_text() == served
    again = command(home, prefect_url, "rollback", NAME)
    assert again.returncode == 1
    assert "has replaced no other version" in again.stderr
