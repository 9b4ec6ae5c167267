from __future__ import annotations

import msgspec
import pytest

from federation.comparison import FederationRow, defined, mean

ROW = FederationRow(
    model="m",
    family="decision_tree",
    claim="exact",
    metric="macro_f1",
    direction="higher",
    central=0.9,
    federated=0.9,
    fine_tuned=None,
    local_only=0.8,
    held_out_federated=None,
    held_out_local_only=None,
    bytes_per_round=10,
    rounds=3,
)


@pytest.mark.parametrize(
    ("changes", "met"),
    [
        ({}, True),
        ({"federated": 0.9 + 8e-7}, True),
        ({"federated": 0.9 - 2e-6}, False),
        ({"federated": 0.9 + 2e-6}, False),
        ({"claim": "approximate", "federated": 0.883}, True),
        ({"claim": "approximate", "federated": 0.881}, False),
        ({"claim": "approximate", "federated": 0.95}, True),
        ({"claim": "approximate", "direction": "lower", "federated": 0.918}, True),
        ({"claim": "approximate", "direction": "lower", "federated": 0.919}, False),
        ({"claim": "approximate", "family": "fedavg", "federated": 0.874}, True),
        ({"claim": "approximate", "family": "fedavg", "federated": 0.872}, False),
        ({"claim": "approximate", "family": "fedavg", "federated": 0.88, "fine_tuned": 0.892}, True),
        ({"claim": "approximate", "family": "fedavg", "federated": 0.88, "fine_tuned": 0.89}, False),
        ({"federated": None}, False),
        ({"central": None}, False),
    ],
)
def test_met__claims__hold_to_their_bars(changes, met):
    assert msgspec.structs.replace(ROW, **changes).met is met


def test_mean__a_figure_missing__is_not_defined():
    assert mean([0.5, 0.7]) == pytest.approx(0.6)
    assert mean([0.5, None]) is None
    assert mean([]) is None


def test_defined__nan__is_null():
    assert defined(float("nan")) is None
    assert defined(0.25) == 0.25
