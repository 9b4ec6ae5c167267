"""The same algorithm on rows that are here: all of them pooled, and each site's alone.

Only a simulation can do this. Where the training is long, the sites' own fits run in a second process.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from typing import Any

import numpy as np

from federation.entry import prepare
from federation.errors import FederationError
from federation.family import LocalData
from federation.message import State
from federation.plans import Plan, plan
from federation.rounds import fit_here

POOLED = "pooled"


def pooled(data: Mapping[str, LocalData]) -> LocalData:
    """The local arrays of all sites, one site after the other."""
    first = next(iter(data.values()))
    return {name: np.concatenate([part[name] for part in data.values()]) for name in first}


def fit_all(learner: Plan, settings: Mapping[str, Any], data: Mapping[str, LocalData]) -> dict[str, State]:
    """Fit the pooled rows, under the name `POOLED`, and each site's own.

    Args:
        learner: How the model is federated.
        settings: The family's settings, the same for every fit.
        data: Local arrays by site.

    Raises:
        FederationError: A process of the fits was killed.
    """
    together = pooled(data)
    if not learner.apart:
        tasks = {POOLED: together, **data}
        return {name: fit_here(learner.family, settings, {name: rows}) for name, rows in tasks.items()}
    model = learner.definition.name
    with ProcessPoolExecutor(1, get_context("spawn"), initializer=prepare) as pool:
        alone = {name: pool.submit(fit_one, model, settings, name, rows) for name, rows in data.items()}
        # As many rows as the others have together: both processes end at about the same time.
        central = fit_here(learner.family, settings, {POOLED: together})
        try:
            return {POOLED: central, **{name: future.result() for name, future in alone.items()}}
        except BrokenProcessPool as error:
            raise FederationError(
                f"{model}: a process of the comparison was killed", "look for exhausted memory"
            ) from error


def fit_one(model: str, settings: Mapping[str, Any], name: str, rows: LocalData) -> State:
    """Fit one site's arrays with the plan of `model`."""
    return fit_here(plan(model).family, settings, {name: rows})
