from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from federation import moments
from federation.errors import FederationError
from federation.moments import Moments


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
