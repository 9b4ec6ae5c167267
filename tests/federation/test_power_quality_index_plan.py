"""`power_quality_index` by sums and averaging: the formula's constants, and versions that compile."""

import numpy as np
import pytest

from data_contracts.quality_index import INDICATORS
from federation.fits import pooled
from federation.plans import plan
from federation.plans.quality_sums import QualitySums, readings
from federation.rounds import fit_here
from models import quality_indicators
from models.compilation import TOLERANCE, check_parity
from models.maintenance.power_quality_index import DEFINITION
from models.runtime import CompiledModel
from tests.federation.made_rows import rows_of

N = 900
PARAMS = {"epochs": 16, "learning_rate": 5e-3, "batch": 128}
MINE = plan("power_quality_index")


def quality_rows(seed, n=N):
    """Windows whose index is the formula's plus what a network can learn; a sag in one of five."""
    rng = np.random.default_rng(seed)
    X = MINE.probes(None, n, rng)
    at = {name: place for place, name in enumerate(DEFINITION.features)}
    flagged = rng.random(n) < 0.2
    ripple = X[:, at["v_min_dip_pu"]] + X[:, at["v_max_rise_pu"]]
    quiet = np.abs(60.0 * ripple * rng.lognormal(0.0, 0.3, n)) + 0.05
    X[:, at["pst"]] = quiet + np.where(flagged, rng.uniform(0.2, 5.0, n), 0.0)
    X[:, at["event_severity_10min"]] = np.where(flagged, rng.uniform(0.2, 1.5, n), 0.0)
    X[:, at["event_depth_10min_pct"]] *= flagged
    known = quality_indicators.Readings(0.85, 60.0)
    cut = quality_indicators.estimate(X, known)[0][:, 0]
    unified = cut + 0.2 * np.tanh(X[:, at["thd_spread_pct"]])
    index = np.clip(100.0 - 30.0 * unified, 0.0, 100.0)
    truth = {
        "index": index,
        "code": np.zeros(n, dtype=np.int64),
        "worst": rng.integers(len(INDICATORS), size=n),
        "flagged": flagged,
        "steady": ~flagged,
        "counted": np.ones(n, dtype=bool),
        "quiet_pst": quiet,
        "single_share": rng.normal(0.85, 0.03, n),
        "metered_index": index,
    }
    return rows_of(DEFINITION, X, truth, rng)


@pytest.fixture(scope="module")
def sites():
    return {name: MINE.local_data(quality_rows(seed)) for seed, name in enumerate(("mumbai", "delhi"))}


@pytest.fixture(scope="module")
def made(sites):
    return fit_here(MINE.family, MINE.settings(PARAMS, "seed"), sites)


def settled(sites):
    """What the rounds of sums settle; every answer passes its own inspection."""
    sums, known = QualitySums(), {}
    for phase in sums.phases:
        parts = [sums.local(phase, known, data).arrays for data in sites.values()]
        assert not any(sums.inspect(phase, part) for part in parts)
        known |= sums.close(phase, known, {name: sum(part[name] for part in parts) for name in parts[0]})
    return known


def test_sums__two_sites__settle_what_pooled_rows_do(sites):
    known, together = settled(sites), settled({"pooled": pooled(sites)})
    for name, value in together.items():
        np.testing.assert_allclose(known[name], value, rtol=1e-9, atol=1e-9)


def test_sums__two_sites__come_close_to_what_the_pooled_model_learns(sites):
    rows, found = pooled(sites), readings(settled(sites))
    own = quality_indicators.learn(
        rows["X"], flagged=rows["flagged"] > 0, pst=rows["pst"], single_share=rows["single_share"]
    )
    assert found.single_share == pytest.approx(own.single_share, abs=1e-3)
    assert found.flicker == pytest.approx(own.flicker, rel=0.01)


@pytest.mark.parametrize("flagged", [0.0, 1.0])
def test_sums__rows_of_one_sort__tell_the_flicker_unless_all_are_flagged(sites, flagged):
    one = {name: {**data, "flagged": np.full(len(data["X"]), flagged)} for name, data in sites.items()}
    found = readings(settled(one))
    assert (found.flicker == quality_indicators.UNTOLD) == bool(flagged)


def test_sums__answers_that_no_rows_have__are_found(sites):
    sums, data = QualitySums(), sites["delhi"]
    first = dict(sums.local("medians", {}, data).arrays)
    assert "values of Pst" in sums.inspect("medians", {**first, "pst": first["pst"] * 2})
    known = settled(sites)
    assert not sums.inspect("flicker", dict(sums.local("flicker", known, data).arrays))


def test_fitted__two_sites__knows_the_index_of_a_third(made):
    rows = quality_rows(7)
    known, learnt = (
        DEFINITION.metric("r2").of(answer, rows)
        for answer in (
            DEFINITION.opponent("formula", rows, rows, rows),
            DEFINITION.answer(MINE.fitted(made), rows),
        )
    )
    assert learnt > 0.9
    assert learnt > known


def test_fitted__compiled__is_the_same_small_graph(made):
    fitted, rows = MINE.fitted(made), quality_rows(8)
    compiled = DEFINITION.compile(fitted)
    parity = check_parity(DEFINITION, fitted, compiled, CompiledModel(compiled.onnx), rows)
    assert parity.largest <= TOLERANCE
    assert len(compiled.onnx) < 100_000


def test_fine_tuning__site__keeps_the_constants_and_changes_the_weights(made, sites):
    update = MINE.family.local_update(MINE.family.ask_tuning(made), sites["delhi"], "delhi")
    own, fitted = MINE.fitted(MINE.family.tuned(made, update).state), MINE.fitted(made)
    assert own.known == fitted.known
    assert not np.array_equal(own.net.weights[0], fitted.net.weights[0])
    assert np.array_equal(own.net.scale, fitted.net.scale)


def test_probes__made_up_readings__go_from_good_to_poor(made):
    X = MINE.probes(made, 64, np.random.default_rng(0))
    answers = DEFINITION.decode(
        DEFINITION.compile(MINE.fitted(made)).decoder, DEFINITION.raw(MINE.fitted(made), X), {}
    )
    assert len({answer["quality_grade"] for answer in answers}) >= 3
