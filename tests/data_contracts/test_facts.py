"""Facts that the rules need, taken from a substation's description."""

import math

import pytest

import substations
from data_contracts.facts import SubstationFacts


def test_facts__of_a_description__hold_nominals_and_ratings():
    description = substations.read("mumbai")

    facts = SubstationFacts.of(description)

    point = facts.points["DTX1.LV"]
    assert (facts.substation, facts.frequency_hz, facts.utc_offset_s) == ("mumbai", 50, 19_800)
    assert point.nominal_v == pytest.approx(33_000 / math.sqrt(3))
    assert (point.rated_a, point.vt_class) == (1000, 0.5)
    assert facts.buses["lv1"].breaker_ka == 31.5
    assert facts.buses["at1_t"].breaker_ka is None
    assert len(facts.points) == len(description.points)
    assert len(facts.assets) == len(description.assets)
    assert facts.assets["F331.CB"] == "breaker"
    assert facts.transformers == ("AT1", "AT2", "DTX1", "DTX2")
