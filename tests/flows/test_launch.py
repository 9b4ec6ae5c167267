"""What stops a run before it has started anything."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from flows.launch import launch
from flows.run_lock import HomeBusyError
from switchyard.errors import ConfigurationError, UsageError
from switchyard.home import Home

MINI = Path(__file__).with_name("mini.yaml")

HOLDER = """
import sys, time
from flows.run_lock import run_lock
from switchyard.home import Home
with run_lock(Home(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_launch__unknown_flow__usage_error_names_the_known(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no flow 'deploy' — choose one of pipeline, simulate"):
        launch("deploy", "tiny", Home(tmp_path))


def test_launch__profile_names_an_unknown_substation__told_before_anything_is_written(tmp_path: Path) -> None:
    profile = tmp_path / "mine.yaml"
    profile.write_text(MINI.read_text().replace("delhi", "delhy"))
    with pytest.raises(ConfigurationError, match="delhy"):
        launch("pipeline", str(profile), Home(tmp_path / "home"))
    assert not (tmp_path / "home").exists()


def test_launch__home_in_use__error_names_the_process(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        with pytest.raises(HomeBusyError, match=f"process {holder.pid}"):
            launch("pipeline", str(MINI), Home(tmp_path))
        holder.kill()
    assert not (tmp_path / "prefect").exists()
