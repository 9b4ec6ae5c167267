"""One run at a time on one home."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from flows.run_lock import HomeBusyError, run_lock
from switchyard.home import Home

HOLDER = """
import sys, time
from flows.run_lock import run_lock
from switchyard.home import Home
with run_lock(Home(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_run_lock__held_by_another_process__error_names_it_and_frees_when_it_is_killed(
    tmp_path: Path,
) -> None:
    with subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(HomeBusyError, match=f"in use by process {holder.pid}"), run_lock(Home(tmp_path)):
            pytest.fail("two processes hold one home")
        holder.kill()
    with run_lock(Home(tmp_path)) as first:
        assert first


def test_run_lock__entered_within_itself__held_until_the_outer_one_ends(tmp_path: Path) -> None:
    attempt = [sys.executable, "-c", HOLDER.replace("60", "0"), str(tmp_path)]
    with run_lock(Home(tmp_path)):
        with run_lock(Home(tmp_path)) as first:
            assert not first
        refused = subprocess.run(attempt, capture_output=True, text=True, check=False)
        assert "HomeBusyError" in refused.stderr
    assert subprocess.run(attempt, capture_output=True, check=False).returncode == 0


def test_run_lock__other_home__free(tmp_path: Path) -> None:
    with run_lock(Home(tmp_path / "a")) as a, run_lock(Home(tmp_path / "b")) as b:
        assert a
        assert b
