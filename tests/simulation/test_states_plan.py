"""Which quarters of a campaign are solved, and their parts."""

import msgspec
import pytest

from simulation.states.plan import PART_DAYS, chosen_quarters, plan_states, solved_quarters
from switchyard.profiles import Profile, States, load_profile


def planned(profile: Profile, days: int, states: States) -> Profile:
    plan = msgspec.structs.replace(profile.simulation, load_days=days, states=states)
    return msgspec.structs.replace(profile, simulation=plan)


def test_solved_quarters__full_days__are_all_of_the_last_and_every_so_many_before(
    small_profile: Profile,
) -> None:
    found = solved_quarters(planned(small_profile, 10, States(stride=7, full_days=3)))

    assert found[-288:] == tuple(range(7 * 96, 10 * 96))
    assert found[:-288] == tuple(range(0, 7 * 96, 7))


@pytest.mark.parametrize("full_days", [10, 400])
def test_solved_quarters__as_many_full_days_as_days__are_all(small_profile: Profile, full_days: int) -> None:
    found = solved_quarters(planned(small_profile, 10, States(stride=7, full_days=full_days)))

    assert found == tuple(range(960))


def test_plan_states__campaign_of_some_parts__covers_every_quarter_once(small_profile: Profile) -> None:
    profile = planned(small_profile, 2 * PART_DAYS + 5, States(stride=5, full_days=9, controls=20))

    parts = plan_states(profile, "mumbai")

    assert [part.file("losses") for part in parts] == [f"losses-{k:05d}.parquet" for k in range(3)]
    assert [quarter for part in parts for quarter in part.quarters] == list(solved_quarters(profile))
    assert all(len({quarter // 96 // PART_DAYS for quarter in part.quarters}) == 1 for part in parts)
    assert frozenset().union(*(part.controls for part in parts)) == chosen_quarters(profile, "mumbai")
    assert all(part.controls <= set(part.quarters) for part in parts)


def test_plan_states__no_stride__has_no_part(small_profile: Profile) -> None:
    assert plan_states(planned(small_profile, 30, States()), "mumbai") == ()


def test_plan_states__full_profile__solves_a_whole_year_and_more_than_eighty_thousand_states() -> None:
    profile = load_profile("full")

    parts = [part for name in profile.substations for part in plan_states(profile, name)]

    last = profile.simulation.load_days * 96
    for number in range(len(profile.substations)):
        own = parts[number * len(parts) // 4 : (number + 1) * len(parts) // 4]
        solved = {quarter for part in own for quarter in part.quarters}
        assert solved.issuperset(range(last - 365 * 96, last))
    assert sum(len(part.quarters) for part in parts) >= 80_000


def test_chosen_quarters__more_than_days__takes_one_a_day(small_profile: Profile) -> None:
    found = chosen_quarters(planned(small_profile, 30, States(stride=5, controls=400)), "mumbai")

    assert sorted(quarter // 96 for quarter in found) == list(range(30))
    assert all(quarter % 5 == 0 for quarter in found)
    assert len({quarter % 96 // 24 for quarter in found}) == 4
