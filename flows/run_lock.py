"""One run at a time on one home."""

from __future__ import annotations

import fcntl
import os
import shutil
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from switchyard.errors import SwitchyardError
from switchyard.home import Home

_held: dict[Path, int] = {}
_guard = threading.Lock()


class HomeBusyError(SwitchyardError):
    """Another process is running a flow on the same home."""


@contextmanager
def run_lock(home: Home) -> Iterator[bool]:
    """Hold the home for this process; may be entered again by flows within the run that holds it.

    The kernel frees the lock when its process ends, however it ends. Whoever takes it knows that no other run
    of this home is alive, and removes the scratch files that a killed one left in `tmp/`.

    Yields:
        True where this call took the lock, False where this process held it already.

    Raises:
        HomeBusyError: Another process holds it; the message names the process.
    """
    path = home.root / "run.lock"
    first = _take(path)
    if first:
        shutil.rmtree(home.root / "tmp", ignore_errors=True)
    try:
        yield first
    finally:
        if first:
            _release(path)


def _take(path: Path) -> bool:
    with _guard:
        if path in _held:
            return False
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.read(descriptor, 4096).decode(errors="replace").strip() or "another process"
            os.close(descriptor)
            raise HomeBusyError(
                f"{path.parent} is in use by {holder}",
                "wait until it ends, or choose another folder with --home",
            ) from error
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"process {os.getpid()} ({' '.join(sys.argv)[:400]})\n".encode())
        _held[path] = descriptor
        return True


def _release(path: Path) -> None:
    with _guard:
        os.close(_held.pop(path))
