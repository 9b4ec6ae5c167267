"""Taking up snapshots: proven first, swapped whole, refused without harm."""

import asyncio
import json
import shutil

import pytest

import features
from data_contracts.version import CONTRACT_VERSION
from serving import metrics
from serving.intake import infer
from serving.limits import Limits
from serving.live import Live
from serving.snapshot import PublishedModel, set_current, write_snapshot


@pytest.fixture
def live(publisher):
    return Live(publisher.home, (), Limits(retry_s=0.0))


def refresh(live):
    asyncio.run(live.refresh())


def alarm():
    return metrics.snapshot_alarm._value.get()


def test_refresh__nothing_published__no_engine_and_a_reason(live):
    refresh(live)
    assert live.engine is None
    assert "no snapshot is published yet" in live.reason


def test_refresh__later_snapshot__swapped_and_earlier_engine_still_answers(live, publisher):
    first = publisher.publish("1")
    refresh(live)
    old = live.engine
    assert old.snapshot == first
    second = publisher.publish("2", low=-0.7)
    refresh(live)
    assert live.engine.snapshot == second
    names = ("harmonic_analysis", "phase_imbalance", "voltage_anomaly")
    assert {served.model.version for served in live.engine.models} == {f"{name}:2" for name in names}
    assert {served.model.version for served in old.models} == {f"{name}:1" for name in names}
    assert alarm() == 0


def test_refresh__damaged_snapshot__earlier_one_stays_and_alarm_until_repaired(live, publisher):
    publisher.publish("1")
    refresh(live)
    kept = live.engine
    second = publisher.publish("2")
    model = publisher.home.snapshots / second / "models/phase_imbalance/2/model.onnx"
    whole = model.read_bytes()
    model.write_bytes(whole[:-1])
    refresh(live)
    assert live.engine is kept
    assert alarm() == 1
    assert second in live.reason
    model.write_bytes(whole)
    refresh(live)
    assert live.engine.snapshot == second
    assert alarm() == 0


def test_refresh__refused_and_rolled_back__alarm_ends(live, publisher):
    first = publisher.publish("1")
    refresh(live)
    second = publisher.publish("2")
    shutil.rmtree(publisher.home.snapshots / second / "models")
    refresh(live)
    assert alarm() == 1
    publisher.home.current.write_text(first)
    refresh(live)
    assert live.engine.snapshot == first
    assert alarm() == 0


def test_refresh__current_names_nothing_that_exists__refused(live, publisher):
    publisher.home.serving.mkdir(parents=True)
    publisher.home.current.write_bytes(b"\xff\xfe")
    refresh(live)
    assert live.engine is None
    assert alarm() == 1
    publisher.home.current.write_text("../../etc\n")
    refresh(live)
    assert "not a snapshot's name" in live.reason


def test_refresh__refused_snapshot__not_tried_again_at_once(publisher):
    live = Live(publisher.home, (), Limits(retry_s=3600.0))
    name = publisher.publish("1")
    (publisher.home.snapshots / name / "manifest.json").unlink()
    before = metrics.swaps.labels("refused")._value.get()
    refresh(live)
    refresh(live)
    assert metrics.swaps.labels("refused")._value.get() == before + 1


def test_refresh__golden_answer_that_comes_out_otherwise__refused_although_every_digest_is_right(
    live, publisher
):
    publisher.publish("1")
    refresh(live)
    kept = live.engine
    wrong = publisher.compiler.voltage_anomaly("voltage-2", low=-0.6)
    golden = json.loads((wrong / "golden.json").read_text())
    golden["raw"][0] = [0.41]
    (wrong / "golden.json").write_text(json.dumps(golden))
    name = write_snapshot(
        publisher.home,
        [PublishedModel("voltage_anomaly", "2", wrong)],
        {"mumbai": {"voltage_anomaly": "voltage_anomaly"}},
        catalogue_digest=features.catalogue_digest(),
        contract_version=CONTRACT_VERSION,
    )
    set_current(publisher.home, name)
    refresh(live)
    assert live.engine is kept
    assert alarm() == 1
    assert "raw outputs are off the golden ones by 0.01" in live.reason


def test_refresh__a_route_of_its_own__each_substation_is_answered_by_its_version(live, publisher, item):
    pooled, own = (
        publisher.compiler.voltage_anomaly("pooled"),
        publisher.compiler.voltage_anomaly("own", low=-0.9),
    )
    name = write_snapshot(
        publisher.home,
        [PublishedModel("voltage_anomaly", "1", pooled), PublishedModel("voltage_anomaly.delhi", "4", own)],
        {
            "mumbai": {"voltage_anomaly": "voltage_anomaly"},
            "delhi": {"voltage_anomaly": "voltage_anomaly.delhi"},
        },
        catalogue_digest=features.catalogue_digest(),
        contract_version=CONTRACT_VERSION,
    )
    set_current(publisher.home, name)
    refresh(live)
    delhi = next(
        site.point for site in live.engine.sites if site.substation == "delhi" and site.kind == "feeder"
    )
    batch = {"items": [item(), item(substation="delhi", point=delhi)], "models": ["voltage_anomaly"]}
    answers = json.loads(infer(live.engine, json.dumps(batch).encode(), "r"))["items"]
    versions = [one["monitoring"]["voltage_anomaly"]["model_version"] for one in answers]
    assert versions == ["voltage_anomaly:1", "voltage_anomaly.delhi:4"]
