"""Of what nobody told nothing is known to be true."""

import pytest

from flows.contexts import Told
from flows.truths import agreement
from tests.flows.contexts.tables import truth


@pytest.mark.parametrize(
    "model",
    [
        "equipment_failure",
        "power_quality_index",
        "load_forecast",
        "energy_loss",
        "voltage_sag",
        "demand_response",
    ],
)
@pytest.mark.parametrize("told", [None, Told("DTX1.LV", {}, {})])
def test_truth_of__nothing_told__is_not_known(model, told):
    assert truth(model, told) == {}
    assert agreement(model, {"x": 1}, {}) is None
