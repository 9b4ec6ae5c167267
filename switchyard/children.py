"""Processes that never outlive the one that started them, however it ends.

A pool's workers watch their parent by `lifeline_initializer`. A long-running child (a server) is started by
`start_child` under a guard, `python -m switchyard.guard`, which holds one end of a pipe whose other end
only the parent has. When the parent is gone, killed with SIGKILL included, the pipe closes and the guard ends
the child and all that descends from it.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from switchyard.errors import SwitchyardError, UsageError

LOST_PARENT = 113


class ChildError(SwitchyardError):
    """A child process ended or did not become ready."""


def lifeline_initializer() -> None:
    """End this pool worker as soon as its parent has died; the initializer of every process pool.

    A worker of `concurrent.futures` waits for work on a queue whose two ends it holds itself, so it would
    wait for ever. The kernel's parent-death signal is not used: it is sent when the *thread* that started the
    worker ends, and threads of an orchestrator come and go.

    Raises:
        UsageError: The caller is not a worker that `multiprocessing` started.
    """
    import multiprocessing

    parent = multiprocessing.parent_process()
    if parent is None:
        raise UsageError(
            "lifeline_initializer was called outside a worker", "pass it to a pool as initializer"
        )
    threading.Thread(target=_exit_after, args=(parent.sentinel,), name="lifeline", daemon=True).start()


def _exit_after(sentinel: int) -> None:
    from multiprocessing.connection import wait

    wait([sentinel])
    os._exit(LOST_PARENT)


class ChildProcess:
    """A running child. Use it as a context manager, or call `stop`.

    Attributes:
        name: What messages call it.
        pid: Process id of its guard.
        log_path: File with the child's standard output and error.
    """

    def __init__(
        self, name: str, process: subprocess.Popen[bytes], lifeline: int, log_path: Path, log_start: int
    ) -> None:
        self.name = name
        self.pid = process.pid
        self.log_path = log_path
        self._process = process
        self._log_start = log_start
        self._lifeline: int | None = lifeline

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def poll(self) -> int | None:
        """Exit code (128 + signal where a signal ended it), or None while it runs."""
        code = self._process.poll()
        if code is not None:
            self._release()
        return code

    def stop(self) -> int:
        """Ask the child to end (SIGTERM), kill what is left after its grace period; return the exit code.

        Safe to call twice and after the child has ended by itself.
        """
        if self._process.poll() is None:
            self._process.terminate()
        # The guard bounds its own stopping, so this wait ends.
        code = self._process.wait()
        self._release()
        return code

    def wait_ready(self, ready: Callable[[], bool], *, timeout_s: float, every_s: float = 0.1) -> None:
        """Wait until `ready` answers True.

        Raises:
            ChildError: The child ended, or `timeout_s` passed; the message holds the end of its log.
        """
        deadline = time.monotonic() + timeout_s
        while not ready():
            code = self.poll()
            if code is not None:
                raise ChildError(
                    f"{self.name} ended with exit code {code}{self._tail()}", f"see {self.log_path}"
                )
            if time.monotonic() > deadline:
                raise ChildError(
                    f"{self.name} was not ready after {timeout_s:g} s{self._tail()}", f"see {self.log_path}"
                )
            time.sleep(every_s)

    def log_tail(self, lines: int = 15) -> str:
        """The last lines that the child wrote; what earlier ones wrote to the same file is left out."""
        if not self.log_path.exists():
            return ""
        with self.log_path.open("rb") as log:
            log.seek(self._log_start)
            text = log.read().decode(errors="replace")
        return "\n".join(text.splitlines()[-lines:])

    def _tail(self) -> str:
        tail = self.log_tail()
        return f"; its log ends:\n{tail}\n" if tail else "; its log is empty"

    def _release(self) -> None:
        if self._lifeline is not None:
            os.close(self._lifeline)
            self._lifeline = None


def start_child(
    args: Sequence[str],
    *,
    log_path: Path,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    name: str | None = None,
    grace_s: float = 5.0,
) -> ChildProcess:
    """Start `python <args>` tied to the life of this process.

    The guard and the child live in sessions of their own: a Ctrl-C in the terminal reaches only the parent,
    which stops its children in order, and a kill of the parent's whole process group leaves the guard to tidy
    up.

    Args:
        args: Arguments of the Python interpreter, e.g. `["-m", "prefect", "version"]`.
        log_path: File that its output is appended to.
        env: Variables set on top of this process's own.
        cwd: Working directory; None for this process's own.
        name: What messages call the child; the first arguments where None.
        grace_s: Seconds between the request to end and the kill.

    Returns:
        The running child; it may not be ready to serve yet.
    """
    log_path.parent.mkdir(parents=True, exist_ok=True)
    read_end, write_end = os.pipe()
    guard = [sys.executable, "-m", "switchyard.guard", str(read_end), str(os.getpid()), str(grace_s)]
    try:
        with log_path.open("ab") as log:
            log_start = log.tell()
            process = subprocess.Popen(  # noqa: S603 - the interpreter itself, with arguments of our own
                [*guard, sys.executable, *args],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, **(env or {})},
                cwd=cwd,
                pass_fds=(read_end,),
                start_new_session=True,
            )
    except OSError:
        os.close(write_end)
        raise
    finally:
        os.close(read_end)
    return ChildProcess(name or " ".join(args[:2]), process, write_end, log_path, log_start)


def free_port() -> int:
    """A loopback port that nothing listens on at this moment."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
