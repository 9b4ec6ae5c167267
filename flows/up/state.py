"""What is up on a home: a lock that only a living supervisor holds, and a file with its addresses."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import msgspec

from switchyard.errors import SwitchyardError
from switchyard.files import write_json_atomic
from switchyard.home import Home

State = Literal["starting", "answers", "waits", "done", "restarting", "failed", "elsewhere"]
# A part in one of these needs no more patience of whoever waits for the table.
SETTLED: frozenset[State] = frozenset({"answers", "waits", "done", "failed", "elsewhere"})
# A look at the lock takes it for an instant.
LOCK_PATIENCE_S = 2.0


class AlreadyUpError(SwitchyardError):
    """A supervisor holds this home."""


class PartState(msgspec.Struct, frozen=True):
    """How one part is.

    Attributes:
        name: The part.
        url: Where it answers; empty for a part without an address.
        state: `starting`, `answers`, `waits` (alive, but lacks something), `done`, `restarting`, `failed`
            (given up) or `elsewhere` (not ours to run).
        note: What there is to say.
        restarts: How often it has been started again.
        pid: Process id of its guard; None while it has no process.
    """

    name: str
    url: str
    state: State
    note: str = ""
    restarts: int = 0
    pid: int | None = None


class UpState(msgspec.Struct, frozen=True):
    """What the supervisor of a home says.

    Attributes:
        pid: Its process id.
        started: When it started (UTC, ISO 8601).
        settled: Whether every part has answered, or has been given up, since then.
        parts: The parts in the order of the table.
    """

    pid: int
    started: str
    settled: bool
    parts: tuple[PartState, ...]

    def url(self, name: str) -> str | None:
        """Where the part `name` answers now; None where it does not."""
        return next((one.url for one in self.parts if one.name == name and one.state == "answers"), None)


def state_file(home: Home) -> Path:
    """The file that the supervisor writes."""
    return home.root / "up.json"


def lock_file(home: Home) -> Path:
    """The file that the supervisor has locked."""
    return home.root / "up.lock"


def write_state(home: Home, state: UpState) -> None:
    """Write what the supervisor says, whole or not at all."""
    write_json_atomic(state_file(home), msgspec.to_builtins(state))


def held(home: Home) -> bool:
    """Whether a living supervisor holds the home; the kernel frees the lock of one that was killed."""
    return is_locked(lock_file(home))


def is_locked(path: Path) -> bool:
    """Whether a living process has locked the file."""
    try:
        descriptor = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def read_state(home: Home) -> UpState | None:
    """What the living supervisor of the home says; None when there is none.

    Raises:
        SwitchyardError: A supervisor lives, but its file cannot be read.
    """
    if not held(home):
        return None
    path = state_file(home)
    deadline = time.monotonic() + LOCK_PATIENCE_S
    while True:
        try:
            return msgspec.json.decode(path.read_bytes(), type=UpState)
        except (FileNotFoundError, msgspec.MsgspecError) as error:
            # It writes the file right after it has taken the lock.
            if not held(home):
                return None
            if time.monotonic() > deadline:
                raise SwitchyardError(
                    f"{path} cannot be read: {error}", "stop that process and start it again"
                ) from error
        time.sleep(0.05)


@contextmanager
def hold(home: Home) -> Iterator[None]:
    """Hold the home as its supervisor.

    Raises:
        AlreadyUpError: Another supervisor does.
    """
    home.root.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(lock_file(home), os.O_RDWR | os.O_CREAT, 0o644)
    try:
        _lock(descriptor, home)
        # What a killed supervisor left says nothing about this one.
        state_file(home).unlink(missing_ok=True)
        yield
        state_file(home).unlink(missing_ok=True)
    finally:
        os.close(descriptor)


def _lock(descriptor: int, home: Home) -> None:
    deadline = time.monotonic() + LOCK_PATIENCE_S
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if time.monotonic() > deadline:
                raise AlreadyUpError(
                    f"{home.root} is up already", "switchyard status shows the addresses"
                ) from error
            time.sleep(0.05)
        else:
            return
