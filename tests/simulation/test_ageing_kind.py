"""Kind `ageing`: readings that belong to days of equipment."""

import json
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pyarrow.parquet as pq
import pytest

from data_contracts.facts import SubstationFacts
from data_contracts.inspection import inspect
from data_contracts.tables import TABLES
from data_contracts.tables.readings_truth import EVENTS, NORMAL_EVENTS
from simulation.ageing.campaign import Span, mean_source_mva, observe_assets
from simulation.clock import DAY_S
from simulation.errors import NotConvergedError
from simulation.grid import BoundaryHour
from simulation.instruments.reading import read_episode
from simulation.parts import plan_parts
from simulation.scenario import ageing
from simulation.scenario.episode import Episode
from simulation.scenario.stage import Stage
from simulation.solving import Bench
from simulation.tables.assets import write_assets
from substations.description import Substation
from switchyard.identity import ScenarioId
from switchyard.profiles import Episodes, Profile

SECONDS = 20


@pytest.fixture(scope="module")
def profile(small_profile: Profile) -> Profile:
    plan = msgspec.structs.replace(
        small_profile.simulation,
        load_days=90,
        asset_years=1,
        part_scenarios=8,
        episodes={"ageing": Episodes(8, SECONDS)},
    )
    return msgspec.structs.replace(small_profile, name="aged", simulation=plan)


@pytest.fixture(scope="module")
def aged(mumbai: Substation, profile: Profile, hours: tuple[BoundaryHour, ...]) -> Bench:
    return Bench.of(mumbai, profile, hours)


def scenario(index: int) -> ScenarioId:
    return ScenarioId("mumbai", "aged", 11, "ageing", index)


@pytest.fixture(scope="module")
def episodes(aged: Bench) -> list[Episode]:
    aged.engine.compile()
    return [aged.episode(scenario(index), SECONDS) for index in range(40)]


def test_ageing__many__lie_in_their_days_and_leave_the_circuit_whole(
    aged: Bench, episodes: list[Episode], rated_loads: np.ndarray
) -> None:
    for episode in episodes:
        assert episode.status == "ok", episode.reason
        assert np.abs(episode.states.residual_p_pu).max() < 1e-6
        assert 0 <= episode.t_start - episode.parameters["t_asset"] < DAY_S
        assert {EVENTS[code] for code in np.unique(episode.labels.event)} <= set(NORMAL_EVENTS)
        assert (episode.cause == "none") == (episode.parameters["defect_severity"] == 0.0)

    assert len({episode.cause for episode in episodes}) >= 4
    off = aged.engine.out_of_service
    aged.episode(scenario(0), SECONDS)
    before = aged.engine.solve(rated_loads[None])
    for index in range(1, 12):
        aged.episode(scenario(index), SECONDS)
    aged.episode(scenario(0), SECONDS)
    assert aged.engine.out_of_service == off
    assert np.abs(aged.engine.solve(rated_loads[None]) - before).max() < 1.0


def test_ageing__defect_of_an_instrument__shows_in_its_readings_and_not_in_the_truth(
    aged: Bench, episodes: list[Episode]
) -> None:
    wrong = next(
        episode for episode in episodes if episode.malfunctions and max(map(abs, _errors(episode))) > 0.003
    )

    with_it, _ = read_episode(wrong, aged.meters, aged.transfers)
    without, _ = read_episode(replace(wrong, malfunctions=()), aged.meters, aged.transfers)

    each = wrong.malfunctions[0]
    phase = "abc".index(wrong.parameters["phases"])
    channels = (without.v, with_it.v) if "voltage_error" in wrong.parameters else (without.i, with_it.i)
    ratio = np.nanmean(channels[1][each.point, :, phase] / channels[0][each.point, :, phase])
    assert ratio - 1.0 == pytest.approx(_errors(wrong)[0], rel=0.05)
    others = [
        p for p in range(len(aged.world.substation.points)) if p not in [m.point for m in wrong.malfunctions]
    ]
    assert np.array_equal(with_it.channels[others], without.channels[others], equal_nan=True)


def _errors(episode: Episode) -> list[float]:
    return [
        episode.parameters[name] for name in ("voltage_error", "current_error") if name in episode.parameters
    ]


def test_ageing__without_a_solution__keeps_its_day_and_parameters(
    aged: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    solved = aged.episode(scenario(3), SECONDS)

    def fail(*_: object, **__: object) -> Stage:
        raise NotConvergedError("no power-flow solution")

    monkeypatch.setattr(ageing.Stage, "set", fail)
    episode = aged.episode(scenario(3), SECONDS)

    assert (episode.status, episode.reason) == ("not_converged", "no power-flow solution")
    assert episode.t_start == solved.t_start
    assert episode.parameters == {name: solved.parameters[name] for name in episode.parameters}
    assert {"asset", "t_asset", "weight", "point"} <= set(episode.parameters)


def test_solve__a_part__keeps_its_contracts_and_joins_the_rows_of_assets(
    aged: Bench, mumbai: Substation, profile: Profile, hours: tuple[BoundaryHour, ...], tmp_path: Path
) -> None:
    (part,) = plan_parts(profile, "mumbai")

    result = aged.solve(part, tmp_path)
    assets = tmp_path / "assets.parquet"
    write_assets(assets, mumbai, observe_assets(mumbai, Span.of(profile), mean_source_mva(hours)))

    facts = SubstationFacts.of(mumbai)
    assert set(result.rows) == {"readings", "readings_truth", "scenarios"}
    for table in result.rows:
        assert inspect(TABLES[table], tmp_path / table / part.file, facts).counts() == {}
    rows = pq.read_table(tmp_path / "scenarios" / part.file, partitioning=None).to_pylist()
    columns = ["asset", "t", "in_service", "defect_severity", "failed_within_30d", "spell"]
    table = pq.read_table(assets, partitioning=None, columns=columns).to_pylist()
    by_key = {(row["asset"], int(row["t"].timestamp())): row for row in table}
    for row in rows:
        said = json.loads(row["parameters"])
        true = by_key[said["asset"], said["t_asset"]]
        assert true["in_service"]
        assert true["defect_severity"] == said["defect_severity"]
        assert true["failed_within_30d"] == (said["stratum"] == "failing")


def test_solve__a_part_twice__writes_the_same_bytes(aged: Bench, profile: Profile, tmp_path: Path) -> None:
    (part,) = plan_parts(profile, "mumbai")
    for place in ("one", "two"):
        ageing._days.clear()
        aged.solve(part, tmp_path / place)

    for file in sorted((tmp_path / "one").rglob("*.parquet")):
        assert file.read_bytes() == (tmp_path / "two" / file.relative_to(tmp_path / "one")).read_bytes()
