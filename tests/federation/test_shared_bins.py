from __future__ import annotations

import numpy as np
import pytest

from federation.errors import FederationError
from federation.shared_bins import SharedBins, choose, lattice


def counted(bins: SharedBins, X: np.ndarray, y: np.ndarray, classes: int) -> np.ndarray:
    binned = bins.index(X)
    parts = []
    for column, size in enumerate(bins.sizes):
        of = np.zeros((size, classes), dtype=np.int64)
        np.add.at(of, (binned[:, column], y), 1)
        parts.append(of)
    return np.concatenate(parts)


def test_index__value_on_an_edge__lies_in_the_bin_that_goes_left():
    bins = SharedBins.join([np.asarray([1.0, 2.0])])
    assert bins.index(np.asarray([[0.0], [1.0], [1.5], [2.0], [3.0]]))[:, 0].tolist() == [0, 0, 1, 1, 2]


def test_lattice__any_rows__has_rounded_edges_that_depend_on_moments_only():
    bins = lattice(np.asarray([1.0123456789, 50.0]), np.asarray([0.00123456789, 3.0]))
    first = bins.of(0)
    assert np.array_equal(first, np.round(first, 7))
    assert not np.array_equal(first, np.round(first, 5))
    assert np.array_equal(bins.of(1), np.round(bins.of(1), 4))
    near = np.searchsorted(first, 1.0123456789)
    assert first[near] - first[near - 1] < 0.002 * 0.0012346


def test_lattice__constant_column__has_one_bin():
    bins = lattice(np.asarray([1.0, 2.0]), np.asarray([0.0, 1.0]))
    assert bins.sizes[0] == 1
    assert bins.sizes[1] > 1000


def test_choose__rare_class__gets_as_many_edges_as_a_frequent_one():
    rng = np.random.default_rng(3)
    X = np.concatenate([rng.normal(0, 1, 9900), rng.normal(30, 1, 100)])[:, None]
    y = np.repeat([0, 1], [9900, 100])
    fine = lattice(X.mean(axis=0), X.std(axis=0))
    bins = choose(fine, counted(fine, X, y, 2), most=101)
    assert bins.edges.size <= 101
    assert 25 <= np.count_nonzero(bins.of(0) > 15) <= 76
    assert set(bins.edges) <= set(fine.edges)


def test_choose__edges_kept__cut_classes_into_equal_shares():
    rng = np.random.default_rng(4)
    X, y = rng.exponential(size=(20_000, 1)), np.zeros(20_000, dtype=np.int64)
    fine = lattice(X.mean(axis=0), X.std(axis=0))
    bins = choose(fine, counted(fine, X, y, 1), most=9)
    shares = np.bincount(bins.index(X)[:, 0]) / 20_000
    assert shares.size == 10
    assert np.abs(shares - 0.1).max() < 0.01


def test_choose__counts_of_another_lattice__is_an_error():
    with pytest.raises(FederationError, match="counts of 3 bins"):
        choose(SharedBins.join([np.asarray([1.0])]), np.zeros((3, 2), dtype=np.int64), 5)


def test_shared_bins__edges_that_fall__is_an_error():
    with pytest.raises(FederationError, match="column 0 do not rise"):
        SharedBins(np.asarray([2.0, 1.0]), np.asarray([0, 2]))
