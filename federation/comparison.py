"""What federation costs and gains: beside pooled rows, and beside each site on its own.

Only a simulation can do this: it needs all rows at one place. Nothing here enters a model.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from federation.plans import Plan
from federation.rounds import fit_here
from models import bootstrap
from models.metrics import Metric
from models.protocol import Claim
from models.rows import Rows
from models.splits import TEST
from switchyard.identity import generator

EXACT_TO = 1e-6
LEAST_SHARE: Mapping[Claim, float] = {"exact": 1.0, "surrogate": 1.0, "approximate": 0.98}
"""Share of the central figure that a family must reach."""


class FederationRow(msgspec.Struct, frozen=True):
    """One row of `reports/federation.json`.

    Every figure of the training substations is the mean over them of the figure on each one's own test
    episodes. Figures that are not defined are null.

    Attributes:
        model: Registered name.
        family: How it was learnt.
        claim: What the family promises against the same algorithm on pooled rows.
        metric: Name of the metric.
        direction: `higher` or `lower` is better.
        central: The same algorithm on all rows pooled; simulation only.
        federated: The global model.
        fine_tuned: The global model after fine-tuning at each site; null where the family has none.
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
        if not self.central or not self.federated:
            return None
        return self.federated / self.central if self.direction == "higher" else self.central / self.federated

    @property
    def met(self) -> bool:
        """Whether the claim holds: an exact family's ratio is 1 to 1e-6, a forest's at least 0.98."""
        if self.ratio is None:
            return False
        if self.claim == "exact":
            return abs(self.ratio - 1.0) <= EXACT_TO
        return self.ratio >= LEAST_SHARE[self.claim]


class SiteFigures(msgspec.Struct, frozen=True):
    """One substation's figures on its own test episodes."""

    substation: str
    central: float | None
    federated: float | None
    local_only: float | None


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
) -> Comparison:
    """Fit the pooled and the local models and measure all of them.

    Args:
        plan: How the model is federated.
        settings: The family's settings, the same for every fit.
        federated: The fitted global model.
        training: Rows of all splits of each contributing substation.
        held_out: Rows of the held-out substations together.
        traffic: Bytes per round and rounds.
    """
    metric = plan.definition.metric(plan.metric)
    data = {site: plan.local_data(rows) for site, rows in training.items()}
    pooled = {
        name: np.concatenate([part[name] for part in data.values()]) for name in next(iter(data.values()))
    }
    central = plan.fitted(fit_here(plan.family, settings, {"pooled": pooled}))
    local = {site: plan.fitted(fit_here(plan.family, settings, {site: own})) for site, own in data.items()}

    def figure(fitted: Any, rows: Rows) -> float | None:
        return defined(metric.of(plan.definition.answer(fitted, rows), rows))

    sites = []
    for site, rows in sorted(training.items()):
        test = rows.select(rows.split == TEST)
        sites.append(
            SiteFigures(site, figure(central, test), figure(federated, test), figure(local[site], test))
        )
    row = FederationRow(
        model=plan.definition.name,
        family=plan.family.name,
        claim=plan.family.claim,
        metric=metric.name,
        direction=metric.direction,
        central=mean([site.central for site in sites]),
        federated=mean([site.federated for site in sites]),
        fine_tuned=None,
        local_only=mean([site.local_only for site in sites]),
        held_out_federated=None if held_out is None else figure(federated, held_out),
        held_out_local_only=None
        if held_out is None
        else mean([figure(fitted, held_out) for fitted in local.values()]),
        bytes_per_round=traffic[0],
        rounds=traffic[1],
    )
    difference = None if held_out is None else _difference(plan, metric, federated, local, held_out)
    return Comparison(row, tuple(sites), difference)


def _difference(
    plan: Plan, metric: Metric, federated: Any, local: Mapping[str, Any], rows: Rows
) -> tuple[float | None, float | None, float | None]:
    present, place = np.unique(rows.episode.codes, return_inverse=True)
    resamples = bootstrap.draw(present.size, generator(plan.definition.name, "federation", "bootstrap"))
    whole = bootstrap.Resamples(np.ones((1, present.size)))

    def drawn(fitted: Any, how: bootstrap.Resamples) -> NDArray[np.float64]:
        sums = bootstrap.episode_sums(metric, plan.definition.answer(fitted, rows), rows, place)
        return bootstrap.values(metric, sums, how)

    def gap(how: bootstrap.Resamples) -> NDArray[np.float64]:
        alone = np.stack([drawn(fitted, how) for fitted in local.values()])
        apart: NDArray[np.float64] = drawn(federated, how) - alone.mean(axis=0)
        return apart

    low, high = bootstrap.interval(gap(resamples))
    return defined(float(gap(whole)[0])), low, high


def mean(figures: list[float | None]) -> float | None:
    """Mean of the figures; None where one of them is not defined."""
    known = [figure for figure in figures if figure is not None]
    return float(np.mean(known)) if known and len(known) == len(figures) else None


def defined(figure: float) -> float | None:
    """None for NaN and infinities."""
    return figure if np.isfinite(figure) else None
