"""`equipment_failure` and `voltage_sag` from sums of several sites: fitted objects like the pooled ones."""

import numpy as np
import pytest

from federation.plans import plan
from federation.rounds import fit_here
from models.compilation import TOLERANCE, check_parity
from models.failure_factors import FACTORS
from models.maintenance import equipment_failure, voltage_sag
from models.ranking import FAILED, FAILS, TIME_D, TRUE_RANK, TRUE_RISK, WEIGHT
from models.runtime import CompiledModel
from tests.federation.made_rows import rows_of

N = 2400


def drawn(definition, rng):
    """Random inputs, of which the optional ones are missing in a part of the rows."""
    X = rng.normal(size=(N, len(definition.features)))
    optional = [definition.features.index(name) for name in definition.optional]
    X[np.ix_(np.arange(0, N, 3), np.array(optional, dtype=np.int64))] = np.nan
    return X


def failing_rows(seed):
    """Age and anomalies of a month decide; no other input does."""
    rng, definition = np.random.default_rng(seed), equipment_failure.DEFINITION
    X = drawn(definition, rng)
    place = [definition.features.index(name) for name in ("asset_age_y", "asset_anomalies_30d")]
    mean = np.exp(5.0 - 1.5 * X[:, place[0]] - 1.0 * X[:, place[1]])
    days = rng.exponential(mean)
    time = np.clip(days, 0.02, 400.0)
    truth = {
        WEIGHT: rng.uniform(0.5, 2.0, N),
        FAILS: days < 30.0,
        TIME_D: time,
        FAILED: days < 400.0,
        TRUE_RISK: -np.expm1(-30.0 / mean),
        TRUE_RANK: -mean,
        "time_h": 24.0 * time,
        "grown": np.ones(N, dtype=bool),
    }
    return rows_of(definition, X, truth, rng)


def eventful_rows(seed):
    """Wind brings deep events, the hour of the day shallow ones."""
    rng, definition = np.random.default_rng(seed), voltage_sag.DEFINITION
    X = drawn(definition, rng)
    wind, hour = (X[:, definition.features.index(name)] for name in ("wind_m_s", "hour_local"))
    risk = np.stack([0.4 * (wind > 0.5), 0.2 * (hour > 0.5), np.full(N, 0.01)], axis=1)
    code = np.argmax(risk * rng.exponential(1.0, risk.shape), axis=1)
    event = rng.random(N) < risk.sum(axis=1)
    truth = {
        "event": event,
        "code": np.where(event, code, -1),
        "weight": np.where(event, 1.0, 10.0),
        "reference": np.full(N, event.mean() / 10.0),
        "depth_pct": np.where(
            event, np.exp(np.where(wind > 0.5, 3.0, 1.0) + 0.1 * rng.normal(size=N)), np.nan
        ),
        "duration_log": np.where(event, 2.0 + (wind > 0.5), np.nan),
        "oracle_probability": np.clip(risk.sum(axis=1), 0.01, 0.99),
        "oracle_right": np.ones(N, dtype=bool),
    }
    return rows_of(definition, X, truth, rng)


MADE = {"equipment_failure": failing_rows, "voltage_sag": eventful_rows}


@pytest.fixture(scope="module", params=MADE)
def made(request):
    """A plan, its finished state from two sites, and where rows of a third come from."""
    mine, draw = plan(request.param), MADE[request.param]
    sites = {name: mine.local_data(draw(seed)) for seed, name in enumerate(("mumbai", "delhi"))}
    return mine, fit_here(mine.family, mine.settings({}, "seed"), sites), draw


def test_fitted__sums_of_two_sites__answers_rows_of_a_third_almost_as_well_as_the_truth(made):
    mine, state, draw = made
    definition, rows = mine.definition, draw(7)
    answer = definition.answer(mine.fitted(state), rows)

    if definition.name == "equipment_failure":
        risk = rows.truth[TRUE_RISK]
        assert definition.metric("roc_auc_share").of(answer, rows) > 0.97
        assert np.corrcoef(answer["risk"], risk)[0, 1] > 0.95
    else:
        event = rows.truth["event"]
        assert definition.metric("cause_accuracy").of(answer, rows) > 0.8
        assert np.abs(answer["duration_log"] - rows.truth["duration_log"])[event].mean() < 0.2
        forecast = (answer["probability"] * rows.truth["weight"]).sum()
        assert forecast == pytest.approx(rows.truth["weight"][event].sum(), rel=0.15)


def test_fitted__compiled__is_the_same_small_graph(made):
    mine, state, draw = made
    fitted, rows = mine.fitted(state), draw(8)
    compiled = mine.definition.compile(fitted)

    parity = check_parity(mine.definition, fitted, compiled, CompiledModel(compiled.onnx), rows)

    assert parity.flips == 0
    assert parity.largest <= TOLERANCE
    assert len(compiled.onnx) < 300_000
    assert mine.definition.native(fitted, rows) is None


def test_probes__made_up_rows__give_many_answers(made):
    mine, state, _ = made
    raw = mine.definition.raw(mine.fitted(state), mine.probes(state, 64, np.random.default_rng(0)))
    assert np.unique(np.round(raw, 6), axis=0).shape[0] > 16


def test_contributions__first_factor__is_what_decides():
    mine = plan("equipment_failure")
    sites = {name: mine.local_data(failing_rows(seed)) for seed, name in enumerate(("mumbai", "delhi"))}
    fitted = mine.fitted(fit_here(mine.family, mine.settings({}, "seed"), sites))
    rows = failing_rows(9)
    X = rows.inputs(mine.definition.features)
    given = fitted.risk.contributions(X)
    # Together they are the margin less that of a row before any split.
    plain = fitted.risk.start + given.sum(axis=1)
    np.testing.assert_allclose(fitted.risk.margin(X), plain)
    deciding = [FACTORS.index(name) for name in ("age", "anomalies")]
    assert np.abs(given[:, deciding]).mean() > 10.0 * np.abs(np.delete(given, deciding, axis=1)).mean()


def test_settings__parameters_of_the_pooled_model__are_taken_over():
    forests = plan("voltage_sag").settings({"min_samples_leaf": 20, "max_leaf_nodes": 96}, "s")["forests"]
    # Leaves of fewer than 32 draws are never asked about.
    assert [one["min_samples_leaf"] for one in forests] == [32, 32, 32, 60, 60]
    assert [one["max_depth"] for one in forests] == [7, 7, 7, 5, 5]
    assert [len(one["columns"]) for one in forests] == [5, 5, 3, 6, 6]
    assert plan("equipment_failure").settings({"max_depth": 5}, "s")["depth"] == 4
