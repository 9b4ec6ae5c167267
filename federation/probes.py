"""Made-up inputs for a version's golden answers.

A federated version's files lie at the control centre. Golden inputs taken from test episodes would be raw
rows of a site there, so they are drawn around what the finished model says itself.
"""

from __future__ import annotations

import numpy as np

from federation.message import State
from federation.plans import Plan
from models.rows import Names, Rows
from models.splits import TEST
from switchyard.identity import generator

COUNT = 48
NAME = "probe"


def probe_rows(plan: Plan, state: State) -> Rows:
    """Unlabelled rows with the columns that `plan`'s model and decoder read."""
    definition = plan.definition
    inputs = plan.probes(state, COUNT, generator(definition.name, NAME))
    place = {name: at for at, name in enumerate(definition.features)}
    # What only opponents read stands at its nominal value, 1 pu.
    X = np.column_stack(
        [inputs[:, place[name]] if name in place else np.ones(COUNT) for name in definition.columns]
    )
    one = Names(np.zeros(COUNT, dtype=np.int64), (NAME,))
    return Rows(
        columns=definition.columns,
        X=X,
        truth={},
        substation=one,
        episode=Names(np.arange(COUNT), tuple(f"{NAME}.{at:02d}" for at in range(COUNT))),
        kind=one,
        point=one,
        point_kind=one,
        t=np.zeros(COUNT),
        split=np.full(COUNT, TEST, dtype=np.int8),
    )
