"""Kind `overload`: readings in minutes of the thermal episodes."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
import pyarrow.parquet as pq
import pytest

from data_contracts.enforcement import enforce_dataset
from data_contracts.facts import SubstationFacts
from data_contracts.tables.readings_truth import EVENTS
from simulation.errors import InfeasibleError, SimulationError
from simulation.grid import BoundaryHour
from simulation.parts import Part, plan_parts
from simulation.scenario import overload
from simulation.scenario.episode import Episode
from simulation.scenario.regulation import regulators_of
from simulation.scenario.transformer_load import bay, transformer_loads
from simulation.solving import Bench
from simulation.tables.thermal import write_thermal
from simulation.thermal.instants import HISTORY_MIN, LEVELS_C, matched
from simulation.thermal.sections import flows, sections, transformer_mva
from substations.description import Substation
from switchyard.home import Home
from switchyard.identity import ScenarioId
from switchyard.profiles import Episodes, Profile, Thermal

COUNT, SECONDS = 24, 20
LARGEST_DIFFERENCE_PU = 0.08
"""Of the rating, between solved and thermal load: losses and charging of lines, reactors, bank steps."""


@pytest.fixture(scope="module")
def profile(small_profile: Profile) -> Profile:
    plan = msgspec.structs.replace(
        small_profile.simulation,
        thermal=Thermal(episodes=3, days=1),
        episodes={"overload": Episodes(count=COUNT, seconds=SECONDS)},
    )
    return msgspec.structs.replace(small_profile, simulation=plan)


@pytest.fixture(scope="module")
def stressed(mumbai: Substation, profile: Profile, hours: tuple[BoundaryHour, ...]) -> Bench:
    return Bench.of(mumbai, profile, hours)


def name(index: int) -> ScenarioId:
    return ScenarioId("mumbai", "small", 11, "overload", index)


@pytest.fixture(scope="module")
def episodes(stressed: Bench) -> Iterator[list[Episode]]:
    off = stressed.engine.out_of_service
    yield [stressed.episode(name(index), SECONDS) for index in range(COUNT)]
    assert stressed.engine.out_of_service == off


@pytest.fixture(scope="module")
def rows(mumbai: Substation, profile: Profile, tmp_path_factory: pytest.TempPathFactory) -> dict:
    path = tmp_path_factory.mktemp("thermal") / "thermal-00000.parquet"
    write_thermal(path, mumbai, profile)
    wanted = ["scenario_id", "asset", "t", "load_pu", "event", "hot_spot_next_60min_max_c"]
    found = pq.read_table(path, columns=wanted).to_pylist()
    return {(row["asset"], int(row["t"].timestamp())): row for row in found}


def test_overload__each_episode__is_a_minute_of_the_thermal_table(
    episodes: list[Episode], rows: dict, mumbai: Substation
) -> None:
    for episode in episodes:
        drawn = episode.parameters
        row = rows[drawn["asset"], drawn["t_thermal"]]

        assert episode.status == "ok", episode.reason
        assert row["scenario_id"] == drawn["thermal"]
        assert row["event"] == drawn["event"] == episode.cause
        assert np.digitize(row["hot_spot_next_60min_max_c"], LEVELS_C) == drawn["risk_level"]
        assert 0 <= episode.t_start - drawn["t_thermal"] <= 60 - SECONDS
        before = rows[drawn["asset"], drawn["t_thermal"] - 60 * HISTORY_MIN]
        assert before["scenario_id"] == drawn["thermal"]


def test_overload__many_episodes__have_all_levels_of_risk_alike(episodes: list[Episode]) -> None:
    levels = [episode.parameters["risk_level"] for episode in episodes]

    assert levels == [0, 1, 2, 3] * (COUNT // 4)
    assert len({(e.parameters["asset"], e.parameters["t_thermal"]) for e in episodes}) == COUNT


def test_overload__every_transformer__is_loaded_as_the_thermal_table_says(
    episodes: list[Episode], rows: dict, mumbai: Substation
) -> None:
    for episode in episodes:
        loads = transformer_loads(mumbai, episode.states, episode.timeline.state)
        assert episode.parameters["load_pu"] == loads[episode.parameters["asset"]].mean()
        for unit in mumbai.transformers:
            stated = rows[unit.id, episode.parameters["t_thermal"]]["load_pu"]
            assert abs(loads[unit.id].mean() - stated) < LARGEST_DIFFERENCE_PU, (unit.id, episode.parameters)


def test_overload__parallel_transformer_lost__its_bay_is_dead_and_its_feeders_are_not(
    episodes: list[Episode], mumbai: Substation
) -> None:
    lost = [episode for episode in episodes if episode.parameters["out"]]

    assert lost
    for episode in lost:
        out = mumbai.transformer(episode.parameters["out"])
        assert np.abs(episode.states.i[:, bay(mumbai, out.element)]).max() < 1e-3
        for k, point in enumerate(mumbai.points):
            if point.kind == "feeder":
                assert np.abs(episode.states.v[:, k]).min() > 0.85 * point.nominal_kv * 1e3 / 3**0.5
        assert out.id not in episode.taps[0]
        assert len(episode.capacitor_steps[0].split(",")) == len(mumbai.capacitors)


def test_overload__label__is_at_the_bays_above_their_rating(
    episodes: list[Episode], mumbai: Substation
) -> None:
    seen = set()
    for episode in episodes:
        loads = transformer_loads(mumbai, episode.states, episode.timeline.state)
        for k, point in enumerate(mumbai.points):
            unit = next((u for u in mumbai.transformers if u.element == point.element), None)
            over = unit is not None and point.kind == "transformer_bay" and loads[unit.id] > 1.0
            assert np.array_equal(episode.labels.active[k], np.broadcast_to(over, SECONDS))
            seen |= {EVENTS[code] for code in np.unique(episode.labels.event[k])}
            if np.any(over):
                excess = (loads[unit.id].max() - 1.0) / (point.ct_class / 100.0)
                assert episode.labels.severity[k] == pytest.approx(excess)
    assert seen == {"none", "overload"}


def test_overload__a_part_solved_again_on_a_used_engine__has_the_same_bytes(
    stressed: Bench, tmp_path: Path
) -> None:
    part = Part("mumbai", "small", 11, "overload", 0, 0, 4, SECONDS)
    for folder in ("one", "two"):
        stressed.solve(part, tmp_path / folder)
    for table in ("readings", "readings_truth", "scenarios"):
        one, two = (tmp_path / folder / table / part.file for folder in ("one", "two"))
        assert one.read_bytes() == two.read_bytes()


def test_overload_and_operator__parts__keep_their_contracts(
    stressed: Bench, mumbai: Substation, tmp_path: Path
) -> None:
    home = Home(tmp_path / "home")
    folder = home.staging / "small.mumbai"
    stressed.solve(Part("mumbai", "small", 11, "overload", 0, 0, 6, SECONDS), folder)
    stressed.solve(Part("mumbai", "small", 11, "operator", 0, 0, 4, 150), folder)

    report = enforce_dataset(home, "small.mumbai", SubstationFacts.of(mumbai), reject_share=0.0)

    found = {table.table: sum(file.rows for file in table.files) for table in report.tables}
    rows = len(mumbai.points) * (6 * SECONDS + 4 * 150)
    assert found == {"scenarios": 10, "readings": rows, "readings_truth": rows, "faults": 1}
    assert all(file.rejected == 0 for table in report.tables for file in table.files)


def test_overload__no_solution__is_kept_with_its_minute(
    stressed: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> Episode:
        raise InfeasibleError("it does not come to rest")

    monkeypatch.setattr(overload, "_play", fail)
    episode = stressed.episode(name(1), SECONDS)

    assert (episode.status, episode.reason) == ("infeasible", "it does not come to rest")
    assert 0 <= episode.t_start - episode.parameters["t_thermal"] <= 60 - SECONDS
    assert episode.states is None


def test_overload__campaign_without_thermal_episodes__is_infeasible(bench: Bench) -> None:
    episode = bench.episode(name(0), SECONDS)

    assert episode.status == "infeasible"
    assert "no minute of a thermal episode" in episode.reason


@pytest.mark.parametrize(
    ("kind", "seconds", "thermal", "complaint"),
    [
        ("overload", 61, 6, "last 61 s"),
        ("operator", 149, 6, "last 149 s"),
        ("overload", 20, 0, "of which there are none"),
    ],
)
def test_plan_parts__episodes_that_cannot_be_played__are_refused(
    profile: Profile, kind: str, seconds: int, thermal: int, complaint: str
) -> None:
    plan = msgspec.structs.replace(
        profile.simulation,
        thermal=Thermal(episodes=thermal),
        episodes={kind: Episodes(count=1, seconds=seconds)},
    )
    with pytest.raises(SimulationError, match=complaint):
        plan_parts(msgspec.structs.replace(profile, simulation=plan), "mumbai")


@pytest.mark.parametrize("out", [None, 0, 3])
def test_matched__loads_within_reach__are_met_exactly(mumbai: Substation, out: int | None) -> None:
    found = sections(mumbai, out)
    feeders = np.array([feeder.base_mw * 1e6 * (1.0 + 0.3j) for feeder in mumbai.feeders])
    wanted = np.array([0.9 * 315.0, 0.9 * 315.0, 40.0, 55.0])
    if out == 0:
        wanted[:2] = 0.0, 360.0
    if out == 3:
        wanted[2:] = 60.0, 0.0

    scaled = matched(found, feeders, wanted)

    through = flows(found, scaled[None])
    assert transformer_mva(found, through, 4)[0] == pytest.approx(wanted, rel=1e-9)
    assert np.allclose(np.angle(scaled), np.angle(feeders))


def test_regulators_of__transformer_out__neither_steps_nor_is_watched(mumbai: Substation) -> None:
    out = mumbai.transformer("DTX2")

    found = regulators_of(mumbai, out)

    assert [group.transformers for group in found.groups] == [("AT1", "AT2"), ("DTX1",)]
    assert [bank.point >= 0 for bank in found.banks] == [True, False]


def test_strengthen__line__drops_less_voltage_and_is_restored(bench: Bench, rated_loads: np.ndarray) -> None:
    engine = bench.engine
    feeder = bench.world.substation.feeder("F334")
    nodes = engine.layout.bus_nodes(feeder.end_bus)
    before = engine.solve(rated_loads[None])[0, nodes]
    z = engine.series_impedance(feeder.line)

    engine.strengthen(feeder.line, 2.0)
    after = engine.solve(rated_loads[None])[0, nodes]
    halved = engine.series_impedance(feeder.line)
    engine.strengthen(feeder.line, 1.0)

    assert halved == pytest.approx(0.5 * z, rel=1e-9)
    assert np.abs(after).min() > np.abs(before).min()
    assert engine.solve(rated_loads[None])[0, nodes] == pytest.approx(before, rel=1e-8)
