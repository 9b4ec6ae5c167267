"""What one would forecast frequency with instead of a network: as changes over the horizon, Hz."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from features.sequence import SEQUENCE_FEATURES, SEQUENCE_NAMES, STEPS
from models import ridge
from models.ridge import Ridge
from models.rows import Rows
from models.sequences import HISTORY_NAMES

Float = NDArray[np.float64]

DEVIATION = SEQUENCE_FEATURES[0].name
READINGS = tuple(f"{DEVIATION}.{step}" for step in range(STEPS))
NEWEST = READINGS[-1]


def autoregression(past: Float) -> Float:
    """Columns of a linear forecast: how far the past lies from the newest reading, and that reading itself.

    Args:
        past: Deviations from nominal: the ten readings, oldest first, then the blocks before them,
            [n, 10 + blocks].
    """
    newest = past[:, STEPS - 1 : STEPS]
    return np.concatenate([np.delete(past, STEPS - 1, axis=1) - newest, newest], axis=1)


def fit_ridge(train: Rows, validation: Rows, counted: str) -> Ridge:
    """Ridge autoregression on ten minutes of readings, fitted and its penalty chosen on `counted` rows.

    A campaign so small that it has no such rows to fit or to choose by leaves the forecast at no change.

    Args:
        train: Rows to fit.
        validation: Rows by which the penalty is chosen.
        counted: Truth column that chooses rows of both.
    """
    fitting, judging = (
        rows.select(np.asarray(rows.truth[counted], dtype=bool)) for rows in (train, validation)
    )
    if not len(fitting) or not len(judging):
        return Ridge(np.zeros(STEPS + len(HISTORY_NAMES)), 0.0, np.inf)
    return ridge.fit(_past(fitting), _change(fitting), _past(judging), _change(judging))


def ridge_change(fitted: Ridge, rows: Rows) -> Float:
    """Change that a fitted autoregression foresees, Hz, [n]."""
    return fitted.predict(_past(rows))


def tree3_change(train: Rows, rows: Rows) -> Float:
    """Change by a regression tree of depth 3 on the network's inputs, Hz, [n]."""
    from sklearn.tree import DecisionTreeRegressor

    known = train.select(np.asarray(train.truth["announced"], dtype=bool))
    shallow = DecisionTreeRegressor(max_depth=3, random_state=0)
    shallow.fit(known.inputs(SEQUENCE_NAMES), _change(known))
    return np.asarray(shallow.predict(rows.inputs(SEQUENCE_NAMES)), dtype=np.float64)


def _past(rows: Rows) -> Float:
    return autoregression(rows.inputs((*READINGS, *HISTORY_NAMES)))


def _change(rows: Rows) -> Float:
    return np.asarray(rows.truth["change_hz"], dtype=np.float64)
