"""A substation's campaign: its standing tables and all its parts, staged for their contracts."""

from __future__ import annotations

import shutil
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from simulation.demand import simulate_load
from simulation.errors import SimulationError
from simulation.grid import BoundaryHour, BoundaryHours
from simulation.parts import Part, plan_parts
from simulation.pool import Job, Progress, Workers
from simulation.solving import is_complete
from simulation.tables.parquet import is_whole
from simulation.tables.standing import write_boundary, write_load
from substations.description import Substation
from switchyard.digests import digest_json, digest_rooms
from switchyard.files import read_json, write_json_atomic
from switchyard.log import get_logger
from switchyard.profiles import Profile

PLAN = "plan.json"
ROOMS = ("simulation", "substations", "data_contracts", "switchyard")

_log = get_logger("simulation")


@dataclass(frozen=True, slots=True)
class Summary:
    """What came of a substation's campaign.

    Attributes:
        substation: Its name.
        folder: Folder of the staged tables.
        rows: Rows in each table, those of resumed parts left out.
        statuses: Episodes in each status, those of resumed parts left out.
        parts: Number of parts.
        resumed: Number of parts that were there already.
        files: All staged files, sorted.
    """

    substation: str
    folder: Path
    rows: dict[str, int] = field(default_factory=dict)
    statuses: dict[str, int] = field(default_factory=dict)
    parts: int = 0
    resumed: int = 0
    files: tuple[Path, ...] = ()


def simulate_substation(
    substation: Substation,
    profile: Profile,
    boundary: BoundaryHours,
    staging: Path,
    workers: int | Workers = 1,
    *,
    progress: Progress | None = None,
) -> Summary:
    """Simulate one substation's campaign into `<staging>/<profile>.<substation>/<table>/`.

    Parts that a killed run finished are kept if they were made of the same description, profile, grid and
    source code; otherwise the folder is emptied first. The bytes of every file depend on none of: number of
    workers, order, resumption.

    Args:
        substation: Its description.
        profile: Sizes and seed.
        boundary: The grid at every substation's bus.
        staging: The home's folder for tables that have not passed their contracts.
        workers: Number of processes, or an open pool that other campaigns use too.
        progress: Called after every part, and at first where parts are kept, then without a result.

    Raises:
        SimulationError: There is no boundary for this substation, or the profile asks for unknown kinds.
        WorkerLostError: A worker process died.
    """
    hours = boundary.get(substation.name, ())
    if not hours:
        raise SimulationError(
            f"the grid was not solved for {substation.name}",
            "pass its description to simulation.grid.solve_boundary",
        )
    parts = plan_parts(profile, substation.name)
    folder = staging / profile.dataset(substation.name)
    _prepare(folder, _plan_key(substation, profile, hours))
    plan = profile.simulation
    rows: Counter[str] = Counter()
    if not (target := folder / "load" / "load-00000.parquet").exists():
        loads = simulate_load(substation, plan.start, plan.load_days, profile.name, profile.seed)
        rows["load"] = write_load(target, loads)
    if not (target := folder / "boundary" / "boundary-00000.parquet").exists():
        rows["boundary"] = write_boundary(target, substation.name, hours)
    todo = [part for part in parts if not is_complete(folder, part)]
    statuses: Counter[str] = Counter()
    done = len(parts) - len(todo)
    if progress is not None and done:
        progress(done, len(parts), None)
    job = Job(substation, profile, hours)
    events = folder / "sag_events" / "sag_events-00000.parquet"
    events_missing = not is_whole(events)

    def run(pool: Workers) -> None:
        nonlocal done
        begun = pool.begin_voltage_events(job, events) if events_missing else None
        for result in pool.solve(job, todo, folder):
            done += 1
            rows.update(result.rows)
            statuses.update(result.statuses)
            if progress is not None:
                progress(done, len(parts), result)
        if begun is not None:
            rows["sag_events"] = pool.result(begun, job)

    if isinstance(workers, Workers):
        run(workers)
    elif todo or events_missing:
        with Workers(workers) as pool:
            run(pool)
    _log.info(
        "%s: %d parts, %d of them kept; %s",
        substation.name,
        len(parts),
        len(parts) - len(todo),
        dict(statuses),
    )
    return Summary(
        substation=substation.name,
        folder=folder,
        rows=dict(sorted(rows.items())),
        statuses=dict(sorted(statuses.items())),
        parts=len(parts),
        resumed=len(parts) - len(todo),
        files=tuple(sorted(folder.glob("*/*.parquet"))),
    )


def _plan_key(substation: Substation, profile: Profile, hours: tuple[BoundaryHour, ...]) -> str:
    """Digest of all that a part's bytes depend on."""
    plan = profile.simulation
    return digest_json(
        {
            "substation": substation.digest,
            "profile": [profile.name, profile.seed, msgspec.to_builtins(plan)],
            "boundary": msgspec.to_builtins(hours),
            "source": digest_rooms(ROOMS),
        }
    )


def _prepare(folder: Path, key: str) -> None:
    """Empty the folder unless its parts were made by the same plan; leave no temporary files."""
    mark = folder / PLAN
    if folder.exists() and not (mark.exists() and read_json(mark) == {"key": key}):
        shutil.rmtree(folder)
    for leftover in folder.glob("*/.*.part"):
        leftover.unlink()
    if not mark.exists():
        write_json_atomic(mark, {"key": key})


__all__ = ["Part", "Summary", "plan_parts", "simulate_substation"]
