"""`energy_loss`: parts over the nameplates' loss, and what a request with the whole station gets."""

import json

import numpy as np
import pytest

import features
import substations
from data_contracts.version import CONTRACT_VERSION
from features.context.station import nameplates
from federation.plans import plan
from federation.rounds import fit_here
from models import compilation, polynomials
from models.catalogue import definition
from models.energy.energy_loss import INPUTS, _category
from models.pool import Pool, load
from models.rows import Rows
from models.runtime import CompiledModel
from models.splits import TEST, TRAIN, VALIDATION
from serving.answers import build_decoder
from serving.engine import Engine
from serving.intake import infer
from serving.snapshot import PublishedModel, write_snapshot
from substations.station import station_facts
from switchyard.home import Home


@pytest.fixture
def rng():
    return np.random.default_rng(5)


@pytest.fixture(scope="module")
def declared():
    return definition("energy_loss")


@pytest.fixture(scope="module")
def pool(declared, profile, folders) -> Pool:
    return load(declared, profile, folders)


@pytest.fixture(scope="module")
def fitted(declared, pool):
    return declared.calibrate(declared.fit(pool.split(TRAIN), declared.defaults, 0), pool.split(VALIDATION))


def test_fit__loss_that_follows_heat_and_voltage__is_estimated_far_better_than_by_nameplates(
    declared, pool, fitted
):
    rows: Rows = pool.split(TEST)
    mae, r2, right = (declared.metric(name) for name in ("loss_mae_w", "r2", "category_accuracy"))
    answer = declared.answer(fitted, rows)
    rival = declared.opponent("nameplate", pool.split(TRAIN), pool.split(VALIDATION), rows)

    assert mae.of(answer, rows) < 0.2 * mae.of(rival, rows)
    assert r2.of(answer, rows) > 0.99
    assert right.of(answer, rows) > 0.9


def test_decode__of_serving_and_of_training__say_the_same(declared, pool, fitted):
    rows = pool.split(TEST)
    compiled = declared.compile(fitted)
    X = rows.inputs(declared.features)
    raw = declared.raw(fitted, X)
    decode = build_decoder("energy_loss", compiled.decoder, declared.features, "energy_loss:1")

    trained = declared.decode(compiled.decoder, raw, {name: rows.column(name) for name in declared.features})

    for served, known in zip(decode(raw, X), trained, strict=True):
        assert {name: getattr(served, name) for name in known} == known
    answer = declared.answer(fitted, rows)
    np.testing.assert_allclose([one["loss_in_watts"] for one in trained], answer["loss_w"], rtol=1e-12)
    np.testing.assert_allclose([one["estimated_loss"] for one in trained], answer["loss_pct"], rtol=1e-12)


def test_answer__station_of_twice_the_size__loses_twice_as_much(declared, pool, fitted):
    rows = pool.split(TEST)
    twice = np.array([2.0 if name == "nameplate_loss_w" else 1.0 for name in rows.columns])
    larger = Rows(**{name: getattr(rows, name) for name in rows.__slots__} | {"X": rows.X * twice})

    np.testing.assert_allclose(
        declared.answer(fitted, larger)["loss_w"], 2.0 * declared.answer(fitted, rows)["loss_w"]
    )


@pytest.mark.parametrize(
    ("parts", "code"),
    [((70, 7, 23), 0), ((60, 14, 26), 1), ((55, 5, 40), 2)],
    ids=["resistive", "reactive", "core"],
)
def test_category__part_furthest_above_its_design_share__is_named(parts, code):
    assert _category(np.array([parts], dtype=float), np.array([[0.65, 0.07, 0.28]])).tolist() == [code]


def test_polynomials__term_of_any_degree__is_the_product_of_its_columns(rng):
    X = rng.normal(size=(50, len(INPUTS)))
    model = polynomials.fit(X, X[:, :1] * X[:, 1:2] ** 2, degree=3, penalty=1e-8)
    Z = (X - model.centre) / model.scale

    places = polynomials.places_of(len(INPUTS), 3)
    terms = model.terms(X)

    assert terms.shape == (50, sum(len(part) for part in places))
    at = len(places[0]) + len(places[1]) + places[2].tolist().index([0, 1, 1])
    np.testing.assert_allclose(terms[:, at], Z[:, 0] * Z[:, 1] ** 2)


def test_polynomials__far_outside_of_what_was_fitted__stays_where_it_was_cut(rng):
    X = rng.normal(size=(200, 2))
    model = polynomials.fit(X, X[:, :1] ** 2, degree=2, penalty=1e-6)

    far = model.centre + 1e3 * model.scale
    cut = model.centre + polynomials.MOST_SD * model.scale

    np.testing.assert_allclose(model.predict(far[None]), model.predict(cut[None]))


@pytest.fixture(scope="module")
def ask(declared, pool, fitted, tmp_path_factory):
    """Answers of a service that serves this model, for one item's context."""
    root = tmp_path_factory.mktemp("served")
    compilation.compile_into(declared, fitted, pool.split(TEST), root / "compiled")
    home = Home(root / "home")
    name = write_snapshot(
        home,
        [PublishedModel("energy_loss", "1", root / "compiled")],
        {"mumbai": {"energy_loss": "energy_loss"}},
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
        return json.loads(infer(engine, body, "r"))["energy"]["energy_loss"]

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


def test_infer__station_at_its_design_load__loses_some_percent_more_than_by_nameplates(ask, known):
    found = ask(known)

    facts = station_facts(substations.read("mumbai"))
    _, design_w, resistive, reactive = nameplates(facts)
    nameplate_w = facts.always_w / (1 - resistive - reactive)
    assert found["status"] == "ok"
    assert 1.0 < found["loss_in_watts"] / nameplate_w < 1.2
    share = found["loss_in_watts"] / design_w
    assert found["estimated_loss"] == pytest.approx(100 * share / (1 + share))
    assert found["loss_category"] in {"resistive", "reactive", "core"}


@pytest.mark.parametrize(
    ("lost", "reason"),
    [("station", "missing_context"), ("tap", "missing_context"), ("ambient_c", "missing_context")],
)
def test_infer__context_not_sent__abstains_and_names_it(ask, known, lost, reason):
    found = ask({name: value for name, value in known.items() if name != lost})

    assert (found["status"], found["reason"]) == ("abstained", reason)
    assert f"context.{lost}" in found["detail"]


def test_infer__one_feeder_lacking__abstains(ask, known):
    feeders = dict(list(known["station"]["feeders"].items())[1:])

    found = ask({**known, "station": {**known["station"], "feeders": feeders}})

    assert (found["status"], found["reason"]) == ("abstained", "missing_input")
    assert "context.station.feeders" in found["detail"]


def test_plan__three_sites_without_their_rows__fit_what_pooled_rows_fit(declared, pool, fitted):
    learner = plan("energy_loss")
    kept = pool.training.select(pool.training.split != TEST)
    third = np.arange(len(kept)) % 3
    data = {str(site): learner.local_data(kept.select(third == site)) for site in range(3)}

    state = fit_here(learner.family, learner.settings(declared.defaults, "seed"), data)
    federated = learner.fitted(state)

    rows = pool.split(TEST)
    own, theirs = declared.answer(fitted, rows), declared.answer(federated, rows)
    np.testing.assert_allclose(theirs["loss_w"], own["loss_w"], rtol=1e-9)
    np.testing.assert_allclose(federated.offsets, fitted.offsets, rtol=1e-9)
    compiled = declared.compile(federated)
    compilation.check_parity(declared, federated, compiled, CompiledModel(compiled.onnx), rows)
    probes = learner.probes(state, 50, np.random.default_rng(0))
    assert probes.shape == (50, len(declared.features))
    assert np.isfinite(declared.raw(federated, probes)).all()


def test_rows__slice_of_the_report__is_one_a_day(pool):
    rows = pool.training
    for code in np.unique(rows.episode.codes):
        assert np.unique(rows.kind.codes[rows.episode.codes == code]).size == 1
