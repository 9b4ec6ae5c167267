"""The fitted `equipment_failure`: an ensemble for the outcome, another for the time, and their graph."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from models import asset_rows, boosting
from models.boosting import Boosted, Labels
from models.declaration import Params
from models.failure_factors import FACTORS
from models.failure_outlook import HORIZON_D
from models.ranking import FAILED, FAILS, TIME_D, WEIGHT
from models.rows import Rows

Float = NDArray[np.float64]

ROUNDS = 400
TIME_PARAMS: Params = {
    "rounds": 120, "max_depth": 2, "eta": 0.08, "min_child_weight": 20.0, "reg_lambda": 2.0,
    "subsample": 0.8, "colsample_bytree": 0.6,
}  # fmt: skip
TIME_SCALE = 1.0
OUTPUT = "contributions"


@dataclass(frozen=True, slots=True)
class FailureTrees:
    """The fitted model.

    Attributes:
        risk: Logit of a failure within `HORIZON_D`; contributions by factor.
        time: ln of the time to failure in days.
        apart: Margin, outcome and weight of training rows by trees that were not fitted on them, [n, 3].
        curve: Slope and level that turn the margin into a calibrated logit.
    """

    risk: Boosted
    time: Boosted
    apart: Float
    curve: tuple[float, float] = (1.0, 0.0)


def fit(rows: Rows, X: Float, *, groups: Sequence[int], params: Params, seed: int) -> FailureTrees:
    """Fit both ensembles; inner folds of whole spells find the number of rounds of the first.

    Args:
        rows: Labelled rows.
        X: Their inputs, [n, columns].
        groups: Place of each input in `FACTORS`, [columns].
        params: Parameters of the first ensemble.
        seed: Decides folds and draws.
    """
    labels = _labels(rows)
    wanted = {"rounds": ROUNDS, **params}
    risk, apart = boosting.fit_outcome(X, labels, rows.episode, groups=groups, params=wanted, seed=seed)
    lasting = boosting.fit_time(
        X, labels, groups=(0,) * X.shape[1], params=TIME_PARAMS, scale=TIME_SCALE, seed=seed
    )
    return FailureTrees(risk, lasting, np.stack([apart, labels.outcome, labels.weight], axis=1))


def graph(fitted: FailureTrees, name: str, columns: int) -> bytes:
    """One ensemble: contributions of the first trees and, as its last output, the sum of the second."""
    from models.graphs import INPUT, Graph

    width = len(FACTORS) + 1
    trees = [
        replace(tree, value=np.pad(tree.value, ((0, 0), before_after)))
        for part, before_after in (
            (fitted.risk, (0, width - len(FACTORS))),
            (fitted.time, (width - 1, 0)),
        )
        for tree in part.trees
    ]
    made = Graph()
    made.ensemble(made.rounded(INPUT, "rounded"), trees, OUTPUT, average=False, sparse=True)
    return made.finish(name, columns, OUTPUT, width)


def _labels(rows: Rows) -> Labels:
    """Outcome, and between which times it came."""
    fails, failed = (np.asarray(rows.truth[name], dtype=bool) for name in (FAILS, FAILED))
    time, weight = (np.asarray(rows.truth[name], dtype=np.float64) for name in (TIME_D, WEIGHT))
    # Of a label without a time it is known on which side of the horizon the failure lies.
    timed = np.isfinite(time)
    low = np.where(timed, time, np.where(fails, asset_rows.SOONEST_D, HORIZON_D))
    high = np.where(timed, np.where(failed, time, np.inf), np.where(fails, HORIZON_D, np.inf))
    return Labels(fails.astype(np.float64), low, high, weight)
