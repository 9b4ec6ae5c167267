"""Which days of which equipment get readings."""

import math
from collections import Counter

import msgspec
import numpy as np
import pytest

from data_contracts.rules.assets import HORIZON_D
from simulation.ageing.campaign import Observation, Span, observe_assets
from simulation.ageing.sampling import LAST_D, STRATA, AssetDays, stride
from simulation.clock import DAY_S, local_midnight
from simulation.errors import SimulationError
from simulation.parts import plan_parts
from substations.description import Substation
from switchyard.profiles import Episodes, Profile


@pytest.fixture(scope="module")
def span(small_profile: Profile) -> Span:
    plan = msgspec.structs.replace(small_profile.simulation, asset_years=2, load_days=120)
    return Span.of(msgspec.structs.replace(small_profile, simulation=plan))


@pytest.fixture(scope="module")
def observed(mumbai: Substation, span: Span) -> Observation:
    return observe_assets(mumbai, span, 9000.0)


@pytest.fixture(scope="module")
def days(mumbai: Substation, span: Span, observed: Observation) -> AssetDays:
    return AssetDays.of(observed, span, mumbai.name, mumbai.utc_offset_s)


def test_asset_days__all__are_days_of_the_campaign_in_service_with_known_labels(
    mumbai: Substation, span: Span, observed: Observation, days: AssetDays
) -> None:
    lives = observed.lives
    before = lives.in_service.shape[0] - span.days
    rows = days.day + before

    assert days.day.min() == 0
    assert days.day.max() == span.days - 1 - HORIZON_D
    assert lives.in_service[rows, days.piece].all()
    time, failed = lives.time_to_event_d[rows, days.piece], lives.failed[rows, days.piece]
    assert (failed | (time >= HORIZON_D)).all()
    assert days.midnight == local_midnight(span.start, mumbai.utc_offset_s)
    assert sum(members.size for members in days.members.values()) == days.day.size
    failing = days.members["failing"]
    assert (failed & (time <= HORIZON_D))[failing].all()
    assert (failed & (time <= HORIZON_D)).sum() == failing.size
    assert (days.severity[days.members["sound"]] == 0.0).all()
    assert (days.severity[days.members["defective"]] > 0.0).all()
    assert span.days < LAST_D


def test_draw__many__fills_strata_by_turns_and_weights_restore_the_base_rate(days: AssetDays) -> None:
    drawn = [days.draw(index) for index in range(200)]

    assert Counter(each.stratum for each in drawn) == {"sound": 100, "failing": 50, "defective": 50}
    weights = np.array([each.weight for each in drawn])
    assert weights.mean() == pytest.approx(1.0)
    for name in STRATA:
        mine = np.array([each.stratum == name for each in drawn])
        share = days.members[name].size / days.day.size
        assert (weights * mine).sum() / weights.sum() == pytest.approx(share)
    defective = np.array([each.severity > 0.0 for each in drawn])
    assert defective.mean() > 0.3


def test_draw__until_a_stratum_is_used_up__never_repeats_a_day(days: AssetDays) -> None:
    count = days.members["failing"].size
    drawn = [days.draw(4 * k + 1) for k in range(count)]

    assert {each.stratum for each in drawn} == {"failing"}
    assert len({(each.asset, each.day) for each in drawn}) == count


def test_draw__same_number__is_the_same_and_names_its_local_midnight(
    mumbai: Substation, days: AssetDays
) -> None:
    assert days.draw(17) == days.draw(17)
    drawn = days.draw(5)
    assert (drawn.t_asset + mumbai.utc_offset_s) % DAY_S == 0
    assert (drawn.t_asset - days.midnight) // DAY_S == drawn.day
    assert drawn.asset in {asset.id for asset in mumbai.assets}


def test_draw__stratum_without_members__leaves_its_turn_to_the_largest(days: AssetDays) -> None:
    members = days.members | {"failing": np.empty(0, dtype=np.int64)}
    poorer = AssetDays(
        days.stream, days.names, days.piece, days.day, days.midnight, days.spell, days.severity, members
    )

    drawn = [poorer.draw(index) for index in range(40)]

    assert Counter(each.stratum for each in drawn) == {"sound": 30, "defective": 10}


@pytest.mark.parametrize("size", [1, 2, 7, 100, 1234])
def test_stride__any_size__visits_every_place(size: int) -> None:
    assert math.gcd(stride(size), size) == 1


def test_plan_parts__ageing_without_observed_equipment__is_refused(small_profile: Profile) -> None:
    plan = msgspec.structs.replace(
        small_profile.simulation, asset_years=0, load_days=60, episodes={"ageing": Episodes(4, 20)}
    )
    with pytest.raises(SimulationError, match="kind ageing need equipment that is observed"):
        plan_parts(msgspec.structs.replace(small_profile, simulation=plan), "mumbai")


def test_asset_days__too_short_a_campaign__is_refused(mumbai: Substation, small_profile: Profile) -> None:
    plan = msgspec.structs.replace(small_profile.simulation, asset_years=0, load_days=20)
    span = Span.of(msgspec.structs.replace(small_profile, simulation=plan))
    with pytest.raises(SimulationError, match="no day of 20 has its next 30 days"):
        AssetDays.of(observe_assets(mumbai, span, 9000.0), span, mumbai.name, mumbai.utc_offset_s)
