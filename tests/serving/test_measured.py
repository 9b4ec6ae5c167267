"""Answers for a measured dataset, of which only the versions that learnt from it know anything."""

import json
from datetime import UTC, datetime, timedelta

import msgspec
import numpy as np
import pytest

import features
from data_contracts.measured_site import MeasuredPoint, MeasuredSite
from data_contracts.version import CONTRACT_VERSION
from data_contracts.wire import Item, PointLimits, check, pack
from serving.engine import Engine
from serving.errors import SnapshotError
from serving.intake import infer
from serving.problems import ProblemError
from serving.sites import Sites
from serving.snapshot import CHALLENGER, PublishedModel, write_snapshot
from switchyard.home import Home

BUS = MeasuredPoint(kind="bus", nominal_kv=33.0)
HOURLY = MeasuredPoint(kind="feeder", rated_mva=12.0, load_step_s=3600.0)


def site(points, **changes):
    told = {"dataset": "north", "frequency_hz": 50.0, "time_zone": "Europe/Berlin", "points": points}
    return MeasuredSite(**(told | changes))


@pytest.fixture
def publish(compiler, tmp_path):
    """Publish `phase_imbalance` and `voltage_anomaly` of the dataset north; returns home and snapshot."""
    home = Home(tmp_path / "home")

    def make(of_phase, of_voltage, challenger=None, routes=None):
        def spec(told):
            return {"site": msgspec.to_builtins(told)} if told is not None else {}

        models = [
            PublishedModel(
                "phase_imbalance.north", "1", compiler.phase_imbalance("phase", spec=spec(of_phase))
            ),
            PublishedModel(
                "voltage_anomaly.north", "1", compiler.voltage_anomaly("voltage", spec=spec(of_voltage))
            ),
        ]
        if challenger is not None:
            folder = compiler.voltage_anomaly("beside", spec=spec(challenger))
            models.append(PublishedModel("voltage_anomaly.north", "2", folder, alias=CHALLENGER))
        own = {name: f"{name}.north" for name in ("phase_imbalance", "voltage_anomaly")}
        return home, write_snapshot(
            home,
            models,
            routes or {"north": own},
            catalogue_digest=features.catalogue_digest(),
            contract_version=CONTRACT_VERSION,
        )

    return make


@pytest.fixture
def ask(publish):
    """Ask about the dataset: `a` has windows of both models, `b` of one, `load` of neither."""
    home, name = publish(
        site({"a": BUS, "b": BUS, "load": HOURLY}), site({"a": BUS, "load": msgspec.structs.replace(HOURLY)})
    )
    engine = Engine.load(home, name)

    def send(body):
        return json.loads(infer(engine, json.dumps(body).encode(), "r1"))

    return send


def refused(ask, body):
    with pytest.raises(ProblemError) as caught:
        ask(body)
    document = json.loads(msgspec.json.encode(caught.value.document("r1")))
    return document["status"], document["errors"][0]


def test_infer__dataset_as_substation__its_versions_answer_with_the_nominals_that_they_know(ask, item):
    told = ask(item(substation="north", point="a"))["monitoring"]
    assert told["phase_imbalance"]["model_version"] == "phase_imbalance.north:1"
    assert told["phase_imbalance"]["imbalance_class"] == "balanced"
    assert told["voltage_anomaly"]["anomaly_detected"] is False
    low = ask(item(substation="north", point="a", scale=(1.0, 0.6, 1.0)))["monitoring"]
    assert low["voltage_anomaly"]["anomaly_detected"] is True
    assert low["frequency_stability"]["reason"] == "not_published"


def test_infer__point_that_a_version_learnt_nothing_of__not_applicable(ask, item):
    told = ask(item(substation="north", point="b"))["monitoring"]
    assert told["phase_imbalance"]["status"] == "ok"
    assert told["voltage_anomaly"]["reason"] == "not_applicable"
    assert (
        told["voltage_anomaly"]["detail"]
        == "the model has learnt nothing of this point; it applies to a, load"
    )


def test_infer__another_name__is_refused_with_those_that_are_known(ask, item):
    status, error = refused(ask, item(substation="mumbai"))
    assert (status, error["rule"]) == (422, "unknown_substation")
    assert "this service answers for north" in error["message"]
    status, error = refused(ask, item(substation="north", point="c"))
    assert error["rule"] == "unknown_point"
    assert "north has a, b, load" in error["message"]


def test_infer__channels_that_the_site_has_not__may_be_null_in_a_good_reading(ask, item):
    body = item(substation="north", point="a")
    for reading in body["readings"]:
        reading |= {"i": [None] * 3, "p": [None] * 3, "q": [None] * 3, "f": None}
    found = ask(body)
    assert found["monitoring"]["voltage_anomaly"]["status"] == "ok"
    assert found["input_quality"]["validity"] == "good"
    for reading in body["readings"]:
        reading["v"] = [None] * 3
    told = ask(body)["monitoring"]["voltage_anomaly"]
    assert told["reason"] == "missing_input"
    assert "needs valid samples of v" in told["detail"]


def test_infer__what_no_instrument_says__is_refused_at_a_measured_point_too(ask, item):
    body = item(substation="north", point="a")
    body["readings"][3]["v"][1] = 1e6
    status, error = refused(ask, body)
    assert (status, error["field"], error["rule"]) == (422, "readings[3].v[1]", "range")
    body = item(substation="north", point="a", scale=(1e-3, 1e-3, 1e-3))
    assert "kilovolts" in refused(ask, body)[1]["message"]


def test_limit_exceeded__of_a_measured_point__rests_on_nothing_that_only_a_description_tells(ask, item):
    body = item(substation="north", point="a", scale=(1.0, 0.5, 1.0))
    body["readings"][-1] |= {"f": 51.0, "thd": [30.0, 30.0, 30.0]}
    found = {one["quantity"]: one for one in ask(body)["limit_exceeded"]}
    assert set(found) == {"sag", "frequency"}
    assert found["sag"]["value"] == pytest.approx(0.4995, rel=1e-3)
    assert found["frequency"]["limit"] == pytest.approx(50.5)
    # Of a point without a nominal voltage nobody knows what a sag is.
    body["point"] = "load"
    assert [one["quantity"] for one in ask(body)["limit_exceeded"]] == ["frequency"]


def history(end, step_s=900):
    return {"step_s": step_s, "end": end.isoformat(), "p": [1e6] * 4}


@pytest.mark.parametrize(
    ("ends_min", "step_s", "read_s", "field", "said"),
    [
        (0, 3600, 0, "load_history.step_s", "send steps of 900 s or less, each the mean of the 3600 s"),
        (15, 900, 0, "load_history.end", "must end with one, every 3600 s, and this one ends 900 s later"),
        (
            0,
            900,
            300,
            "readings[0].t",
            "ask within 120 s of the end of the last one, this reading is 300 s later",
        ),
    ],
)
def test_infer__load_of_other_steps_than_learnt__is_refused_with_those(
    ask, item, ends_min, step_s, read_s, field, said
):
    end = datetime(2026, 1, 5, 8, tzinfo=UTC) + timedelta(minutes=ends_min)
    body = item(1, substation="north", point="load", load_history=history(end, step_s))
    body["readings"][0]["t"] = (end + timedelta(seconds=read_s)).isoformat()
    status, error = refused(ask, body)
    assert (status, error["rule"], error["field"]) == (422, "load_step", field)
    assert said in error["message"]


def test_infer__load_of_the_steps_that_were_learnt__is_taken(ask, item):
    end = datetime(2026, 1, 5, 8, tzinfo=UTC)
    body = item(1, substation="north", point="load", load_history=history(end))
    assert ask(body)["energy"]["load_forecast"]["reason"] == "not_published"


def test_load__versions_that_do_not_fit_together__snapshot_is_refused(publish):
    def said(*told, **more):
        home, name = publish(*told, **more)
        with pytest.raises(SnapshotError) as caught:
            Engine.load(home, name)
        return caught.value.message

    north = site({"a": BUS})
    other = site({"a": msgspec.structs.replace(BUS, nominal_kv=20.0)})
    assert "contradict each other: nominal_kv of a is 33, not 20" in said(north, other)
    assert "nominal_kv of a is 33, not 20" in said(north, north, challenger=other)
    assert "learnt from no dataset and is routed at the dataset north" in said(north, None)
    assert "does not know the time zone 'Mars/Olympus'" in said(
        *[site({"a": BUS}, time_zone="Mars/Olympus")] * 2
    )
    south = site({"a": BUS}, dataset="south")
    assert "learnt from dataset 'south' and is registered as 'phase_imbalance.north'" in said(south, south)
    routes = {"mumbai": {"phase_imbalance": "phase_imbalance.north"}}
    assert "learnt from the dataset north and is routed at the dataset mumbai" in said(
        north, north, routes=routes
    )


def test_nominals_at__either_side_of_the_change_to_summer_time__have_their_offset():
    (point,) = Sites.read(["north"], {"north": site({"a": BUS})})
    change = datetime(2024, 3, 31, 1, tzinfo=UTC).timestamp()
    assert [point.nominals_at(change + s).utc_offset_s for s in (-1.0, 0.0)] == [3600.0, 7200.0]
    assert point.nominals_at(change).v_nom_v == pytest.approx(33e3 / 3**0.5)


def test_check__at_a_point_without_a_nominal__values_are_judged_by_the_contract_alone(item):
    limits = PointLimits.measured(0.0, 50.0)
    body = item(1, scale=(0.01, 0.01, 0.01))
    items = [msgspec.convert(body, Item)]
    assert check(items, pack(items), [limits]) == [[]]
    body["readings"][0] |= {"v": [None] * 3, "f": 20.0}
    items = [msgspec.convert(body, Item)]
    assert [one.field for one in check(items, pack(items), [limits])[0]] == ["readings[0].f"]
    described = PointLimits.measured(33.0, 50.0)
    assert np.isfinite(described.upper).all()
