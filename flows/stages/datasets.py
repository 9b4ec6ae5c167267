"""Versions that learnt from measured datasets: which are served, under the dataset's name, and why not all.

The champion of `<model>.<dataset>` answers for the dataset as for a substation of its name. What the service
must know of the site is in the version's own specification, so that neither the dataset nor a description is
needed where it is served.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

import substations
from data_contracts.measured_site import MeasuredSite, contradiction
from models.card import MEASURED
from models.errors import PromotionError
from models.observed_site import UNSERVED
from models.version_tags import LOCAL
from serving.errors import SnapshotError
from serving.snapshot import CHAMPION, PublishedModel
from serving.specification import Specification
from switchyard.home import Home
from switchyard.log import get_logger

if TYPE_CHECKING:
    from models.registry import RegisteredVersion

LARGEST_SET = 12_000_000
"""Bytes of all compiled files of datasets' versions: each worker holds them in memory beside the others."""

_log = get_logger("flows")


@dataclass(slots=True)
class Chosen:
    """Versions of measured datasets that are to be served.

    Attributes:
        models: Their compiled files.
        versions: The versions by registered name.
        sites: What they know of each dataset's site, by registered name.
        left_out: Why others are not served, by registered name.
    """

    models: list[PublishedModel] = field(default_factory=list)
    versions: dict[str, RegisteredVersion] = field(default_factory=dict)
    sites: dict[str, MeasuredSite] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)

    @property
    def routes(self) -> dict[str, dict[str, str]]:
        """Registered name that answers, by dataset and model."""
        found: dict[str, dict[str, str]] = {}
        for name in sorted(self.versions):
            model, _, dataset = name.partition(".")
            found.setdefault(dataset, {})[model] = name
        return found

    def refuse(self, name: str, why: str) -> None:
        """Leave a version out, and say so."""
        self.left_out[name] = why
        _log.warning("%s is not published: %s", name, why)

    def differs(self, name: str, site: MeasuredSite | None) -> str:
        """In what a version's site differs from what others know of it; empty where it fits.

        Args:
            name: Registered name of the version.
            site: What it knows of its site; None where it does not say.
        """
        if site is None:
            return "it was registered before versions of datasets were served; train it again"
        for other, known in self.sites.items():
            said = contradiction(known, site) if known.dataset == site.dataset else ""
            if said:
                return f"{said} as {other} has it; train {name} again on the same dataset and dates"
        return ""

    def drop_unfit(self, challengers: Sequence[PublishedModel]) -> list[str]:
        """Registered names of the challengers that know a site otherwise than their champion; they are told.

        Both answer requests at the same points, which have one rating each.
        """
        found = []
        for one in challengers:
            if one.registered not in self.versions:
                continue
            said = self.differs(one.registered, site_of(one.folder))
            if said:
                self.refuse(f"{one.registered} version {one.version}", said)
                found.append(one.registered)
        return found


def of_datasets(champions: Mapping[str, RegisteredVersion]) -> list[RegisteredVersion]:
    """Champions that learnt from measured datasets, the newest first."""
    found = [one for one in champions.values() if one.tags.get("profile") == MEASURED]
    return sorted(found, key=lambda one: (one.created, one.name), reverse=True)


def choose(home: Home, champions: Mapping[str, RegisteredVersion], folder: Path) -> Chosen:
    """The champions of measured datasets that can be served, with their compiled files.

    Where two versions of one dataset know its site differently, the newer one is right.

    Args:
        home: The installation's folders.
        champions: Every champion by registered name.
        folder: Where the compiled files go.

    Raises:
        SnapshotError: A version's specification is missing or damaged.
    """
    from models import registry

    chosen = Chosen()
    described = frozenset(substations.names())
    total = 0
    for version in of_datasets(champions):
        refusal = _refusal(version, described)
        if refusal:
            chosen.refuse(version.name, refusal)
            continue
        target = folder / f"{version.name}-{version.version}"
        compiled = registry.download_compiled(home, version.name, version.version, target)
        site = site_of(compiled)
        size = sum(file.stat().st_size for file in compiled.iterdir())
        refusal = chosen.differs(version.name, site)
        if not refusal and total + size > LARGEST_SET:
            refusal = (
                f"with it the compiled versions of datasets would be larger than {LARGEST_SET / 1e6:.0f} MB; "
                "serve the dataset from a home of its own"
            )
        if refusal or site is None:
            chosen.refuse(version.name, refusal)
            continue
        total += size
        chosen.sites[version.name] = site
        chosen.versions[version.name] = version
        chosen.models.append(
            PublishedModel(version.name, str(version.version), compiled, CHAMPION, version.created)
        )
    return chosen


def site_of(compiled: Path) -> MeasuredSite | None:
    """What a compiled version knows of the site of its dataset; None where it learnt from none.

    Raises:
        SnapshotError: Its specification is missing or damaged.
    """
    file = compiled / "spec.json"
    try:
        return msgspec.json.decode(file.read_bytes(), type=Specification).site
    except (OSError, msgspec.DecodeError) as error:
        raise SnapshotError(f"{compiled.name}/{file.name}: {error}", "train the version again") from error


def _refusal(version: RegisteredVersion, described: Collection[str]) -> str:
    """Why a version cannot be served, as far as its tags tell; empty where they do not."""
    from models import promotion

    model, _, dataset = version.name.partition(".")
    if version.tags.get("trained_by") != LOCAL:
        return (
            "it was federated over several sites, and no site's nominals and points leave it; "
            f"`switchyard train {model} --dataset NAME` makes a version that is served"
        )
    if dataset in described:
        return f"{dataset} is the name of a described substation; ingest under another --dataset"
    try:
        promotion.servable(version)
    except PromotionError as error:
        return f"{error.message}; {error.remedy}"
    return version.tags.get(UNSERVED, "")
