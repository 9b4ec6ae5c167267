"""Worker processes of a campaign: each keeps one engine, none outlives its parent, a lost one is noticed."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from types import TracebackType
from typing import Self

from simulation.errors import SimulationError, WorkerLostError
from simulation.events.occurring import happen
from simulation.grid import BoundaryHour
from simulation.parts import Part, PartResult
from simulation.solving import WITHOUT_ENGINE, Bench
from simulation.tables.sag_events import write_sag_events
from substations.description import Substation
from switchyard.children import lifeline_initializer
from switchyard.profiles import Profile

# The matrices are small, and how a product is split over threads changes its last bits.
_ONE_THREAD = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")


@dataclass(frozen=True, slots=True)
class Job:
    """What a worker must know of a substation's campaign."""

    substation: Substation
    profile: Profile
    hours: tuple[BoundaryHour, ...]


# The bench that this worker solved its last part on.
_bench: dict[str, Bench] = {}


class Workers:
    """A pool of simulation processes; a context manager. Several substations may use it one after the other.

    Attributes:
        count: Number of processes.
    """

    def __init__(self, count: int) -> None:
        if count < 1:
            raise SimulationError(f"{count} workers cannot simulate", "ask for one or more")
        self.count = count
        self._executor: ProcessPoolExecutor | None = None
        self._before: dict[str, str | None] = {}

    def __enter__(self) -> Self:
        # Children read these when they import numpy, which is when they are spawned.
        self._before = {name: os.environ.get(name) for name in _ONE_THREAD}
        os.environ.update(_ONE_THREAD)
        self._executor = ProcessPoolExecutor(
            self.count, mp_context=get_context("spawn"), initializer=lifeline_initializer
        )
        # Processes start at once and import their engine while the caller still prepares.
        for _ in range(self.count):
            self._executor.submit(_import_engine)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._executor is not None:
            self._executor.shutdown(wait=True, cancel_futures=True)
            self._executor = None
        for name, value in self._before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value

    def solve(self, job: Job, parts: Sequence[Part], folder: Path) -> Iterator[PartResult]:
        """Solve parts, giving each result as soon as it is there, in no particular order.

        Raises:
            WorkerLostError: A process died; what it had finished is kept.
            SimulationError: The pool was not entered.
        """
        if self._executor is None:
            raise SimulationError("the pool of workers is not open", "use it in a with statement")
        open_: set[Future[PartResult]] = set()
        try:
            open_ = {self._executor.submit(solve_part, job, part, folder) for part in parts}
            while open_:
                done, open_ = wait(open_, return_when=FIRST_COMPLETED)
                for future in done:
                    yield future.result()
        except BrokenProcessPool as error:
            raise _lost(job) from error
        finally:
            for future in open_:
                future.cancel()

    def begin_voltage_events(self, job: Job, path: Path) -> Future[int]:
        """Have one process solve the campaign's voltage events and write them to `path`.

        Raises:
            SimulationError: The pool was not entered.
        """
        if self._executor is None:
            raise SimulationError("the pool of workers is not open", "use it in a with statement")
        return self._executor.submit(solve_voltage_events, job, path)

    def result(self, begun: Future[int], job: Job) -> int:
        """Wait for what was begun.

        Raises:
            WorkerLostError: Its process died.
        """
        try:
            return begun.result()
        except BrokenProcessPool as error:
            raise _lost(job) from error


def _lost(job: Job) -> WorkerLostError:
    return WorkerLostError(
        f"{job.substation.name}: a worker process died before its part was done",
        "look for a kill or exhausted memory and run again: finished parts are kept",
    )


def _import_engine() -> None:
    import altdss  # noqa: F401
    import pyarrow.parquet  # noqa: F401


def solve_part(job: Job, part: Part, folder: Path) -> PartResult:
    """Solve one part in this process, on the bench of its substation if its kind needs one."""
    if part.kind in WITHOUT_ENGINE:
        return WITHOUT_ENGINE[part.kind](job.substation, job.profile, part, folder)
    return _bench_of(job).solve(part, folder)


def solve_voltage_events(job: Job, path: Path) -> int:
    """Write the campaign's voltage events in this process; the number of rows is returned."""
    bench = _bench_of(job)
    bench.engine.compile()
    events = happen(bench.world, bench.engine, job.profile.name, job.profile.seed)
    return write_sag_events(path, bench.world, events)


def _bench_of(job: Job) -> Bench:
    key = f"{job.substation.digest}.{job.profile.digest}"
    if key not in _bench:
        _bench.clear()
        _bench[key] = Bench.of(job.substation, job.profile, job.hours)
    return _bench[key]


Progress = Callable[[int, int, PartResult | None], None]
"""Called with the parts done, the parts in all, and what came of the last one; None for kept parts."""
