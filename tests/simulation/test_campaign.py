import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from data_contracts.enforcement import enforce_dataset
from data_contracts.facts import SubstationFacts
from data_contracts.tables.scenarios import SCENARIOS
from simulation.campaign import Summary, plan_parts, simulate_substation
from simulation.errors import SimulationError
from simulation.grid import BoundaryHour
from simulation.parts import KINDS, TABLES, PartResult
from simulation.pool import Workers
from simulation.scenario.episode import Episode
from simulation.solving import _SIMULATE, WITHOUT_ENGINE, is_complete
from simulation.tables.parquet import write_table
from simulation.tables.scenarios import scenario_columns
from substations.description import Substation
from switchyard.home import Home
from switchyard.profiles import Episodes, Profile

Simulate = Callable[..., Summary]


@pytest.fixture(scope="module")
def simulate(mumbai: Substation, small_profile: Profile, hours: tuple[BoundaryHour, ...]) -> Simulate:
    def run(
        staging: Path, workers: int | Workers = 1, profile: Profile = small_profile, **more: object
    ) -> Summary:
        return simulate_substation(mumbai, profile, {"mumbai": hours}, staging, workers, **more)

    return run


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return Home(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def summary(simulate: Simulate, home: Home) -> Summary:
    return simulate(home.staging, 1)


def digests(summary: Summary) -> dict[str, bytes]:
    return {file.relative_to(summary.folder).as_posix(): file.read_bytes() for file in summary.files}


def test_plan_parts__uneven_count__covers_every_scenario_once(small_profile: Profile) -> None:
    plan = msgspec.structs.replace(
        small_profile.simulation, part_scenarios=4, episodes={"normal": Episodes(count=10, seconds=20)}
    )

    parts = plan_parts(msgspec.structs.replace(small_profile, simulation=plan), "mumbai")

    assert [(part.first, part.stop) for part in parts] == [(0, 4), (4, 8), (8, 10)]
    assert [part.file for part in parts] == [f"normal-{k:05d}.parquet" for k in range(3)]


def test_plan_parts__unknown_kind__is_refused(small_profile: Profile) -> None:
    plan = msgspec.structs.replace(
        small_profile.simulation, episodes={"storm": Episodes(count=1, seconds=20)}
    )

    with pytest.raises(SimulationError, match="scenario kind storm is not known"):
        plan_parts(msgspec.structs.replace(small_profile, simulation=plan), "mumbai")


def test_simulate_substation__one_or_two_workers__give_the_same_bytes(
    simulate: Simulate, summary: Summary, tmp_path: Path
) -> None:
    seen: list[tuple[int, int]] = []

    def progress(done: int, total: int, _result: PartResult | None) -> None:
        seen.append((done, total))

    two = simulate(tmp_path, 2, progress=progress)

    assert digests(two) == digests(summary)
    assert two.rows == summary.rows
    assert seen == [(k + 1, 12) for k in range(12)]
    assert summary.statuses.get("ok", 0) + summary.statuses.get("islanded", 0) == 24
    assert summary.rows["readings"] == summary.rows["readings_truth"] == 24 * 27 * 20
    assert summary.rows["sag_events"] > 50


def test_simulate_substation__run_again__keeps_every_part(simulate: Simulate, summary: Summary) -> None:
    before = {file: file.stat().st_mtime_ns for file in summary.files}

    again = simulate(summary.folder.parent, 1)

    assert again.resumed == again.parts == 12
    assert {file: file.stat().st_mtime_ns for file in again.files} == before


def test_simulate_substation__killed_in_between__finishes_with_the_same_bytes(
    simulate: Simulate, summary: Summary, tmp_path: Path
) -> None:
    class Stop(Exception):  # noqa: N818 - stands for a kill
        pass

    def stop_after_three(done: int, _total: int, _result: PartResult | None) -> None:
        if done == 3:
            raise Stop

    with pytest.raises(Stop):
        simulate(tmp_path, 1, progress=stop_after_three)
    half = tmp_path / "small.mumbai"
    # A part whose file was cut short by a power cut is made again.
    broken = min((half / "readings").glob("*.parquet"))
    broken.write_bytes(broken.read_bytes()[:100])
    (half / "readings" / ".normal-00001.parquet.part").write_bytes(b"half")

    done = simulate(tmp_path, 1)

    assert done.resumed >= 2
    assert digests(done) == digests(summary)
    assert not list(half.glob("*/.*"))


def test_is_complete__no_episode_of_the_part_was_solved__needs_its_scenarios_only(
    small_profile: Profile, tmp_path: Path
) -> None:
    part = plan_parts(small_profile, "mumbai")[0]
    failed = [
        Episode(scenario, 1_735_669_800, 20, "none", status="not_converged", reason="no solution")
        for scenario in part.scenarios
    ]

    assert not is_complete(tmp_path, part)
    write_table(tmp_path / "scenarios" / part.file, SCENARIOS, scenario_columns(failed, "0" * 64))
    assert is_complete(tmp_path, part)

    solved = [replace(failed[0], status="ok"), *failed[1:]]
    write_table(tmp_path / "scenarios" / part.file, SCENARIOS, scenario_columns(solved, "0" * 64))
    assert not is_complete(tmp_path, part)


def test_simulate_substation__other_seed__empties_the_folder_first(
    simulate: Simulate, small_profile: Profile, tmp_path: Path
) -> None:
    plan = msgspec.structs.replace(
        small_profile.simulation, episodes={"normal": Episodes(count=2, seconds=20)}
    )
    one = msgspec.structs.replace(small_profile, simulation=plan)
    two = msgspec.structs.replace(one, seed=12)
    threads = os.environ.get("OPENBLAS_NUM_THREADS")
    with Workers(1) as pool:
        assert os.environ["OPENBLAS_NUM_THREADS"] == "1"
        first = simulate(tmp_path, pool, one)
        before = digests(first)

        second = simulate(tmp_path, pool, two)

    assert os.environ.get("OPENBLAS_NUM_THREADS") == threads
    assert second.resumed == 0
    assert before.keys() == digests(second).keys()
    assert all(
        before[name] != data for name, data in digests(second).items() if not name.startswith("boundary")
    )


def test_simulate_substation__staged_tables__keep_their_contracts(
    summary: Summary, home: Home, mumbai: Substation
) -> None:
    report = enforce_dataset(home, "small.mumbai", SubstationFacts.of(mumbai), reject_share=0.0)

    checked = {table.table: sum(file.rows for file in table.files) for table in report.tables}
    assert checked == summary.rows
    assert all(file.rejected == 0 for table in report.tables for file in table.files)


def test_simulate_substation__grid_not_solved_for_it__is_refused(
    mumbai: Substation, small_profile: Profile, tmp_path: Path
) -> None:
    with pytest.raises(SimulationError, match="grid was not solved for mumbai"):
        simulate_substation(mumbai, small_profile, {}, tmp_path)


def test_workers__none_asked_for_or_not_opened__are_refused(simulate: Simulate, tmp_path: Path) -> None:
    with pytest.raises(SimulationError, match="0 workers"):
        Workers(0)
    with pytest.raises(SimulationError, match="not open"):
        simulate(tmp_path, Workers(1))


def test_kinds__each__has_one_way_of_being_solved_and_tables_that_prove_it() -> None:
    assert set(_SIMULATE) | set(WITHOUT_ENGINE) == set(KINDS) == set(TABLES)
    assert not set(_SIMULATE) & set(WITHOUT_ENGINE)
