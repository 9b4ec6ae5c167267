"""The topic `quality`: the worst point of those with all instruments."""

import msgspec
import pytest

from data_contracts.wire import Context
from flows.contexts.told import iso
from tests.flows.contexts.tables import NOON, stamps, truth


def test_quality__point__is_the_worst_of_those_with_all_instruments(ask):
    name = "mumbai.tiny.7.kind.000000"
    table = {
        "scenario_id": [name] * 4 + ["another"],
        "point": ["AT1.HV", "DTX1.LV", "LV1", "MV1", "LV2"],
        "metered_thd_pct": [1.0, 1.0, 1.0, None, 1.0],
        "metered_pst": [None, 0.5, 0.5, 0.5, 0.5],
        "index": [10.0, 80.0, 60.0, 20.0, 5.0],
        "grade": ["poor", "good", "fair", "poor", "poor"],
        "t": stamps([NOON - 599] * 5),
        "u_min_pu": [0.98, 0.98, 0.6, 0.98, 0.98],
        "u_max_pu": [1.02, 1.02, 1.3, 1.02, 1.02],
        "event_s": [0.0, 0.0, 0.1, 0.0, 0.0],
        "swells": [0, 0, 1, 0, 0],
    }
    table["scenario_id"][4] = name.replace("000000", "000001")

    found = ask("quality", {"power_quality": table}, [NOON, NOON], [{"start_s": 300.5}, {}])

    assert found[0].point == "LV1"
    sag, swell = (msgspec.to_builtins(event) for event in msgspec.convert(found[0].context, Context).events)
    assert sag["kind"] == "sag"
    assert swell["kind"] == "swell"
    assert sag["depth_pct"] == pytest.approx(40.0, abs=1.0)
    assert swell["depth_pct"] == pytest.approx(30.0, abs=1.0)
    assert sag["duration_ms"] == pytest.approx(100.0, abs=20.0)
    assert found[1].context == {"events": []}
    assert found[0].context["events"][0]["t"] == iso(NOON - 599 + 300.5)
    assert truth("power_quality_index", found[0]) == {"quality_grade": "fair", "power_quality_index": 60.0}
