"""Which piece an item's condition is about, and what the description adds to it."""

from datetime import UTC, datetime

import msgspec
import pytest

import substations
from data_contracts.wire import Condition, Context, Item, WireError
from serving.equipment import Equipment

END = datetime(2026, 1, 5, 8, 0, 9, tzinfo=UTC)
READING = {"t": END, "v": [1.0] * 3, "i": [1.0] * 3, "p": [1.0] * 3, "q": [1.0] * 3, "f": 50.0}


@pytest.fixture(scope="module")
def described():
    return substations.read("mumbai")


@pytest.fixture(scope="module")
def complete(described):
    equipment = Equipment.of(described)

    def make(point="DTX1.LV", **context):
        body = {"substation": "mumbai", "point": point, "readings": [READING]}
        one = msgspec.convert(body, Item)
        return equipment.complete(msgspec.structs.replace(one, context=Context(**context)))

    return make


def test_complete__condition_without_a_name__is_that_of_the_bays_transformer(complete, described):
    found = complete(condition=Condition(anomalies_7d=3)).context.condition
    piece = next(one for one in described.assets if one.id == "DTX1")

    assert found.asset_kind == "transformer"
    assert found.age_years == pytest.approx((END.date() - piece.commissioned).days / 365.25)
    assert found.anomalies_7d == 3


def test_complete__named_piece__is_taken_from_the_description_and_a_sent_age_stays(complete, described):
    breaker = next(one for one in described.assets if one.kind == "breaker")
    found = complete(asset=breaker.id, condition=Condition(age_years=2.0)).context.condition

    assert (found.asset_kind, found.age_years) == ("breaker", 2.0)


def test_complete__another_piece_without_a_name__keeps_what_was_sent(complete):
    sent = Condition(asset_kind="breaker", age_years=7.0)

    assert complete(condition=sent).context.condition == sent


def test_complete__no_condition_or_no_piece__changes_nothing(complete):
    assert complete(ambient_c=20.0).context.condition is msgspec.UNSET
    assert (
        complete("SYSTEM", condition=Condition(anomalies_7d=1)).context.condition.asset_kind is msgspec.UNSET
    )


def test_complete__unknown_piece__is_refused_with_a_suggestion(complete):
    with pytest.raises(WireError) as refused:
        complete(asset="DTX9")

    (error,) = refused.value.errors
    assert (error.field, error.rule) == ("context.asset", "unknown_asset")
    assert "DTX1" in error.message


def test_complete__named_piece_called_something_else__is_refused(complete):
    with pytest.raises(WireError) as refused:
        complete(asset="DTX1", condition=Condition(asset_kind="breaker"))

    assert refused.value.errors[0].field == "context.condition.asset_kind"
