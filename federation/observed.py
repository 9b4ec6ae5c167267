"""The global model of measured datasets, judged on each one's own test days.

Opponents and local models learn from the rows of one site. Only the same algorithm on pooled rows needs all
of them at one place, and is left out where pooling is forbidden.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np

from data_contracts.dataset import Dataset
from federation.comparison import Comparison, FederationRow, SiteFigures, mean
from federation.drift import drift
from federation.fits import POOLED, fit_all
from federation.job import Job
from federation.measured import Measured
from federation.result import FederationResult
from federation.rounds import Outcome
from federation.site_report import FEDERATED, FINE_TUNED, LOCAL_ONLY, SiteReport
from models import observed_training
from models.dataset import Built
from models.evaluation import MODEL, TREE3, Answers, evaluate
from models.metrics import Columns
from models.pool import Pool, check_splits
from models.protocol import Definition
from models.reports import Footprint
from models.rows import Rows, concatenate
from models.splits import TEST, TRAIN, VALIDATION
from switchyard.settings import get_settings


def pool_of(job: Job, measured: Measured, contributors: tuple[str, ...], declared: Definition[Any]) -> Pool:
    """Rows of all sites, for figures: nothing is fitted on more than one site's rows here.

    Raises:
        DataError: A dataset cannot tell what the model needs, or a split of all sites is empty.
    """
    opened, built = _read(job, measured, contributors, declared)
    return _pool(job, measured, opened, built, declared)


def _read(
    job: Job, measured: Measured, sites: tuple[str, ...], declared: Definition[Any]
) -> tuple[dict[str, Dataset], dict[str, Built]]:
    opened = {site: Dataset.open(job.sites[site]) for site in sites}
    return opened, {site: declared.observed_rows(one, measured.splits[site]) for site, one in opened.items()}


def _pool(
    job: Job,
    measured: Measured,
    opened: Mapping[str, Dataset],
    built: Mapping[str, Built],
    declared: Definition[Any],
) -> Pool:
    rows = concatenate([built[site].rows for site in sorted(built)])
    check_splits(declared, rows, sorted(built), "ingest longer records, or give other times")
    names = {site: job.profile.dataset(site) for site in opened}
    return Pool(
        training=rows,
        held_out=None,
        left_out=sum(one.without_features + one.without_truth for one in built.values()),
        digests={names[site]: one.digest for site, one in opened.items()},
        circuits={names[site]: one.manifest.circuit_digest for site, one in opened.items()},
        scheme=measured.scheme,
    )


def judge(job: Job, measured: Measured, outcome: Outcome, fitted: Any) -> tuple[Pool, FederationResult]:
    """Rows for the proof of parity, and the figures of the fitted global model.

    Version, footprint and parity are filled in on registration.

    Raises:
        DataError: As in `pool_of`.
    """
    plan, declared = job.plan, job.plan.definition
    sites = tuple(sorted(outcome.n))
    opened, built = _read(job, measured, sites, declared)
    data = {site: plan.local_data(built[site].rows) for site in sites}
    pooling = get_settings().pooling == "allow"
    models = {
        name: plan.fitted(state) for name, state in fit_all(plan, job.settings, data, pool=pooling).items()
    }
    judged = {
        site: _judged(
            declared,
            built[site].rows,
            {
                MODEL: fitted,
                **({FINE_TUNED: plan.fitted(outcome.tuned[site].state)} if site in outcome.tuned else {}),
                LOCAL_ONLY: models[site],
                **({POOLED: models[POOLED]} if POOLED in models else {}),
            },
        )
        for site in sites
    }
    reports = tuple(
        SiteReport(
            site=site,
            digest=opened[site].digest,
            split=measured.splits[site].text,
            n=outcome.n[site],
            rows=len(one.rows),
            episodes=int(np.unique(one.rows.episode.codes).size),
            figures=tuple(
                msgspec.structs.replace(figure, who=FEDERATED) if figure.who == MODEL else figure
                for figure in observed_training.figures(declared, one, site)
            ),
        )
        for site, one in judged.items()
    )
    every = evaluate(declared, job.profile.name, _together(declared, judged), sites)
    pool = _pool(job, measured, opened, built, declared)
    result = FederationResult(
        model=job.registered,
        version=None,
        rows=tuple(msgspec.structs.replace(row, model=job.registered) for row in every),
        footprint=Footprint(job.registered, None, 0, 0.0, 0.0, sum(outcome.n.values()), pool.left_out),
        params=job.hyper_parameters,
        parity=0.0,
        comparison=_comparison(job, outcome, reports),
        n=dict(outcome.n),
        refused=dict(outcome.refused),
        ledger_head=outcome.ledger_head,
        seconds={},
        drift=drift(outcome.moments, plan.inputs),
        measured=reports,
    )
    return pool, result


def _judged(declared: Definition[Any], rows: Rows, models: Mapping[str, Any]) -> Answers:
    """Answers of models, and of opponents that learnt from the site's own training days."""
    train, validation, test = (rows.select(rows.split == split) for split in (TRAIN, VALIDATION, TEST))
    by: dict[str, Columns] = {who: declared.answer(model, test) for who, model in models.items()}
    for name in declared.opponents:
        by[name] = declared.opponent(name, train, validation, test)
    by[TREE3] = declared.tree3(train, validation, test)
    return Answers(test, by)


def _together(declared: Definition[Any], judged: Mapping[str, Answers]) -> Answers:
    """The answers at all sites, of whoever the report on models knows."""
    parts = [judged[site] for site in sorted(judged)]
    by = {
        who: {
            column: np.concatenate([np.asarray(part.by[who][column]) for part in parts])
            for column in parts[0].by[who]
        }
        for who in (MODEL, TREE3, *declared.opponents)
    }
    return Answers(concatenate([part.rows for part in parts]), by)


def _comparison(job: Job, outcome: Outcome, reports: tuple[SiteReport, ...]) -> Comparison:
    """The figures of the model's main metric, as the report on a simulated federation has them."""
    plan = job.plan
    metric = plan.definition.metric(plan.metric)

    def value(one: SiteReport, who: str) -> float | None:
        found = one.figure(who, metric.name)
        return None if found is None else found.value

    sites = tuple(
        SiteFigures(
            one.site,
            value(one, POOLED),
            value(one, FEDERATED),
            value(one, LOCAL_ONLY),
            value(one, FINE_TUNED),
            outcome.tuned[one.site].helped if one.site in outcome.tuned else None,
        )
        for one in reports
    )
    best = [site.fine_tuned if site.helped else site.federated for site in sites]
    row = FederationRow(
        model=job.registered,
        family=plan.family.name,
        claim=plan.family.claim,
        metric=metric.name,
        direction=metric.direction,
        central=mean([site.central for site in sites]),
        federated=mean([site.federated for site in sites]),
        fine_tuned=mean(best) if outcome.tuned else None,
        local_only=mean([site.local_only for site in sites]),
        held_out_federated=None,
        held_out_local_only=None,
        bytes_per_round=outcome.bytes_per_round,
        rounds=outcome.rounds,
    )
    return Comparison(row, sites, None)
