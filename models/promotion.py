"""Who is champion: the rule, the decision, and the way back.

A challenger becomes champion where the 95 % interval of its paired difference to the champion at the headline
metric is not below zero in any part, and no slice and no bar's metric is worse by more than 10 %. A decision
is kept as tags of the version and as a line of `reports/promotions.jsonl`, both before an alias moves.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any

import msgspec

from data_contracts.version import CONTRACT_VERSION
from models import registry, tracking
from models.catalogue import NAMES, definition
from models.comparison import LEAST_EPISODES, Comparison, Paired
from models.errors import PromotionError, RegistryError
from models.evaluation import ALL, HELD_OUT, TRAINING
from models.registry import CHALLENGER, CHAMPION, RegisteredVersion
from switchyard.errors import UsageError
from switchyard.files import append_json_line
from switchyard.home import Home
from switchyard.log import get_logger
from switchyard.screen import brief

FILE = "promotions.jsonl"
WORSE = 0.10
"""Share of the champion's figure by which a slice may be worse."""
PROMOTED, REFUSED, FORCED = "promoted", "refused", "forced"
ROLLED_BACK, SUCCEEDED = "rolled_back", "succeeded"
REPLACED = "replaced"
"""Tag of a champion: the version that was champion before it."""
TEXT_LIMIT = 2000

_log = get_logger("models.promotion")


class Verdict(msgspec.Struct, frozen=True):
    """What the rule says of a comparison.

    Attributes:
        passes: Whether the challenger may become champion.
        reason: Why, or why not.
        untold: Slices and metrics that were too small to tell, by name.
    """

    passes: bool
    reason: str
    untold: tuple[str, ...] = ()


class Decision(msgspec.Struct, frozen=True):
    """One line of `reports/promotions.jsonl`.

    Attributes:
        time: When, ISO 8601 UTC.
        decision: `promoted`, `refused`, `forced`, `rolled_back`, or `succeeded` where no rule was asked.
        model: Registered name.
        version: The version that it is about: the challenger, or the one that is champion again.
        champion_before: Champion before the decision.
        champion_after: Champion after it.
        reason: Why.
        untold: Slices and metrics that were too small to tell.
        comparison: The figures; None where nothing was compared.
    """

    time: str
    decision: str
    model: str
    version: int
    champion_before: int
    champion_after: int
    reason: str
    untold: tuple[str, ...] = ()
    comparison: Comparison | None = None


def pair(home: Home, model: str, version: int | None = None) -> tuple[RegisteredVersion, RegisteredVersion]:
    """The champion of a registered name, and the version that wants its place.

    Args:
        home: The installation's folders.
        model: Registered name, `<model>` or `<model>.<substation>`.
        version: Number of the version; None for the challenger.

    Raises:
        UsageError: There is no such model.
        RegistryError: The name has no version, no champion, or not the version that was asked for.
        PromotionError: There is no challenger, or the version is champion already.
    """
    there = _versions(home, model)
    champion = _champion(home, model)
    if version is not None:
        wanted = _version(home, model, version, there)
    else:
        try:
            wanted = registry.get(home, model, CHALLENGER)
        except RegistryError as error:
            raise PromotionError(
                f"{model} has no challenger beside champion {champion.version}",
                f"train another version, or name one of {_listed(there)} with --version",
            ) from error
    if wanted.version == champion.version:
        raise PromotionError(
            f"{model}: version {wanted.version} is champion already", "`switchyard publish` serves it"
        )
    return champion, wanted


def earlier(home: Home, model: str, to: int | None = None) -> tuple[RegisteredVersion, RegisteredVersion]:
    """The champion of a registered name, and the version that is to be champion again.

    Args:
        home: The installation's folders.
        model: Registered name.
        to: Number of the version; None for the one that the champion replaced.

    Raises:
        UsageError: There is no such model.
        RegistryError: The name has no version, no champion, or not the version that was asked for.
        PromotionError: The champion replaced none, or the version cannot be served.
    """
    there = _versions(home, model)
    champion = _champion(home, model)
    if to is None:
        replaced = champion.tags.get(REPLACED, "")
        if not replaced:
            raise PromotionError(
                f"{model}: champion {champion.version} has replaced no other version",
                f"name one of {_listed(there)} with --to",
            )
        to = int(replaced)
    target = _version(home, model, to, there)
    if target.version == champion.version:
        raise PromotionError(f"{model}: version {to} is champion already", "`switchyard publish` serves it")
    servable(target)
    return champion, target


def judge(comparison: Comparison) -> Verdict:
    """Apply the rule."""
    head = comparison.headline
    assert head.low is not None
    assert head.high is not None
    found = [(row, state_of(row)) for row in comparison.rows[1:] if row.role != "shown"]
    untold = tuple(name_of(row) for row, state in found if state == "too small to tell")
    worse = [f"{name_of(row)} is {state}" for row, state in found if state.startswith("worse")]
    interval = f"{_signed(head.low)} to {_signed(head.high)}"
    said = f"difference of {head.metric} {_signed(head.difference)}, 95 % {interval}"
    if head.low < 0.0:
        part = "" if head.high < 0.0 else " in part"
        worse.insert(0, f"{said}, is below zero{part}")
    if worse:
        return Verdict(passes=False, reason="; ".join(worse), untold=untold)
    return Verdict(
        passes=True,
        reason=f"{said}, is not below zero, and nothing that can be told is worse by more than {WORSE:.0%}",
        untold=untold,
    )


def state_of(row: Paired) -> str:
    """What the rule says of one row, in words."""
    if row.role == "shown":
        return "not judged"
    if row.role == "headline":
        return "decides"
    if row.difference is None or row.high is None or row.episodes < LEAST_EPISODES:
        return "too small to tell"
    share = worse_share(row)
    if share <= WORSE:
        return "better" if row.low is not None and row.low > 0.0 else f"within {WORSE:.0%}"
    # More than allowed, but the interval of the difference reaches zero: it may be chance.
    if row.high >= 0.0:
        return "too small to tell"
    return f"worse by {share:.0%}" if math.isfinite(share) else "worse than zero"


def worse_share(row: Paired) -> float:
    """By what share of the champion's figure the challenger is worse; 0 where it is not."""
    if row.difference is None or row.champion is None or row.difference >= 0.0:
        return 0.0
    return -row.difference / abs(row.champion) if row.champion else math.inf


def decide(
    home: Home,
    champion: RegisteredVersion,
    challenger: RegisteredVersion,
    comparison: Comparison | None,
    *,
    force: str = "",
    refusal: str = "",
) -> Decision:
    """Decide on a challenger, tag it, note it, and move the alias where it is promoted.

    Args:
        home: The installation's folders.
        champion: The champion.
        challenger: The version that wants its place.
        comparison: Their figures; None where they could not be compared.
        force: Why it becomes champion whatever the rule says; empty where the rule decides.
        refusal: Why they could not be compared, where they could not.

    Raises:
        PromotionError: The challenger cannot be served by this release, or was compared with nothing and is
            not forced.
        RegistryError: Another version became champion meanwhile.
    """
    decision = foreseen(champion, challenger, comparison, force=force, refusal=refusal)
    if decision.decision == REFUSED:
        _note(home, challenger, decision)
        return decision
    _enthrone(home, champion, challenger, decision)
    return decision


def foreseen(
    champion: RegisteredVersion,
    challenger: RegisteredVersion,
    comparison: Comparison | None,
    *,
    force: str = "",
    refusal: str = "",
) -> Decision:
    """What `decide` would decide; nothing is written.

    Raises:
        PromotionError: The challenger cannot be served by this release, or was compared with nothing and is
            not forced.
    """
    servable(challenger)
    if comparison is None and not force:
        raise PromotionError(
            f"{challenger.name}: nothing was compared", "--force REASON promotes all the same"
        )
    verdict = Verdict(passes=False, reason=refusal) if comparison is None else judge(comparison)
    passes = verdict.passes or bool(force)
    reason = f"forced: {force} (the rule: {verdict.reason})" if force else verdict.reason
    return Decision(
        time=_now(),
        decision=FORCED if force else PROMOTED if passes else REFUSED,
        model=challenger.name,
        version=challenger.version,
        champion_before=champion.version,
        champion_after=challenger.version if passes else champion.version,
        reason=reason,
        untold=verdict.untold,
        comparison=comparison,
    )


def roll_back(home: Home, champion: RegisteredVersion, target: RegisteredVersion) -> Decision:
    """Make an earlier version champion again, and note it.

    Raises:
        RegistryError: Another version became champion meanwhile.
    """
    reason = f"rolled back from version {champion.version}"
    decision = Decision(
        _now(), ROLLED_BACK, target.name, target.version, champion.version, target.version, reason
    )
    registry.tag(home, champion, {"promotion": ROLLED_BACK, "rolled_back_at": decision.time})
    _write(home, decision)
    registry.crown(home, target.name, target.version, instead_of=champion.version)
    return decision


def succeed(home: Home, champion: RegisteredVersion, heir: RegisteredVersion, reason: str) -> Decision:
    """Make a version champion where there is nothing to compare, and note why."""
    decision = Decision(_now(), SUCCEEDED, heir.name, heir.version, champion.version, heir.version, reason)
    _enthrone(home, champion, heir, decision)
    return decision


def servable(version: RegisteredVersion) -> None:
    """Check that this release can serve a version.

    Raises:
        PromotionError: It was made for other features, another contract or another declaration.
    """
    wrong = [tag for tag, value in needed(version.name).items() if version.tags.get(tag) != value]
    if wrong:
        raise PromotionError(
            f"{version.name} version {version.version} cannot be served by this release: it was made for "
            f"another {' and '.join(wrong)}",
            "train it again",
        )


def needed(model: str) -> dict[str, str]:
    """Tags of the versions of a registered name that this release can serve."""
    from features import catalogue_digest

    return {
        "catalogue_digest": catalogue_digest(),
        "contract_version": str(CONTRACT_VERSION),
        "declaration": str(definition(model.partition(".")[0]).version),
    }


def name_of(row: Paired) -> str:
    """A row's metric and place, for people."""
    where = {TRAINING: "", HELD_OUT: "held out"}.get(row.substation, row.substation)
    kind = "" if row.slice == ALL else row.slice
    place = " ".join(filter(None, (where, kind)))
    return f"{row.metric} ({place})" if place else row.metric


def _enthrone(home: Home, champion: RegisteredVersion, heir: RegisteredVersion, decision: Decision) -> None:
    _note(home, heir, decision, {"promoted_at": decision.time, REPLACED: str(champion.version)})
    registry.crown(home, heir.name, heir.version, instead_of=champion.version)
    _log.info("%s: version %d is champion (%s)", heir.name, heir.version, decision.decision)


def _note(
    home: Home, version: RegisteredVersion, decision: Decision, tags: dict[str, str] | None = None
) -> None:
    """Tags first, then the line: a version that was tagged twice says the same once."""
    found = {
        "promotion": decision.decision,
        "promotion_reason": decision.reason[:TEXT_LIMIT],
        "compared_with": str(decision.champion_before),
        "decided_at": decision.time,
        **_paired_tags(decision),
        **(tags or {}),
    }
    registry.tag(home, version, found)
    _write(home, decision)


def _paired_tags(decision: Decision) -> dict[str, str]:
    if decision.comparison is None:
        return {}
    head = decision.comparison.headline
    return {
        "paired_metric": head.metric,
        "paired_difference": f"{head.difference:.9g}",
        "paired_low": f"{head.low:.9g}",
        "paired_high": f"{head.high:.9g}",
        "paired_episodes": str(head.episodes),
    }


def _write(home: Home, decision: Decision) -> None:
    with tracking.locked(home, "promotions"):
        line: dict[str, Any] = msgspec.to_builtins(decision)
        append_json_line(home.reports / FILE, line)


def _versions(home: Home, model: str) -> tuple[int, ...]:
    if model.partition(".")[0] not in NAMES:
        raise UsageError(f"there is no model {model!r}", f"choose one of {', '.join(NAMES)}")
    there = registry.versions(home, model) if tracking.exists(home) else ()
    if not there:
        raise RegistryError(f"{model} has no version in the registry of {home.root}", "train it first")
    return there


def _champion(home: Home, model: str) -> RegisteredVersion:
    try:
        return registry.get(home, model, CHAMPION)
    except RegistryError as error:
        raise RegistryError(
            f"{model} has no champion", "set the alias champion in the registry, or train another version"
        ) from error


def _version(home: Home, model: str, version: int, there: tuple[int, ...]) -> RegisteredVersion:
    if version not in there:
        raise RegistryError(f"{model} has no version {version}", f"it has {_listed(there)}")
    return registry.get(home, model, version)


def _listed(versions: tuple[int, ...]) -> str:
    return ", ".join(map(str, versions))


def _signed(value: float | None) -> str:
    return "not defined" if value is None else ("+" if value > 0 else "") + brief(value)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
