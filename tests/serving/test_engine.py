"""Answers of a loaded snapshot, without HTTP."""

import json

import msgspec
import pytest

import features
from data_contracts.answers import MODULES
from data_contracts.version import CONTRACT_VERSION
from data_contracts.wire import Response
from serving.engine import Engine
from serving.errors import SnapshotError
from serving.intake import infer
from serving.problems import ProblemError
from serving.snapshot import PublishedModel, write_snapshot
from switchyard.home import Home


@pytest.fixture(scope="module")
def home(tmp_path_factory, make_publisher):
    publisher = make_publisher(tmp_path_factory.mktemp("engine"))
    publisher.publish()
    return publisher.home


@pytest.fixture(scope="module")
def engine(home):
    return Engine.load(home, (home.current).read_text().strip())


@pytest.fixture
def ask(engine):
    def send(body):
        return json.loads(infer(engine, json.dumps(body).encode(), "r1"))

    return send


def test_infer__sound_item__all_sixteen_names_and_published_models_answer(ask, item):
    response = ask(item())
    for module, names in MODULES.items():
        assert tuple(response[module]) == names
    assert response["monitoring"]["phase_imbalance"] == {
        "status": "ok",
        "model_version": "phase_imbalance:1",
        "imbalance_class": "balanced",
        "confidence": pytest.approx(0.97),
        "critical_phase": response["monitoring"]["phase_imbalance"]["critical_phase"],
    }
    assert response["monitoring"]["voltage_anomaly"]["anomaly_detected"] is False
    assert response["energy"]["load_forecast"]["status"] == "abstained"
    assert response["energy"]["load_forecast"]["reason"] == "not_published"
    assert response["input_quality"] == {"validity": "good", "readings": 10, "questionable": 0, "invalid": 0}
    assert response["limit_exceeded"] == []
    assert response["request_id"] == "r1"
    assert response["snapshot"].startswith("000001-")
    assert response["inference_time_ms"] > 0


def test_infer__sound_item__response_keeps_the_contract_of_the_wire(engine, item):
    body = infer(engine, json.dumps(item()).encode(), "r1")
    decoded = msgspec.json.decode(body, type=Response)
    assert decoded.monitoring.voltage_anomaly.status == "ok"


def test_infer__deep_sag_in_phase_b__both_models_see_it(ask, item):
    response = ask(item(scale=(1.0, 0.6, 1.0)))
    anomaly = response["monitoring"]["voltage_anomaly"]
    assert anomaly["anomaly_detected"] is True
    assert anomaly["anomaly_score"] == pytest.approx(-0.6)
    assert anomaly["outlier_features"][0] == "vuf_line_pct"
    imbalance = response["monitoring"]["phase_imbalance"]
    assert imbalance["imbalance_class"] == "severe"
    assert imbalance["critical_phase"] == "B"
    exceeded = {one["quantity"]: one for one in response["limit_exceeded"]}
    assert set(exceeded) == {"v_min", "sag", "vuf"}
    assert exceeded["v_min"]["value"] == pytest.approx(0.6, rel=1e-3)
    # |V2|/|V1| of (1, 0.6, 1) pu at 120°: (0.4/3) / (2.6/3).
    assert exceeded["vuf"]["value"] == pytest.approx(100 * 0.4 / 2.6, rel=1e-6)


def test_infer__nine_readings__sequence_model_abstains_with_both_numbers(ask, item):
    response = ask(item(9))["monitoring"]
    assert response["voltage_anomaly"] == {
        "status": "abstained",
        "reason": "too_few_readings",
        "detail": "readings: needs 10, got 9",
        "model_version": "voltage_anomaly:1",
    }
    assert response["phase_imbalance"]["status"] == "ok"
    assert response["frequency_stability"]["reason"] == "not_published"
    assert "needs 10, got 9" in response["frequency_stability"]["detail"]


def test_infer__no_line_voltages__models_name_the_missing_input(ask, item):
    body = item()
    for reading in body["readings"]:
        del reading["v_ll"]
    response = ask(body)["monitoring"]["phase_imbalance"]
    assert response["status"] == "abstained"
    assert response["reason"] == "missing_input"
    assert "vuf_line_pct" in response["detail"]
    assert "v_ll" in response["detail"]


def test_infer__point_of_another_kind__not_applicable(ask, item):
    body = item(point="SYSTEM")
    for reading in body["readings"]:
        for channel in ("v", "v_ll", "v_min", "v_max"):
            reading[channel] = [value * 400 / 33 for value in reading[channel]]
        for channel in ("p", "q"):
            reading[channel] = [value * 400 / 33 for value in reading[channel]]
    response = ask(body)["monitoring"]
    assert response["phase_imbalance"]["reason"] == "not_applicable"
    assert "kind system" in response["phase_imbalance"]["detail"]
    assert response["harmonic_analysis"]["reason"] == "not_applicable"
    assert response["frequency_stability"]["reason"] == "not_published"


def test_infer__models_narrowed__only_those_answer(ask, item):
    response = ask(item(models=["phase_imbalance", "load_forecast"]))
    assert set(response["monitoring"]) == {"phase_imbalance"}
    assert set(response["energy"]) == {"load_forecast"}
    assert response.get("maintenance", {}) == {}
    assert response.get("decision", {}) == {}


def test_infer__batch__same_answers_as_one_by_one(ask, item):
    bodies = [
        item(),
        item(9),
        item(scale=(1.0, 0.6, 1.0)),
        item(substation="delhi", point="DTX1.LV") | {"models": ["phase_imbalance"]},
    ]
    together = ask({"items": bodies})["items"]
    for body, found in zip(bodies, together, strict=True):
        alone = ask(body)
        for volatile in ("timestamp", "inference_time_ms"):
            del alone[volatile], found[volatile]
        assert found == alone


def test_infer__batch_with_bad_items__the_others_are_answered(ask, item):
    wrong_unit = item()
    for reading in wrong_unit["readings"]:
        reading["v"] = [value / 1e3 for value in reading["v"]]
    bodies = [item(), item(substation="mumbia"), {"point": "DTX1.LV"}, wrong_unit, 7, item(point="DTX9.LV")]
    found = ask({"items": bodies, "models": ["phase_imbalance"]})["items"]
    assert [("problem" in one, "monitoring" in one) for one in found] == [(False, True)] + [(True, False)] * 5
    assert found[1]["problem"]["status"] == 422
    assert "did you mean mumbai" in found[1]["problem"]["detail"]
    assert found[1]["problem"]["errors"][0]["field"] == "substation"
    assert found[2]["problem"]["errors"][0]["rule"] == "required_field"
    assert found[3]["problem"]["errors"][0]["rule"] == "unit"
    assert "DTX1.LV" in found[5]["problem"]["detail"]
    assert set(found[0]["monitoring"]) == {"phase_imbalance"}


def test_infer__invalid_readings__counted_and_left_out(ask, item):
    body = item()
    for reading in body["readings"][:3]:
        reading["quality"] = "invalid"
        reading["v"] = [None, None, None]
    body["readings"][5]["quality"] = "questionable"
    response = ask(body)
    assert response["input_quality"] == {
        "validity": "invalid",
        "readings": 10,
        "questionable": 1,
        "invalid": 3,
    }
    assert response["monitoring"]["phase_imbalance"]["status"] == "ok"


def test_infer__inputs_beyond_training__named_beside_the_answer(tmp_path, compiler, item):
    known = json.loads((compiler.phase_imbalance("known") / "spec.json").read_text())["features"]
    ranges = [[1e6, 2e6], *[None] * (len(known) - 1)]
    name = write_snapshot(
        Home(tmp_path),
        [PublishedModel("phase_imbalance", "1", compiler.phase_imbalance(spec={"seen": ranges}))],
        {"mumbai": {"phase_imbalance": "phase_imbalance"}},
        catalogue_digest=features.catalogue_digest(),
        contract_version=CONTRACT_VERSION,
    )
    engine = Engine.load(Home(tmp_path), name)
    response = json.loads(infer(engine, json.dumps(item()).encode(), "r1"))
    assert response["monitoring"]["phase_imbalance"]["status"] == "ok"
    assert response["input_quality"]["outside_training"] == {"phase_imbalance": [known[0]]}
    assert msgspec.json.decode(json.dumps(response), type=Response).input_quality is not None


def test_infer__more_waveforms_than_a_batch_may_have__413(engine, item):
    wave = {"rate_hz": 6400, "v": [[0.0] * 64] * 3, "i": [[0.0] * 64] * 3}
    body = {"items": [item(waveform=wave) for _ in range(51)]}
    with pytest.raises(ProblemError, match="50 waveforms") as caught:
        infer(engine, json.dumps(body).encode(), "r1")
    assert caught.value.status == 413


def test_engine_load__only_wanted_substations__others_unknown(home, item):
    engine = Engine.load(home, home.current.read_text().strip(), ["delhi"])
    with pytest.raises(ProblemError, match="this service answers for delhi") as caught:
        infer(engine, json.dumps(item()).encode(), "r1")
    assert caught.value.status == 422


def test_engine_load__wanted_substation_without_route__refused(home):
    with pytest.raises(SnapshotError, match="no routes for chennai"):
        Engine.load(home, home.current.read_text().strip(), ["chennai"])


def test_infer__batch_that_names_an_unknown_model__422_for_the_whole(engine, item):
    body = {"items": [item()], "models": ["phase_imbalance", "phase_balance"]}
    with pytest.raises(ProblemError, match=r"models\[1\]: there is no such model") as caught:
        infer(engine, json.dumps(body).encode(), "r1")
    assert caught.value.status == 422


def test_infer__model_that_breaks_on_one_item__only_its_answer_there_failed(publisher, fragile, item):
    golden = {
        "features": [[0.99, 1.01, 0.3]],
        "raw": [[0.4]],
        "answers": [{"anomaly_detected": False, "anomaly_score": 0.4, "outlier_features": []}],
    }
    models = [
        PublishedModel(
            "voltage_anomaly", "9", publisher.compiler.voltage_anomaly(onnx=fragile, golden=golden)
        ),
        PublishedModel("phase_imbalance", "9", publisher.compiler.phase_imbalance()),
    ]
    name = write_snapshot(
        publisher.home,
        models,
        {"mumbai": {"voltage_anomaly": "voltage_anomaly", "phase_imbalance": "phase_imbalance"}},
        catalogue_digest=features.catalogue_digest(),
        contract_version=CONTRACT_VERSION,
    )
    engine = Engine.load(publisher.home, name)
    body = {"items": [item(), item(scale=(1.0, 0.6, 1.0)), item()]}
    first, second, third = json.loads(infer(engine, json.dumps(body).encode(), "r1"))["items"]
    assert first["monitoring"]["voltage_anomaly"]["status"] == "ok"
    assert third["monitoring"]["voltage_anomaly"]["status"] == "ok"
    broken = second["monitoring"]["voltage_anomaly"]
    assert (broken["status"], broken["reason"]) == ("failed", "internal_error")
    assert "voltage_anomaly:9" in broken["detail"]
    assert second["monitoring"]["phase_imbalance"]["imbalance_class"] == "severe"
