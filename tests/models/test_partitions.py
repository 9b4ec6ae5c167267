"""Figures of a partition, against scikit-learn's."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from sklearn.metrics import adjusted_rand_score, silhouette_samples

from models import partitions
from models.partitions import adjusted_rand, silhouettes

METRIC = adjusted_rand("adjusted_rand", 4, "code", "code")
CODES = arrays.arrays(np.int64, 40, elements=st.integers(0, 3))


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(7)


@given(CODES, CODES)
def test_adjusted_rand__any_two_partitions__is_scikit_learns(true, answered):
    cells = np.zeros((4, 4))
    np.add.at(cells, (true, answered), 1.0)

    found = float(METRIC.value(cells.ravel()))

    if np.unique(true).size == np.unique(answered).size == 1:
        assert np.isnan(found)
    else:
        assert found == pytest.approx(adjusted_rand_score(true, answered), abs=1e-12)


def test_adjusted_rand__several_tables__are_each_taken_by_themselves(rng):
    cells = rng.integers(1, 30, (5, 16)).astype(float)

    np.testing.assert_allclose(METRIC.value(cells), [float(METRIC.value(one)) for one in cells])


def test_silhouettes__all_rows_neighbours__are_scikit_learns(rng):
    points = rng.normal(size=(300, 3)) + 2.0 * rng.integers(0, 3, (300, 1))
    codes = rng.integers(0, 3, 300)
    codes[7] = 3  # alone in its cluster

    np.testing.assert_allclose(
        silhouettes(points, codes), silhouette_samples(points, codes), rtol=1e-6, atol=1e-7
    )


def test_silhouettes__sample_of_the_rows__are_near_those_of_all(rng, monkeypatch):
    codes = rng.integers(0, 4, 3000)
    points = rng.normal(size=(3000, 4)) + 4.0 * np.eye(4)[codes]
    every = silhouette_samples(points, codes)

    monkeypatch.setattr(partitions, "MOST_NEIGHBOURS", 500)
    found = silhouettes(points, codes)

    assert found.mean() == pytest.approx(every.mean(), abs=0.01)
    assert np.abs(found - every).max() < 0.1


def test_silhouettes__one_cluster__are_nought(rng):
    assert not silhouettes(rng.normal(size=(20, 2)), np.zeros(20, dtype=np.int64)).any()
