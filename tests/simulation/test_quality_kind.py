"""What episodes of kind `quality` are, and the rows of `power_quality`."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from data_contracts.arrow import schema
from data_contracts.block import Block
from data_contracts.facts import SubstationFacts
from data_contracts.quality_index import index_of, ratios
from data_contracts.tables import TABLES
from simulation.errors import SimulationError
from simulation.instruments.flicker import meter_flicker
from simulation.instruments.reading import read_episode
from simulation.parts import Part
from simulation.quality.flickermeter import RATE_HZ
from simulation.quality.happening import fault_events
from simulation.quality.interval import INTERVAL_S, frequency_departures, largest_harmonic, quadratic_mean
from simulation.quality.modulation import KINDS
from simulation.quality.slots import slot_start
from simulation.scenario.episode import Episode
from simulation.solving import Bench
from switchyard.identity import ScenarioId

SECONDS, EPISODES = 20, 24
Name = Callable[[str, int], ScenarioId]


@pytest.fixture(scope="module")
def episodes(shared_bench: Bench, scenario: Name) -> list[Episode]:
    shared_bench.engine.compile()
    return [shared_bench.episode(scenario("quality", index), SECONDS) for index in range(EPISODES)]


def test_quality__episodes__are_solved_and_say_what_was_drawn(episodes: list[Episode]) -> None:
    for each in episodes:
        assert each.status == "ok"
        assert json.loads(json.dumps(each.parameters, allow_nan=False)) == each.parameters
        assert np.abs(each.states.residual_p_pu).max() < 1e-6
        assert each.interval.t_start % INTERVAL_S == 0
        assert each.t_start == each.interval.t_start + INTERVAL_S - SECONDS


def test_quality__harmonics__stand_on_the_last_second(episodes: list[Episode]) -> None:
    for each in episodes:
        last = each.timeline.state[-1] if each.timeline.is_steady else None
        if last is not None:
            assert np.array_equal(each.distorted.states.v[..., 0], each.states.v[last])


def test_quality__index__covers_all_grades(episodes: list[Episode]) -> None:
    index = np.array([index_of(ratios(each.interval.state, each.interval.limits)) for each in episodes])

    shares = [np.mean((index > low) & (index <= high)) for low, high in ((90, 100), (70, 90), (50, 70))]
    assert min(shares) > 0.02
    assert np.mean(index < 50) > 0.02


def test_slot_start__episodes__never_share_ten_minutes(shared_bench: Bench, scenario: Name) -> None:
    count = shared_bench.world.days * 144 - 4

    starts = {slot_start(shared_bench.world, scenario("quality", index)) for index in range(count)}

    assert len(starts) == count
    with pytest.raises(SimulationError, match="intervals of ten minutes only"):
        slot_start(shared_bench.world, scenario("quality", count + 10))


def test_quality__pst__is_that_of_each_source_where_the_network_takes_it(episodes: list[Episode]) -> None:
    for each in episodes:
        worst = each.interval.pst.max(axis=1)

        assert np.all(worst > 0.0)
        assert np.all(each.fluctuation.pst >= 0.0)
        assert each.fluctuation.sigma.shape == (*each.fluctuation.pst.shape, 3)


def test_read_episode__pst__is_stated_within_its_class_where_the_meter_measures_it(
    shared_bench: Bench, episodes: list[Episode]
) -> None:
    measured = np.array(["pst" in point.measures for point in shared_bench.world.substation.points])
    for each in episodes[:10]:
        said, _ = read_episode(each, shared_bench.meters, shared_bench.transfers)
        good = measured[:, None] & (said.quality < 2)
        true = each.fluctuation.pst[good]

        assert np.isnan(said.pst[~measured]).all()
        # A few standard deviations of what moves besides the standing error, and half a step.
        assert np.all(np.abs(said.pst[good] - true) <= (0.05 + 0.025) * true + 0.006)


def test_meter_flicker__same_stream__same_statement(shared_bench: Bench, episodes: list[Episode]) -> None:
    each = episodes[0]
    one, two = (
        meter_flicker(each.scenario.generator("flicker"), each.fluctuation, shared_bench.meters)
        for _ in range(2)
    )

    assert np.array_equal(one.pst, two.pst, equal_nan=True)


@pytest.mark.parametrize("kind", KINDS)
def test_modulation__every_kind__fluctuates_for_ten_minutes(kind: str) -> None:
    x = KINDS[kind](np.random.default_rng(3), INTERVAL_S)

    assert x.shape == (round(INTERVAL_S * RATE_HZ),)
    assert np.isfinite(x).all()
    assert 0.05 < x.std() < 2.0


def test_fault_events__voltages__are_counted_by_the_thresholds() -> None:
    found = fault_events(np.array([[0.5, 1.0, 1.0], [0.95, 1.0, 1.0], [0.8, 1.15, 1.15]]), 0.1)

    assert found.sags.tolist() == [1, 0, 1]
    assert found.swells.tolist() == [0, 0, 1]
    assert found.severity == pytest.approx([1.0, 0.0, 0.4 + 0.75])
    assert found.lasting_s.tolist() == [0.1, 0.0, 0.1]


def test_aggregation__known_values__are_those_by_hand() -> None:
    v = np.zeros((1, 3, 40), dtype=np.complex128)
    v[..., 0], v[0, 1, 6] = 100.0, 4j
    pct, order = largest_harmonic(v, 1.5)
    f_hz = np.full(600, 50.0)
    f_hz[100:110] = 49.8

    assert quadratic_mean(np.array([3.0, 5.0]), np.array([3.0, 1.0])) == pytest.approx(np.sqrt(13.0))
    assert (float(pct[0]), int(order[0])) == (pytest.approx(6.0), 7)
    assert frequency_departures(f_hz, 50.0) == pytest.approx((0.2 / 60.0, 0.2))


@pytest.fixture(scope="module")
def written(shared_bench: Bench, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Part]:
    folder = tmp_path_factory.mktemp("quality")
    part = Part("mumbai", "small", 11, "quality", 0, 0, 12, SECONDS)
    shared_bench.solve(part, folder)
    return folder, part


@pytest.mark.parametrize("table", ["power_quality", "readings", "readings_truth", "scenarios"])
def test_solve__part_of_quality__keeps_every_rule_of_its_contracts(
    shared_bench: Bench, written: tuple[Path, Part], table: str
) -> None:
    folder, part = written
    data = pq.read_table(folder / table / part.file, partitioning=None)
    contract, facts = TABLES[table], SubstationFacts.of(shared_bench.world.substation)

    block = Block(contract, data, facts)

    assert data.schema.equals(schema(contract), check_metadata=False)
    assert {rule.name for rule in contract.rules if rule.check(block).any()} == set()


def test_solve__part_again__gives_the_same_bytes(
    shared_bench: Bench, written: tuple[Path, Part], tmp_path: Path
) -> None:
    folder, part = written

    shared_bench.solve(part, tmp_path)

    for table in ("power_quality", "readings"):
        assert (tmp_path / table / part.file).read_bytes() == (folder / table / part.file).read_bytes()


def test_power_quality__metered__differs_from_the_truth_by_the_classes(
    shared_bench: Bench, written: tuple[Path, Part]
) -> None:
    folder, part = written
    rows = pq.read_table(folder / "power_quality" / part.file, partitioning=None)
    true, metered = (rows[name].to_numpy() for name in ("u_a_pu", "metered_u_a_pu"))

    assert rows.num_rows == 12 * 27
    assert np.abs(metered / true - 1.0).max() <= 0.01
    assert 0.0 < np.abs(metered / true - 1.0).mean() < 0.004
    measured = sum("pst" in point.measures for point in shared_bench.world.substation.points)
    assert 12 * (27 - measured) <= rows["metered_pst"].null_count <= 12 * (27 - measured) + 5
    assert rows["metered_thd_pct"].null_count >= 12 * 4
