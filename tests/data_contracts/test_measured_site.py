"""What versions of one dataset know of its site: what fits together, and what does not."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import msgspec
import pytest

from data_contracts.errors import ContractError
from data_contracts.measured_site import MeasuredPoint, MeasuredSite, contradiction, offset_s, together

FEEDER = MeasuredPoint(kind="feeder", rated_mva=12.0, load_step_s=3600.0, load_phase_s=0.0)
BOARD = MeasuredPoint(kind="bus", nominal_kv=20.0)


def site(points, **changes):
    told = {"dataset": "north", "frequency_hz": 50.0, "time_zone": "Europe/Berlin", "points": points}
    return MeasuredSite(**(told | changes))


def test_together__versions_of_several_tables__every_point_has_what_any_of_them_knows():
    of_load, of_readings = site({"a": FEEDER, "b": FEEDER}), site({"a": BOARD, "c": BOARD})
    for sites in ((of_load, of_readings), (of_readings, of_load)):
        found = together(sites)
        assert found.points == {
            "a": msgspec.structs.replace(FEEDER, nominal_kv=20.0),
            "b": FEEDER,
            "c": BOARD,
        }


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (site({"a": FEEDER}, time_zone="UTC"), "time_zone is Europe/Berlin, not UTC"),
        (site({"a": FEEDER}, frequency_hz=60.0), "frequency_hz is 50.0, not 60.0"),
        (site({"a": msgspec.structs.replace(FEEDER, rated_mva=9.0)}), "rated_mva of a is 12, not 9"),
        (
            site({"a": msgspec.structs.replace(FEEDER, load_phase_s=1800.0)}),
            "load_phase_s of a is 0, not 1800",
        ),
    ],
)
def test_contradiction__another_fact__names_it(other, said):
    one = site({"a": FEEDER})
    assert contradiction(one, other) == said
    with pytest.raises(ContractError, match="versions of the dataset north contradict each other"):
        together([one, other])


def test_contradiction__what_only_one_of_them_knows__is_none():
    assert contradiction(site({"a": FEEDER}), site({"a": BOARD, "b": BOARD})) == ""


@pytest.mark.parametrize(
    ("step_s", "period_s"), [(0.0, 0.0), (300.0, 900.0), (600.0, 1800.0), (3600.0, 3600.0)]
)
def test_load_period_s__of_a_step__is_when_it_ends_with_a_quarter(step_s, period_s):
    assert MeasuredPoint(kind="feeder", load_step_s=step_s).load_period_s == period_s


def test_offset_s__either_side_of_the_change_to_summer_time__differs_by_an_hour():
    zone, change = ZoneInfo("Europe/Berlin"), datetime(2024, 3, 31, 1, tzinfo=UTC).timestamp()
    assert (offset_s(change - 1, zone), offset_s(change, zone)) == (3600.0, 7200.0)
