from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score, mean_absolute_error, r2_score

from models import bootstrap
from models.metrics import accuracy, calibration_error, determination, macro_f1, mean_of
from models.rows import Names, Rows


def rows_of(code, episodes=10):
    n = code.size
    one = Names(np.zeros(n, dtype=np.int64), ("x",))
    return Rows(
        columns=(),
        X=np.zeros((n, 0)),
        truth={"code": code},
        substation=one,
        episode=Names(np.arange(n) % episodes, tuple(str(at) for at in range(episodes))),
        kind=one,
        point=one,
        point_kind=one,
        t=np.zeros(n),
        split=np.zeros(n, dtype=np.int8),
    )


@pytest.fixture
def answered():
    rng = np.random.default_rng(0)
    truth = rng.integers(4, size=600)
    guess = np.where(rng.random(600) < 0.8, truth, rng.integers(4, size=600))
    return rows_of(truth), {"code": guess, "confidence": np.full(600, 0.8)}


def test_accuracy_and_f1__random_codes__equal_scikit_learns(answered):
    rows, answer = answered
    truth, guess = rows.truth["code"], answer["code"]
    assert accuracy("a", 4, "code", "code").of(answer, rows) == pytest.approx(accuracy_score(truth, guess))
    expected = f1_score(truth, guess, average="macro")
    assert macro_f1("f", 4, "code", "code").of(answer, rows) == pytest.approx(expected)


def test_macro_f1__class_that_never_occurs__does_not_count():
    rows = rows_of(np.array([0, 0, 1, 1]))
    assert macro_f1("f", 4, "code", "code").of({"code": np.array([0, 0, 1, 1])}, rows) == 1.0


def test_calibration_error__constant_confidence__is_its_distance_from_accuracy(answered):
    rows, answer = answered
    right = (rows.truth["code"] == answer["code"]).mean()
    found = calibration_error("e", "confidence", "code", "code").of(answer, rows)
    assert found == pytest.approx(abs(0.8 - right))


def test_metric__no_rows__is_not_a_number(answered):
    rows, _ = answered
    none = rows.select(np.zeros(len(rows), dtype=bool))
    assert np.isnan(accuracy("a", 4, "code", "code").of({"code": np.zeros(0)}, none))


def test_bootstrap__resampled_metric__covers_the_figure_and_widens_with_fewer_episodes(answered):
    rows, answer = answered
    metric = accuracy("a", 4, "code", "code")
    widths = []
    for episodes in (10, 300):
        few = rows_of(rows.truth["code"], episodes)
        sums = bootstrap.episode_sums(metric, answer, few, few.episode.codes)
        assert sums.sum() == len(rows)
        drawn = bootstrap.values(metric, sums, bootstrap.draw(episodes, np.random.default_rng(1)))
        low, high = bootstrap.interval(drawn)
        assert low < metric.of(answer, rows) < high
        widths.append(high - low)
    assert widths[1] == pytest.approx(2 * 1.96 * np.sqrt(0.85 * 0.15 / 600), rel=0.25)


def test_interval__nothing_defined__is_none():
    assert bootstrap.interval(np.array([np.nan, np.nan])) == (None, None)


def test_error_and_determination__of_the_counted_rows__equal_scikit_learns():
    rng = np.random.default_rng(1)
    truth = 50.0 + 0.02 * rng.standard_normal(400)
    given = truth + 0.004 * rng.standard_normal(400)
    counted = rng.random(400) < 0.5
    rows = replace(rows_of(np.zeros(400, dtype=np.int64)), truth={"f_hz": truth, "counted": counted})
    answer = {"error": given - truth, "size": np.abs(given - truth)}
    mae, r2 = mean_of("mae", "counted", "size"), determination("r2", "counted", "error", "f_hz")
    assert mae.of(answer, rows) == pytest.approx(mean_absolute_error(truth[counted], given[counted]))
    assert r2.of(answer, rows) == pytest.approx(r2_score(truth[counted], given[counted]), abs=1e-6)
    assert (mae.direction, r2.direction) == ("lower", "higher")


def test_determination__constant_truth__is_not_defined():
    rows = replace(rows_of(np.zeros(5, dtype=np.int64)), truth={"y": np.ones(5), "counted": np.ones(5, bool)})
    assert np.isnan(determination("r2", "counted", "error", "y").of({"error": np.ones(5)}, rows))
