"""What federation costs and gains: beside pooled rows, and beside each site on its own.

Only a simulation can do this: it needs all rows at one place. Nothing here enters a model.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from federation.family import Tuned
from federation.fits import POOLED, fit_all
from federation.plans import Plan
from models import bootstrap
from models.declaration import Claim
from models.metrics import Columns, Metric
from models.rows import Rows
from models.splits import TEST
from switchyard.identity import generator

EXACT_TO = 1e-6
LEAST_SHARE: Mapping[Claim, float] = {"exact": 1.0, "surrogate": 1.0, "approximate": 0.98}
"""Share of the central figure that a claim promises."""
LEAST_OF_FAMILY: Mapping[str, float] = {"fedavg": 0.97}
"""Families of which less is asked: averaged networks."""
LEAST_TUNED = 0.99
"""Share of the central figure that fine-tuned versions must reach."""
MOST_ROWS = 40_000
"""Rows of a substation that models are compared on: a dozen models look at each of them."""


class FederationRow(msgspec.Struct, frozen=True):
    """One row of `reports/federation.json`.

    Every figure of the training substations is the mean over them of the figure on each one's own test
    episodes. Figures that are not defined are null. Where a figure depends on a threshold, that is set for
    every model alike on the evaluated rows, so that models are compared and not their thresholds.

    Attributes:
        model: Registered name.
        family: How it was learnt.
        claim: What the family promises against the same algorithm on pooled rows.
        metric: Name of the metric.
        direction: `higher` or `lower` is better.
        central: The same algorithm on all rows pooled; simulation only.
        federated: The global model.
        fine_tuned: The global model after fine-tuning at each site, where the site's validation rows say that
            it helped, else as it was; null where the family has no fine-tuning.
        local_only: Each site's own model on its own episodes.
        held_out_federated: The global model on the held-out substations.
        held_out_local_only: Mean of the sites' own models there.
        bytes_per_round: Bytes both ways over all sites, mean over rounds.
        rounds: Number of rounds.
    """

    model: str
    family: str
    claim: Claim
    metric: str
    direction: str
    central: float | None
    federated: float | None
    fine_tuned: float | None
    local_only: float | None
    held_out_federated: float | None
    held_out_local_only: float | None
    bytes_per_round: int
    rounds: int

    @property
    def ratio(self) -> float | None:
        """Federated over central, or central over federated where lower is better."""
        return self._of_central(self.federated)

    @property
    def tuned_ratio(self) -> float | None:
        """The same of the fine-tuned versions."""
        return self._of_central(self.fine_tuned)

    @property
    def least(self) -> float:
        """Share of the central figure that the global model must reach."""
        return LEAST_OF_FAMILY.get(self.family, LEAST_SHARE[self.claim])

    @property
    def met(self) -> bool:
        """Whether the claim holds: exact families and surrogates reach 1 to 1e-6, the others `least`.

        Fine-tuned versions must reach `LEAST_TUNED`.
        """
        if self.ratio is None:
            return False
        if self.claim in {"exact", "surrogate"}:
            return abs(self.ratio - 1.0) <= EXACT_TO
        tuned = self.fine_tuned is None or (self.tuned_ratio is not None and self.tuned_ratio >= LEAST_TUNED)
        return self.ratio >= self.least and tuned

    def _of_central(self, figure: float | None) -> float | None:
        if not self.central or not figure:
            return None
        return figure / self.central if self.direction == "higher" else self.central / figure


class SiteFigures(msgspec.Struct, frozen=True):
    """One substation's figures on its own test episodes.

    Attributes:
        substation: Its name.
        central: The model of pooled rows.
        federated: The global model.
        local_only: Its own model.
        fine_tuned: Its own version of the global model; null where there is none.
        helped: Whether its validation rows speak for that version; null where there is none.
    """

    substation: str
    central: float | None
    federated: float | None
    local_only: float | None
    fine_tuned: float | None = None
    helped: bool | None = None


class Comparison(msgspec.Struct, frozen=True):
    """All figures of one model.

    Attributes:
        row: The report's row.
        sites: Figures by substation.
        held_out_difference: Federated minus mean local-only on the held-out substations, with the ends of its
            95 % interval by episode; null without held-out substations.
    """

    row: FederationRow
    sites: tuple[SiteFigures, ...]
    held_out_difference: tuple[float | None, float | None, float | None] | None


def compare(
    plan: Plan,
    settings: Mapping[str, Any],
    federated: Any,
    training: Mapping[str, Rows],
    held_out: Rows | None,
    *,
    traffic: tuple[int, int],
    tuned: Mapping[str, Tuned] | None = None,
) -> Comparison:
    """Fit the pooled and the local models and measure all of them.

    Args:
        plan: How the model is federated.
        settings: The family's settings, the same for every fit.
        federated: The fitted global model.
        training: Rows of all splits of each contributing substation.
        held_out: Rows of the held-out substations together.
        traffic: Bytes per round and rounds.
        tuned: Each site's own version of the global model, where there are such.
    """
    metric = plan.definition.metric(plan.metric)
    data = {site: plan.local_data(rows) for site, rows in training.items()}
    fitted_by = {name: plan.fitted(state) for name, state in fit_all(plan, settings, data).items()}
    central = fitted_by.pop(POOLED)
    local, own = fitted_by, dict(tuned or {})

    def figure(fitted: Any, rows: Rows) -> float | None:
        return defined(metric.of(_answer(plan, fitted, rows), rows))

    sites = []
    for site, rows in sorted(training.items()):
        test = some_episodes(rows.select(rows.split == TEST), site)
        sites.append(
            SiteFigures(
                site,
                figure(central, test),
                figure(federated, test),
                figure(local[site], test),
                figure(plan.fitted(own[site].state), test) if site in own else None,
                own[site].helped if site in own else None,
            )
        )
    away = None if held_out is None else _held_out(plan, metric, federated, local, held_out)
    row = FederationRow(
        model=plan.definition.name,
        family=plan.family.name,
        claim=plan.family.claim,
        metric="_".join(filter(None, (metric.name, plan.at_level))),
        direction=metric.direction,
        central=mean([site.central for site in sites]),
        federated=mean([site.federated for site in sites]),
        fine_tuned=mean([site.fine_tuned if site.helped else site.federated for site in sites])
        if own
        else None,
        local_only=mean([site.local_only for site in sites]),
        held_out_federated=None if away is None else away.federated,
        held_out_local_only=None if away is None else away.local_only,
        bytes_per_round=traffic[0],
        rounds=traffic[1],
    )
    return Comparison(row, tuple(sites), None if away is None else away.difference)


@dataclass(frozen=True, slots=True)
class _Away:
    """Figures on the held-out substations; the difference with the ends of its interval."""

    federated: float | None
    local_only: float | None
    difference: tuple[float | None, float | None, float | None]


def _held_out(plan: Plan, metric: Metric, federated: Any, local: Mapping[str, Any], rows: Rows) -> _Away:
    rows = some_episodes(rows, "held out")
    present, place = np.unique(rows.episode.codes, return_inverse=True)
    resamples = bootstrap.draw(present.size, generator(plan.definition.name, "federation", "bootstrap"))

    def sums(fitted: Any) -> NDArray[np.float64]:
        return bootstrap.episode_sums(metric, _answer(plan, fitted, rows), rows, place)

    ours, theirs = sums(federated), [sums(fitted) for fitted in local.values()]
    alone = np.stack([bootstrap.values(metric, part, resamples) for part in theirs]).mean(axis=0)
    low, high = bootstrap.interval(bootstrap.values(metric, ours, resamples) - alone)
    reached = defined(float(metric.value(ours.sum(axis=0))))
    without = mean([defined(float(metric.value(part.sum(axis=0)))) for part in theirs])
    apart = None if reached is None or without is None else reached - without
    return _Away(reached, without, (apart, low, high))


def some_episodes(rows: Rows, name: str, most: int = MOST_ROWS) -> Rows:
    """Rows of whole episodes, one at least, drawn until the next would be beyond `most`; all of few rows.

    Args:
        rows: The rows to choose from.
        name: What they are; the draw depends on it and on nothing else.
        most: Largest number of rows.
    """
    if len(rows) <= most:
        return rows
    _, place, counts = np.unique(rows.episode.codes, return_inverse=True, return_counts=True)
    drawn = generator("federation", "compared", name).permutation(counts.size)
    chosen = np.zeros(counts.size, dtype=np.bool_)
    chosen[drawn[np.cumsum(counts[drawn]) <= most]] = True
    chosen[drawn[0]] = True
    return rows.select(chosen[place])


def _answer(plan: Plan, fitted: Any, rows: Rows) -> Columns:
    judged = plan.definition.calibrate(fitted, rows) if plan.at_level else fitted
    return plan.definition.answer(judged, rows)


def mean(figures: list[float | None]) -> float | None:
    """Mean of the figures; None where one of them is not defined."""
    known = [figure for figure in figures if figure is not None]
    return float(np.mean(known)) if known and len(known) == len(figures) else None


def defined(figure: float) -> float | None:
    """None for NaN and infinities."""
    return figure if np.isfinite(figure) else None
