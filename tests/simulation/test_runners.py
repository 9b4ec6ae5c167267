"""Watched processes with tasks of the standard library: dead, stopped, endless and failing ones."""

import operator
import os
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future
from typing import Any

import pytest

from simulation.errors import WorkerLostError
from simulation.runners.processes import Patience, Processes

SHORT = Patience(silent_s=2.0, least_s=60.0)


@pytest.fixture
def one() -> Iterator[Processes]:
    processes = Processes(1, patience=SHORT)
    processes.start()
    yield processes
    processes.stop()


def outcome(processes: Processes, future: Future[Any]) -> Any:
    while not future.done():
        processes.look_after()
    return future.result()


def until_it_runs(processes: Processes, seconds: float = 1.0) -> None:
    """Hand the work out and give the process the time to begin it."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        processes.look_after()


def test_submit__several_calls__give_their_results(one: Processes) -> None:
    futures = [one.submit(f"call {k}", operator.mul, k, 2) for k in range(5)]

    assert [outcome(one, future) for future in futures] == [0, 2, 4, 6, 8]
    assert len(one.pids) == 1


def test_submit__call_that_raises__raises_the_same_here_with_the_traceback(one: Processes) -> None:
    with pytest.raises(ZeroDivisionError) as found:
        outcome(one, one.submit("division", operator.truediv, 1, 0))

    assert "in a worker process" in found.value.__notes__[0]
    assert outcome(one, one.submit("after it", operator.add, 1, 1)) == 2


def test_submit__result_that_cannot_be_handed_over__is_an_error(one: Processes) -> None:
    with pytest.raises(TypeError, match="pickle"):
        outcome(one, one.submit("a lock", threading.Lock))


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "stopped"])
def test_look_after__worker_killed_or_stopped_at_its_task__has_it_done_again(
    one: Processes, how: signal.Signals
) -> None:
    future = one.submit("a nap", time.sleep, 1.5)
    until_it_runs(one)
    (before,) = one.pids

    os.kill(before, how)

    assert outcome(one, future) is None
    (after,) = one.pids
    assert after != before
    with pytest.raises(ProcessLookupError):
        os.kill(before, 0)


def test_look_after__worker_stopped_before_it_takes_its_task__has_it_done_again(one: Processes) -> None:
    assert outcome(one, one.submit("first", operator.add, 1, 1)) == 2
    os.kill(one.pids[0], signal.SIGSTOP)

    # More than a pipe holds.
    assert outcome(one, one.submit("a large argument", len, b"x" * 4_000_000)) == 4_000_000


def test_look_after__task_far_longer_than_any_before__is_done_again_and_given_up() -> None:
    processes = Processes(1, patience=Patience(silent_s=5.0, least_s=0.6, multiple=2.0, attempts=2))
    processes.start()
    try:
        with pytest.raises(WorkerLostError, match=r"endless lost its worker 2 times.*not done after 0.6 s"):
            outcome(processes, processes.submit("endless", time.sleep, 3600.0))
    finally:
        processes.stop()


def test_look_after__task_that_kills_every_worker__is_given_up_and_the_next_one_is_done(
    one: Processes,
) -> None:
    with pytest.raises(
        WorkerLostError, match=r"poison lost its worker 3 times: process \d+ died with exit code 7"
    ):
        outcome(one, one.submit("poison", os._exit, 7))

    assert outcome(one, one.submit("after it", operator.add, 1, 1)) == 2


def test_look_after__nobody_listened_for_long__holds_no_silence_against_a_worker(one: Processes) -> None:
    future = one.submit("a nap", time.sleep, 3.5)
    until_it_runs(one, 0.5)
    (before,) = one.pids

    time.sleep(2.5)

    assert outcome(one, future) is None
    assert one.pids == (before,)


def test_stop__busy_worker__is_ended_at_once() -> None:
    processes = Processes(1, patience=SHORT)
    processes.start()
    processes.submit("a long nap", time.sleep, 3600.0)
    until_it_runs(processes)
    (pid,) = processes.pids

    processes.stop()

    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
