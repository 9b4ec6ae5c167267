"""Figures of a risk that are no means over rows, from sums over rows all the same: histograms of the scores.

Every answer's scores are cut at their own quantiles into bins. The area under the ROC curve and the
concordance are then functions of counts by bin, which add up over episodes; scores of one bin count as tied.
With 400 bins the area is off by less than 1e-3 (`tests/models/test_ranking.py`). Rows count by the truth
`weight`.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from models.metrics import Columns, Direction, Metric, Tally, ratio
from models.rows import Rows

Float = NDArray[np.float64]
Int = NDArray[np.int64]
Cells = Callable[[Columns, Rows], tuple[Int, Float]]
Value = Callable[[Float], Float]

WEIGHT, RISK, RANK = "weight", "risk", "rank"
"""Truth column, and answer columns: probability, and what is the larger the sooner a failure comes."""

FAILS, TIME_D, FAILED = "fails", "time_d", "failed"
"""Truth columns: failure within the horizon, time to failure or censoring, whether it is a failure."""

TRUE_RISK, TRUE_RANK = "true_risk", "true_rank"
"""Truth columns: what the simulator's own hazard answers."""

ROC_BINS, RANK_BINS, TIME_BINS, LOGIT_BINS = 400, 40, 48, 120
LARGEST_LOGIT = 12.0
_NEWTON_STEPS = 25


def spread_out(tally: Tally) -> Callable[[Columns, Rows], Float]:
    """The terms of a tally as a matrix [n, k]."""

    def sums(answer: Columns, rows: Rows) -> Float:
        cell, weight = tally.cells(answer, rows)
        terms = np.zeros((len(rows), tally.width))
        np.add.at(terms, (np.arange(len(rows))[:, None], cell), weight)
        return terms

    return sums


def roc_auc(name: str) -> Metric:
    """Area under the ROC curve of the answer `risk` against the truth `fails` (Hanley and McNeil, 1982)."""
    return _metric(name, "higher", _outcomes(), _area, RISK)


def roc_auc_share(name: str) -> Metric:
    """The same over that of the true risk on the same rows."""
    return _share(name, _outcomes(), _area, RISK)


def concordance(name: str) -> Metric:
    """Harrell's C of the answer `rank`, larger for sooner, against censored times.

    A pair counts where the earlier time is a failure. Times count by bins between the quantiles of those that
    are failures, and two of one bin make no pair: together with the scores' bins the figure is off by less
    than 5e-3. Source: Harrell, Califf, Pryor, Lee, Rosati, "Evaluating the yield of medical tests", JAMA 247,
    1982.
    """
    return _metric(name, "higher", _times(), _concordance, RANK)


def concordance_share(name: str) -> Metric:
    """The same over that of the true hazard on the same rows."""
    return _share(name, _times(), _concordance, RANK)


def brier_skill(name: str) -> Metric:
    """1 − Brier score over that of the base rate of the same rows (Brier, 1950)."""
    return Metric(name, "higher", _squares, lambda total: _skill(total[..., :2], total[..., 2]), (RISK,))


def brier_skill_share(name: str) -> Metric:
    """The same over that of the true risk on the same rows."""

    def value(total: Float) -> Float:
        mine, true = (_skill(total[..., :2], total[..., k]) for k in (2, 3))
        return _over(mine, true)

    return Metric(name, "higher", _squares, value, (RISK,), detail=True)


def calibration_slope_error(name: str) -> Metric:
    """How far the calibration slope is from 1.

    The slope is that of a logistic regression of the outcome on the logit of the answer `risk` (D. R. Cox,
    1958), whose logits are cut into bins of 0.2.
    """
    tally = Tally(2 * LOGIT_BINS, _by_logit)
    return _metric(name, "lower", tally, lambda total: np.abs(_slope(total) - 1.0), RISK)


def base_rate(name: str) -> Metric:
    """Share of the rows that fail within the horizon; a figure of the rows, whatever the answer."""
    return Metric(name, "lower", _squares, lambda total: ratio(total[..., :2]), (RISK,), detail=True)


def rarest(name: str, levels: int, code: str) -> Metric:
    """Smallest share of the rows that any of the levels of the answer column `code` holds."""

    def cells(answer: Columns, rows: Rows) -> tuple[Int, Float]:
        return np.asarray(answer[code], dtype=np.int64)[:, None], _weight(rows)[:, None]

    def value(total: Float) -> Float:
        return ratio(np.stack([total.sum(axis=-1), total.min(axis=-1)], axis=-1))

    return _metric(name, "higher", Tally(levels, cells), value, code)


def median_error(name: str, estimate: str, truth: str, counted: str, edges: Float) -> Metric:
    """Median of |estimate − truth| over `counted` rows, from a histogram with the given edges.

    Args:
        name: Name of the metric.
        estimate: Answer column.
        truth: Truth column, in the same unit.
        counted: Truth column that chooses the rows.
        edges: Edges of the bins, rising from 0; within one the median is interpolated, what is above the
            last counts as the last, [b].
    """

    def cells(answer: Columns, rows: Rows) -> tuple[Int, Float]:
        known = np.asarray(rows.truth[truth], dtype=np.float64)
        error = np.abs(np.asarray(answer[estimate], dtype=np.float64) - known)
        at = np.clip(np.searchsorted(edges, error, side="right") - 1, 0, edges.size - 2)
        weight = _weight(rows) * (np.asarray(rows.truth[counted], dtype=bool) & np.isfinite(known))
        return at.astype(np.int64)[:, None], weight[:, None]

    def value(total: Float) -> Float:
        reached = np.cumsum(total, axis=-1)
        half = 0.5 * reached[..., -1:]
        at = (reached < half).sum(axis=-1)
        at = np.minimum(at, edges.size - 2)
        own = np.take_along_axis(total, at[..., None], axis=-1)[..., 0]
        before = np.take_along_axis(reached, at[..., None], axis=-1)[..., 0] - own
        part = ratio(np.stack([own, half[..., 0] - before], axis=-1))
        return np.asarray(edges[at] + part * (edges[at + 1] - edges[at]))

    return _metric(name, "lower", Tally(edges.size - 1, cells), value, estimate)


def weighted_share(name: str, counted: str, hit: str) -> Metric:
    """Share of `counted` rows (a truth column) in which the answer column `hit` holds, by weight."""

    def sums(answer: Columns, rows: Rows) -> Float:
        of = _weight(rows) * np.asarray(rows.truth[counted], dtype=bool)
        return np.stack([of, of * np.asarray(answer[hit], dtype=bool)], axis=1)

    return Metric(name, "higher", sums, ratio, (hit,))


def _metric(name: str, direction: Direction, tally: Tally, value: Value, needs: str) -> Metric:
    return Metric(name, direction, spread_out(tally), value, (needs,), tally=tally)


def _share(name: str, of_one: Tally, value: Value, needs: str) -> Metric:
    """A figure of the answer over that of the simulator's own state, from both histograms side by side.

    It is not defined where the true risk is not known, as in measured rows.
    """
    width = of_one.width

    def both(answer: Columns, rows: Rows) -> tuple[Int, Float]:
        true = {RISK: rows.truth[TRUE_RISK], RANK: rows.truth[TRUE_RANK]}
        mine, weight = of_one.cells(answer, rows)
        theirs, their_weight = of_one.cells(true, rows)
        if not np.isfinite(np.asarray(rows.truth[TRUE_RISK], dtype=np.float64)).all():
            their_weight = np.full(their_weight.shape, np.nan)
        return np.concatenate([mine, theirs + width], axis=1), np.concatenate([weight, their_weight], axis=1)

    def of(total: Float) -> Float:
        return _over(value(total[..., :width]), value(total[..., width:]))

    tally = Tally(2 * width, both)
    return Metric(name, "higher", spread_out(tally), of, (needs,), detail=True, tally=tally)


def _outcomes() -> Tally:
    return Tally(2 * ROC_BINS, _by_outcome)


def _times() -> Tally:
    return Tally(2 * TIME_BINS * RANK_BINS, _by_time)


def _weight(rows: Rows) -> Float:
    return np.asarray(rows.truth[WEIGHT], dtype=np.float64)


def _bins(score: NDArray[np.generic], count: int) -> Int:
    """Bin of each score between its quantiles, int64 [n]; equal scores share one."""
    values = np.asarray(score, dtype=np.float64)
    edges = np.unique(np.quantile(values, np.linspace(0.0, 1.0, count + 1)[1:-1]))
    return np.searchsorted(edges, values, side="right").astype(np.int64)


def _by_outcome(answer: Columns, rows: Rows) -> tuple[Int, Float]:
    fails = np.asarray(rows.truth[FAILS], dtype=np.int64)
    return (fails * ROC_BINS + _bins(answer[RISK], ROC_BINS))[:, None], _weight(rows)[:, None]


def _area(total: Float) -> Float:
    parts = total.reshape(*total.shape[:-1], 2, ROC_BINS)
    sound, failing = parts[..., 0, :], parts[..., 1, :]
    below = np.cumsum(sound, axis=-1) - 0.5 * sound
    pairs = sound.sum(axis=-1) * failing.sum(axis=-1)
    return ratio(np.stack([pairs, (failing * below).sum(axis=-1)], axis=-1))


def _by_time(answer: Columns, rows: Rows) -> tuple[Int, Float]:
    days = np.asarray(rows.truth[TIME_D], dtype=np.float64)
    # Rows whose time nobody recorded make no pairs.
    known = np.isfinite(days)
    failed = np.asarray(rows.truth[FAILED], dtype=bool) & known
    edges = (
        np.quantile(days[failed], np.linspace(0.0, 1.0, TIME_BINS + 1)[1:-1]) if failed.any() else days[:0]
    )
    time = np.searchsorted(edges, days, side="right")
    cell = (failed * TIME_BINS + time) * RANK_BINS + _bins(answer[RANK], RANK_BINS)
    return cell.astype(np.int64)[:, None], (_weight(rows) * known)[:, None]


def _concordance(total: Float) -> Float:
    parts = total.reshape(*total.shape[:-1], 2, TIME_BINS, RANK_BINS)
    failing, everyone = parts[..., 1, :, :], parts.sum(axis=-3)
    # Rows of all later bins, [..., time, rank].
    later = np.flip(np.cumsum(np.flip(everyone, axis=-2), axis=-2), axis=-2) - everyone
    below = np.cumsum(later, axis=-1) - 0.5 * later
    pairs = (failing.sum(axis=-1) * later.sum(axis=-1)).sum(axis=-1)
    return ratio(np.stack([pairs, (failing * below).sum(axis=(-2, -1))], axis=-1))


def _squares(answer: Columns, rows: Rows) -> Float:
    """Weight, weighted outcome, weighted squares of what answer and true risk are off it, [n, 4]."""
    weight, came = _weight(rows), np.asarray(rows.truth[FAILS], dtype=np.float64)
    mine, true = (np.asarray(x, dtype=np.float64) for x in (answer[RISK], rows.truth[TRUE_RISK]))
    return np.stack([weight, weight * came, weight * (mine - came) ** 2, weight * (true - came) ** 2], axis=1)


def _skill(counts: Float, squares: Float) -> Float:
    rate = ratio(counts)
    with np.errstate(invalid="ignore"):
        spread = counts[..., 0] * rate * (1.0 - rate)
    return 1.0 - ratio(np.stack([spread, squares], axis=-1))


def _over(mine: Float, true: Float) -> Float:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(true > 0, mine / true, np.nan)


def logit(risk: NDArray[np.generic]) -> Float:
    """Logit of a probability, held within ± `LARGEST_LOGIT`."""
    p = np.clip(np.asarray(risk, dtype=np.float64), 1e-12, 1.0 - 1e-12)
    return np.clip(np.log(p / (1.0 - p)), -LARGEST_LOGIT, LARGEST_LOGIT)


def _by_logit(answer: Columns, rows: Rows) -> tuple[Int, Float]:
    at = ((logit(answer[RISK]) + LARGEST_LOGIT) * LOGIT_BINS / (2.0 * LARGEST_LOGIT)).astype(np.int64)
    fails = np.asarray(rows.truth[FAILS], dtype=np.int64)
    return (fails * LOGIT_BINS + np.minimum(at, LOGIT_BINS - 1))[:, None], _weight(rows)[:, None]


def _slope(total: Float) -> Float:
    """Slope of the logistic regression on the bins' middles by Newton's method; NaN without both outcomes."""
    parts = total.reshape(*total.shape[:-1], 2, LOGIT_BINS)
    n, came = parts.sum(axis=-2), parts[..., 1, :]
    x = (np.arange(LOGIT_BINS) + 0.5) * 2.0 * LARGEST_LOGIT / LOGIT_BINS - LARGEST_LOGIT
    slope, level = np.ones(total.shape[:-1]), np.zeros(total.shape[:-1])
    for _ in range(_NEWTON_STEPS):
        p = 1.0 / (1.0 + np.exp(-np.clip(level[..., None] + slope[..., None] * x, -30.0, 30.0)))
        w, off = n * p * (1.0 - p), came - n * p
        a, b, c = w.sum(axis=-1), (w * x).sum(axis=-1), (w * x * x).sum(axis=-1)
        f, g = off.sum(axis=-1), (off * x).sum(axis=-1)
        det = np.maximum(a * c - b * b, 1e-12)
        level = np.clip(level + np.clip((c * f - b * g) / det, -2.0, 2.0), -20.0, 20.0)
        slope = np.clip(slope + np.clip((a * g - b * f) / det, -1.0, 1.0), -5.0, 20.0)
    both = (came.sum(axis=-1) > 0) & ((n - came).sum(axis=-1) > 0)
    return np.where(both, slope, np.nan)
