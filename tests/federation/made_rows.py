"""Made-up rows in the form that models' plans read."""

from dataclasses import replace

import numpy as np

from models.rows import Names, Rows
from models.splits import TEST, TRAIN, VALIDATION


def rows_of(definition, X, truth, rng, **changes):
    """Rows at one point of one site, six of ten to train on; `changes` say what else is different."""
    n = len(X)
    one = Names(np.zeros(n, dtype=np.int64), ("one",))
    rows = Rows(
        columns=definition.columns, X=X, truth=truth, substation=one, episode=one, kind=one, point=one,
        point_kind=one, t=np.arange(n, dtype=np.float64),
        split=rng.choice([TRAIN, VALIDATION, TEST], n, p=[0.6, 0.2, 0.2]).astype(np.int8),
    )  # fmt: skip
    return replace(rows, **changes)
