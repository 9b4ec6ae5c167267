"""`load_balancing`: TOPSIS against pymcdm, alternatives against the solved table, and what a request gets."""

import json
from pathlib import Path

import numpy as np
import pytest

import features
from data_contracts.version import CONTRACT_VERSION
from models import compilation
from models.catalogue import definition
from models.decision.load_balancing import CODES, CRITERIA, IMBALANCES
from models.graphs import INPUT, Graph
from models.pool import Pool, load
from models.runtime import CompiledModel
from models.splits import TEST, TRAIN, VALIDATION
from models.topsis import Topsis, TopsisEstimator
from serving.answers import build_decoder
from serving.engine import Engine
from serving.intake import infer
from serving.snapshot import PublishedModel, write_snapshot
from switchyard.home import Home

EXAMPLE = Path(__file__).parents[2] / "examples" / "balancing.json"
WEIGHTS = (0.7, 0.1, 0.15, 0.05)


@pytest.fixture(scope="module")
def declared():
    return definition("load_balancing")


@pytest.fixture(scope="module")
def pool(declared, profile, folders) -> Pool:
    return load(declared, profile, folders)


@pytest.fixture(scope="module")
def fitted(declared, pool):
    return declared.calibrate(declared.fit(pool.split(TRAIN), declared.defaults, 0), pool.split(VALIDATION))


@pytest.fixture
def criteria():
    """Six rows of five alternatives: random ones, one where all are alike, one with no operations at all."""
    X = np.random.default_rng(4).uniform(0, 50, (6, 20))
    X[1] = np.tile([12.0, 60.0, 0.0, 300.0], 5)
    X[2, 2::4] = 0.0
    return X


def test_closeness__any_criteria__is_pymcdms(criteria):
    mine = Topsis(WEIGHTS).closeness(criteria)
    np.testing.assert_allclose(mine, TopsisEstimator(list(WEIGHTS)).predict(criteria), atol=1e-12)
    assert (mine[1] == 0).all()


def test_closeness__by_hand__is_distance_from_the_worst_over_both():
    """Two alternatives, one criterion: the better one is the ideal, the other the anti-ideal."""
    assert Topsis((1.0,)).closeness(np.array([[3.0, 4.0]])).tolist() == [[1.0, 0.0]]


def test_graph__any_criteria__answers_as_numpy(criteria):
    graph = Graph()
    output = Topsis(WEIGHTS).add_to(graph, INPUT, 5, "closeness")
    model = CompiledModel(graph.finish("topsis", 20, output, 5, double=True))
    np.testing.assert_allclose(model(criteria), Topsis(WEIGHTS).closeness(criteria), atol=1e-12)


def test_answer__truth_near_the_meters__comes_near_the_best_and_beats_the_largest_feeder(
    declared, pool, fitted
):
    rows = pool.split(TEST)
    gained, error = declared.metric("reduction_share"), declared.metric("reduction_error_pct")
    answer = declared.answer(fitted, rows)
    rival = declared.opponent("largest_feeder", pool.split(TRAIN), pool.split(VALIDATION), rows)
    assert gained.of(answer, rows) > 0.9
    assert gained.of(answer, rows) > gained.of(rival, rows) + 0.3
    assert error.of(answer, rows) < 10.0
    assert gained.of(declared.oracle_answer(rows), rows) == pytest.approx(1.0)


def test_rows__alternatives__are_found_among_the_solved_arrangements(pool):
    rows = pool.training
    assert np.isfinite(rows.truth["reduction_pct"]).all()
    assert (rows.truth["reduction_pct"][:, 0] == 0).all()
    assert (rows.truth["permitted"][:, 0] == 1).all()
    best = np.where(rows.truth["permitted"] > 0, rows.truth["reduction_pct"], 0.0).max(axis=1)
    assert (best <= rows.truth["best_pct"] + 1e-9).all()


def test_score__weights_that_leave_everything__is_worse_than_the_defaults(declared, pool):
    train = pool.split(TRAIN)
    lazy = declared.fit(train, {"utilisation": 0.3, "operations": 0.3, "cost": 0.3}, 0)
    keen = declared.fit(train, declared.defaults, 0)
    assert declared.score(keen, train) > declared.score(lazy, train)


def test_decode__station_that_nobody_described__abstains(declared, pool, fitted):
    compiled = declared.compile(fitted)
    rows = pool.split(TEST).select(np.arange(2))
    inputs = rows.inputs(declared.features)
    inputs[1, declared.features.index("moves_station")] += 1
    decode = build_decoder("load_balancing", compiled.decoder, declared.features, "load_balancing:1")
    known, unknown = decode(CompiledModel(compiled.onnx)(inputs), inputs)
    assert known.status == "ok"
    assert (unknown.status, unknown.reason) == ("abstained", "not_applicable")


def test_features__twenty_criteria__and_what_names_them(declared):
    assert len(CRITERIA) == 20
    assert set(declared.features) - set(CRITERIA) == {*CODES, "moves_station"}
    assert set(IMBALANCES) < set(CRITERIA)


@pytest.fixture(scope="module")
def ask(declared, pool, fitted, tmp_path_factory):
    folder = tmp_path_factory.mktemp("compiled")
    compilation.compile_into(declared, fitted, pool.split(TEST), folder)
    home = Home(tmp_path_factory.mktemp("home"))
    name = write_snapshot(
        home,
        [PublishedModel("load_balancing", "1", folder)],
        {"mumbai": {"load_balancing": "load_balancing"}},
        catalogue_digest=features.catalogue_digest(),
        contract_version=CONTRACT_VERSION,
    )
    engine = Engine.load(home, name)
    return lambda body: json.loads(infer(engine, json.dumps(body).encode(), "r"))["decision"][
        "load_balancing"
    ]


def test_infer__the_example__names_feeders_where_they_hang_and_where_to(ask):
    body = json.loads(EXAMPLE.read_text())
    found = ask(body)
    assert found["status"] == "ok"
    assert found["balance_score"] == pytest.approx(84.5, abs=0.3)
    assert 0 < found["expected_imbalance_reduction"] <= 100
    assert found["balancing_recommendation"]
    hung = {name: one["bus"] for name, one in body["context"]["station"]["feeders"].items()}
    for move in found["balancing_recommendation"]:
        assert move["origin"] == hung[move["feeder"]]
        assert {move["origin"], move["target"]} == {"lv1", "lv2"}


def test_infer__without_the_transformers__says_what_is_missing(ask):
    body = json.loads(EXAMPLE.read_text())
    del body["context"]["station"]["transformers"]
    found = ask(body)
    assert (found["status"], found["reason"]) == ("abstained", "missing_context")
    assert "context.station.transformers" in found["detail"]
