"""A substation's campaign: its standing tables and all its parts, staged for their contracts."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from simulation.demand import simulate_load
from simulation.errors import SimulationError
from simulation.events.covariates import hourly_covariates
from simulation.grid import BoundaryHour, BoundaryHours
from simulation.parts import Part, plan_parts
from simulation.pool import Job, Progress, Workers
from simulation.solving import is_complete
from simulation.states.plan import plan_states
from simulation.tables.parquet import is_whole
from simulation.tables.standing import copy_table, write_boundary, write_load
from substations.description import Substation
from switchyard.digests import digest_json, digest_rooms, sha256_file
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
    grid_tables: Mapping[str, Path] | None = None,
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
        grid_tables: Files of tables about the whole grid, by table, which every dataset gets a copy of.
        progress: Called after every part, and at first where parts are kept, then without a result.

    Raises:
        SimulationError: There is no boundary for this substation, or the profile asks for unknown kinds.
        WorkerLostError: A part lost one worker process after the other.
    """
    hours = boundary.get(substation.name, ())
    if not hours:
        raise SimulationError(
            f"the grid was not solved for {substation.name}",
            "pass its description to simulation.grid.solve_boundary",
        )
    parts = plan_parts(profile, substation.name)
    folder = staging / profile.dataset(substation.name)
    shared = dict(grid_tables or {})
    _prepare(folder, _plan_key(substation, profile, hours, shared))
    rows = _write_standing(folder, substation, profile, hours, shared)
    todo = [part for part in parts if not is_complete(folder, part)]
    statuses: Counter[str] = Counter()
    done = len(parts) - len(todo)
    if progress is not None and done:
        progress(done, len(parts), None)
    job = Job(substation, profile, hours)
    missing = _missing(folder, substation, profile)
    states = [
        part
        for part in plan_states(profile, substation.name)
        if not is_whole(folder / "losses" / part.file("losses"))
    ]

    def run(pool: Workers) -> None:
        nonlocal done
        begun = _begin_standing(pool, job, folder, missing)
        settling = [pool.begin_states(job, part, folder) for part in states]
        for result in pool.solve(job, todo, folder):
            done += 1
            rows.update(result.rows)
            statuses.update(result.statuses)
            if progress is not None:
                progress(done, len(parts), result)
        for name, future in begun.items():
            rows[name] += pool.result(future)
        for settled in settling:
            for table, count in pool.result(settled).items():
                rows[table] += count

    if isinstance(workers, Workers):
        run(workers)
    elif todo or missing or states:
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


def _file(folder: Path, table: str) -> Path:
    return folder / table / f"{table}-00000.parquet"


def _missing(folder: Path, substation: Substation, profile: Profile) -> frozenset[str]:
    """Standing tables of one file that the profile asks for and that a worker still has to write."""
    plan = profile.simulation
    wanted = {
        "sag_events": True,
        "thermal": bool(plan.thermal.episodes and substation.transformers),
        "assets": plan.asset_years > 0,
        "customers": plan.customers > 0,
        "transfers": bool(plan.transfers.states and substation.transformers),
    }
    return frozenset(name for name, needed in wanted.items() if needed and not is_whole(_file(folder, name)))


def _begin_standing(pool: Workers, job: Job, folder: Path, missing: frozenset[str]) -> dict[str, Future[int]]:
    """Have workers write standing tables that are one file each."""
    begin = {
        "sag_events": pool.begin_voltage_events,
        "thermal": pool.begin_thermal,
        "assets": pool.begin_assets,
        "customers": pool.begin_customers,
        "transfers": pool.begin_transfers,
    }
    return {name: start(job, _file(folder, name)) for name, start in begin.items() if name in missing}


def _write_standing(
    folder: Path,
    substation: Substation,
    profile: Profile,
    hours: tuple[BoundaryHour, ...],
    shared: dict[str, Path],
) -> Counter[str]:
    """Write what is known before the first episode and not there yet; rows by table."""
    plan = profile.simulation
    rows: Counter[str] = Counter()
    if not (target := folder / "load" / "load-00000.parquet").exists():
        loads = simulate_load(substation, plan.start, plan.load_days, profile.name, profile.seed)
        hourly = hourly_covariates(substation, loads, profile.name, profile.seed)
        rows["load"] = write_load(target, loads, hourly.lightning_per_h)
    if not (target := folder / "boundary" / "boundary-00000.parquet").exists():
        rows["boundary"] = write_boundary(target, substation.name, hours)
    for table, source in shared.items():
        if not (target := folder / table / f"{table}-00000.parquet").exists():
            rows[table] = copy_table(source, target)
    return rows


def _plan_key(
    substation: Substation, profile: Profile, hours: tuple[BoundaryHour, ...], shared: dict[str, Path]
) -> str:
    """Digest of all that a part's bytes depend on."""
    plan = profile.simulation
    return digest_json(
        {
            "substation": substation.digest,
            "profile": [profile.name, profile.seed, msgspec.to_builtins(plan)],
            "boundary": msgspec.to_builtins(hours),
            "grid": {table: sha256_file(path) for table, path in shared.items()},
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
