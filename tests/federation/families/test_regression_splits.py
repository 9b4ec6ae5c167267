from __future__ import annotations

import numpy as np
import pytest

from federation.families.regression_splits import best_splits


def by_hand(X: np.ndarray, y: np.ndarray, column: int, limit: float, *, missing_left: bool) -> float:
    """Squared error taken away by a split, from the rows themselves."""
    left = np.where(np.isnan(X[:, column]), missing_left, X[:, column] <= limit)
    parts = [part for part in (y[left == 1], y[left == 0]) if part.size]
    return float(((y - y.mean()) ** 2).sum() - sum(((part - part.mean()) ** 2).sum() for part in parts))


def histograms(X: np.ndarray, y: np.ndarray, bins: int) -> tuple[np.ndarray, np.ndarray]:
    counts = np.zeros((1, X.shape[1], bins + 1), dtype=np.int64)
    totals = counts.copy()
    for column in range(X.shape[1]):
        at = np.where(np.isnan(X[:, column]), bins, X[:, column]).astype(int)
        np.add.at(counts[0, column], at, 1)
        np.add.at(totals[0, column], at, y.astype(int))
    return counts, totals


@pytest.mark.parametrize("seed", range(5))
def test_best_splits__any_rows__takes_away_as_much_as_the_best_of_all_splits(seed):
    rng = np.random.default_rng(seed)
    X = rng.integers(0, 6, size=(60, 3)).astype(float)
    X[rng.random(X.shape) < 0.25] = np.nan
    y = rng.integers(-20, 20, size=60) + 10.0 * np.isnan(X[:, 1])
    found = best_splits(*histograms(X, y, 6), 1)
    best = max(
        by_hand(X, y, column, limit, missing_left=side)
        for column in range(3)
        for limit in range(6)
        for side in (True, False)
    )
    assert found.improvement[0] == pytest.approx(best)
    column, limit, side = int(found.place[0]), int(found.bin[0]), bool(found.missing_left[0])
    assert by_hand(X, y, column, limit, missing_left=side) == pytest.approx(best)
    left = np.where(np.isnan(X[:, column]), side, X[:, column] <= limit).astype(bool)
    assert (found.rows[0], found.total[0]) == (left.sum(), y[left].sum())


def test_best_splits__run_of_empty_bins__is_cut_in_the_middle():
    X, y = np.asarray([[1.0], [1.0], [7.0], [7.0]]), np.asarray([0.0, 0.0, 9.0, 9.0])
    assert best_splits(*histograms(X, y, 10), 1).bin[0] == 3


def test_best_splits__measured_against_missing__is_the_last_bin():
    X, y = np.asarray([[1.0], [2.0], [np.nan], [np.nan]]), np.asarray([0.0, 0.0, 9.0, 9.0])
    found = best_splits(*histograms(X, y, 5), 1)
    assert (found.bin[0], found.missing_left[0], found.rows[0]) == (4, False, 2)


def test_best_splits__nothing_missing__sends_missing_values_with_the_larger_side():
    X, y = np.asarray([[0.0], [1.0], [1.0], [1.0]]), np.asarray([9.0, 0.0, 0.0, 0.0])
    assert not best_splits(*histograms(X, y, 2), 1).missing_left[0]
    assert best_splits(*histograms(1.0 - X, y, 2), 1).missing_left[0]


def test_best_splits__no_split_helps_or_leaves_are_too_small__there_is_none():
    X, y = np.asarray([[0.0], [1.0], [2.0]]), np.asarray([5.0, 5.0, 5.0])
    assert best_splits(*histograms(X, y, 3), 1).place[0] == -1
    assert best_splits(*histograms(X, np.asarray([0.0, 5.0, 9.0]), 3), 2).place[0] == -1
