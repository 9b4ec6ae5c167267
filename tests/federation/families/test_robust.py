from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from federation.errors import FederationError, TooFewSitesError
from federation.families.robust import combined
from federation.family import Averaging
from federation.plans import PLANS, plan
from federation.terms import Terms

SITES = ("a", "b", "c", "d", "e")


@pytest.fixture
def parts() -> np.ndarray:
    return np.random.default_rng(7).normal(size=(7, 4, 3))


def test_combined__mean__weighs_by_the_rows(parts):
    shares = np.arange(1.0, 8.0) / 28.0
    np.testing.assert_allclose(combined(parts, shares, "mean"), np.average(parts, axis=0, weights=shares))


def test_combined__robust__is_scipys_and_numpys(parts):
    shares = np.full(7, 1.0 / 7.0)
    np.testing.assert_array_equal(combined(parts, shares, "median"), np.median(parts, axis=0))
    np.testing.assert_allclose(combined(parts, shares, "trimmed_mean"), stats.trim_mean(parts, 0.2, axis=0))


@pytest.mark.parametrize("aggregation", ["trimmed_mean", "median"])
def test_combined__one_of_five_lies_without_measure__stays_within_the_honest_ones(aggregation):
    honest = np.random.default_rng(8).normal(size=(4, 50))
    shares = np.asarray([0.05, 0.05, 0.05, 0.05, 0.8])
    for lie in (-1e6, 1e6):
        found = combined(np.vstack([honest, np.full(50, lie)]), shares, aggregation)
        assert (found >= honest.min(axis=0)).all()
        assert (found <= honest.max(axis=0)).all()
        assert np.abs(combined(np.vstack([honest, np.full(50, lie)]), shares, "mean")).min() > 1e5


def test_plans__families_that_average__are_those_of_networks():
    averaging = {model for model in PLANS if isinstance(plan(model).family, Averaging)}
    assert {"frequency_stability", "power_quality_index", "load_forecast"} <= averaging
    assert averaging == {model for model in PLANS if plan(model).family.name == "fedavg"}


def test_terms__robust__needs_five_sites_and_a_family_that_averages():
    Terms("median").check("m", SITES, averages=True)
    with pytest.raises(TooFewSitesError, match="only a, b, c, d can take part, and a trimmed mean needs 5"):
        Terms("trimmed_mean").check("m", SITES[:4], averages=True)
    with pytest.raises(FederationError, match="m has no weights to average"):
        Terms("median").check("m", SITES, averages=False)
    with pytest.raises(FederationError, match="a quorum of 1 is too small"):
        Terms(quorum=1).check("m", SITES, averages=True)
    with pytest.raises(TooFewSitesError, match="and the quorum is 6 substations"):
        Terms("median", quorum=6).check("m", SITES, averages=True)
