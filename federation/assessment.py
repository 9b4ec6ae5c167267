"""The global model's figures: as a model among models, and beside pooled rows and local models."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from federation.comparison import compare
from federation.drift import drift
from federation.job import Job
from federation.own_rows import reported
from federation.result import FederationResult
from federation.rounds import Outcome
from models import training
from models.pool import Pool
from models.pool import load as load_pool
from models.reports import Footprint


def load(job: Job, contributors: tuple[str, ...]) -> Pool:
    """All rows of the contributing and the held-out substations; a simulation's privilege.

    Those by which the control centre judges global models are left out.
    """
    wanted = {site: job.sites[site] for site in contributors}
    pool = load_pool(job.plan.definition, job.narrowed(contributors), {**wanted, **job.held_out})
    return pool if pool.held_out is None else replace(pool, held_out=reported(pool.held_out))


def assess(job: Job, outcome: Outcome, pool: Pool, fitted: Any) -> FederationResult:
    """Figures of the fitted global model; version, footprint and parity are filled in on registration."""
    contributors = tuple(sorted(outcome.n))
    name = job.plan.definition.name
    evaluated = training.assess(job.plan.definition, fitted, job.narrowed(contributors), pool)
    substation = pool.training.substation.array()
    comparison = compare(
        job.plan,
        job.settings,
        fitted,
        {site: pool.training.select(np.flatnonzero(substation == site)) for site in contributors},
        pool.held_out,
        traffic=(outcome.bytes_per_round, outcome.rounds),
        tuned=outcome.tuned,
    )
    return FederationResult(
        model=name,
        version=None,
        rows=tuple(evaluated.rows),
        footprint=Footprint(name, None, 0, 0.0, 0.0, sum(outcome.n.values()), pool.left_out),
        params=job.hyper_parameters,
        parity=0.0,
        comparison=comparison,
        n=dict(outcome.n),
        refused=dict(outcome.refused),
        ledger_head=outcome.ledger_head,
        seconds={},
        drift=drift(outcome.moments, job.plan.inputs),
    )
