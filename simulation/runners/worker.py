"""A watched worker process: it calls what it is sent, answers, and says while it is busy that it lives."""

from __future__ import annotations

import pickle
import signal
import threading
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any

from simulation.errors import SimulationError
from switchyard.children import lifeline_initializer

ALIVE, DONE, FAILED = "alive", "done", "failed"
"""What a worker's messages begin with: nothing follows, the value, or the error and its traceback."""


def serve(connection: Connection, prepare: Callable[[], None] | None, beat_s: float) -> None:
    """Life of a worker: calls one function after the other until its parent hangs up."""
    lifeline_initializer()
    # Ctrl-C in a terminal reaches all; the parent is the one to answer it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    speaking, busy = threading.Lock(), threading.Event()

    def beat() -> None:
        with suppress(OSError):
            while busy.wait():
                with speaking:
                    connection.send((ALIVE,))
                time.sleep(beat_s)

    threading.Thread(target=beat, name="heartbeat", daemon=True).start()
    if prepare is not None:
        busy.set()
        prepare()
        busy.clear()
    with suppress(EOFError, OSError):
        while True:
            call, arguments = connection.recv()
            busy.set()
            answer = _answer(call, arguments)
            busy.clear()
            with speaking:
                connection.send(answer)


def _answer(call: Callable[..., Any], arguments: tuple[Any, ...]) -> tuple[Any, ...]:
    """What comes of a call, in a form that can be handed over."""
    try:
        value = call(*arguments)
        pickle.dumps(value)
    except Exception as error:  # noqa: BLE001 - the parent raises it again
        text = traceback.format_exc()
        try:
            pickle.loads(pickle.dumps(error))  # noqa: S301 - its own
        except Exception:  # noqa: BLE001 - a class can refuse in any way
            return (FAILED, SimulationError(f"{type(error).__name__}: {error}"), text)
        return (FAILED, error, text)
    return (DONE, value)
