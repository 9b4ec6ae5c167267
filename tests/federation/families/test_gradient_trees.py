"""Splits from sums of gradients, the draws of rows, and trees that ONNX parts alike."""

import numpy as np
import pytest

from federation.families.gradient_rows import STEP, Cells, Slopes
from federation.families.gradient_splits import Limits, best_splits
from federation.families.gradient_trees import Shape, below
from federation.families.row_draws import digests, draws

LIMITS = Limits(rows=32, hessian=1.0, penalty=1.0, step=STEP)
N = 600


def histograms(numbers, slopes, width):
    cells = Cells(1, numbers.shape[1], width)
    flat = cells.count(np.zeros(len(numbers), dtype=np.int64), numbers, slopes)
    shape = (1, numbers.shape[1], width)
    return type(flat)(*(part.reshape(shape) for part in flat.parts))


def test_best_splits__random_rows__are_those_of_a_search_over_all():
    rng = np.random.default_rng(1)
    width = 9
    numbers = rng.integers(width, size=(N, 3))
    target = 1.0 * (numbers[:, 1] > 3) + 0.2 * rng.normal(size=N)
    weight = rng.uniform(0.5, 2.0, N)
    slopes = Slopes.rounded(target, np.ones(N), weight)
    found = best_splits(histograms(numbers, slopes, width), LIMITS)

    def score(which):
        return (slopes.gradient[which].sum() * STEP) ** 2 / (slopes.hessian[which].sum() * STEP + 1.0)

    best = max(
        (score(left) + score(~left), column, at, missing_left)
        for column in range(3)
        for at in range(width - 1)
        for missing_left in (False, True)
        for left in [np.where(numbers[:, column] == width - 1, missing_left, numbers[:, column] <= at)]
        if min(left.sum(), (~left).sum()) >= 32
    )
    assert (found.column[0], found.bin[0], bool(found.missing_left[0])) == best[1:]
    inner = np.where(numbers[:, 1] == width - 1, best[3], numbers[:, 1] <= best[2])
    assert found.left.rows[0] == inner.sum()
    assert found.left.hessian[0] == slopes.hessian[inner].sum()


def test_best_splits__few_rows_on_a_side__is_no_split():
    numbers = np.zeros((N, 1), dtype=np.int64)
    numbers[:31] = 1
    slopes = Slopes.rounded(np.where(numbers[:, 0] == 1, 5.0, 0.0), np.ones(N), np.ones(N))
    assert best_splits(histograms(numbers, slopes, 3), LIMITS).column.tolist() == [-1]
    numbers[:32] = 1
    slopes = Slopes.rounded(np.where(numbers[:, 0] == 1, 5.0, 0.0), np.ones(N), np.ones(N))
    assert best_splits(histograms(numbers, slopes, 3), LIMITS).column.tolist() == [0]


def test_slopes__losses__have_these_derivatives():
    margin, step = np.linspace(-2.0, 2.0, 9), 1e-4
    outcome, time = np.tile([0.0, 1.0, 1.0], 3), np.linspace(0.2, 1.5, 9)
    losses = (
        lambda m: np.log1p(np.exp(m)) - outcome * m,
        lambda m: outcome * m + time * np.exp(-m),
    )
    slopes = (
        Slopes.of_outcome(margin, outcome, np.ones(9)),
        Slopes.of_time(margin, time, outcome, np.ones(9)),
    )
    for loss, one in zip(losses, slopes, strict=True):
        first = (loss(margin + step) - loss(margin - step)) / (2 * step)
        second = (loss(margin + step) - 2 * loss(margin) + loss(margin - step)) / step**2
        np.testing.assert_allclose(-one.gradient * STEP, first, atol=2e-5)
        np.testing.assert_allclose(one.hessian * STEP, second, atol=2e-5)


@pytest.mark.parametrize("mean", [0.2, 0.5, 1.0])
def test_draws__many_rows__follow_poissons_law_tree_by_tree(mean):
    rows = digests(np.random.default_rng(2).normal(size=(20_000, 2)))
    first, second = draws(rows, 17, mean), draws(rows, 18, mean)
    assert first.mean() == pytest.approx(mean, abs=0.02)
    assert first.var() == pytest.approx(mean, abs=0.03)
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.03


def test_draws__same_row__is_drawn_alike_wherever_it_lies():
    X = np.random.default_rng(3).normal(size=(500, 3))
    X[::3, 1] = np.nan
    X[1, 0], other = 0.0, X.copy()
    other[1, 0] = -0.0
    order = np.random.default_rng(4).permutation(500)
    np.testing.assert_array_equal(draws(digests(X), 5, 0.5)[order], draws(digests(other[order]), 5, 0.5))


def test_below__edge__parts_float32_as_the_edge_does():
    values = np.float32([0.1, 0.3, 0.7, 1.0, -0.1])
    for value in values:
        for edge in (float(value), np.nextafter(float(value), -1.0), round(float(value), 3)):
            assert (float(value) <= edge) == (value <= np.float32(below(edge)))


def test_walk__missing_values__go_where_the_split_says():
    shape = Shape(
        tree=np.zeros(3, dtype=np.int64),
        column=np.array([0, -1, -1]),
        bin=np.array([2, 0, 0]),
        missing_left=np.array([True, False, False]),
        left=np.array([1, -1, -1]),
        value=np.array([0.0, 1.0, 2.0]),
    )
    assert shape.walk(0, np.array([[0], [2], [3], [9]]), missing=9).tolist() == [1, 1, 2, 1]
    assert shape.count == 1
    assert Shape.none().count == 0
    assert shape.continues(Shape.none())
