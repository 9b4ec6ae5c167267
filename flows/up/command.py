"""What `switchyard up` and `switchyard down` do."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from flows.up.parts import MLFLOW, PREFECT, SERVICE, WORKER, choose_ports, elsewhere, parts
from flows.up.state import AlreadyUpError, UpState, held, read_state
from flows.up.supervisor import Supervisor
from switchyard.errors import SwitchyardError
from switchyard.home import Home

SETTLE_S = 300.0
# The guards' longest grace twice (the worker's, then the server's), and some seconds of a busy machine.
DOWN_S = 45.0
KILLED_S = 20.0

Ports = Mapping[str, int | None]


class NotUpError(SwitchyardError):
    """The supervisor did not come up, or came up with nothing that answers."""


def supervise(home: Home, ports: Ports, on_settled: Callable[[UpState], None]) -> None:
    """Run everything in this process until it is told to stop.

    Args:
        home: The installation's folders.
        ports: Port that was asked for, by part, or None.
        on_settled: Called once, when every part has answered or has been given up.

    Raises:
        AlreadyUpError: Another supervisor holds the home.
        UsageError: A port that was asked for is taken.
        NotUpError: Every part was given up.
    """
    if held(home):
        raise AlreadyUpError(f"{home.root} is up already", "switchyard status shows the addresses")
    chosen = choose_ports({SERVICE: None, MLFLOW: None, PREFECT: None, WORKER: None, **ports})
    found = Supervisor(home, parts(home, chosen), others=elsewhere(home), on_settled=on_settled).run()
    if all(one.state == "failed" for one in found.parts):
        raise NotUpError(
            "every part was given up: " + "; ".join(f"{one.name} {one.note}" for one in found.parts)
        )


def detach(home: Home, ports: Ports, timeout_s: float = SETTLE_S) -> UpState:
    """Start a supervisor in a session of its own and wait until every part has answered or was given up.

    Args:
        home: The installation's folders.
        ports: Port that was asked for, by part, or None.
        timeout_s: Longest wait; the supervisor goes on after it.

    Returns:
        What it said then.

    Raises:
        NotUpError: It ended; the message holds the end of its log.
        UsageError: A port that was asked for is taken.
    """
    choose_ports(ports)
    log_path = home.logs / "up.log"
    log_path.parent.mkdir(parents=True, exist_ok=True)
    with log_path.open("ab") as log:
        start = log.tell()
        words = [f"{name}={port}" for name, port in ports.items() if port is not None]
        process = subprocess.Popen(  # noqa: S603 - the interpreter itself, with arguments of our own
            [sys.executable, "-m", "flows.up.detached", *words],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env={**os.environ, "SWITCHYARD_HOME": str(home.root)},
            start_new_session=True,
        )
    try:
        return _wait_settled(home, process, log_path, start, timeout_s)
    except KeyboardInterrupt:
        process.terminate()
        process.wait()
        raise


def _wait_settled(
    home: Home, process: subprocess.Popen[bytes], log_path: Path, start: int, timeout_s: float
) -> UpState:
    deadline = time.monotonic() + timeout_s
    while True:
        if process.poll() is not None:
            said = log_path.read_bytes()[start:].decode(errors="replace").splitlines()
            raise NotUpError(
                f"the supervisor ended with exit code {process.returncode}: {' / '.join(said[-5:])}",
                f"see {log_path}",
            )
        state = read_state(home)
        if state is not None and state.pid == process.pid:
            if state.settled:
                return state
            if time.monotonic() > deadline:
                return state
        time.sleep(0.1)


def down(home: Home) -> UpState | None:
    """End what is up on a home and wait until it is gone; returns what it was, None where nothing was up.

    A supervisor that does not end in time is killed; its guards then end the parts.

    Raises:
        SwitchyardError: Something is left running in spite of all.
    """
    state = read_state(home)
    if state is None:
        return None
    _signal(state.pid, signal.SIGTERM)
    if not _wait(lambda: not held(home), DOWN_S):
        _signal(state.pid, signal.SIGKILL)
    guards = [one.pid for one in state.parts if one.pid is not None]
    if not _wait(lambda: not held(home) and not any(map(_alive, guards)), KILLED_S):
        left = ", ".join(str(pid) for pid in guards if _alive(pid))
        raise SwitchyardError(f"processes are left: {left or state.pid}", "end them by hand")
    return state


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        # The number belongs to somebody else's process by now.
        return False
    return True


def _wait(condition: Callable[[], bool], timeout_s: float) -> bool:
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True
