"""Worker processes of a campaign: each keeps one engine, none outlives its parent, a lost one is replaced."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from simulation.ageing.campaign import Span, mean_source_mva, observe_assets
from simulation.errors import SimulationError
from simulation.events.occurring import happen
from simulation.grid import BoundaryHour, GridBlock, GridHours
from simulation.parts import Part, PartResult
from simulation.runners.processes import Patience, Processes
from simulation.runners.runner import Runner, RunnerName
from simulation.solving import WITHOUT_ENGINE, Bench
from simulation.states.compensating import chosen, compensate
from simulation.states.plan import StatePart
from simulation.states.playing import play
from simulation.tables.assets import write_assets
from simulation.tables.compensation import write_compensation
from simulation.tables.controls import write_controls
from simulation.tables.customers import write_customers
from simulation.tables.losses import write_losses
from simulation.tables.sag_events import write_sag_events
from simulation.tables.thermal import write_thermal
from simulation.tables.transfers import write_transfers
from simulation.transfers.solving import Yard
from substations.description import Substation
from switchyard.profiles import Profile

T = TypeVar("T")

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

    What a process had when it died or hung is done again by a fresh one: a task writes its files by a
    temporary name, and its bytes depend on nothing that another left.

    Attributes:
        count: Number of processes.
        runner: Whose processes they are.
    """

    def __init__(
        self, count: int, runner: RunnerName = "processes", *, patience: Patience | None = None
    ) -> None:
        if count < 1:
            raise SimulationError(f"{count} workers cannot simulate", "ask for one or more")
        self.count, self.runner = count, runner
        self._patience = patience
        self._processes: Runner | None = None
        self._before: dict[str, str | None] = {}

    def __enter__(self) -> Self:
        # Children read these when they import numpy, which is when they are spawned; also those that replace
        # a lost one.
        self._before = {name: os.environ.get(name) for name in _ONE_THREAD}
        os.environ.update(_ONE_THREAD)
        self._processes = self._new_runner()
        # They import their engine while the caller still prepares.
        self._processes.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._processes is not None:
            self._processes.stop()
            self._processes = None
        for name, value in self._before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value

    @property
    def pids(self) -> tuple[int, ...]:
        """Process ids of the workers that run now."""
        return () if self._processes is None else self._processes.pids

    def solve(self, job: Job, parts: Sequence[Part], folder: Path) -> Iterator[PartResult]:
        """Solve parts, giving each result as soon as it is there, in no particular order.

        Raises:
            WorkerLostError: A part lost one worker after the other; what was finished is kept.
            SimulationError: The pool was not entered.
        """
        processes, name = self._opened(), job.substation.name
        open_ = [
            processes.submit(f"{name}: part {part.file}", solve_part, job, part, folder) for part in parts
        ]
        try:
            while open_:
                processes.look_after()
                done = [future for future in open_ if future.done()]
                open_ = [future for future in open_ if not future.done()]
                for future in done:
                    yield future.result()
        finally:
            processes.drop(open_)

    def begin_voltage_events(self, job: Job, path: Path) -> Future[int]:
        """Have one process solve the campaign's voltage events and write them to `path`.

        Raises:
            SimulationError: The pool was not entered.
        """
        return self._begin(job, "sag_events", solve_voltage_events, job, path)

    def begin_states(self, job: Job, part: StatePart, folder: Path) -> Future[dict[str, int]]:
        """Have one process solve a part of the station's states, losses and settings, and write them.

        Raises:
            SimulationError: The pool was not entered.
        """
        return self._begin(job, part.file("losses"), solve_states, job, part, folder)

    def begin_thermal(self, job: Job, path: Path) -> Future[int]:
        """Have one process play the transformers' loading and heat and write them to `path`.

        Raises:
            SimulationError: The pool was not entered.
        """
        return self._begin(job, "thermal", write_thermal, path, job.substation, job.profile)

    def begin_assets(self, job: Job, path: Path) -> Future[int]:
        """Have one process live through the years of the station's equipment and write them to `path`.

        Raises:
            SimulationError: The pool was not entered.
        """
        return self._begin(job, "assets", solve_assets, job, path)

    def begin_transfers(self, job: Job, path: Path) -> Future[int]:
        """Have one process solve what moving feeders and traction does, and write it to `path`.

        Raises:
            SimulationError: The pool was not entered.
        """
        return self._begin(job, "transfers", solve_transfers, job, path)

    def begin_customers(self, job: Job, path: Path) -> Future[int]:
        """Have one process draw the feeders' customers and write them to `path`.

        Raises:
            SimulationError: The pool was not entered.
        """
        return self._begin(job, "customers", write_customers, path, job.substation, job.profile)

    def solve_blocks(
        self, solve: Callable[[GridBlock], GridHours], blocks: Sequence[GridBlock]
    ) -> list[GridHours]:
        """Solve blocks of the grid's hours in their order; for `simulation.grid.solve_grid`.

        Raises:
            WorkerLostError: A block lost one worker after the other.
            SimulationError: The pool was not entered, or an hour has no solution.
        """
        processes = self._opened()
        begun = [processes.submit(f"grid: hours {k}", solve, block) for k, block in enumerate(blocks)]
        try:
            return [self.result(each) for each in begun]
        finally:
            processes.drop([each for each in begun if not each.done()])

    def result(self, begun: Future[T]) -> T:
        """Wait for what was begun.

        Raises:
            WorkerLostError: It lost one worker after the other.
            SimulationError: The pool was not entered.
        """
        processes = self._opened()
        while not begun.done():
            processes.look_after()
        return begun.result()

    def _begin(self, job: Job, table: str, call: Callable[..., T], *arguments: Any) -> Future[T]:
        return self._opened().submit(f"{job.substation.name}: table {table}", call, *arguments)

    def _new_runner(self) -> Runner:
        if self.runner == "dask":
            from simulation.runners.dask import DaskCluster

            return DaskCluster(self.count, import_engine)
        return Processes(self.count, import_engine, self._patience)

    def _opened(self) -> Runner:
        if self._processes is None:
            raise SimulationError("the pool of workers is not open", "use it in a with statement")
        return self._processes


def import_engine() -> None:
    """Load what is slow to load; a worker does so before its first task."""
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


def solve_assets(job: Job, path: Path) -> int:
    """Write the station's equipment in this process; the number of rows is returned."""
    span, source_mva = Span.of(job.profile), mean_source_mva(job.hours)
    return write_assets(path, job.substation, observe_assets(job.substation, span, source_mva))


def solve_transfers(job: Job, path: Path) -> int:
    """Write the transfers of the campaign's situations in this process; the number of rows is returned."""
    bench = _bench_of(job)
    yard = Yard(bench.world, bench.engine)
    return write_transfers(path, yard, yard.play(job.profile))


def solve_states(job: Job, part: StatePart, folder: Path) -> dict[str, int]:
    """Write a part of the station's states, settings and compensation below `folder`; rows by table."""
    bench = _bench_of(job)
    station, states, settings = play(bench.world, bench.engine, job.profile, part)
    rows = {}
    if part.controls:
        rows["controls"] = write_controls(folder / "controls" / part.file("controls"), station, settings)
    if bench.world.substation.capacitors:
        found = compensate(station, chosen(states))
        target = folder / "compensation" / part.file("compensation")
        rows["compensation"] = write_compensation(target, station, found)
    # Written last: where it is whole, so are the settings.
    rows["losses"] = write_losses(folder / "losses" / part.file("losses"), station, states)
    return rows


def _bench_of(job: Job) -> Bench:
    key = f"{job.substation.digest}.{job.profile.digest}"
    if key not in _bench:
        _bench.clear()
        _bench[key] = Bench.of(job.substation, job.profile, job.hours)
    return _bench[key]


Progress = Callable[[int, int, PartResult | None], None]
"""Called with the parts done, the parts in all, and what came of the last one; None for kept parts."""
