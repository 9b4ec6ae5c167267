"""The same algorithm on rows that are here: all of them pooled, and each site's alone.

Only a simulation can do this.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from federation.family import LocalData
from federation.message import State
from federation.plans import Plan
from federation.rounds import fit_here

POOLED = "pooled"


def pooled(data: Mapping[str, LocalData]) -> LocalData:
    """The local arrays of all sites, one site after the other."""
    first = next(iter(data.values()))
    return {name: np.concatenate([part[name] for part in data.values()]) for name in first}


def fit_all(
    learner: Plan, settings: Mapping[str, Any], data: Mapping[str, LocalData], *, pool: bool = True
) -> dict[str, State]:
    """Fit the pooled rows, under the name `POOLED`, and each site's own.

    Args:
        learner: How the model is federated.
        settings: The family's settings, the same for every fit.
        data: Local arrays by site.
        pool: Whether rows may be pooled.
    """
    tasks = {POOLED: pooled(data), **data} if pool else data
    return {name: fit_here(learner.family, settings, {name: rows}) for name, rows in tasks.items()}
