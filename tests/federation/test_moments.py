from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from federation import moments
from federation.errors import FederationError
from federation.moments import ColumnMoments, Moments


@given(
    seed=st.integers(0, 2**32 - 1),
    cuts=st.lists(st.integers(1, 199), min_size=1, max_size=6, unique=True),
    offset=st.floats(-30, 30),
    scale=st.floats(1e-3, 1e3),
)
def test_merge__rows_cut_anywhere__equals_pooled_to_1e12(seed, cuts, offset, scale):
    rng = np.random.default_rng(seed)
    X = scale * (offset + rng.normal(size=(200, 3)) * np.asarray([1.0, 0.3, 5.0]))
    parts = np.split(X, sorted(cuts))
    merged = moments.merge(Moments.of(part) for part in parts)
    pooled = Moments.of(X)
    deviation = pooled.deviation
    assert merged.n == 200
    assert np.all(np.abs(merged.mean - pooled.mean) <= 1e-12 * np.maximum(np.abs(pooled.mean), deviation))
    spread = np.sqrt(np.outer(np.diag(pooled.m2), np.diag(pooled.m2)))
    assert np.all(np.abs(merged.m2 - pooled.m2) <= 1e-12 * spread)


def test_merge__sites_far_apart__keeps_small_variances():
    near, far = np.full((50, 1), 1.0), np.full((50, 1), 1.0)
    near[::2] += 1e-6
    far[::2] -= 1e-6
    merged = moments.merge([Moments.of(near), Moments.of(far)])
    assert merged.deviation[0] == pytest.approx(np.std(np.concatenate([near, far]), ddof=1), rel=1e-9)


def test_covariance__whole__is_numpys():
    X = np.random.default_rng(1).normal(size=(60, 4))
    np.testing.assert_allclose(Moments.of(X).covariance, np.cov(X, rowvar=False), rtol=1e-12, atol=1e-14)


def test_moments__no_rows__is_an_error():
    with pytest.raises(FederationError, match="no rows"):
        Moments.of(np.zeros((0, 2)))
    with pytest.raises(FederationError, match="no sites"):
        moments.merge([])


def test_column_moments__merged__are_those_of_the_measured_values_together():
    rng = np.random.default_rng(2)
    parts = [rng.normal(at, 1 + at, size=(40 + 30 * at, 3)) for at in range(3)]
    for part in parts:
        part[rng.random(part.shape) < 0.3] = np.nan
    parts[0][:, 2] = np.nan
    merged = ColumnMoments.of(parts[0]).merge(ColumnMoments.of(parts[1])).merge(ColumnMoments.of(parts[2]))
    together = np.concatenate(parts)
    assert merged.n.tolist() == np.isfinite(together).sum(axis=0).tolist()
    np.testing.assert_allclose(merged.mean, np.nanmean(together, axis=0), rtol=1e-12)
    np.testing.assert_allclose(merged.deviation, np.nanstd(together, axis=0, ddof=1), rtol=1e-12)


def test_column_moments__few_measured_rows__are_not_measured():
    X = np.asarray([[1.0, np.nan], [2.0, 5.0], [4.0, np.nan]])
    own = ColumnMoments.of(X, least=2)
    assert own.n.tolist() == [3, 0]
    assert own.mean[1] == own.m2[1] == own.deviation[1] == 0.0
    assert own.merge(own).mean[0] == pytest.approx(7 / 3)
