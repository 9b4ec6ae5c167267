"""Figures of summed rows are those of the libraries and of paper and pencil."""

from __future__ import annotations

import numpy as np
import pytest

from flows.difficulty import scores

Floats = np.ndarray[tuple[int, ...], np.dtype[np.float64]]


def figure(score: scores.Score, answer: Floats, y: Floats) -> float:
    return float(score.value(score.terms(answer, y).sum(axis=0)))


@pytest.fixture
def codes() -> tuple[Floats, Floats]:
    rng = np.random.default_rng(5)
    y = rng.integers(0, 3, 400)
    return np.where(rng.random(400) < 0.3, rng.integers(0, 4, 400), y).astype(float), y.astype(float)


def test_classes__random_answers__figures_of_scikit_learn(codes: tuple[Floats, Floats]) -> None:
    from sklearn.metrics import accuracy_score, adjusted_rand_score, f1_score

    answer, y = codes

    assert figure(scores.accuracy(4), answer, y) == pytest.approx(accuracy_score(y, answer))
    assert figure(scores.macro_f1(4), answer, y) == pytest.approx(f1_score(y, answer, average="macro"))
    assert figure(scores.adjusted_rand(4), answer, y) == pytest.approx(adjusted_rand_score(y, answer))


def test_ranking__chances__area_of_scikit_learn_within_its_bins() -> None:
    from sklearn.metrics import roc_auc_score

    rng = np.random.default_rng(3)
    p = rng.beta(0.4, 4.0, 3000)
    y = (rng.random(3000) < p).astype(float)

    assert figure(scores.ranking(), p, y) == pytest.approx(roc_auc_score(y, p), abs=2e-3)
    assert figure(scores.ranking(), np.full(3000, 0.1), y) == pytest.approx(0.5)


def test_errors__two_rows__mean_and_weighted_percentage() -> None:
    answer, y = np.array([900.0, 2300.0]), np.array([1000.0, 2000.0])

    assert figure(scores.mean_absolute("kW"), answer, y) == pytest.approx(200.0)
    assert figure(scores.weighted_percentage(), answer, y) == pytest.approx(100.0 * 400.0 / 3000.0)


def test_information__the_rate_and_twice_it__nothing_and_a_bit_less_what_quiet_rows_cost() -> None:
    y = np.array([1.0, 0.0])
    score = scores.information(0.25)

    assert figure(score, np.full(2, 0.25), y) == pytest.approx(0.0)
    assert figure(score, np.full(2, 0.5), y) == pytest.approx(1.0 + np.log2(0.5 / 0.75))


def test_obtained__second_best_row_chosen__its_share_of_the_best() -> None:
    saved = np.array([0.0, 2.0, 4.0])

    assert figure(scores.obtained(), np.array([0.0, 1.0, 2.0]), saved) == pytest.approx(50.0)
    assert figure(scores.obtained(), np.array([0.0, 0.0, 3.0]), saved) == pytest.approx(100.0)
