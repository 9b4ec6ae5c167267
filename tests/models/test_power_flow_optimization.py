"""`power_flow_optimization`: the choice by looking at all settings, by HiGHS, and what a request gets."""

import json

import numpy as np
import pytest

import features
import substations
from data_contracts.version import CONTRACT_VERSION
from models import compilation, setting_choice
from models.catalogue import definition
from models.pool import Pool, load
from models.setting_programme import choose_by_programme
from models.splits import TEST, TRAIN, VALIDATION
from serving.answers import build_decoder
from serving.engine import Engine
from serving.intake import infer
from serving.snapshot import PublishedModel, write_snapshot
from substations.settings import Caution, advise, choose, reach_of, sensitivities
from substations.station import station_facts
from substations.sweep import Served
from switchyard.home import Home

NAME = "power_flow_optimization"


@pytest.fixture(scope="module")
def declared():
    return definition(NAME)


@pytest.fixture(scope="module")
def pool(declared, profile, folders) -> Pool:
    return load(declared, profile, folders)


@pytest.fixture(scope="module")
def fitted(declared, pool):
    return declared.calibrate(declared.fit(pool.split(TRAIN), declared.defaults, 0), pool.split(VALIDATION))


@pytest.mark.parametrize("caution", [Caution(margin_pu=0.0, uneven=0.0), Caution(margin_pu=0.01, uneven=0.2)])
def test_choose_by_programme__any_state__has_the_optimum_of_the_enumeration(pool, caution):
    rows = pool.split(TEST)
    rows = rows.select(np.arange(len(rows)) % 3 == 0)
    for part in setting_choice.parts(rows):
        around = reach_of(part.circuit, part.standing.tap, part.standing.steps, 2)
        found = sensitivities(part.circuit, part.served, around)
        series = np.full(part.index.size, 1.05)

        looked = choose(part.circuit, found, series, caution)
        solved = choose_by_programme(part.circuit, found, series, caution)

        np.testing.assert_allclose(solved.saved_w, looked.saved_w, rtol=1e-6, atol=0.1)


def test_answer__every_test_state__saves_nearly_all_and_breaks_nothing(declared, pool, fitted):
    rows = pool.split(TEST)
    figures = {metric.name: metric.of(declared.answer(fitted, rows), rows) for metric in declared.metrics}

    assert figures["gain_share"] > 0.8
    assert figures["broken"] == 0.0
    assert declared.metric("gain_share").of(declared.oracle_answer(rows), rows) == pytest.approx(1.0)
    present = declared.opponent("present", pool.split(TRAIN), pool.split(VALIDATION), rows)
    assert declared.metric("gain_share").of(present, rows) == pytest.approx(0.0)


def test_decode__of_serving_and_of_training__say_the_same(declared, pool, fitted):
    rows = pool.split(TEST)
    compiled = declared.compile(fitted)
    X = rows.inputs(declared.features)
    raw = declared.raw(fitted, X)
    decode = build_decoder(NAME, compiled.decoder, declared.features, f"{NAME}:1")

    trained = declared.decode(compiled.decoder, raw, {name: rows.column(name) for name in declared.features})

    for served, known in zip(decode(raw, X), trained, strict=True):
        assert served.optimal_configuration.taps == known["optimal_configuration"]["taps"]
        assert served.efficiency_gain == pytest.approx(known["efficiency_gain"], rel=1e-12)
        assert served.cost_savings == pytest.approx(known["cost_savings"], rel=1e-12)
    answer = declared.answer(fitted, rows)
    gain = 100.0 * answer["saved_w"] / answer["present_w"]
    np.testing.assert_allclose([one["efficiency_gain"] for one in trained], gain, atol=1e-9)


def test_decode__circuit_that_was_changed_since__abstains(declared, pool, fitted):
    rows = pool.split(TEST)
    compiled = declared.compile(fitted)
    X = rows.inputs(declared.features)[:2].copy()
    X[0, declared.features.index("circuit_code")] += 1

    answers = build_decoder(NAME, compiled.decoder, declared.features, f"{NAME}:1")(
        declared.raw(fitted, X), X
    )

    assert [answer.status for answer in answers] == ["abstained", "ok"]
    assert answers[0].reason == "not_applicable"


def test_advise__more_settings_than_can_be_looked_at__finds_the_best_by_windows(monkeypatch):
    facts = station_facts(substations.read("mumbai"))
    served = Served(np.array([facts.design_p_w]), np.array([facts.design_q_var]), np.array([1.0]))
    links, banks = len(facts.circuit.links), len(facts.circuit.banks)
    standing = (np.full((1, links), 9.0), np.zeros((1, banks)), 3)
    caution = Caution(margin_pu=0.002, uneven=0.15)
    every = advise(facts.circuit, served, standing, np.ones(1), caution)

    monkeypatch.setattr("substations.settings.MOST_STATES", 300)
    few = advise(facts.circuit, served, standing, np.ones(1), caution)

    assert every.saved_w[0] > 0
    assert few.saved_w[0] == pytest.approx(every.saved_w[0], rel=0.02)


@pytest.fixture(scope="module")
def ask(declared, pool, fitted, tmp_path_factory):
    """Answers of a service that serves this model, for one item's context."""
    root = tmp_path_factory.mktemp("served")
    compilation.compile_into(declared, fitted, pool.split(TEST), root / "compiled")
    home = Home(root / "home")
    name = write_snapshot(
        home,
        [PublishedModel(NAME, "1", root / "compiled")],
        {"mumbai": {NAME: NAME}},
        catalogue_digest=features.catalogue_digest(),
        contract_version=CONTRACT_VERSION,
    )
    engine = Engine.load(home, name)
    reading = {
        "t": "2026-01-05T08:00:00Z",
        "v": [19053.0] * 3,
        "i": [410.0] * 3,
        "p": [-7.4e6] * 3,
        "q": [-2.4e6] * 3,
        "f": 50.01,
    }
    item = {"substation": "mumbai", "point": "DTX1.LV", "readings": [reading]}

    def post(context):
        body = json.dumps({**item, "context": context}).encode()
        return json.loads(infer(engine, body, "r"))["energy"][NAME]

    return post


@pytest.fixture(scope="module")
def known():
    """Context of Mumbai at its design load."""
    facts = station_facts(substations.read("mumbai"))
    powers = zip(facts.feeders, facts.design_p_w, facts.design_q_var, strict=True)
    return {
        "ambient_c": 28.0,
        "weather": {"ghi_w_m2": 500.0, "wind_m_s": 4.0},
        "tap": {tap.name: 8 for tap in facts.taps},
        "capacitor_steps": {bank.name: 1 for bank in facts.banks},
        "station": {
            "feeders": {name: {"p_w": p, "q_var": q} for name, p, q in powers},
            "v_infeed_v": facts.v_nom_v,
        },
    }


def test_infer__station_at_its_design_load__gets_a_setting_by_names(ask, known):
    found = ask(known)

    setting = found["optimal_configuration"]
    assert found["status"] == "ok"
    assert setting["taps"].keys() == known["tap"].keys()
    assert setting["taps"]["AT1"] == setting["taps"]["AT2"]
    assert setting["capacitor_steps"].keys() == known["capacitor_steps"].keys()
    assert 0.0 < found["efficiency_gain"] < 10.0
    price = substations.read("mumbai").price_per_mwh
    loss_mw = found["cost_savings"] / found["efficiency_gain"] * 100.0 / 24.0 / price
    assert 1.0 < loss_mw < 6.0


@pytest.mark.parametrize("lost", ["station", "tap", "capacitor_steps", "weather"])
def test_infer__context_not_sent__abstains_and_names_it(ask, known, lost):
    found = ask({name: value for name, value in known.items() if name != lost})

    assert (found["status"], found["reason"]) == ("abstained", "missing_context")
    assert f"context.{lost}" in found["detail"]


def test_infer__tap_that_the_changer_does_not_have__abstains(ask, known):
    found = ask({**known, "tap": {**known["tap"], "DTX1": 40}})

    assert (found["status"], found["reason"]) == ("abstained", "missing_input")
