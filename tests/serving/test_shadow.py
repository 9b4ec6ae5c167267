"""Shadows: compared off the path, never returned, dropped before they cost a request anything."""

import asyncio
import json
import threading
from datetime import UTC, datetime

import msgspec
import pytest

from data_contracts.answers import PhaseImbalance, VoltageAnomaly
from serving import metrics
from serving.intake import infer
from serving.limits import Limits
from serving.live import Live
from serving.routing import Challenge, Routing, write_routing
from serving.shadow import record
from serving.shadow.comparison import compare
from serving.shadow.report import report
from switchyard.errors import SwitchyardError

NAME = "voltage_anomaly"
LOW = (0.8, 0.8, 0.8)


@pytest.fixture(scope="module")
def challenged(tmp_path_factory, make_publisher):
    """Version 1 says -0.6 of a low voltage, version 2 in the shadow -0.18; both say 0.4 of a sound one."""
    publisher = make_publisher(tmp_path_factory.mktemp("shadow"))
    publisher.publish("1", challenger="2")
    write_routing(publisher.home, Routing(challenges={NAME: Challenge("2", shadow=True)}))
    return publisher.home


@pytest.fixture
def live(challenged):
    for path in challenged.logs.glob("shadow*.jsonl"):
        path.unlink()
    live = Live(challenged, (), Limits())
    asyncio.run(live.refresh())
    yield live
    live.shadow.close()


def ask(live, *items, **body):
    return json.loads(infer(live.engine, json.dumps({"items": items} | body).encode(), "r-7"))["items"]


def count(outcome):
    return metrics.shadow_items.labels(outcome)._value.get()


def test_shadow__batch__served_answers_returned_and_differences_logged(challenged, live, item):
    before = (
        count("differed"),
        count("agreed"),
        metrics.model_answers.labels(NAME, f"{NAME}:2", "ok")._value.get(),
    )
    answers = ask(live, item(scale=LOW), item(), item(readings=3))
    assert {one["monitoring"][NAME]["model_version"] for one in answers} == {f"{NAME}:1"}
    assert answers[0]["monitoring"][NAME]["anomaly_score"] == pytest.approx(-0.6)
    assert live.shadow.settle(20)
    low, sound, short = record.read(challenged)
    assert low.served == f"{NAME}:1"
    assert low.shadow == f"{NAME}:2"
    assert (low.substation, low.point, low.request_id) == ("mumbai", "DTX1.LV", "r-7")
    assert low.numbers["anomaly_score"] == pytest.approx((-0.6, -0.18))
    assert low.distances["anomaly_score"] == pytest.approx(0.42)
    assert low.labels == {"anomaly_detected": (True, True)}
    assert low.differ == ["anomaly_score"]
    assert sound.differ == []
    assert short.status == ("abstained", "abstained")
    # What happens off the path is no answer of the service.
    after = (
        count("differed"),
        count("agreed"),
        metrics.model_answers.labels(NAME, f"{NAME}:2", "ok")._value.get(),
    )
    assert after == (before[0] + 1, before[1] + 2, before[2])


def test_shadow__item_that_asks_for_other_models__left_alone(challenged, live, item):
    ask(live, item(), models=["phase_imbalance"])
    assert live.shadow.settle(20)
    assert list(record.read(challenged)) == []


def test_shadow__requests_at_work__waits_and_drops_what_has_no_room(challenged, live, item):
    idle = threading.Event()
    live.shadow.yield_to(idle.is_set)
    dropped = count("dropped")
    for _ in range(3):
        ask(live, *[item(readings=1)] * 60)
    assert not live.shadow.settle(0.2)
    assert list(record.read(challenged)) == []
    assert count("dropped") == dropped + 180 - 128
    idle.set()
    assert live.shadow.settle(60)
    assert len(list(record.read(challenged))) == 128


def test_shadow__log_cannot_be_written__counted_and_answers_go_on(challenged, live, item):
    failed = count("failed")
    (challenged.logs / record.FILE).mkdir(parents=True)
    try:
        (answer,) = ask(live, item())
        assert live.shadow.settle(20)
    finally:
        (challenged.logs / record.FILE).rmdir()
    assert answer["monitoring"][NAME]["status"] == "ok"
    assert count("failed") == failed + 1


def test_shadow__canary_beside_it__not_compared_where_the_challenger_answers(challenged, live, item):
    write_routing(challenged, Routing(challenges={NAME: Challenge("2", 100.0, shadow=True)}))
    try:
        asyncio.run(live.refresh())
        (answer,) = ask(live, item())
        assert answer["monitoring"][NAME]["model_version"] == f"{NAME}:2"
        assert live.shadow.settle(20)
        assert list(record.read(challenged)) == []
    finally:
        write_routing(challenged, Routing(challenges={NAME: Challenge("2", shadow=True)}))


def test_shadow__closed__drops(challenged, live, item):
    live.shadow.close()
    dropped = count("dropped")
    ask(live, item())
    assert count("dropped") == dropped + 1


def pair(served, shadow):
    return compare(
        served,
        shadow,
        model="m",
        request_id="r",
        substation="mumbai",
        point="P",
        time=datetime(2026, 1, 5, tzinfo=UTC),
    )


def phase(label, confidence, version="m:1"):
    return PhaseImbalance(
        status="ok", model_version=version, imbalance_class=label, confidence=confidence, critical_phase="A"
    )


def test_compare__label_and_figure_differ__both_named_with_the_distance():
    found = pair(phase("minor", 0.5), phase("severe", 0.75, "m:2"))
    assert found.differ == ["confidence", "imbalance_class"]
    assert found.labels["imbalance_class"] == ("minor", "severe")
    assert found.distances == {"confidence": 0.25}


def test_compare__one_abstains__the_status_alone_differs():
    silent = PhaseImbalance(status="abstained", reason="missing_input", model_version="m:2")
    found = pair(phase("minor", 0.5), silent)
    assert found.differ == ["status"]
    assert found.status == ("ok", "abstained")
    assert found.labels == found.numbers == found.distances == {}


def test_compare__lists_of_words__equal_or_not():
    one = msgspec.convert(
        {
            "status": "ok",
            "model_version": "m:1",
            "anomaly_detected": True,
            "anomaly_score": -0.5,
            "outlier_features": ["a"],
        },
        VoltageAnomaly,
    )
    other = msgspec.structs.replace(one, outlier_features=["a", "b"], model_version="m:2")
    assert pair(one, other).differ == ["outlier_features"]
    assert pair(one, one).differ == []


def test_report__two_labels__agreement_by_label_and_spread_of_figures():
    pairs = [
        pair(phase("minor", 0.5), phase("minor", 0.5, "m:2")),
        pair(phase("minor", 0.5), phase("severe", 0.9, "m:2")),
        pair(phase("severe", 0.8), phase("severe", 0.8, "m:2")),
        pair(phase("severe", 0.8), phase("severe", 0.9, "m:3")),
    ]
    second, third = report(pairs)
    assert (second.shadow, second.items, second.same) == ("m:2", 3, pytest.approx(2 / 3))
    rows = {row.label: row for row in second.labels if row.field == "imbalance_class"}
    assert (rows["minor"].items, rows["minor"].agreement, rows["minor"].instead) == (2, 0.5, "severe")
    assert (rows["severe"].items, rows["severe"].agreement, rows["severe"].instead) == (1, 1.0, "")
    (confidence,) = second.numbers
    assert confidence.mean == pytest.approx(0.4 / 3)
    assert confidence.largest == pytest.approx(0.4)
    assert second.differ == {"confidence": 1, "imbalance_class": 1}
    assert third.shadow == "m:3"
    assert report(pairs, "other") == []


def test_record__beyond_its_size__one_earlier_file_is_kept(tmp_path, make_publisher):
    home = make_publisher(tmp_path).home
    one = pair(phase("minor", 0.5), phase("minor", 0.5, "m:2"))
    size = len(msgspec.json.encode(one)) + 1
    for _ in range(7):
        record.append(home, [one], largest=2 * size)
    assert len(list(record.read(home))) == 4
    assert sorted(path.name for path in home.logs.iterdir()) == ["shadow.1.jsonl", "shadow.jsonl"]


def test_record__line_of_another_form__refused_naming_it_and_half_a_line_left_out(tmp_path, make_publisher):
    home = make_publisher(tmp_path).home
    record.append(home, [pair(phase("minor", 0.5), phase("minor", 0.5, "m:2"))])
    with (home.logs / record.FILE).open("a") as log:
        log.write('{"half')
    assert len(list(record.read(home))) == 1
    (home.logs / record.FILE).write_text("{}\n")
    with pytest.raises(SwitchyardError, match=r"shadow\.jsonl, line 1"):
        list(record.read(home))
