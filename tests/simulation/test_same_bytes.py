"""Every table of a campaign with every kind: the same files whoever solves it, and whoever dies meanwhile."""

import os
import signal
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

import substations
from data_contracts.tables import TABLES as CONTRACTS
from simulation.campaign import Summary, simulate_substation
from simulation.grid import solve_grid
from simulation.parts import KINDS, TABLES, PartResult
from simulation.pool import Workers
from simulation.runners.processes import Patience
from simulation.runners.runner import RunnerName
from simulation.tables.dispatch import write_dispatch
from switchyard.digests import sha256_file
from switchyard.profiles import Episodes, Profile, load_profile

pytestmark = pytest.mark.slow

SUBSTATION = "delhi"
Run = Callable[..., Summary]


@pytest.fixture(scope="module")
def profile() -> Profile:
    """A few episodes of each kind in parts of two, and every standing table."""
    tiny = load_profile("tiny")
    lengths = {kind: wanted.seconds for kind, wanted in tiny.simulation.episodes.items()}
    assert set(lengths) == set(KINDS), "the profile leaves a kind out"
    plan = msgspec.structs.replace(
        tiny.simulation,
        part_scenarios=2,
        episodes={kind: Episodes(count=4, seconds=seconds) for kind, seconds in lengths.items()},
    )
    return msgspec.structs.replace(tiny, name="bytes", simulation=plan)


@pytest.fixture(scope="module")
def run(profile: Profile, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Simulate the grid and the substation with a pool into a fresh folder; all from nothing."""
    described = substations.read(SUBSTATION)

    def simulate(pool: Workers, **more: object) -> Summary:
        folder = tmp_path_factory.mktemp("home")
        solved = solve_grid(profile, [described], pool.solve_blocks)
        shared = {"dispatch": folder / "dispatch.parquet"}
        write_dispatch(shared["dispatch"], solved.dispatch)
        return simulate_substation(
            described, profile, solved.boundary, folder / "staging", pool, grid_tables=shared, **more
        )

    return simulate


@pytest.fixture(scope="module")
def alone(run: Run) -> dict[str, str]:
    with Workers(1) as pool:
        return digests(run(pool))


def digests(summary: Summary) -> dict[str, str]:
    return {file.relative_to(summary.folder).as_posix(): sha256_file(file) for file in summary.files}


def test_simulate_substation__one_worker__writes_every_table(alone: dict[str, str]) -> None:
    by_kind = {table for kind in KINDS for table in TABLES[kind]}

    assert {Path(file).parent.name for file in alone} == {*CONTRACTS} | by_kind


@pytest.mark.parametrize(
    ("count", "runner"),
    [(2, "processes"), (4, "processes"), (2, "dask")],
    ids=["two", "four", "dask"],
)
def test_simulate_substation__other_workers__write_the_same_bytes(
    run: Run, alone: dict[str, str], count: int, runner: RunnerName
) -> None:
    with Workers(count, runner) as pool:
        assert digests(run(pool)) == alone


@pytest.mark.parametrize("runner", ["processes", "dask"])
def test_simulate_substation__worker_killed_half_way__writes_the_same_bytes(
    run: Run, alone: dict[str, str], runner: RunnerName
) -> None:
    killed: list[int] = []
    with Workers(2, runner, patience=Patience(silent_s=60.0, attempts=5)) as pool:

        def kill(done: int, total: int, _result: PartResult | None) -> None:
            if 2 * done >= total and not killed:
                killed.append(pool.pids[0])
                os.kill(killed[0], signal.SIGKILL)

        found = digests(run(pool, progress=kill))

    assert killed
    assert found == alone
