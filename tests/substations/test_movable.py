"""What can be moved in the shipped substations, and which transformers carry it."""

import pytest

import substations
from substations.movable import _group, movable_facts
from substations.station import station_facts


@pytest.mark.parametrize(
    ("name", "feeders", "supplies"),
    [("mumbai", 4, 2), ("delhi", 5, 2), ("bangalore", 6, 2), ("chennai", 4, 2)],
)
def test_movable_facts__shipped_substation__has_its_feeders_of_33_kv_and_its_traction(
    name, feeders, supplies
):
    described = substations.read(name)
    facts = movable_facts(described)
    assert facts == station_facts(described).movable
    assert len(facts.feeders) == feeders
    assert len(facts.feeders) + len(facts.others) == len(described.feeders)
    assert len(facts.supplies) == supplies
    assert len({unit.group for unit in facts.units}) == 2


def test_movable_facts__feeder_of_33_kv__goes_through_its_own_transformer_and_half_of_each_above():
    facts = movable_facts(substations.read("mumbai"))
    names = [unit.name for unit in facts.units]
    feeder = next(one for one in facts.feeders if one.name == "F333")
    assert feeder.buses == ("lv2", "lv1")
    assert [names[k] for k in feeder.unit] == ["DTX2", "DTX1"]
    carried = [dict(zip(names, side, strict=True)) for side in feeder.carried]
    assert carried[0] == {"AT1": 0.5, "AT2": 0.5, "DTX1": 0.0, "DTX2": 1.0}
    assert carried[1] == {"AT1": 0.5, "AT2": 0.5, "DTX1": 1.0, "DTX2": 0.0}


def test_movable_facts__feeder_of_220_kv__stays_on_its_busbar():
    facts = movable_facts(substations.read("mumbai"))
    feeder = next(one for one in facts.others if one.name == "F221")
    assert feeder.buses == ("mv1", "mv1")
    assert sum(feeder.carried[0]) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("vector_group", "found"),
    [
        ("YNyn0", (0, True, True)),
        ("YNa0d1", (0, True, True)),
        ("YNd11", (11, False, False)),
        ("Dyn11", (11, True, False)),
        ("special", (0, True, True)),
    ],
)
def test_group__vector_groups__tell_clock_and_the_way_of_zero_sequence(vector_group, found):
    assert _group(vector_group) == found
