"""Models that read what a request says beside its readings."""

import json
from dataclasses import replace

import pytest

import features
from data_contracts.version import CONTRACT_VERSION
from features import context
from features.context import GROUPS
from serving.engine import Engine
from serving.intake import infer
from serving.snapshot import PublishedModel, write_snapshot

INPUTS = ["top_oil_c", "loading_60min_pu", "v_min_pu"]
REQUIRES = ["context.loading_history", "context.top_oil_c"]
END = "2026-01-05T08:00:09Z"


@pytest.fixture
def ask(publisher, tree):
    """A score of −0.5 where the oil is above 80 °C, else 0.4."""
    decoder = {"names": INPUTS, "centre": [0, 0, 1.0], "scale": [0.01, 0.01, 0.01]}
    decoder |= {"threshold": 0.0, "z_limit": 3.5, "limit": 5}
    golden = {
        "features": [[70.0, 0.5, 1.0], [90.0, 0.5, 1.0]],
        "raw": [[0.4], [-0.5]],
        "answers": [{"anomaly_detected": False}, {"anomaly_detected": True}],
        "tolerance": {},
    }
    folder = publisher.compiler.voltage_anomaly(
        onnx=tree(3, [(0, 80.0, 1, 2), [0.4], [-0.5]], "anomaly_score"),
        spec={"features": INPUTS, "decoder": decoder, "requires": REQUIRES},
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

    def asked(body, *, batch=False):
        answer = json.loads(infer(engine, json.dumps(body).encode(), "r"))
        return [one["monitoring"] for one in answer["items"]] if batch else answer["monitoring"]

    return asked


@pytest.fixture
def known(item):
    def make(**context):
        body = item()
        end = body["readings"][-1]["t"]
        history = {"step_s": 60, "end": end, "pu": [0.6] * 240}
        body["context"] = {"top_oil_c": 85.0, "loading_history": history} | context
        return body

    return make


def test_infer__context_that_a_model_reads__decides_its_answer(ask, known):
    assert ask(known())["voltage_anomaly"]["anomaly_detected"] is True
    assert ask(known(top_oil_c=60.0))["voltage_anomaly"]["anomaly_detected"] is False
    assert ask(known())["phase_imbalance"]["status"] == "ok"


def test_infer__no_context__says_what_is_missing_and_other_models_answer(ask, item):
    found = ask(item())

    assert found["voltage_anomaly"]["reason"] == "missing_context"
    assert all(path in found["voltage_anomaly"]["detail"] for path in REQUIRES)
    assert found["phase_imbalance"]["status"] == "ok"


def test_infer__features_that_an_item_breaks__fail_its_model_and_nothing_else(ask, known, monkeypatch):
    place = next(
        k for k, group in enumerate(GROUPS) if any(f.name == "loading_60min_pu" for f in group.features)
    )
    read = GROUPS[place].read

    def breaking(items, windows):
        if any(one.context.top_oil_c == 61.0 for one in items):
            raise ArithmeticError("singular")
        return read(items, windows)

    changed = [*GROUPS[:place], replace(GROUPS[place], read=breaking), *GROUPS[place + 1 :]]
    monkeypatch.setattr(context, "GROUPS", tuple(changed))
    found = ask({"items": [known(), known(top_oil_c=61.0)]}, batch=True)

    assert found[0]["voltage_anomaly"]["anomaly_detected"] is True
    assert found[1]["voltage_anomaly"]["status"] == "failed"
    assert found[1]["voltage_anomaly"]["reason"] == "internal_error"
    assert "singular" in found[1]["voltage_anomaly"]["detail"]
    assert [one["phase_imbalance"]["status"] for one in found] == ["ok", "ok"]


def test_infer__history_too_short__names_the_field(ask, known):
    body = known()
    body["context"]["loading_history"]["pu"] = [0.6] * 30

    found = ask(body)["voltage_anomaly"]

    assert found["reason"] == "missing_input"
    assert "context.loading_history" in found["detail"]
