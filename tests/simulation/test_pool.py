"""A small campaign whose workers are killed or stopped, in the pool and on Dask: the same bytes."""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from simulation.campaign import Summary, simulate_substation
from simulation.grid import BoundaryHour
from simulation.parts import PartResult
from simulation.pool import Workers
from simulation.runners.dask import DaskCluster
from simulation.runners.processes import Patience
from simulation.runners.runner import RunnerName
from substations.description import Substation
from switchyard.errors import ConfigurationError
from switchyard.profiles import Episodes, Profile

Simulate = Callable[..., Summary]


@pytest.fixture(scope="module")
def few(small_profile: Profile) -> Profile:
    """Eight episodes in four parts, and no table that takes longer than they."""
    plan = small_profile.simulation
    kinds = {kind: Episodes(count=4, seconds=20) for kind in ("normal", "fault")}
    plan = msgspec.structs.replace(
        plan,
        episodes=kinds,
        states=msgspec.structs.replace(plan.states, stride=0),
        thermal=msgspec.structs.replace(plan.thermal, episodes=0),
        transfers=msgspec.structs.replace(plan.transfers, states=0),
        asset_years=0,
        customers=0,
    )
    return msgspec.structs.replace(small_profile, simulation=plan)


@pytest.fixture(scope="module")
def simulate(mumbai: Substation, few: Profile, hours: tuple[BoundaryHour, ...]) -> Simulate:
    def run(staging: Path, pool: Workers, **more: object) -> Summary:
        return simulate_substation(mumbai, few, {"mumbai": hours}, staging, pool, **more)

    return run


@pytest.fixture(scope="module")
def plain(simulate: Simulate, tmp_path_factory: pytest.TempPathFactory) -> Summary:
    with Workers(1) as pool:
        return simulate(tmp_path_factory.mktemp("plain"), pool)


def contents(summary: Summary) -> dict[str, bytes]:
    return {file.relative_to(summary.folder).as_posix(): file.read_bytes() for file in summary.files}


@pytest.mark.parametrize(
    ("runner", "how"),
    [("processes", signal.SIGKILL), ("processes", signal.SIGSTOP), ("dask", signal.SIGKILL)],
    ids=["killed", "stopped", "killed-on-dask"],
)
def test_simulate_substation__worker_lost__finishes_with_the_same_bytes(
    simulate: Simulate, plain: Summary, tmp_path: Path, runner: RunnerName, how: signal.Signals
) -> None:
    struck: list[int] = []
    with Workers(2, runner, patience=Patience(silent_s=15.0, attempts=5)) as pool:

        def strike(_done: int, _total: int, _result: PartResult | None) -> None:
            if not struck:
                struck.append(pool.pids[0])
                os.kill(struck[0], how)

        found = simulate(tmp_path, pool, progress=strike)

    assert struck
    assert contents(found) == contents(plain)
    assert found.rows == plain.rows
    assert not list(found.folder.glob("*/.*"))


def test_start__dask_not_installed__says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)

    with pytest.raises(ConfigurationError, match=r"install switchyard\[dask\]"):
        DaskCluster(2).start()
