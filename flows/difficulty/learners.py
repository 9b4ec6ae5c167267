"""The two learners that every target is given to: a tree of depth 3 and gradient boosting."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from flows.difficulty.cases import Cases, Floats, Ints, Task

SEED = 0
DEPTH = 3

Learner = Callable[[Cases, Task, Ints, Ints], Floats]
"""Answers on the rows of the last argument, learnt from those of the one before it."""


def tree3(cases: Cases, task: Task, train: Ints, test: Ints) -> Floats:
    """Answers of a decision tree of depth 3 on the rows `test`, [len(test)]."""
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

    kind = DecisionTreeRegressor if task == "value" else DecisionTreeClassifier
    return _answered(kind(max_depth=DEPTH, random_state=SEED), cases, task, train, test)


def boosted(cases: Cases, task: Task, train: Ints, test: Ints) -> Floats:
    """Answers of scikit-learn's histogram gradient boosting, by default as it comes, [len(test)]."""
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    kind = HistGradientBoostingRegressor if task == "value" else HistGradientBoostingClassifier
    return _answered(kind(random_state=SEED, **cases.boosting), cases, task, train, test)


def constant(cases: Cases, task: Task, train: Ints, test: Ints) -> Floats:
    """The answer of who knows no inputs: the median, the most frequent class, the rate."""
    y = cases.y[train]
    if task == "value":
        known = float(np.median(y))
    elif task == "class":
        known = float(np.argmax(np.bincount(y.astype(np.int64))))
    else:
        known = float(cases.y.mean())
    return np.full(test.size, known)


def _answered(estimator: Any, cases: Cases, task: Task, train: Ints, test: Ints) -> Floats:
    base = np.zeros(cases.y.size) if cases.base is None else cases.base
    y = cases.y[train] - base[train] if task == "value" else cases.y[train].astype(np.int64)
    if task != "value" and np.unique(y).size < 2:
        return constant(cases, task, train, test)
    estimator.fit(cases.X[train], y)
    if task == "chance":
        return np.asarray(estimator.predict_proba(cases.X[test])[:, 1], dtype=np.float64)
    answer = np.asarray(estimator.predict(cases.X[test]), dtype=np.float64)
    return answer + base[test] if task == "value" else answer
