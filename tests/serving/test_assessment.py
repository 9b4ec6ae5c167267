"""Limits that the latest valid reading exceeds."""

import msgspec
import pytest

from data_contracts.wire import Item, pack
from serving.assessment import limits_exceeded, vuf_of_line_voltages
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


def test_vuf_of_line_voltages__phasors_of_known_unbalance__exact():
    a = complex(-0.5, 3**0.5 / 2)
    for share in (0.0, 0.013, 0.08, 0.4):
        phase = [a ** (-k) + share * 1j * a**k for k in range(3)]
        line = [abs(phase[k] - phase[(k + 1) % 3]) for k in range(3)]
        assert vuf_of_line_voltages(*line) == pytest.approx(100 * share, abs=2e-6)
