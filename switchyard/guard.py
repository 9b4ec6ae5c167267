"""The guard process of a long-running child: see `switchyard.children`.

`python -m switchyard.guard <lifeline> <parent> <grace> <program> [arguments]` runs the program until it ends
or the parent is gone: descriptor of the lifeline, process id of the parent, grace period in seconds.
"""

from __future__ import annotations

import ctypes
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
# Bound on the wait for processes that were sent SIGKILL; only one stuck in the kernel takes longer.
SWEEP_S = 5.0


class Guard:
    """Runs one command in a session of its own and leaves none of its descendants behind.

    On Linux the guard adopts orphaned descendants (child subreaper), so that those which left the command's
    process group are found as well, and a guard that is itself killed takes the command with it by the
    kernel's parent-death signal. Elsewhere it ends the command's process group.

    Attributes:
        lifeline: Read end of the pipe whose write end the parent alone holds.
        parent: Process id of the parent.
        grace_s: Seconds between SIGTERM to the command and SIGKILL to everything.
        command: Program and arguments.
    """

    def __init__(self, lifeline: int, parent: int, grace_s: float, command: Sequence[str]) -> None:
        self.lifeline = lifeline
        self.parent = parent
        self.grace_s = grace_s
        self.command = list(command)
        self._stop_asked = False

    def run(self) -> int:
        """Run the command to its end, or to the parent's; return its exit code."""
        linux = sys.platform == "linux"
        if linux:
            _prctl(PR_SET_CHILD_SUBREAPER, 1)
        wake_read, wake_write = os.pipe()
        os.set_blocking(wake_write, False)
        signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
        for number in STOP_SIGNALS:
            signal.signal(number, self._ask_stop)
        # Without a handler of ours SIGCHLD would not write to the wake-up pipe.
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
        process = subprocess.Popen(  # noqa: S603 - the command that our own parent asked for
            self.command,
            start_new_session=True,
            preexec_fn=_die_with_parent if linux else None,  # noqa: PLW1509 - the guard has one thread
        )
        self._watch(process, wake_read)
        self._sweep(process)
        code = process.returncode
        return code if code >= 0 else 128 - code

    def _ask_stop(self, _number: int, _frame: object) -> None:
        self._stop_asked = True

    def _watch(self, process: subprocess.Popen[bytes], wake_read: int) -> None:
        deadline: float | None = None
        watched = [self.lifeline, wake_read]
        while process.poll() is None:
            _reap_orphans(process)
            ready, _, _ = select.select(watched, [], [], 0.2 if deadline else 1.0)
            if wake_read in ready:
                os.read(wake_read, 4096)
            if self.lifeline in ready:
                watched.remove(self.lifeline)
                self._stop_asked = True
            # The pipe tells at once; the parent's id covers a write end that leaked into another process.
            if os.getppid() != self.parent:
                self._stop_asked = True
            if self._stop_asked and deadline is None:
                process.terminate()
                deadline = time.monotonic() + self.grace_s
            if deadline is not None and time.monotonic() > deadline:
                return

    def _sweep(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + SWEEP_S
        while time.monotonic() < deadline:
            _kill_group(process.pid)
            left = list(_descendants(os.getpid()))
            for pid in left:
                _kill(pid)
            _reap_orphans(process)
            if process.returncode is not None and not left:
                return
            time.sleep(0.02)
        if process.returncode is None:
            process.returncode = -signal.SIGKILL


def _prctl(option: int, value: int) -> None:
    ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)


def _die_with_parent() -> None:
    # SIGTERM, not SIGKILL: a supervisor can still end its own workers.
    _prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _reap_orphans(process: subprocess.Popen[bytes]) -> None:
    """Collect ended adopted processes; the command itself is left to its `Popen`."""
    if sys.platform != "linux":
        return
    process.poll()
    while True:
        try:
            ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            return
        if ended is None or ended.si_pid == process.pid:
            return
        os.waitpid(ended.si_pid, os.WNOHANG)


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _kill_group(group: int) -> None:
    try:
        os.killpg(group, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        # macOS answers "not permitted" for a group of which only a zombie is left.
        return


def _parents() -> dict[int, int]:
    """Parent of every live process, from `/proc`; empty where there is none."""
    found = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            text = entry.read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        # The command name, in brackets, may hold blanks and brackets.
        fields = text.rpartition(")")[2].split()
        found[int(entry.parent.name)] = int(fields[1])
    return found


def _descendants(root: int) -> Iterator[int]:
    parents = _parents()
    level = {root}
    while level:
        level = {pid for pid, parent in parents.items() if parent in level}
        yield from level


if __name__ == "__main__":
    lifeline, parent, grace_s, *command = sys.argv[1:]
    sys.exit(Guard(int(lifeline), int(parent), float(grace_s), command).run())
