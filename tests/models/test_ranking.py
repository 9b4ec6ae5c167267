"""Area, concordance, calibration slope and medians from histograms, against their definitions."""

import numpy as np
import pytest

from models import ranking
from models.bootstrap import episode_sums
from models.rows import Names, Rows


def rows_of(rng, n, **truth):
    names = Names(np.zeros(n, dtype=np.int64), ("x",))
    known = {
        "weight": np.ones(n),
        "fails": np.zeros(n, dtype=bool),
        "time_d": np.full(n, 100.0),
        "failed": np.zeros(n, dtype=bool),
        "true_risk": np.full(n, 0.5),
        "true_rank": np.zeros(n),
    }
    return Rows(
        columns=(),
        X=np.zeros((n, 0)),
        truth=known | truth,
        substation=names,
        episode=Names(rng.integers(20, size=n), tuple(f"e{k}" for k in range(20))),
        kind=names,
        point=names,
        point_kind=names,
        t=np.zeros(n),
        split=np.zeros(n, dtype=np.int8),
    )


@pytest.fixture
def rng():
    return np.random.default_rng(11)


@pytest.fixture
def risky(rng):
    """Risks by a hidden margin, what came of them, and an estimate that is off."""
    n = 6000
    margin = rng.normal(-4.0, 2.5, n)
    true = 1 / (1 + np.exp(-margin))
    fails = rng.random(n) < true
    said = 1 / (1 + np.exp(-(margin + rng.normal(0, 1.0, n))))
    return rows_of(rng, n, fails=fails, true_risk=true), {"risk": said}


def concordance(score, time, failed):
    better = pairs = 0.0
    for at in np.flatnonzero(failed):
        later = time > time[at]
        pairs += later.sum()
        better += (score[at] > score[later]).sum() + 0.5 * (score[at] == score[later]).sum()
    return better / pairs


def test_roc_auc__many_scores__is_scikit_learns_to_a_thousandth(risky):
    from sklearn.metrics import roc_auc_score

    rows, answer = risky

    assert ranking.roc_auc("a").of(answer, rows) == pytest.approx(
        roc_auc_score(rows.truth["fails"], answer["risk"]), abs=1e-3
    )


def test_concordance__censored_times__is_harrells_to_a_few_thousandths(rng):
    n = 3000
    rank = rng.normal(size=n)
    time = rng.exponential(300 * np.exp(-rank))
    rows = rows_of(rng, n, time_d=np.minimum(time, 900.0), failed=time < 900.0)
    exact = concordance(rank, np.minimum(time, 900.0), time < 900.0)

    assert ranking.concordance("c").of({"rank": rank}, rows) == pytest.approx(exact, abs=5e-3)
    assert ranking.concordance("c").of({"rank": np.zeros(n)}, rows) == pytest.approx(0.5)


def test_calibration_slope__stretched_logits__has_their_factor(risky):
    rows, _ = risky
    true = ranking.logit(rows.truth["true_risk"])
    metric = ranking.calibration_slope_error("s")

    def off(by):
        return metric.of({"risk": 1 / (1 + np.exp(-true / by))}, rows)

    # A logit that is half as far out as it should be wants the slope 2.
    assert off(1.0) < 0.08
    assert off(2.0) == pytest.approx(1.0, abs=0.15)
    assert off(0.5) == pytest.approx(0.5, abs=0.05)


def test_skill_and_shares__the_true_risk__are_one(risky):
    rows, said = risky
    true = {"risk": rows.truth["true_risk"]}
    rate = rows.truth["fails"].mean()
    exact = 1 - np.mean((said["risk"] - rows.truth["fails"]) ** 2) / (rate * (1 - rate))

    assert ranking.brier_skill("b").of(said, rows) == pytest.approx(exact)
    assert ranking.brier_skill_share("b").of(true, rows) == pytest.approx(1.0)
    assert ranking.roc_auc_share("a").of(true, rows) == pytest.approx(1.0)
    assert ranking.brier_skill_share("b").of(said, rows) < 1


def test_weights__a_row_twice__is_a_row_of_weight_two(risky):
    rows, answer = risky
    twice = np.concatenate([np.arange(len(rows)), np.flatnonzero(rows.truth["fails"])])
    weighed = rows_of(
        np.random.default_rng(0), len(rows), **{**rows.truth, "weight": 1.0 + rows.truth["fails"]}
    )

    for metric in (ranking.brier_skill("b"), ranking.base_rate("r")):
        assert metric.of(answer, weighed) == pytest.approx(
            metric.of({"risk": answer["risk"][twice]}, rows.select(twice))
        )


@pytest.mark.parametrize("metric", [ranking.roc_auc("a"), ranking.roc_auc_share("s")], ids=["one", "share"])
def test_tally__grouped__is_the_sum_of_the_rows_terms(risky, metric):
    rows, answer = risky
    place = rows.episode.codes
    sums = episode_sums(metric, answer, rows, place)
    terms = metric.sums(answer, rows)

    np.testing.assert_allclose(sums, [terms[place == k].sum(axis=0) for k in range(20)])


def test_median_error__even_spread__is_the_median(rng):
    error = rng.uniform(0, 300, 4000)
    rows = rows_of(rng, 4000, time_h=np.zeros(4000), fails=np.ones(4000, dtype=bool))
    metric = ranking.median_error("m", "hours", "time_h", "fails", np.arange(0.0, 724.0, 4.0))

    assert metric.of({"hours": error}, rows) == pytest.approx(np.median(error), abs=0.5)


def test_rarest__levels__is_the_smallest_share(rng):
    rows = rows_of(rng, 10)

    assert ranking.rarest("r", 3, "level").of({"level": np.array([0] * 7 + [1] * 2 + [2])}, rows) == 0.1
    assert ranking.rarest("r", 3, "level").of({"level": np.zeros(10, dtype=int)}, rows) == 0.0
