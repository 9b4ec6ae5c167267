"""`load_forecast` by sums and averaging: Prophet's ridge form, intervals, and versions that compile."""

import numpy as np
import pytest

from features.context.ahead import YEAR_DAYS
from federation.fits import pooled
from federation.plans import plan
from federation.plans.load_sums import MONTHS, PENALTY, IntervalSums, ProphetSums, prophet
from federation.rounds import fit_here
from models import load_inputs, load_intervals, prophet_form
from models.compilation import TOLERANCE, check_parity
from models.energy.load_forecast import DEFINITION
from models.load_inputs import HORIZONS, INDEPENDENT, INDEX
from models.load_scores import NAIVE
from models.prophet_form import TERMS, YEAR_ORDER
from models.runtime import CompiledModel
from tests.federation.made_rows import rows_of

N, DAY_S = 1500, 86_400.0
PARAMS = {"epochs": 4, "batch": 256}
MINE = plan("load_forecast")


def load_rows(seed, days=300.0, n=N):
    """Feeders whose load goes on as it is, plus a daily shape and what a network can learn."""
    rng = np.random.default_rng(seed)
    X = MINE.probes(None, n, rng)
    local_s = np.sort(rng.uniform(0.0, days * DAY_S, n))
    for name, turns in (("hour", local_s / DAY_S), ("year", local_s / DAY_S / YEAR_DAYS)):
        X[:, INDEX[f"{name}_sin"]] = np.sin(2 * np.pi * turns)
        X[:, INDEX[f"{name}_cos"]] = np.cos(2 * np.pi * turns)
    level = X[:, INDEX["load_week_level_pu"]]
    now, wave = X[:, INDEX["load_quarter_0_pu"]], X[:, INDEX["hour_sin"]]
    truth = {"local_s": local_s}
    for at, name in enumerate(HORIZONS):
        more = 0.1 * wave + 0.05 * np.abs(now / level - 1.0) + 0.01 * (1 + at) * rng.normal(size=n)
        truth[f"p_{name}"] = now + level * more
        truth |= {f"{naive}_{name}": now for naive in (*NAIVE, "oracle")}
        truth[f"holiday_{name}"] = np.zeros(n, dtype=bool)
    return rows_of(DEFINITION, X, truth, rng, t=local_s)


@pytest.fixture(scope="module")
def sites():
    return {name: MINE.local_data(load_rows(seed)) for seed, name in enumerate(("mumbai", "delhi"))}


@pytest.fixture(scope="module")
def made(sites):
    return fit_here(MINE.family, MINE.settings(PARAMS, "seed"), sites)


def settled(sums, known, sites):
    """What rounds of sums settle; every answer passes its own inspection."""
    for phase in sums.phases:
        parts = [sums.local(phase, known, data).arrays for data in sites.values()]
        assert not any(sums.inspect(phase, part) for part in parts)
        more = sums.close(phase, known, {name: sum(part[name] for part in parts) for name in parts[0]})
        known = {**known, **more}
    return known


def test_prophet_sums__two_sites__are_the_ridge_of_pooled_rows(sites):
    found, rows = prophet(settled(ProphetSums(), {}, sites)), pooled(sites)
    known, y = load_inputs.known(rows["X"]), rows["load"] / load_inputs.level(rows["X"])
    loads = known[:, : load_inputs.INDEPENDENT]
    np.testing.assert_allclose(found.mean, loads.mean(axis=0), rtol=1e-10)
    np.testing.assert_allclose(found.scale, loads.std(axis=0), rtol=1e-9)
    for at in range(len(HORIZONS)):
        terms = prophet_form.terms(rows["X"], known, loads.mean(axis=0), loads.std(axis=0), at)
        terms = terms[:, : TERMS - 2 * YEAR_ORDER]
        penalty = PENALTY * len(terms) * np.eye(terms.shape[1])
        penalty[0, 0] = 0.0
        ridge = np.linalg.solve(terms.T @ terms + penalty, terms.T @ y[:, at])
        np.testing.assert_allclose(found.predict(rows["X"], known)[:, at], terms @ ridge, atol=1e-9)


def test_prophet_sums__ridge__forecasts_as_prophet_itself(sites):
    rows = pooled(sites)
    known, y = load_inputs.known(rows["X"]), rows["load"] / load_inputs.level(rows["X"])
    own = prophet_form.fit(rows["X"], known, y, rows["local_s"]).predict(rows["X"], known)
    found = prophet(settled(ProphetSums(), {}, sites)).predict(rows["X"], known)
    assert np.abs(found - own).mean() < 0.05 * np.abs(y - own).mean()


def test_prophet_sums__years__have_terms_where_there_are_enough(sites):
    assert not prophet(settled(ProphetSums(), {}, sites)).yearly.any()
    long = {"one": MINE.local_data(load_rows(3, days=3 * YEAR_DAYS))}
    assert prophet(settled(ProphetSums(), {}, long)).yearly.all()


def test_prophet_sums__answers_that_no_rows_have__are_found(sites):
    sums, data = ProphetSums(), sites["delhi"]
    first = dict(sums.local("regressors", {}, data).arrays)
    assert "no rows" in sums.inspect("regressors", {**first, "sums": first["sums"] * [[1.0], [-1.0]]})
    known = settled(sums, {}, sites)
    second = dict(sums.local("equations", known, data).arrays)
    assert "no cross-products" in sums.inspect("equations", {**second, "gram": -second["gram"]})


def test_fitted__intervals__are_those_of_sorted_scores(made, sites):
    fitted, rows = MINE.fitted(made), pooled(sites)
    sorted_scores = load_intervals.conformal(fitted, rows["X_validation"], rows["load_validation"], 0.9)
    np.testing.assert_allclose(fitted.intervals.factor, sorted_scores.factor, atol=0.0101)
    assert (fitted.intervals.factor >= sorted_scores.factor).all()
    error = np.abs(fitted.predict(rows["X_validation"]) - rows["load_validation"]).sum(axis=0)
    expected = 100.0 * (error / np.abs(rows["load_validation"]).sum(axis=0)).mean()
    assert fitted.mape == pytest.approx(expected, rel=1e-9)


def test_interval_sums__hour_with_few_rows__is_told_by_no_site(made, sites):
    known = {**MINE.family.result(made)[0]}
    part = IntervalSums().local("errors", known, {name: rows[:60] for name, rows in sites["delhi"].items()})
    assert not part.array("count").any()
    assert not part.array("error").any()
    hourly = IntervalSums().close("errors", known, part.arrays)["hourly"]
    np.testing.assert_allclose(hourly, np.tile(part.array("whole") / 60, (24, 1)))


def test_interval_sums__answers_that_no_rows_have__are_found(made, sites):
    sums, known = IntervalSums(), MINE.family.result(made)[0]
    first = dict(sums.local("errors", known, sites["delhi"]).arrays)
    assert "more than the whole" in sums.inspect("errors", {**first, "whole": first["whole"] / 100})
    second = dict(sums.local("scores", known, sites["delhi"]).arrays)
    second["scores"] = second["scores"] * [[1], [2], [1]]
    assert "horizons score" in sums.inspect("scores", second)


def test_fitted__two_sites__forecasts_a_third(made):
    rows, fitted = load_rows(7), MINE.fitted(made)
    answer = DEFINITION.answer(fitted, rows)
    assert DEFINITION.metric("skill").of(answer, rows) > 0.5
    for name in HORIZONS:
        assert DEFINITION.metric(f"coverage_{name}").of(answer, rows) == pytest.approx(0.9, abs=0.04)


def test_fitted__compiled__is_the_same_graph(made):
    fitted, rows = MINE.fitted(made), load_rows(8)
    compiled = DEFINITION.compile(fitted)
    parity = check_parity(DEFINITION, fitted, compiled, CompiledModel(compiled.onnx), rows)
    assert parity.largest <= TOLERANCE
    assert len(compiled.onnx) < 300_000


def test_fine_tuning__site__has_intervals_of_its_own_errors(made, sites):
    update = MINE.family.local_update(MINE.family.ask_tuning(made), sites["delhi"], "delhi")
    own = MINE.fitted(MINE.family.tuned(made, update).state)
    data, fitted = sites["delhi"], MINE.fitted(made)
    assert not np.array_equal(own.weights[0], fitted.weights[0])
    inside = np.abs(own.predict(data["X_validation"]) - data["load_validation"]) <= own.half(
        data["X_validation"]
    )
    np.testing.assert_allclose(inside.mean(axis=0), 0.9, atol=0.02)
    np.testing.assert_array_equal(own.prophet.regressors, fitted.prophet.regressors)


def test_local_data__many_rows__are_spread_and_capped(monkeypatch):
    monkeypatch.setattr("federation.plans.load_forecast.MOST_ROWS", 200)
    monkeypatch.setattr("federation.plans.load_forecast.MOST_JUDGES", 50)
    data = MINE.local_data(load_rows(5))
    assert {name: len(rows) for name, rows in data.items()} == {
        "X": 200, "load": 200, "local_s": 200, "X_validation": 50, "load_validation": 50,
    }  # fmt: skip
    again = MINE.local_data(load_rows(5))
    assert np.array_equal(data["X"], again["X"])


def test_prophet_sums__quarters_of_an_hour_that_are_equal__are_no_regressor_to_divide_by():
    n, largest = 1000, 1e-17
    squares = np.full(INDEPENDENT, n * largest**2)
    squares[-1] = n * 0.04
    months = np.zeros(MONTHS, dtype=np.int64)
    months[600] = n
    sums = {
        "sums": np.stack([np.zeros(INDEPENDENT), squares]),
        "level": np.array([0.5 * n]),
        "months": months,
    }
    scale = ProphetSums().close("regressors", {}, sums)["load_scale"]
    np.testing.assert_allclose(scale, [*np.ones(INDEPENDENT - 1), 0.2])
