"""Stages that decide who is served: promotion by the rule, and the way back."""

from __future__ import annotations

import msgspec

from flows.job import Job
from flows.stages import observed, serving
from flows.stages.serving import Published
from models import comparison, promotion, registry
from models.card import MEASURED
from models.errors import PromotionError, RegistryError
from models.promotion import Decision
from models.registry import RegisteredVersion
from models.version_tags import LOCAL
from serving.errors import SnapshotError
from switchyard.errors import UsageError
from switchyard.profiles import Profile
from switchyard.screen import brief

COLUMNS = ["where", "metric", "champion", "challenger", "difference", "95 %", "episodes", "rule"]


class Outcome(msgspec.Struct, frozen=True):
    """A decision and what is served now; JSON-able by `msgspec.to_builtins`.

    Attributes:
        decision: The decision; of a dry run what would be decided.
        dry_run: True where nothing was written.
        published: The snapshot; None where nothing was published.
        unpublished: Why nothing was published; empty where something was.
    """

    decision: Decision
    dry_run: bool
    published: Published | None
    unpublished: str = ""


def promote(
    job: Job, model: str, version: int | None = None, *, dry_run: bool = False, force: str = ""
) -> Outcome:
    """Compare a version with the champion, decide, and publish where it is promoted.

    Args:
        job: The run.
        model: Registered name, `<model>` or `<model>.<substation>`.
        version: Version that wants the champion's place; None for the challenger.
        dry_run: Only tell what would be decided.
        force: Why it becomes champion whatever the rule says; empty where the rule decides.

    Raises:
        UsageError: There is no such model.
        RegistryError: The registry lacks a version that is needed.
        PromotionError: There is no challenger, it cannot be served, or the two cannot be compared.
    """
    from flows.resolving import provide

    champion, challenger = promotion.pair(job.home, model, version)
    promotion.servable(challenger)
    provide()
    compared, refusal = None, ""
    try:
        compared = _compared(job, model, champion, challenger)
    except PromotionError as error:
        if not force:
            raise
        refusal = error.message
    if dry_run:
        decision = promotion.foreseen(champion, challenger, compared, force=force, refusal=refusal)
        return Outcome(decision, dry_run=True, published=None, unpublished="a dry run changes nothing")
    decision = promotion.decide(job.home, champion, challenger, compared, force=force, refusal=refusal)
    if decision.decision == promotion.REFUSED:
        said = f"version {champion.version} stays champion"
        return Outcome(decision, dry_run=False, published=None, unpublished=said)
    return _published(job, decision)


def _compared(
    job: Job, model: str, champion: RegisteredVersion, challenger: RegisteredVersion
) -> comparison.Comparison:
    """Two versions of a name on rows that neither has learnt from.

    Raises:
        PromotionError: They cannot be compared.
    """
    name = model.partition(".")[2]
    if challenger.tags.get("profile") == MEASURED and challenger.tags["trained_by"] != LOCAL:
        raise PromotionError(
            f"{model} was federated over measured datasets, and was compared when it was made",
            "`switchyard federation run` on newer data makes and compares another; --force REASON decides "
            "without comparing",
        )
    if observed.learnt_from(job, name):
        return observed.compare(job, name, champion, challenger)
    return comparison.compare(job.home, _profile(job, model), job.datasets, champion, challenger)


def rollback(job: Job, model: str, to: int | None = None) -> Outcome:
    """Make an earlier version champion again, and publish.

    Args:
        job: The run.
        model: Registered name.
        to: The version; None for the one that the champion replaced.

    Raises:
        UsageError: There is no such model.
        RegistryError: The registry lacks a version that is needed.
        PromotionError: There is no earlier champion, or the version cannot be served.
    """
    champion, target = promotion.earlier(job.home, model, to)
    return _published(job, promotion.roll_back(job.home, champion, target))


def comparison_table(decision: Decision) -> tuple[str, list[str], list[list[str]]]:
    """Title, columns and rows of a decision's figures; no rows where nothing was compared."""
    compared = decision.comparison
    if compared is None:
        return f"{decision.model}: champion {decision.champion_after}", COLUMNS, []
    title = (
        f"{compared.model}: version {compared.challenger} beside champion {compared.champion}, "
        "on episodes that neither has learnt from"
    )
    rows = [
        [
            row.substation if row.slice == "all" else f"{row.substation}: {row.slice}",
            f"{row.metric} {'↑' if row.direction == 'higher' else '↓'}",
            _figure(row.champion),
            _figure(row.challenger),
            _signed(row.difference),
            "" if row.low is None else f"{_signed(row.low)} to {_signed(row.high)}",
            str(row.episodes),
            promotion.state_of(row),
        ]
        for row in compared.rows
    ]
    return title, COLUMNS, rows


def _profile(job: Job, model: str) -> Profile:
    """The profile to compare on; a site's own rows are not brought to others' where pooling is forbidden.

    Raises:
        UsageError: The name's substation is not in the profile.
    """
    profile, substation = job.profile, model.partition(".")[2]
    if substation and substation not in profile.substations:
        raise UsageError(
            f"profile {profile.name} has no substation {substation!r}",
            f"choose one of {', '.join(profile.substations)}",
        )
    if substation and job.settings.pooling == "forbid":
        return msgspec.structs.replace(profile, held_out=())
    return profile


def _published(job: Job, decision: Decision) -> Outcome:
    """Publish where every model of the profile has a champion; otherwise say which has none.

    Where no model of the profile was trained, measured datasets are published alone, as far as they can be.

    Raises:
        SnapshotError: A champion cannot be served; the decision stands, the snapshot before stays.
    """
    lacking = serving.lacking(job, registry.champions(job.home))
    if lacking:
        said = f"without a champion: {', '.join(lacking)} of profile {job.profile.name}"
        return Outcome(decision, dry_run=False, published=None, unpublished=said)
    try:
        published = serving.publish(job)
    except SnapshotError as error:
        raise SnapshotError(
            f"{decision.model} version {decision.champion_after} is champion now, but nothing was published: "
            f"{error.message}",
            error.remedy,
        ) from error
    except RegistryError as error:
        return Outcome(decision, dry_run=False, published=None, unpublished=error.message)
    return Outcome(decision, dry_run=False, published=published)


def _figure(value: float | None) -> str:
    return "" if value is None else brief(value)


def _signed(value: float | None) -> str:
    return "" if value is None else ("+" if value > 0 else "") + brief(value)
