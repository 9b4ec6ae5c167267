"""Sections, cooling stages and the episodes of `thermal`."""

from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pyarrow.parquet as pq
import pytest

from data_contracts.enforcement import enforce_dataset
from data_contracts.facts import SubstationFacts
from data_contracts.tables.thermal import EVENTS
from simulation.demand import FeederLoads, simulate_load
from simulation.errors import SimulationError
from simulation.tables.thermal import write_thermal
from simulation.thermal.cooling import regime
from simulation.thermal.fleet import Fleet, loss_ratio
from simulation.thermal.indicator import measured_oil
from simulation.thermal.living import largest_ahead
from simulation.thermal.loading import load_episode
from simulation.thermal.plan import DAY_MIN, plan_thermal
from simulation.thermal.play import RELIEVE_C, Played, minutes, play
from simulation.thermal.roster import rostered
from simulation.thermal.sections import can_be_out, flows, sections, transformer_mva
from substations.description import Substation
from switchyard.home import Home
from switchyard.profiles import Profile, Thermal


@pytest.fixture(scope="module")
def profile(small_profile: Profile) -> Profile:
    plan = msgspec.structs.replace(small_profile.simulation, thermal=Thermal(episodes=6, days=1))
    return msgspec.structs.replace(small_profile, simulation=plan)


@pytest.fixture(scope="module")
def loads(mumbai: Substation, profile: Profile) -> FeederLoads:
    plan = profile.simulation
    return simulate_load(mumbai, plan.start, plan.load_days, profile.name, profile.seed)


@pytest.fixture(scope="module")
def fleet(mumbai: Substation) -> Fleet:
    return Fleet.of(mumbai)


def hold(fleet: Fleet, load_pu: float, ambient_c: float = 30.0, hours: int = 40) -> Played:
    """Every transformer at one load for so long."""
    shape = (60 * hours, len(fleet.names))
    load = np.full(shape, load_pu) * fleet.rated_mva
    leader = np.arange(shape[1])
    return play(fleet, load, np.full(shape, ambient_c), np.ones(shape, dtype=bool), leader)


def test_sections__mumbai__two_at_33_kv_and_one_of_parallel_transformers_above(mumbai: Substation) -> None:
    names = [unit.id for unit in mumbai.transformers]

    low, high = sections(mumbai)[:2], sections(mumbai)[2]

    assert [[names[k] for k in section.transformers] for section in low] == [["DTX1"], ["DTX2"]]
    assert [names[k] for k in high.transformers] == ["AT1", "AT2"]
    assert high.shares == (0.5, 0.5)
    assert high.below == ((0, 1.0), (1, 1.0))
    assert sum(len(section.feeders) for section in (*low, high)) == len(mumbai.feeders)


def test_sections__one_of_two_lost__the_other_carries_both(mumbai: Substation) -> None:
    names = [unit.id for unit in mumbai.transformers]
    s_va = np.array([[feeder.base_mw * 1e6 + 0j for feeder in mumbai.feeders]])

    def mva(out: str | None) -> dict[str, float]:
        found = sections(mumbai, None if out is None else names.index(out))
        row = transformer_mva(found, flows(found, s_va), len(names))[0]
        return dict(zip(names, row.tolist(), strict=True))

    usual, without = mva(None), mva("DTX1")
    assert without["DTX1"] == 0.0
    assert without["DTX2"] == pytest.approx(usual["DTX1"] + usual["DTX2"])
    assert without["AT1"] == pytest.approx(usual["AT1"])
    assert mva("AT2")["AT1"] == pytest.approx(2.0 * usual["AT1"])
    assert can_be_out(mumbai) == (0, 1, 2, 3)


def test_flows__reactive_power_above_a_banks_step__is_compensated(mumbai: Substation) -> None:
    s_va = np.array([[feeder.base_mw * 1e6 * (1.0 + 0.4j) for feeder in mumbai.feeders]])

    lv1 = flows(sections(mumbai), s_va)[0]

    # 27 MW with 10.8 Mvar, and a bank of two steps of 5 Mvar.
    assert lv1[0] == pytest.approx(27e6 + 0.8e6j)


def test_fleet__heat_run__lies_below_the_guarantee_and_is_the_same_in_every_campaign(
    mumbai: Substation, fleet: Fleet
) -> None:
    rated, rating = fleet.at(fleet.last)

    assert np.all((rated.oil_rise_k > 0.89 * 56.0) & (rated.oil_rise_k <= 56.0))
    assert rating.tolist() == [1.0] * 4
    assert np.array_equal(Fleet.of(mumbai).values, fleet.values)
    unit = mumbai.transformers[0]
    assert loss_ratio(unit, 189.0) == pytest.approx(478.8 / 92.0 * 0.6**2)


def test_play__rated_load_in_the_strongest_stage__ends_at_its_rated_rises(fleet: Fleet) -> None:
    rated, _ = fleet.at(fleet.last)

    played = hold(fleet, 1.0)

    assert (played.stage[-1] == fleet.last).all()
    assert played.oil_c[-1] == pytest.approx(30.0 + rated.oil_rise_k, abs=0.01)
    assert played.hot_spot_c[-1] == pytest.approx(30.0 + rated.oil_rise_k + rated.gradient_k, abs=0.01)
    assert played.hot_spot_ieee_c[-1] == pytest.approx(played.hot_spot_c[-1], abs=0.1)


@pytest.mark.parametrize("stage", [0, 1, 2])
def test_play__stage_held__is_warmer_under_more_load_and_in_warmer_air(fleet: Fleet, stage: int) -> None:
    alone = replace(fleet, on_c=np.full_like(fleet.on_c, np.inf), off_c=np.full_like(fleet.off_c, -np.inf))
    at = replace(
        alone, values=np.repeat(fleet.values[:, :, [stage]], 3, axis=2), rating_pu=fleet.rating_pu * 0 + 1.0
    )

    ends = [hold(at, load, 20.0, 30) for load in (0.2, 0.5, 0.8, 1.0)]

    assert (np.diff([end.hot_spot_c[-1] for end in ends], axis=0) > 0.0).all()
    assert (np.diff([end.oil_c[-1] for end in ends], axis=0) > 0.0).all()
    warmer = hold(at, 0.5, 27.0, 30)
    assert warmer.hot_spot_c[-1] - ends[1].hot_spot_c[-1] == pytest.approx(7.0)


def test_play__stronger_stage__is_cooler_under_the_same_load(fleet: Fleet) -> None:
    ends = []
    for stage in range(3):
        values = np.repeat(fleet.values[:, :, [stage]], 3, axis=2)
        rating = np.repeat(fleet.rating_pu[:, [stage]], 3, axis=1)
        ends.append(hold(replace(fleet, values=values, rating_pu=rating), 0.55, 10.0).hot_spot_c[-1])

    assert (np.diff(ends, axis=0) < 0.0).all()


def test_switched__temperature_between_on_and_off__keeps_the_stage(fleet: Fleet) -> None:
    def after(stage: int, winding_c: float, oil_c: float, ran_min: float = 60.0) -> list[int]:
        width = len(fleet.names)
        found = fleet.switched(
            np.full(width, stage, dtype=np.int64),
            np.full(width, ran_min),
            np.full(width, winding_c),
            np.full(width, oil_c),
        )
        return found.tolist()

    assert after(0, 69.0, 58.0) == [0] * 4
    assert after(1, 69.0, 58.0) == [1] * 4
    assert after(0, 82.0, 58.0) == [1] * 4
    assert after(0, 60.0, 72.0) == [1] * 4
    assert after(1, 120.0, 90.0) == [2] * 4
    assert after(2, 120.0, 90.0) == [2] * 4
    assert after(1, 53.0, 43.0) == [0] * 4
    assert after(1, 53.0, 43.0, ran_min=29.0) == [1] * 4


def test_play__steady_load_between_two_stages__cycles_with_pauses(fleet: Fleet) -> None:
    """The weaker stage is too warm and the stronger one too cold: fans run by turns, but not for moments."""
    for load in np.arange(0.4, 1.1, 0.05):
        stage = hold(fleet, float(load), hours=30).stage

        for own in stage.T:
            pauses = np.diff(np.flatnonzero(np.diff(own[300:])))
            assert (pauses >= 15).all()


def test_play__beyond_what_operators_let_happen__load_is_moved_away(fleet: Fleet) -> None:
    played = hold(fleet, 1.6)

    assert played.hot_spot_c.max() > RELIEVE_C
    assert played.load_pu[-1].max() < 1.45
    assert played.hot_spot_c[-1].max() < RELIEVE_C + 1.0


def test_play__load_lost__hot_spot_stays_above_the_oil_and_both_end_at_the_air(fleet: Fleet) -> None:
    shape = (60 * 40, 4)
    load = np.tile(fleet.rated_mva, (shape[0], 1))
    alive = np.ones(shape, dtype=bool)
    alive[600:] = False

    played = play(fleet, load, np.full(shape, 30.0), alive, np.arange(4))

    assert (played.load_pu[600:] == 0.0).all()
    assert (played.hot_spot_c >= played.oil_c).all()
    assert played.hot_spot_c[-1] == pytest.approx(30.0, abs=0.5)
    assert (played.stage[-1] == 0).all()


def test_minutes__from_a_standing_in_the_middle__goes_on_as_if_never_stopped(fleet: Fleet) -> None:
    rng, width = np.random.default_rng(2), len(fleet.names)
    load = (0.6 + 0.7 * rng.random((300, 1)).repeat(width, axis=1)) * fleet.rated_mva
    air, alive, leader = (
        np.full(load.shape, 35.0),
        np.ones(load.shape, dtype=bool),
        np.zeros(width, dtype=int),
    )

    whole = list(minutes(fleet, load, air, alive, leader))
    rest = list(minutes(fleet, load[200:], air[200:], alive[200:], leader, begin=whole[199][0]))

    for (_, load_pu, hot), (_, again_pu, again) in zip(whole[200:], rest, strict=True):
        assert np.array_equal(load_pu, again_pu)
        assert np.array_equal(hot, again)
    assert np.array_equal(play(fleet, load, air, alive, leader).hot_spot_c, [hot for _, _, hot in whole])


def test_weakened__forced_cooling_not_whole__warmer_oil_in_its_stages_alone(fleet: Fleet) -> None:
    weak = fleet.weakened(np.array([0.0, 0.2, 0.2, 0.2]))

    rated, _ = weak.at(fleet.last)
    assert rated.oil_rise_k == pytest.approx(fleet.at(fleet.last)[0].oil_rise_k * [1.0, 1.2, 1.2, 1.2])
    assert np.array_equal(weak.values[:, :, 0], fleet.values[:, :, 0])
    rise = hold(weak, 0.9).oil_c[-1] - hold(fleet, 0.9).oil_c[-1]
    assert rise[0] == 0.0
    assert (rise[1:] > 5.0).all()
    assert np.array_equal(Fleet.beside([fleet, weak]).values[:, 4:], weak.values)


def test_fleet__nameplate__is_what_the_standard_recommends(mumbai: Substation) -> None:
    plain = Fleet.of(mumbai, nameplate=True)

    rated, _ = plain.at(plain.last)
    assert rated.oil_rise_k.tolist() == [56.0] * 4
    assert rated.gradient_k.tolist() == [22.0] * 4
    assert plain.on_c[0, :, 0].tolist() == [75.0] * 4


def test_rostered__a_day_of_minutes__blocks_at_the_same_hours_every_day(mumbai: Substation) -> None:
    t = 60 * np.arange(2 * DAY_MIN)

    factor = rostered(mumbai, t)

    assert np.allclose(factor[:DAY_MIN], factor[DAY_MIN:])
    assert factor.min() == 1.0
    assert factor.max() < 1.0 + 2 * 0.6
    # A block climbs within a quarter of an hour; two may do so at once.
    assert np.abs(np.diff(factor, axis=0)).max() <= 2 * 0.6 / 15 + 1e-9


def test_regime__medium_and_large__differ_by_the_current() -> None:
    def of(load: float, hot: float, oil: float, mva: float) -> int:
        return int(regime(*(np.asarray(value) for value in (load, hot, oil, mva))))

    assert of(1.2, 115.0, 100.0, 50.0) == of(1.2, 115.0, 100.0, 315.0) == 0
    assert (of(1.4, 115.0, 100.0, 50.0), of(1.4, 115.0, 100.0, 315.0)) == (0, 2)
    assert of(1.0, 130.0, 100.0, 50.0) == 1
    assert of(1.0, 130.0, 116.0, 50.0) == 3
    assert of(1.0, 150.0, 110.0, 50.0) == 2


def test_measured_oil__class_b_and_steps__within_the_limit_and_on_the_grid() -> None:
    oil = np.linspace(30.0, 110.0, 5000)
    for mva, step in ((50.0, 1.0), (315.0, 0.1)):
        read = measured_oil(np.random.default_rng(3), oil, mva)
        seen = ~np.isnan(read)

        assert 0.997 < seen.mean() < 1.0
        assert np.abs(read[seen] / step - np.rint(read[seen] / step)).max() < 1e-6
        assert np.abs(read[seen] - oil[seen]).max() < 0.3 + 0.005 * 110.0 + step / 2.0 + 0.25


def test_largest_ahead__single_peak__is_seen_by_the_sixty_rows_before_it() -> None:
    hot = np.zeros((200, 1))
    hot[100] = 1.0

    found = largest_ahead(hot)[:, 0]

    assert np.flatnonzero(found == 1.0).tolist() == list(range(40, 100))
    assert np.isnan(found[-60:]).all()
    assert not np.isnan(found[:-60]).any()


def test_plan_thermal__six_episodes__are_every_kind_and_do_not_overlap(
    mumbai: Substation, profile: Profile
) -> None:
    episodes = plan_thermal(mumbai, profile)

    kinds = [episode.kind for episode in episodes]
    assert sorted(kinds) == sorted(["heat_wave", "none", *["load_growth", "parallel_outage"] * 2])
    begins = np.array([episode.t for episode in episodes])
    assert (np.diff(begins) >= 86_400).all()
    assert all(episode.outages.any() == (episode.out is not None) for episode in episodes)


def test_plan_thermal__too_many_days__is_refused(mumbai: Substation, profile: Profile) -> None:
    plan = msgspec.structs.replace(profile.simulation, thermal=Thermal(episodes=4, days=10))

    with pytest.raises(SimulationError, match="4 thermal episodes of 10 days do not fit into 30 days"):
        plan_thermal(mumbai, msgspec.structs.replace(profile, simulation=plan))


def test_load_episode__heat_wave_and_growth__reach_the_peak_that_was_drawn(
    mumbai: Substation, profile: Profile, loads: FeederLoads
) -> None:
    for episode in plan_thermal(mumbai, profile):
        loading = load_episode(mumbai, loads, episode)
        rated = np.array([unit.rated_mva for unit in mumbai.transformers])
        peak = (loading.load_mva / rated).max(axis=0)
        first = (episode.t - int(loads.t[0])) // 900
        warmer = loading.ambient_c[DAY_MIN + 720] - loads.weather.ambient_c[first + 48]

        assert warmer == pytest.approx(episode.heat_k, rel=0.005)
        if episode.kind in {"load_growth", "heat_wave"}:
            # DTX2 is so lightly loaded in January that its growth may be cut.
            assert peak[2] == pytest.approx(episode.peak_pu[2], rel=0.08)
            assert peak[3] < 1.08 * episode.peak_pu[3]
            assert peak[:2] == pytest.approx(min(episode.peak_pu[:2]), rel=0.08)
        if episode.out is not None:
            assert not loading.energised[DAY_MIN:, episode.out][episode.outages].any()
            assert (loading.event[episode.outages, episode.out] == EVENTS.index("out_of_service")).all()
            assert (loading.event == EVENTS.index("parallel_outage")).any()


def test_write_thermal__small_campaign__keeps_its_contract_and_its_bytes(
    mumbai: Substation, profile: Profile, tmp_path: Path
) -> None:
    home = Home(tmp_path / "home")
    path = home.staging / "small.mumbai" / "thermal" / "thermal-00000.parquet"

    rows = write_thermal(path, mumbai, profile)

    assert rows == 6 * 4 * 1440
    write_thermal(tmp_path / "again.parquet", mumbai, profile)
    assert path.read_bytes() == (tmp_path / "again.parquet").read_bytes()
    seen = pq.read_table(path, partitioning=None)
    assert set(seen["event"].to_pylist()) == set(EVENTS)
    assert np.max(seen["hot_spot_c"].to_numpy()) > 120.0
    assert np.abs(seen["hot_spot_c"].to_numpy() - seen["hot_spot_ieee_c"].to_numpy()).mean() < 6.0
    report = enforce_dataset(home, "small.mumbai", SubstationFacts.of(mumbai), reject_share=0.0)
    assert [(table.table, sum(file.rejected for file in table.files)) for table in report.tables] == [
        ("thermal", 0)
    ]


def test_write_thermal__no_episodes__writes_nothing(
    mumbai: Substation, profile: Profile, tmp_path: Path
) -> None:
    plan = msgspec.structs.replace(profile.simulation, thermal=Thermal())

    assert (
        write_thermal(tmp_path / "t.parquet", mumbai, msgspec.structs.replace(profile, simulation=plan)) == 0
    )
    assert not list(tmp_path.iterdir())
