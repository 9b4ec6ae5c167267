"""The drift watch: what it says of batches that have moved by a known amount, and of those that have not."""

import json
import math
from types import SimpleNamespace

import numpy as np
import pytest

from monitoring import reference as reference_module
from monitoring.drift import MAJOR_PSI, MODERATE_PSI, compare, reference
from monitoring.errors import MonitoringError
from monitoring.reference import BINS, MINIMUM_ROWS, Reference, shares

NAMES = ("v_mean_pu", "vuf_line_pct", "weekend")


def rows(*columns, names=NAMES):
    return SimpleNamespace(names=tuple(names), values=np.column_stack(columns))


def batch(rng, n=4000, shift=0.0, missing=0.0, weekend=2.0 / 7.0):
    v = 1.0 + 0.01 * (rng.standard_normal(n) + shift)
    vuf = rng.gamma(2.0, 0.4, n)
    vuf[rng.random(n) < missing] = np.nan
    return rows(v, vuf, (rng.random(n) < weekend).astype(float))


@pytest.fixture
def rng():
    return np.random.default_rng(12)


@pytest.fixture
def trained(rng):
    return reference(batch(rng, 20_000), NAMES)


def one(report, name):
    return next(feature for feature in report.features if feature.name == name)


def test_reference__continuous_feature__has_ten_bins_of_a_tenth(trained):
    found = trained.features["v_mean_pu"]
    assert len(found.edges) == BINS - 1
    np.testing.assert_allclose(found.shares[:-1], 0.1, atol=2e-3)
    assert found.shares[-1] == 0.0
    assert all(edge == float(f"{edge:.5e}") for edge in found.edges)
    assert sum(found.shares) == pytest.approx(1.0)


def test_reference__two_valued_feature__has_a_bin_for_each(trained):
    found = trained.features["weekend"]
    np.testing.assert_allclose(
        sorted(share for share in found.shares if share), [2.0 / 7.0, 5.0 / 7.0], atol=0.01
    )


def test_compare__same_source__is_stable(trained, rng):
    report = compare(trained, batch(rng))
    assert report.verdict == "stable"
    assert report.drifted("moderate") == ()
    for feature in report.features:
        assert feature.psi < 0.02
        assert feature.ks < feature.ks_critical


@pytest.mark.parametrize(("shift", "word"), [(0.2, "stable"), (0.4, "moderate"), (1.0, "major")])
def test_compare__shifted_normal__is_near_the_closed_form(trained, rng, shift, word):
    report = compare(trained, batch(rng, 40_000, shift=shift))
    found = one(report, "v_mean_pu")
    # Two normals a shift apart: symmetric Kullback-Leibler divergence δ², which bins can only lessen, and the
    # largest distance of their distribution functions 2Φ(δ/2) − 1 = erf(δ/√8).
    assert 0.8 * shift**2 < found.psi < 1.1 * shift**2
    assert found.ks == pytest.approx(math.erf(shift / math.sqrt(8.0)), abs=0.02)
    assert found.verdict == word
    assert one(report, "vuf_line_pct").verdict == "stable"


def test_compare__values_go_missing__is_drift(trained, rng):
    found = one(compare(trained, batch(rng, missing=0.2)), "vuf_line_pct")
    assert found.missing == pytest.approx(0.2, abs=0.02)
    assert found.missing_reference == 0.0
    assert found.verdict == "major"
    assert found.ks < 0.05


def test_compare__feature_gone_altogether__has_no_distance_and_is_major(trained, rng):
    found = one(compare(trained, batch(rng, missing=2.0)), "vuf_line_pct")
    assert (found.ks, found.ks_critical, found.missing) == (None, None, 1.0)
    assert found.verdict == "major"


@pytest.mark.parametrize("level", [0.999, 1.001])
@pytest.mark.parametrize("constant", [1.0, 0.0, -0.123456789])
def test_compare__constant_feature_moves_either_way__is_seen(rng, level, constant):
    def table(value):
        return rows(np.full(MINIMUM_ROWS, value), names=["v_mean_pu"])

    trained = reference(table(constant), ["v_mean_pu"])
    assert compare(trained, table(constant)).features[0].psi == 0.0
    moved = compare(trained, table(constant * level if constant else level - 1.0)).features[0]
    assert moved.verdict == "major"
    assert moved.ks == 1.0


def test_report__worst_feature__gives_the_verdict_and_the_order(trained, rng):
    report = compare(trained, batch(rng, shift=2.0, weekend=0.6))
    assert report.verdict == "major"
    assert report.drifted() == ("v_mean_pu", "weekend")
    assert (report.moderate_psi, report.major_psi) == (MODERATE_PSI, MAJOR_PSI) == (0.1, 0.25)


def test_report__as_json__has_null_and_never_nan(trained, rng):
    text = json.dumps(compare(trained, batch(rng, missing=2.0)).to_json(), allow_nan=False)
    found = json.loads(text)
    assert found["features"][1]["ks"] is None
    assert found["rows"] == 4000
    assert found["rows_reference"] == 20_000


def test_reference__saved_and_loaded__is_the_same(trained, rng, tmp_path):
    path = tmp_path / "drift.json"
    trained.save(path)
    again = Reference.load(path)
    assert again == trained
    later = batch(rng, shift=0.3)
    assert compare(again, later) == compare(trained, later)


def test_load__no_reference__names_the_file(trained, tmp_path):
    path = tmp_path / "drift.json"
    path.write_text('{"schema": 1}')
    with pytest.raises(MonitoringError, match=r"drift\.json is no drift reference"):
        Reference.load(path)
    path.write_text(json.dumps({"schema": 2, "catalogue_digest": "", "rows": 1, "features": {}}))
    with pytest.raises(MonitoringError, match="has schema 2"):
        Reference.load(path)
    trained.save(path)
    cut = json.loads(path.read_text())
    cut["features"]["weekend"]["edges"].pop()
    with pytest.raises(MonitoringError, match="weekend has 6 shares for 3 edges"):
        Reference.from_json(cut)


def test_watch__too_few_rows_or_unknown_features__are_refused(trained, rng, monkeypatch):
    few = batch(rng, MINIMUM_ROWS - 1)
    with pytest.raises(MonitoringError, match="the batch has 499 rows, drift needs at least 500"):
        compare(trained, few)
    with pytest.raises(MonitoringError, match="the reference has 499 rows"):
        reference(few, NAMES)
    with pytest.raises(MonitoringError, match="there is no feature nonsense"):
        reference(batch(rng), ["nonsense"])
    with pytest.raises(MonitoringError, match="the rows have no feature v_a_pu"):
        reference(batch(rng), ["v_a_pu"])


def test_compare__reference_of_another_catalogue__is_refused(rng, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(reference_module, "catalogue_digest", lambda: "0" * 64)
        old = reference(batch(rng), NAMES)
    with pytest.raises(MonitoringError, match="feature catalogue 000000000000"):
        compare(old, batch(rng))


def test_shares__value_on_an_edge__belongs_below():
    np.testing.assert_allclose(
        shares(np.array([1.0, 1.0, 2.0, np.nan]), np.array([1.0, 2.0])), [0.5, 0.25, 0.0, 0.25]
    )
