"""Models that read a sequence of the frequency."""

import json

import pytest

import features
from data_contracts.version import CONTRACT_VERSION
from serving.engine import Engine
from serving.intake import infer
from serving.snapshot import PublishedModel, write_snapshot

INPUTS = ["seq_dev_hz.0", "seq_dev_hz.9", "v_min_pu"]


@pytest.fixture
def ask(publisher, tree):
    """A score of −0.5 where the last frequency is more than 0.1 Hz below nominal, else 0.4."""
    decoder = {"names": INPUTS, "centre": [0, 0, 1.0], "scale": [0.01, 0.01, 0.01]}
    decoder |= {"threshold": 0.0, "z_limit": 3.5, "limit": 5}
    golden = {
        "features": [[0.0, -0.2, 1.0], [-0.2, 0.0, 1.0]],
        "raw": [[-0.5], [0.4]],
        "answers": [{"anomaly_detected": True}, {"anomaly_detected": False}],
        "tolerance": {},
    }
    folder = publisher.compiler.voltage_anomaly(
        onnx=tree(3, [(1, -0.1, 1, 2), [-0.5], [0.4]], "anomaly_score"),
        spec={"features": INPUTS, "decoder": decoder},
        golden=golden,
    )
    name = write_snapshot(
        publisher.home,
        [
            PublishedModel("voltage_anomaly", "1", folder),
            PublishedModel("phase_imbalance", "1", publisher.compiler.phase_imbalance()),
        ],
        {"mumbai": {name: name for name in ("voltage_anomaly", "phase_imbalance")}},
        catalogue_digest=features.catalogue_digest(),
        contract_version=CONTRACT_VERSION,
    )
    engine = Engine.load(publisher.home, name)
    return lambda body: json.loads(infer(engine, json.dumps(body).encode(), "r"))["monitoring"]


def falling(body, last_hz):
    body["readings"][-1]["f"] = last_hz
    return body


def test_infer__sequence__oldest_and_newest_are_where_the_model_expects_them(ask, item):
    assert ask(falling(item(), 49.8))["voltage_anomaly"]["anomaly_detected"] is True
    assert ask(falling(item(), 50.0))["voltage_anomaly"]["anomaly_detected"] is False
    body = item()
    body["readings"][0]["f"] = 49.8
    assert ask(body)["voltage_anomaly"]["anomaly_detected"] is False
    assert ask(item())["phase_imbalance"]["status"] == "ok"


def test_infer__twelve_readings__the_last_ten_are_the_sequence(ask, item):
    body = item(12)
    body["readings"][1]["f"] = 40.0
    answer = ask(body)["voltage_anomaly"]
    assert answer["status"] == "ok"
    assert answer["outlier_features"] == []


def test_infer__nine_readings__abstains_with_both_numbers(ask, item):
    answer = ask(item(9))["voltage_anomaly"]
    assert (answer["reason"], answer["detail"]) == ("too_few_readings", "readings: needs 10, got 9")


def test_infer__invalid_reading_within_the_ten__abstains_naming_the_frequency(ask, item):
    body = item()
    body["readings"][4]["quality"] = "invalid"
    answer = ask(body)
    assert answer["voltage_anomaly"]["reason"] == "missing_input"
    assert answer["voltage_anomaly"]["detail"].endswith("needs valid samples of f")
    assert answer["phase_imbalance"]["status"] == "ok"
