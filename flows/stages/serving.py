"""Stages that serve: publishing the champions, and asking the service about held-out episodes."""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

import substations
from data_contracts.dataset import Dataset
from flows.answers import Answered, compare, write
from flows.episodes import Episode, held_out
from flows.job import Job
from flows.service import running_service
from flows.stages import datasets, routes
from models.catalogue import definition
from switchyard.home import Home
from switchyard.log import get_logger

if TYPE_CHECKING:
    from models.registry import RegisteredVersion
    from serving.snapshot import PublishedModel

_log = get_logger("flows")


class Published(msgspec.Struct, frozen=True):
    """A published snapshot.

    Attributes:
        snapshot: Its name.
        versions: Version by registered name.
        routes: Registered name that answers, by substation and model.
        anew: False where the current snapshot held the same already.
        challengers: Version of each challenger that a canary or shadow asks for, by registered name.
        left_out: Why versions that learnt from measured datasets are not served, by registered name.
    """

    snapshot: str
    versions: dict[str, str]
    routes: dict[str, dict[str, str]]
    anew: bool
    challengers: dict[str, str] = {}
    left_out: dict[str, str] = {}


def lacking(job: Job, champions: Mapping[str, RegisteredVersion]) -> list[str]:
    """Models of the profile without a champion, for want of which nothing can be published.

    None where nothing of the profile was trained at all: then measured datasets are served alone.
    """
    missing = [model for model in job.profile.models if model not in champions]
    alone = len(missing) == len(job.profile.models) and datasets.of_datasets(champions)
    return [] if alone else missing


def publish(job: Job) -> Published:
    """Write a snapshot of the champions of the profile's models, prove it, let the service take it up.

    A substation that fine-tuned a champion and found its own version better is routed to that
    (`flows/stages/routes.py`), a measured dataset to the versions that learnt from it
    (`flows/stages/datasets.py`). Challengers that a canary or shadow asks for are in it too. Replicas are
    told of it through MLflow.

    Substations that were routed before and are still described stay routed. What holds the same as an
    earlier snapshot is not written twice.

    Raises:
        RegistryError: A model of the profile has no champion, or nothing can be served.
        SnapshotError: A compiled file is missing or damaged, or a version does not answer its golden inputs
            as it did when it was compiled.
    """
    from data_contracts.version import CONTRACT_VERSION
    from features import catalogue_digest
    from flows.snapshot_store import announce
    from models import registry
    from models.errors import RegistryError
    from serving.engine import Engine
    from serving.snapshot import CHALLENGER, CHAMPION, current_name, set_current, write_snapshot

    champions = registry.champions(job.home)
    missing = lacking(job, champions)
    if missing:
        raise RegistryError(f"{missing[0]} has no champion to publish", "train it first: `switchyard train`")
    asked = _asked(job, champions)
    chosen = {name: champions[name] for name in sorted({model for of in asked.values() for model in of})}
    own = routes.own_versions(job.home, chosen, asked)
    scratch = job.home.root / "tmp"
    scratch.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="publish-", dir=scratch))
    try:
        measured = datasets.choose(job.home, champions, folder)
        if not chosen and not measured.versions:
            said = "; ".join(f"{name}: {why}" for name, why in measured.left_out.items())
            raise RegistryError(f"nothing can be published: {said}", "train what can: docs/training.md")
        challengers = _challengers(job, {**chosen, **own, **measured.versions})
        beside = _downloaded(job.home, folder, CHALLENGER, challengers.values())
        for unfit in measured.drop_unfit(beside):
            del challengers[unfit]
        models = _downloaded(job.home, folder, CHAMPION, (*chosen.values(), *own.values()))
        models += [one for one in beside if one.registered in challengers]
        sizes: Counter[str] = Counter()
        for one in models:
            if one.registered not in measured.versions:
                sizes[one.registered] += sum(file.stat().st_size for file in one.folder.iterdir())
        left = routes.too_many(sizes, own)
        served = {name: version for name, version in {**chosen, **own}.items() if name not in left}
        targets = {**routes.routed(asked, served), **measured.routes}
        served |= measured.versions
        before = current_name(job.home)
        name = write_snapshot(
            job.home,
            [one for one in (*models, *measured.models) if one.registered in served],
            targets,
            catalogue_digest=catalogue_digest(),
            contract_version=CONTRACT_VERSION,
        )
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    # What a service would refuse never becomes current.
    Engine.load(job.home, name)
    if name != before:
        set_current(job.home, name)
    announce(job.home, name)
    _log.info("snapshot %s is %s", name, "current already" if name == before else "published")
    versions = {registered: str(version.version) for registered, version in served.items()}
    beside_them = {name: str(version.version) for name, version in challengers.items() if name in served}
    return Published(name, versions, targets, name != before, beside_them, measured.left_out)


def _downloaded(
    home: Home, folder: Path, alias: str, versions: Iterable[RegisteredVersion]
) -> list[PublishedModel]:
    """Versions with their compiled files, each in a folder of its own below `folder`."""
    from models import registry
    from serving.snapshot import PublishedModel

    found = []
    for version in versions:
        target = folder / f"{version.name}-{version.version}"
        compiled = registry.download_compiled(home, version.name, version.version, target)
        found.append(PublishedModel(version.name, str(version.version), compiled, alias, version.created))
    return found


def _challengers(job: Job, champions: Mapping[str, RegisteredVersion]) -> dict[str, RegisteredVersion]:
    """Versions that the home's canaries and shadows ask for, by registered name.

    A challenge whose version is champion by now is over and is taken out.
    """
    from models import registry
    from serving.routing import drop, read_routing

    found = {}
    for registered, asked in read_routing(job.home).challenges.items():
        if registered not in champions:
            _log.warning("a canary or shadow asks for %s, which is not published", registered)
        elif asked.version == str(champions[registered].version):
            drop(job.home, registered)
            _log.info("%s version %s is champion: its canary and shadow are over", registered, asked.version)
        else:
            found[registered] = registry.get(job.home, registered, asked.version)
    return found


def _asked(job: Job, champions: Mapping[str, RegisteredVersion]) -> dict[str, list[str]]:
    """Models that are to answer, by described substation: those of the profile, and what was routed before.

    None of the profile where none of its models was trained.
    """
    from serving.snapshot import current_name, open_snapshot

    current = current_name(job.home)
    before = {} if current is None else open_snapshot(job.home, current).manifest.routes
    described = set(substations.names())
    kept = {
        substation: [model for model in of if model in champions]
        for substation, of in before.items()
        if substation in described
    }
    trained = any(model in champions for model in job.profile.models)
    ours = dict.fromkeys(job.profile.substations if trained else (), job.profile.models)
    return {name: sorted({*kept.get(name, ()), *ours.get(name, ())}) for name in {*kept, *ours}}


def answer(job: Job) -> tuple[Answered, ...]:
    """Start the service, post held-out episodes over HTTP, write what it answered, stop it.

    Raises:
        ChildError: The service did not become ready.
        ServiceError: The endpoint refused a request.
    """
    with running_service(job.home) as service:
        # Read while the service starts.
        episodes = [episode for name in job.profile.substations for episode in _episodes(job, name)]
        client = service.wait_ready()
        found = [compare(episode, client.infer(episode.request), job.profile.models) for episode in episodes]
    write(job.home, found)
    return tuple(found)


def _episodes(job: Job, name: str) -> Iterator[Episode]:
    substation = substations.read(name)
    start, count = job.profile.simulation.start, job.profile.answers.episodes_per_substation
    return held_out(Dataset.open(job.dataset(name)), substation, _points(job, name), start, count)


def _points(job: Job, name: str) -> tuple[str, ...]:
    """Points at which every model of readings applies, a transformer's low-voltage bay first.

    Models of tables look at some kinds of points only, such as feeders; requests with what they need besides
    choose their own points.
    """
    declared = [definition(model) for model in job.profile.models]
    of_readings = [set(one.point_kinds) for one in declared if one.source != "table"]
    kinds = set.intersection(*of_readings) if of_readings else {"transformer_bay"}
    points = [
        point for point in substations.read(name).points if point.kind in kinds and "v_ll" in point.measures
    ]
    points.sort(key=lambda point: (point.kind != "transformer_bay", point.nominal_kv))
    return tuple(point.id for point in points)
