"""Who federates what: which models, which substations, on what terms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import msgspec

from flows.job import Job
from switchyard.errors import UsageError

if TYPE_CHECKING:
    from federation.terms import Terms


@dataclass(frozen=True, slots=True)
class Alliance:
    """One run of federations.

    Attributes:
        models: What is learnt.
        job: The run, its profile narrowed to the substations that take part.
        terms: How many of them are needed, and how their weights become one.
        everyone: Whether all training substations of the profile take part.
    """

    models: tuple[str, ...]
    job: Job
    terms: Terms
    everyone: bool


def choose(
    job: Job,
    model: str | None = None,
    substations: Sequence[str] | None = None,
    aggregation: str = "mean",
    quorum: int = 2,
) -> Alliance:
    """The federations that were asked for.

    Args:
        job: The run.
        model: The only model; None for those of the profile's federation list.
        substations: Training substations that take part; None for all. The others are left out.
        aggregation: How weights of networks become one: `mean`, `trimmed_mean` or `median`.
        quorum: Least number of substations that a global model is formed of.

    Raises:
        UsageError: There is no such model, substation or aggregation.
        TooFewSitesError: Fewer substations take part than are needed.
        FederationError: The terms cannot be held for a model that was asked for.
    """
    models = _models(job, model)
    sites = _sites(job, substations)
    terms = terms_of(models, sites, aggregation, quorum)
    profile = msgspec.structs.replace(job.profile, training=sites)
    return Alliance(models, replace(job, profile=profile), terms, set(sites) == set(job.profile.training))


def terms_of(models: Sequence[str], sites: Sequence[str], aggregation: str, quorum: int) -> Terms:
    """The terms that were asked for, checked for these models and sites.

    Raises:
        UsageError: There is no such aggregation.
        TooFewSitesError: There are fewer sites than the terms need.
        FederationError: The terms cannot be held for one of the models.
    """
    from federation.family import Averaging
    from federation.plans import plan
    from federation.terms import AGGREGATIONS, Terms

    known = {name: name for name in AGGREGATIONS}
    if aggregation not in known:
        raise UsageError(f"there is no aggregation {aggregation!r}", f"choose one of {', '.join(known)}")
    terms = Terms(known[aggregation], quorum)
    for name in models:
        terms.check(name, sites, averages=isinstance(plan(name).family, Averaging))
    return terms


def _models(job: Job, model: str | None) -> tuple[str, ...]:
    from federation.plans import PLANS

    if model is None:
        return job.profile.federation.models
    if model not in PLANS:
        raise UsageError(f"{model} is not federated", f"choose one of {', '.join(PLANS)}")
    return (model,)


def _sites(job: Job, substations: Sequence[str] | None) -> tuple[str, ...]:
    """The substations that take part, in the profile's order, each once."""
    profile = job.profile
    if not substations:
        return profile.training
    for name in substations:
        if name in profile.held_out:
            raise UsageError(
                f"{name} is held out in profile {profile.name}: global models are judged there",
                f"choose among {', '.join(profile.training)}",
            )
        if name not in profile.training:
            raise UsageError(
                f"profile {profile.name} has no training substation {name!r}",
                f"choose among {', '.join(profile.training)}",
            )
    return tuple(name for name in profile.training if name in substations)
