"""Processes that solve tasks under watch: what a dead or a hung one had is done again in a fresh one.

A busy worker says every so often that it lives. One that is silent (stopped, swapped out, stuck in native
code that holds the interpreter) and one that lives but takes far longer than any task before it are killed;
one that died by itself is noticed at once. A task that loses its worker time and again is given up.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Any, Generic, TypeVar

from simulation.errors import WorkerLostError
from simulation.runners.worker import ALIVE, DONE, serve
from switchyard.log import get_logger

T = TypeVar("T")

# How often the watch looks at its workers where none says anything, and how long one may take to go.
_LOOK_S, _GOING_S = 0.5, 5.0

_REMEDY = "look for a kill, exhausted memory or a stopped process and run again: finished parts are kept"

_log = get_logger("simulation")


@dataclass(frozen=True, slots=True)
class Patience:
    """When a worker counts as hung, and how often a task is done again.

    Attributes:
        silent_s: Seconds without a sign of life.
        starting_s: The same for a process that has not said anything yet: it is importing.
        least_s: Seconds that any task may take.
        multiple: Longer ones may take so many times the longest task that was ever finished here.
        attempts: Workers that a task may lose before it is given up.
    """

    silent_s: float = 60.0
    starting_s: float = 120.0
    least_s: float = 900.0
    multiple: float = 20.0
    attempts: int = 3


@dataclass(eq=False, slots=True)
class Task(Generic[T]):
    """A call that some worker makes.

    Attributes:
        name: For people.
        call: Importable function.
        arguments: Its arguments.
        future: What comes of it.
        losses: What became of each worker that had it and did not finish.
    """

    name: str
    call: Callable[..., T]
    arguments: tuple[Any, ...]
    future: Future[T] = field(default_factory=Future)
    losses: list[str] = field(default_factory=list)


@dataclass(eq=False, slots=True)
class _Worker:
    process: SpawnProcess
    connection: Connection
    task: Task[Any] | None = None
    begun_at: float = 0.0
    heard_at: float = 0.0
    spoke: bool = False
    sender: threading.Thread | None = None


class Processes:
    """A fixed number of watched processes, used by one thread.

    Attributes:
        count: Number of processes.
    """

    def __init__(
        self, count: int, prepare: Callable[[], None] | None = None, patience: Patience | None = None
    ) -> None:
        self.count = count
        self._prepare = prepare
        self._patience = Patience() if patience is None else patience
        self._queue: deque[Task[Any]] = deque()
        self._workers: list[_Worker] = []
        self._longest_s = 0.0
        self._looked_at = time.monotonic()

    @property
    def pids(self) -> tuple[int, ...]:
        """Process ids of the workers that run now."""
        return tuple(worker.process.pid or 0 for worker in self._workers)

    def start(self) -> None:
        """Start all processes at once; each calls `prepare` while it waits for its first task."""
        while len(self._workers) < self.count:
            self._spawn()

    def stop(self) -> None:
        """End all processes; what they are at is given up."""
        self._queue.clear()
        for worker in self._workers:
            if worker.task is not None:
                worker.process.kill()
            else:
                worker.connection.close()
        for worker in self._workers:
            self._end(worker)
        self._workers.clear()

    def submit(self, name: str, call: Callable[..., T], *arguments: Any) -> Future[T]:
        """Queue a call; it begins when the processes are next looked after.

        Args:
            name: What messages call it.
            call: Importable function.
            arguments: Its arguments.

        Returns:
            What comes of it. Its error may be a WorkerLostError: one worker after the other was lost.
        """
        task = Task(name, call, arguments)
        self._queue.append(task)
        return task.future

    def drop(self, futures: Iterable[Future[Any]]) -> None:
        """Forget calls that have not begun; what is running runs on, and nobody asks for its result."""
        unwanted = set(futures)
        self._queue = deque(task for task in self._queue if task.future not in unwanted)

    def look_after(self) -> None:
        """Hand out work, take results and signs of life, and replace what is dead or hung; returns soon."""
        self._hand_out()
        self._forgive()
        wait(
            [each for worker in self._workers for each in (worker.connection, worker.process.sentinel)],
            min(_LOOK_S, self._patience.silent_s / 4.0),
        )
        for worker in tuple(self._workers):
            alive = worker.process.is_alive()
            # What a dead one said last is in the pipe still.
            self._hear(worker)
            trouble = self._trouble(worker, alive=alive)
            if trouble:
                self._lose(worker, trouble)
        self._hand_out()

    def _forgive(self) -> None:
        """Count no silence of a time in which nobody listened, or in which all were stopped together."""
        now = time.monotonic()
        if now - self._looked_at > self._patience.silent_s / 2.0:
            for worker in self._workers:
                worker.heard_at = now
        self._looked_at = now

    def _hand_out(self) -> None:
        idle = [worker for worker in self._workers if worker.task is None]
        while self._queue and (idle or len(self._workers) < self.count):
            worker = idle.pop() if idle else self._spawn()
            task = self._queue.popleft()
            worker.task, worker.begun_at, worker.heard_at = task, time.monotonic(), time.monotonic()
            # A stopped worker empties no pipe: the sender blocks instead of the watch.
            worker.sender = threading.Thread(
                target=_send, args=(worker.connection, (task.call, task.arguments)), daemon=True
            )
            worker.sender.start()

    def _hear(self, worker: _Worker) -> None:
        with suppress(EOFError, OSError):
            while worker.connection.poll():
                kind, *rest = worker.connection.recv()
                worker.heard_at, worker.spoke = time.monotonic(), True
                task = worker.task
                if kind == ALIVE or task is None:
                    continue
                worker.task = None
                self._longest_s = max(self._longest_s, worker.heard_at - worker.begun_at)
                if kind == DONE:
                    task.future.set_result(rest[0])
                else:
                    rest[0].add_note(f"in a worker process:\n{rest[1]}")
                    task.future.set_exception(rest[0])

    def _trouble(self, worker: _Worker, *, alive: bool) -> str:
        """What is wrong with a worker; "" where nothing is."""
        patience, now = self._patience, time.monotonic()
        if not alive:
            code = worker.process.exitcode or 0
            return f"died with exit code {code}" if code >= 0 else f"was ended by signal {-code}"
        if worker.task is None:
            return ""
        silent_s = patience.silent_s if worker.spoke else max(patience.silent_s, patience.starting_s)
        if now - worker.heard_at > silent_s:
            return f"gave no sign of life for {silent_s:g} s"
        limit = max(patience.least_s, patience.multiple * self._longest_s)
        return f"was not done after {limit:g} s" if now - worker.begun_at > limit else ""

    def _lose(self, worker: _Worker, trouble: str) -> None:
        worker.process.kill()
        self._end(worker)
        self._workers.remove(worker)
        task = worker.task
        if task is None:
            return
        task.losses.append(f"process {worker.process.pid} {trouble}")
        if len(task.losses) >= self._patience.attempts:
            told = f"{task.name} lost its worker {len(task.losses)} times: {'; '.join(task.losses)}"
            task.future.set_exception(WorkerLostError(told, _REMEDY))
            return
        _log.warning("%s: its worker, %s; it is done again", task.name, task.losses[-1])
        self._queue.appendleft(task)

    def _spawn(self) -> _Worker:
        context = get_context("spawn")
        ours, theirs = context.Pipe()
        beat_s = min(1.0, self._patience.silent_s / 10.0)
        process = context.Process(target=serve, args=(theirs, self._prepare, beat_s), daemon=True)
        process.start()
        theirs.close()
        worker = _Worker(process, ours)
        self._workers.append(worker)
        return worker

    @staticmethod
    def _end(worker: _Worker) -> None:
        worker.process.join(_GOING_S)
        if worker.process.is_alive():
            worker.process.kill()
            worker.process.join()
        if worker.sender is not None:
            worker.sender.join()
        worker.connection.close()


def _send(connection: Connection, message: tuple[Any, ...]) -> None:
    # The worker died meanwhile: the watch notices.
    with suppress(OSError):
        connection.send(message)
