"""Compiled models: the golden proof, and what is refused before it."""

import json
import math

import numpy as np
import pytest

import features
from data_contracts.version import CONTRACT_VERSION
from serving.errors import ProofError, SnapshotError
from serving.runtime import load_model
from serving.snapshot import PublishedModel, open_snapshot, write_snapshot


@pytest.fixture
def load(publisher):
    """Publishes one compiled folder and loads it back."""

    def from_folder(folder, registered="phase_imbalance"):
        name = write_snapshot(
            publisher.home,
            [PublishedModel(registered, "7", folder)],
            {},
            catalogue_digest=features.catalogue_digest(),
            contract_version=CONTRACT_VERSION,
        )
        snapshot = open_snapshot(publisher.home, name)
        return load_model(snapshot, snapshot.manifest.models[0])

    return from_folder


def test_load_model__whole__answers_with_version(load, compiler):
    model = load(compiler.phase_imbalance())
    (answer,) = model.run(np.array([[3.0, 0.02, -0.05, 0.03]]))
    assert answer.status == "ok"
    assert answer.model_version == "phase_imbalance:7"
    assert answer.imbalance_class == "minor"
    assert answer.confidence == pytest.approx(0.9, abs=1e-6)
    assert answer.critical_phase == "B"


def test_load_model__registered_for_a_substation__its_name_in_the_version(load, compiler):
    model = load(compiler.phase_imbalance(), "phase_imbalance.mumbai")
    assert model.version == "phase_imbalance.mumbai:7"


def test_prove__golden_output_changed__refused_with_the_difference(load, compiler):
    folder = compiler.phase_imbalance(golden={"raw": [[0.9, 0.08, 0.01, 0.01]] * 3})
    with pytest.raises(ProofError, match=r"phase_imbalance:7: raw outputs are off the golden ones by 0\.9"):
        load(folder)


def test_prove__golden_answer_changed__refused_naming_case_and_field(load, compiler):
    answers = [
        {"anomaly_detected": False, "anomaly_score": 0.4, "outlier_features": []},
        {"anomaly_detected": True, "anomaly_score": -0.6, "outlier_features": ["v_min_pu", "vuf_line_pct"]},
        {"anomaly_detected": True, "anomaly_score": -0.5, "outlier_features": ["v_max_pu"]},
    ]
    folder = compiler.voltage_anomaly(golden={"answers": answers})
    with pytest.raises(ProofError, match="golden case 1: outlier_features"):
        load(folder, "voltage_anomaly")


def test_prove__boolean_never_passes_for_a_number(load, compiler):
    answers = [{"anomaly_detected": 0}, {"anomaly_detected": 1}, {"anomaly_detected": 1}]
    folder = compiler.voltage_anomaly(golden={"answers": answers, "tolerance": {"anomaly_detected": 2.0}})
    assert load(folder, "voltage_anomaly").version == "voltage_anomaly:7"
    wrong = compiler.voltage_anomaly("wrong", golden={"answers": [{"anomaly_detected": True}, *answers[1:]]})
    with pytest.raises(ProofError, match="golden case 0: anomaly_detected"):
        load(wrong, "voltage_anomaly")


def test_prove__no_golden_inputs__refused(load, compiler):
    folder = compiler.phase_imbalance(golden={"features": [], "raw": [], "answers": []})
    with pytest.raises(ProofError, match="golden inputs"):
        load(folder)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"schema": 2}, "schema 2"),
        ({"model": "voltage_anomaly"}, "registered as 'phase_imbalance'"),
        ({"feature_catalogue_digest": "f" * 64}, "made for features ffffffffffff"),
        ({"contract_version": CONTRACT_VERSION + 1}, "made under contract"),
        ({"features": ["vuf_line_pct", "v_dev_a_pu", "v_dev_b_pu", "no_such_feature"]}, "no_such_feature"),
        ({"onnx_outputs": ["label"]}, "has no output"),
        ({"decoder": {"classes": ["balanced"]}}, "critical_phase_features"),
        (
            {
                "decoder": {
                    "classes": ["mild"],
                    "critical_phase_features": ["v_dev_a_pu", "v_dev_b_pu", "v_dev_c_pu"],
                }
            },
            "mild",
        ),
        (
            {
                "decoder": {
                    "classes": ["balanced"],
                    "critical_phase_features": ["i_a_pu", "v_dev_b_pu", "v_dev_c_pu"],
                }
            },
            "reads i_a_pu, which is not among the inputs",
        ),
    ],
)
def test_load_model__specification_that_does_not_fit__refused_naming_it(load, compiler, spec, message):
    with pytest.raises(SnapshotError, match=message):
        load(compiler.phase_imbalance(spec=spec))


def test_strangers__ranges_of_training__name_the_inputs_beyond_them(load, compiler):
    plain = load(compiler.phase_imbalance())
    names = plain.spec.features
    inputs = np.zeros((3, len(names)))
    inputs[1, 2], inputs[1, 3], inputs[2, 1] = -1.5, 2.5, np.nan
    assert plain.strangers(inputs) == {}
    ranges = [[-1.0, 1.0]] * len(names)
    ranges[3] = None
    told = load(compiler.phase_imbalance(spec={"seen": ranges}))
    assert told.strangers(inputs) == {1: [names[2]]}
    ranges[3] = [0.0, 2.0]
    told = load(compiler.phase_imbalance(spec={"seen": ranges}))
    assert told.strangers(inputs) == {1: [names[2], names[3]]}


def test_load_model__ranges_of_other_inputs__refused(load, compiler):
    with pytest.raises(SnapshotError, match="1 ranges for"):
        load(compiler.phase_imbalance(spec={"seen": [[0.0, 1.0]]}))


def test_load_model__graph_that_is_none__refused_naming_the_file(load, compiler):
    folder = compiler.phase_imbalance()
    (folder / "model.onnx").write_bytes(b"not a graph")
    with pytest.raises(SnapshotError, match=r"model\.onnx"):
        load(folder)


def test_load_model__model_without_decoder__refused_naming_it(load, compiler):
    folder = compiler.phase_imbalance(spec={"model": "transformer_noise"})
    with pytest.raises(SnapshotError, match="transformer_noise has no decoder"):
        load(folder, "transformer_noise")


def test_load_model__golden_not_json__refused(load, compiler):
    folder = compiler.phase_imbalance()
    (folder / "golden.json").write_text(json.dumps({"schema": 1}))
    with pytest.raises(SnapshotError, match=r"golden\.json: Object missing required field"):
        load(folder)


def test_prove__golden_row_cut_short__refused(load, compiler):
    folder = compiler.phase_imbalance(golden={"raw": [[0.97, 0.01, 0.01, 0.01]] * 2 + [[0.0]]})
    with pytest.raises(ProofError, match="golden outputs differ in shape"):
        load(folder)


def test_run__output_that_is_not_a_number__only_that_row_is_without_answer(load, compiler):
    golden = {
        "features": [[0.99, 1.01, 0.3]],
        "raw": [[0.4]],
        "answers": [{"anomaly_detected": False, "anomaly_score": 0.4, "outlier_features": []}],
    }
    model = load(compiler.voltage_anomaly(low=math.inf, golden=golden), "voltage_anomaly")
    answers = model.run(np.array([[0.99, 1.01, 0.3], [0.5, 1.0, 40.0], [1.0, 1.2, 0.3]]))
    assert [answer and round(answer.anomaly_score, 6) for answer in answers] == [0.4, None, -0.5]
