"""Processes that never outlive their parent, shown with real processes and real kills."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from switchyard.children import ChildError, lifeline_initializer, start_child
from switchyard.errors import UsageError

# A child with a grandchild in its group and one that leaves for a session of its own; both ids go to a file.
FAMILY = """
import subprocess, sys, time, os
from pathlib import Path
sleep = [sys.executable, "-c", "import time; time.sleep(300)"]
a = subprocess.Popen(sleep)
b = subprocess.Popen(sleep, start_new_session=True)
Path(sys.argv[1]).write_text(f"{os.getpid()} {a.pid} {b.pid}")
{extra}
time.sleep(300)
"""

PARENT = """
import sys, time
from pathlib import Path
from switchyard.children import start_child
child = start_child(["-c", sys.argv[1], sys.argv[2]], log_path=Path(sys.argv[3]), grace_s=0.5)
print(child.pid, flush=True)
time.sleep(300)
"""

POOL_PARENT = """
import multiprocessing, sys, time
from concurrent.futures import ProcessPoolExecutor
from switchyard.children import lifeline_initializer
if __name__ == "__main__":
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(2, mp_context=context, initializer=lifeline_initializer) as pool:
        futures = [pool.submit(time.sleep, 0.5) for _ in range(4)]
        [future.result() for future in futures]
        print(*pool._processes, flush=True)
        time.sleep(300)
"""


def wait_for(condition: Callable[[], bool], timeout_s: float = 10.0) -> bool:
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def gone(pids: list[int]) -> bool:
    return not any(alive(pid) for pid in pids)


def alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def family(extra: str = "") -> str:
    return FAMILY.replace("{extra}", extra)


def read_ids(path: Path) -> list[int]:
    assert wait_for(lambda: path.exists() and len(path.read_text().split()) == 3)
    return [int(part) for part in path.read_text().split()]


@pytest.mark.parametrize("ignores_sigterm", [False, True])
def test_start_child__parent_killed__all_descendants_gone(tmp_path: Path, ignores_sigterm: bool) -> None:
    extra = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)" if ignores_sigterm else ""
    ids, log = tmp_path / "ids", tmp_path / "log"
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, family(extra), str(ids), str(log)],
        stdout=subprocess.PIPE,
        start_new_session=True,
    ) as parent:
        assert parent.stdout is not None
        guard = int(parent.stdout.readline())
        pids = [*read_ids(ids), guard]
        assert not gone(pids[:1])
        os.killpg(parent.pid, signal.SIGKILL)
    assert wait_for(lambda: gone(pids), 5.0), log.read_text()


def test_start_child__guard_killed__command_ends(tmp_path: Path) -> None:
    ids = tmp_path / "ids"
    child = start_child(["-c", family(), str(ids)], log_path=tmp_path / "log")
    pids = read_ids(ids)
    os.kill(child.pid, signal.SIGKILL)
    try:
        if sys.platform == "linux":
            assert wait_for(lambda: gone(pids[:1]), 5.0)
        assert child.stop() == -signal.SIGKILL
    finally:
        for pid in pids:
            if not gone([pid]):
                os.kill(pid, signal.SIGKILL)


def test_stop__child_with_grandchildren__all_gone_and_code_of_the_signal(tmp_path: Path) -> None:
    ids = tmp_path / "ids"
    with start_child(["-c", family(), str(ids)], log_path=tmp_path / "log") as child:
        pids = read_ids(ids)
        assert child.poll() is None
        assert child.stop() == 128 + signal.SIGTERM
        assert gone([*pids, child.pid])
    assert child.poll() == 128 + signal.SIGTERM


def test_stop__child_ignores_sigterm__killed_after_its_grace(tmp_path: Path) -> None:
    ids = tmp_path / "ids"
    code = family("import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(0.2)")
    child = start_child(["-c", code, str(ids)], log_path=tmp_path / "log", grace_s=0.5)
    pids = read_ids(ids)
    time.sleep(0.3)
    started = time.monotonic()
    assert child.stop() == 128 + signal.SIGKILL
    assert 0.4 < time.monotonic() - started < 4
    assert gone(pids)


def test_poll__child_ends_by_itself__its_exit_code_and_no_orphans(tmp_path: Path) -> None:
    ids = tmp_path / "ids"
    child = start_child(["-c", family("sys.exit(7)"), str(ids)], log_path=tmp_path / "log")
    pids = read_ids(ids)
    assert wait_for(lambda: child.poll() is not None)
    assert child.poll() == 7
    assert gone(pids)


def test_wait_ready__child_fails__error_holds_the_end_of_its_log(tmp_path: Path) -> None:
    code = "import sys; print('line one'); sys.exit('port 80 is taken')"
    (tmp_path / "log").write_text("of an earlier server\n")
    with (
        start_child(["-c", code], log_path=tmp_path / "log", name="the server") as child,
        pytest.raises(ChildError, match=r"(?s)the server ended with exit code 1.*port 80 is taken") as caught,
    ):
        child.wait_ready(lambda: False, timeout_s=10)
    assert "earlier" not in str(caught.value)


def test_wait_ready__never_ready__error_after_the_timeout(tmp_path: Path) -> None:
    with (
        start_child(["-c", "import time; time.sleep(60)"], log_path=tmp_path / "log", name="it") as child,
        pytest.raises(ChildError, match=r"it was not ready after 0\.5 s; its log is empty"),
    ):
        child.wait_ready(lambda: False, timeout_s=0.5)


def test_start_child__env_and_cwd__reach_the_command(tmp_path: Path) -> None:
    code = "import os; print(os.environ['SWITCHYARD_TEST_WORD'], os.getcwd())"
    log = tmp_path / "log"
    with start_child(
        ["-c", code], log_path=log, env={"SWITCHYARD_TEST_WORD": "busbar"}, cwd=tmp_path
    ) as child:
        assert wait_for(lambda: child.poll() is not None)
    assert log.read_text().split() == ["busbar", str(tmp_path)]


def test_lifeline_initializer__pool_parent_killed__workers_gone(tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(POOL_PARENT)
    with subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        workers = [int(part) for part in parent.stdout.readline().split()]
        assert workers
        assert not gone(workers[:1])
        parent.send_signal(signal.SIGKILL)
    assert wait_for(lambda: gone(workers), 3.0)


def test_lifeline_initializer__outside_a_worker__refused() -> None:
    with pytest.raises(UsageError, match="outside a worker"):
        lifeline_initializer()
