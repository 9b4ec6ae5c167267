"""Who asked what: one JSON object a line, written off the hot path, in files of bounded number and size.

A request costs one append to a list; a thread writes what has come together four times a second. What it has
not written when the process is killed is lost. Neither keys nor readings are in it; the JSON encoder escapes
control characters, so that nothing that a client names can begin a line of its own.
"""

from __future__ import annotations

import fcntl
import os
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from serving import metrics
from serving.visit import Visit
from switchyard.log import get_logger

_log = get_logger("serving")

MODE = 0o640
WAITING = 10_000
MIB = 1 << 20


class Line(msgspec.Struct, frozen=True):
    """One line.

    Attributes:
        time: When the request was answered, UTC.
        who: Name of the key; `certificate` or `-` where none is in force.
        request_id: Name of the request.
        route: Template of its path.
        status: HTTP status; 499 where the client went away.
        ms: From its head to its answer.
        substations: Substations that its items name.
        items: Items in it.
        refused: Of these, those that were not answered.
        snapshot: The set of versions that answered.
        worker: Process that answered.
    """

    time: datetime
    who: str
    request_id: str
    route: str
    status: int
    ms: float
    substations: list[str]
    items: int
    refused: int
    snapshot: str
    worker: int


class Audit:
    """The log of one worker; several workers write to one file.

    Args:
        path: The file. Older ones have `.1`, `.2`, … behind their name.
        file_bytes: Size from which on a new file is begun.
        files: How many files are kept, this one counted.
        every_s: Seconds between two writes.
    """

    def __init__(self, path: Path, file_bytes: int, files: int, every_s: float = 0.25) -> None:
        self._path = path
        self._lock = path.with_suffix(".lock")
        self._file_bytes = file_bytes
        self._files = files
        self._every_s = every_s
        self._waiting: deque[tuple[float, str, int, float, Visit]] = deque()
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None
        self._failing = False

    def note(self, visit: Visit, route: str, status: int, seconds: float) -> None:
        """Have a line written; where the disk does not keep up, the line is counted as lost in its place."""
        if len(self._waiting) >= WAITING:
            metrics.audit_lost.inc()
            return
        self._waiting.append((time.time(), route, status, seconds, visit))

    def start(self) -> None:
        """Begin to write."""
        self._thread = threading.Thread(target=self._write_on, name="audit", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Write what is waiting and end."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join()
        self.flush()

    def flush(self) -> None:
        """Write what is waiting."""
        count = len(self._waiting)
        if not count:
            return
        lines = b"".join(_line(*self._waiting.popleft()) for _ in range(count))
        try:
            with self._locked():
                self._append(lines)
        except OSError as error:
            metrics.audit_lost.inc(count)
            if not self._failing:
                _log.error("audit lines are lost: %s: %s", self._path, error.strerror)
            self._failing = True
            return
        self._failing = False

    def _write_on(self) -> None:
        while not self._stopped.wait(self._every_s):
            self.flush()

    def _append(self, lines: bytes) -> None:
        descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, MODE)
        try:
            if (size := os.fstat(descriptor).st_size) and size + len(lines) > self._file_bytes:
                os.close(descriptor)
                descriptor = -1
                self._begin_anew()
                descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, MODE)
            rest = memoryview(lines)
            while rest:
                rest = rest[os.write(descriptor, rest) :]
        finally:
            if descriptor >= 0:
                os.close(descriptor)

    def _begin_anew(self) -> None:
        for number in range(self._files - 1, 0, -1):
            older = self._numbered(number - 1)
            if older.exists():
                older.replace(self._numbered(number))
        if self._files == 1:
            self._path.unlink()

    def _numbered(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{number}") if number else self._path

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Keep other workers from the files."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._lock, os.O_WRONLY | os.O_CREAT, MODE)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


def _line(at: float, route: str, status: int, seconds: float, visit: Visit) -> bytes:
    line = Line(
        time=datetime.fromtimestamp(at, UTC),
        who=visit.caller.name,
        request_id=visit.request_id,
        route=route,
        status=status,
        ms=round(1e3 * seconds, 3),
        substations=sorted(visit.substations),
        items=visit.items,
        refused=visit.refused,
        snapshot=visit.snapshot,
        worker=os.getpid(),
    )
    return msgspec.json.encode(line) + b"\n"
