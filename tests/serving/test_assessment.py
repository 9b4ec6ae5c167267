"""Limits that the latest valid reading exceeds."""

import msgspec
import pytest

from data_contracts.wire import Item, pack
from serving.assessment import limits_exceeded, vuf_of_line_voltages
from serving.bands import frequency_band
from serving.sites import Sites


@pytest.fixture(scope="module")
def site():
    sites = Sites.read(["mumbai"])
    return next(one for one in sites if one.point == "DTX1.LV")


@pytest.fixture
def exceeded(site):
    def judge(body):
        return {one.quantity: one for one in limits_exceeded(pack([msgspec.convert(body, Item)]), site)}

    return judge


def test_limits_exceeded__current_above_rating__named_with_the_rating(exceeded, item, site):
    body = item()
    body["readings"][-1]["i"] = [410.0, 1.2 * site.rated_a, 410.0]
    found = exceeded(body)
    assert list(found) == ["current"]
    assert found["current"].value == pytest.approx(1.2 * site.rated_a)
    assert found["current"].limit == site.rated_a
    assert found["current"].unit == "A"


def test_limits_exceeded__only_an_older_reading_exceeds__nothing(exceeded, item):
    body = item()
    body["readings"][3]["thd"] = [30.0, 1.0, 1.0]
    assert exceeded(body) == {}


def test_limits_exceeded__latest_reading_invalid__the_one_before_is_judged(exceeded, item):
    body = item()
    body["readings"][-1]["quality"] = "invalid"
    body["readings"][-1]["thd"] = [90.0, 90.0, 90.0]
    body["readings"][-2]["thd"] = [1.0, 6.5, 1.0]
    assert exceeded(body)["thd"].value == 6.5


def test_limits_exceeded__every_reading_invalid__nothing(exceeded, item):
    body = item(1)
    body["readings"][0] |= {"quality": "invalid", "v": [None] * 3}
    assert exceeded(body) == {}


def test_limits_exceeded__half_cycle_extremes__are_sag_swell_and_interruption(exceeded, item):
    body = item()
    body["readings"][-1]["v_min"] = [0.7 * 19053, 19000.0, 19000.0]
    body["readings"][-1]["v_max"] = [19100.0, 1.2 * 19053, 19100.0]
    found = exceeded(body)
    assert list(found) == ["sag", "swell"]
    assert found["sag"].value == pytest.approx(0.7, rel=1e-4)
    assert (found["sag"].limit, found["swell"].limit) == (0.9, 1.1)
    assert found["swell"].value == pytest.approx(1.2, rel=1e-4)
    assert "IEEE 1159" in found["sag"].standard
    body["readings"][-1]["v_min"][0] = 500.0
    assert list(exceeded(body)) == ["interruption", "swell"]


@pytest.mark.parametrize(("f", "limit"), [(49.85, 49.90), (50.10, 50.05), (49.91, None), (50.04, None)])
def test_limits_exceeded__frequency__by_the_band_of_the_countrys_grid_code(exceeded, item, f, limit):
    body = item()
    body["readings"][-1]["f"] = f
    found = exceeded(body)
    assert (found["frequency"].limit if "frequency" in found else None) == limit


def test_limits_exceeded__voltages_between_two_levels_bands__judged_by_the_points_own(item):
    """1.07 pu is allowed at 33 kV (30–36 kV) and not at 400 kV (380–420 kV)."""
    sites = {one.point: one for one in Sites.read(["mumbai"])}
    body = item(scale=(1.07, 1.07, 1.07))
    rows = pack([msgspec.convert(body, Item)])
    assert limits_exceeded(rows, sites["DTX1.LV"]) == []
    high = item(point="SYSTEM", scale=(1.07, 1.07, 1.07))
    for reading in high["readings"]:
        reading["v"] = [value * 400 / 33 for value in reading["v"]]
    found = limits_exceeded(pack([msgspec.convert(high, Item)]), sites["SYSTEM"])
    assert found[0].quantity == "v_max"
    assert found[0].limit == 1.05
    assert "IEGC" in found[0].standard


def test_frequency_band__country_without_one__is_that_of_en_50160():
    assert frequency_band("DE", 50.0).low_hz == pytest.approx(49.5)
    assert frequency_band("IN", 60.0).high_hz == pytest.approx(60.6)
    assert "EN 50160" in frequency_band("DE", 50.0).standard


def test_vuf_of_line_voltages__phasors_of_known_unbalance__exact():
    a = complex(-0.5, 3**0.5 / 2)
    for share in (0.0, 0.013, 0.08, 0.4):
        phase = [a ** (-k) + share * 1j * a**k for k in range(3)]
        line = [abs(phase[k] - phase[(k + 1) % 3]) for k in range(3)]
        assert vuf_of_line_voltages(*line) == pytest.approx(100 * share, abs=2e-6)
