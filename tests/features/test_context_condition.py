"""Condition of equipment: from a request as from the table, and what is missing stays missing."""

from datetime import UTC, datetime

import msgspec
import numpy as np
import pytest

from data_contracts.tables.assets import KINDS
from data_contracts.wire import Condition, Context, Gases, Item
from features.context import condition

END = datetime(2026, 1, 5, 8, 0, 9, tzinfo=UTC)
READING = {"t": END, "v": [1.0] * 3, "i": [1.0] * 3, "p": [1.0] * 3, "q": [1.0] * 3, "f": 50.0}


def item(context):
    one = msgspec.convert({"substation": "mumbai", "point": "DTX1.LV", "readings": [READING]}, Item)
    return msgspec.structs.replace(one, context=context)


def named(block):
    return dict(zip((one.name for one in condition.FEATURES), block.T, strict=True))


def test_kinds__of_the_wire__are_those_of_the_table():
    assert condition.KINDS == KINDS


def test_read__everything_sent__is_what_training_computes():
    sent = Condition(
        asset_kind="transformer", age_years=12.5, anomalies_7d=9, anomalies_30d=20, load_pu=0.6,
        hot_spot_c=88.0, through_faults=14, moisture_pct=1.9, oltc_operations=51_000, breaker_operations=3,
        dga=Gases(h2_ppm=60.0, ch4_ppm=40.0, c2h2_ppm=1.0, c2h4_ppm=30.0, co_ppm=400.0),
    )  # fmt: skip
    found = named(condition.read([item(Context(anomalies_24h=2, condition=sent))], None))
    values = {
        "asset_kind_code": [6.0], "asset_age_y": [12.5], "asset_anomalies_7d": [9.0],
        "asset_anomalies_30d": [20.0], "asset_load_pu": [0.6], "asset_hot_spot_c": [88.0],
        "asset_through_faults": [14.0], "asset_moisture_pct": [1.9], "asset_oltc_operations": [51_000.0],
        "asset_breaker_operations": [3.0], "asset_h2_ppm": [60.0], "asset_ch4_ppm": [40.0],
        "asset_c2h2_ppm": [1.0], "asset_c2h4_ppm": [30.0], "asset_co_ppm": [400.0], "anomalies_24h": [2.0],
    }  # fmt: skip
    wanted = named(condition.compute({name: np.array(value) for name, value in values.items()}))

    assert set(values) == set(condition.FIELDS)
    for name, value in wanted.items():
        np.testing.assert_array_equal(found[name], value)
    assert found["asset_anomaly_trend_week"][0] == pytest.approx(np.log((9 / 7 + 0.3) / (11 / 23 + 0.3)))
    assert found["asset_anomaly_trend_day"][0] == pytest.approx(np.log(3 / (11 / 23 + 1)))


def test_read__nothing_sent__is_missing():
    found = condition.read([item(Context(ambient_c=20.0)), item(msgspec.UNSET)], None)

    assert np.isnan(found).all()


def test_compute__fewer_anomalies_in_the_month_than_in_the_week__has_no_trend():
    values = {name: np.ones(1) for name in condition.FIELDS} | {"asset_anomalies_7d": np.array([5.0])}
    found = named(condition.compute(values))

    assert np.isnan(found["asset_anomaly_trend_week"]).all()
    assert found["asset_anomalies_7d"] == 5


def test_code_of__unknown_kind__is_missing():
    np.testing.assert_array_equal(condition.code_of(["breaker", "kettle"]), [0.0, np.nan])
