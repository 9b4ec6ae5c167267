"""Which version answers at which substation: the champion, or the substation's own version of it.

A fine-tuned version was judged by its substation's validation episodes against the one global model that it
began from, so that it takes the place of that model and of no other. Where another version is champion, say a
pooled one that the rule kept, nothing is known of how the two compare, and the champion answers everywhere.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING

from switchyard.home import Home
from switchyard.log import get_logger

if TYPE_CHECKING:
    from models.registry import RegisteredVersion

Routes = dict[str, dict[str, str]]

LARGEST_SET = 12_000_000
"""Bytes of all compiled files of a snapshot, above which substations do without versions of their own.

Each worker holds every version of a snapshot in memory; the champions are needed in any case.
"""

_log = get_logger("flows")


def own_versions(
    home: Home, champions: Mapping[str, RegisteredVersion], substations: Collection[str]
) -> dict[str, RegisteredVersion]:
    """The substations' own versions that answer there instead of the champion, by registered name.

    Args:
        home: The installation's folders.
        champions: The champion of each model that is to be served.
        substations: Substations that are to be answered.
    """
    return {own.name: own for champion in champions.values() for own in _of(home, champion, substations)}


def _of(home: Home, champion: RegisteredVersion, substations: Collection[str]) -> Iterator[RegisteredVersion]:
    """Versions of `champion` that a substation fine-tuned and found to be better, of the same federation."""
    from models import registry
    from models.tracking import STEP_KEY

    tags = champion.tags
    if tags.get("trained_by") != "federated":
        return
    for substation in sorted({*tags["contributors"].split(",")} & {*substations}):
        own = registry.find(home, f"{champion.name}.{substation}", tags[STEP_KEY])
        if own is None or own.tags.get("trained_by") != "fine_tuned":
            continue
        losses = f"{own.tags['validation_loss']} after {own.tags['validation_loss_of_global']}"
        if own.tags["helped"] == "yes":
            _log.info("%s answers by its own version of %s: loss %s", substation, champion.name, losses)
            yield own
        else:
            _log.info("%s answers by the global %s: its own has loss %s", substation, champion.name, losses)


def routed(asked: Mapping[str, Collection[str]], own: Collection[str]) -> Routes:
    """Registered name that answers, by substation and model.

    Args:
        asked: Models by substation.
        own: Registered names of the substations' own versions.
    """
    return {
        substation: {
            model: f"{model}.{substation}" if f"{model}.{substation}" in own else model for model in models
        }
        for substation, models in asked.items()
    }


def too_many(sizes: Mapping[str, int], own: Mapping[str, RegisteredVersion]) -> list[str]:
    """Own versions to leave out for the set to stay within `LARGEST_SET`, those that gained least first.

    Args:
        sizes: Bytes of each version's compiled files, by registered name.
        own: The substations' own versions among them.
    """
    over = sum(sizes.values()) - LARGEST_SET
    left: list[str] = []
    for name in sorted(own, key=lambda one: (_gain(own[one]), one)):
        if over <= 0:
            break
        left.append(name)
        over -= sizes[name]
    if left:
        _log.warning(
            "the compiled set would be larger than %.0f MB: %s not published, the global model answers",
            LARGEST_SET / 1e6,
            ", ".join(left),
        )
    return left


def _gain(own: RegisteredVersion) -> float:
    """Share of the global model's validation loss that a version saves."""
    before, after = (float(own.tags[tag]) for tag in ("validation_loss_of_global", "validation_loss"))
    return 1.0 - after / before
