"""Canaries and shadows as an operator asks for them: the challenger is in the snapshot before it is asked."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from serving.errors import SnapshotError
from serving.routing import Challenge, Routing, change, read_routing, write_routing
from serving.snapshot import Manifest, current_name, open_snapshot
from switchyard.errors import UsageError
from switchyard.home import Home


class Asked(msgspec.Struct, frozen=True):
    """What is asked of a challenger now.

    Attributes:
        model: Registered name of the champion.
        champion: Version of the champion.
        challenge: What is asked; None where nothing is any more.
        snapshot: The current snapshot.
        published: Whether it was published to bring the challenger.
    """

    model: str
    champion: str
    challenge: Challenge | None
    snapshot: str
    published: bool


def ask(
    home: Home,
    model: str,
    changed: Callable[[Challenge], Challenge],
    publish: Callable[[], object],
    version: int | None = None,
) -> Asked:
    """Change what is asked of the challenger of `model`; publish where the snapshot does not hold it.

    Args:
        home: The home.
        model: Registered name of the champion.
        changed: The new challenge for the present one.
        publish: Publishes the champions, and the challengers that the routing asks for.
        version: The challenger; None for the one that is asked already, else the registry's challenger.

    Raises:
        UsageError: The current snapshot has no champion of this name, or it is this version.
        RegistryError: There is no such version.
        PromotionError: This release cannot serve it.
        SnapshotError: Nothing is published.
    """
    manifest = _manifest(home)
    if model not in manifest.champions:
        known = ", ".join(sorted(manifest.champions))
        raise UsageError(f"{manifest.name} serves no {model!r}", f"choose one of {known}")
    present = read_routing(home).challenges.get(model)
    number = _version(home, model, version, present, manifest)
    if number == manifest.champions[model]:
        raise UsageError(f"{model}: version {number} is the champion", "name another with --version")
    kept = present if present is not None and present.version == number else Challenge(number)
    wanted = changed(kept)
    before, after = change(home, model, lambda _: wanted)
    published = not wanted.idle and manifest.challengers.get(model) != number
    if published:
        _publish(home, before, publish)
        manifest = _manifest(home)
        if manifest.challengers.get(model) != number:
            write_routing(home, before)
            raise SnapshotError(f"{manifest.name} does not hold {model} version {number}", "publish again")
    return Asked(model, manifest.champions[model], after.challenges.get(model), manifest.name, published)


def _publish(home: Home, before: Routing, publish: Callable[[], object]) -> None:
    try:
        publish()
    except BaseException:
        # What cannot be published is not asked for either.
        write_routing(home, before)
        raise


def _version(
    home: Home, model: str, version: int | None, present: Challenge | None, manifest: Manifest
) -> str:
    if version is None and present is not None:
        return present.version
    held = manifest.challengers.get(model)
    if version is not None and held == str(version):
        return held
    from models import promotion, registry, tracking

    if not tracking.exists(home):
        # A replica has no registry; what its snapshot brought is all that it can serve.
        if held is not None and version is None:
            return held
        asked = "a challenger" if version is None else f"version {version}"
        raise UsageError(
            f"{manifest.name} does not hold {asked} of {model}, and this home has no registry",
            "ask for it on the machine that publishes",
        )
    found = registry.get(home, model, registry.CHALLENGER if version is None else version)
    promotion.servable(found)
    return str(found.version)


def _manifest(home: Home) -> Manifest:
    name = current_name(home)
    if name is None:
        raise SnapshotError(f"{home.current} does not exist", "publish first: switchyard publish")
    return open_snapshot(home, name).manifest
