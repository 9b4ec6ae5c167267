"""Versions in the MLflow registry: each step's one, found again by the step's key.

A version's folder holds the native estimator in MLflow's own form, `compiled/` as it is served, and
`report/` with its figures. The folder is uploaded whole before the version is made, and making the version
with its tags is one transaction: whatever call a process dies between, the next run finds it or finds none.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from models import card, flavours, tracking
from models.errors import RegistryError
from models.protocol import Definition
from models.rows import Rows
from models.tracking import STEP_KEY, Store
from switchyard.files import read_json
from switchyard.home import Home
from switchyard.log import get_logger

if TYPE_CHECKING:
    from mlflow.entities.model_registry import ModelVersion

CHAMPION, CHALLENGER = "champion", "challenger"
COMPILED, REPORT = "compiled", "report"
VETO, HELD = "veto", "held"
"""Tag of a federated version, and its value where the control centre holds the version back."""
FIRST_TAGS = ("trained_by", "bar", "substation", "contributors", "n_total", "profile", "trials")

_log = get_logger("models.registry")


class RegisteredVersion(msgspec.Struct, frozen=True):
    """One version of a registered model.

    Attributes:
        name: Registered name, `<model>` or `<model>.<substation>`.
        version: Its number, from 1.
        alias: `champion`, `challenger` or empty.
        run_id: Run that made it.
        model_id: MLflow's identifier of its files.
        tags: As in the registry.
        created: When it was registered (UTC).
    """

    name: str
    version: int
    alias: str
    run_id: str
    model_id: str
    tags: dict[str, str]
    created: datetime


@dataclass(frozen=True, slots=True)
class Package:
    """What goes into a version.

    Attributes:
        definition: The model.
        fitted: The fitted model; its native estimator is kept where it has one.
        compiled: Folder with the compiled files, proven by `compilation.compile_into`.
        example: A few rows for the signature.
        report: JSON-able figures of this version, or None.
        card: Model card in Markdown.
    """

    definition: Definition[Any]
    fitted: Any
    compiled: Path
    example: Rows
    report: Any
    card: str


def find(home: Home, registered: str, step_key: str) -> RegisteredVersion | None:
    """The version of `registered` that the step `step_key` made; None where it made none yet.

    A version whose maker died before its alias was set gets it now.
    """
    store = tracking.connect(home)
    with tracking.locked(home, "registry"):
        made = _find(store, registered, step_key)
        return None if made is None else _settle(store, made)


def register(
    home: Home, package: Package, *, registered: str, run_id: str, tags: Mapping[str, str]
) -> RegisteredVersion:
    """Make the version of a step, unless the step has made it before.

    The first version of a name becomes champion, a later one challenger. One that the control centre holds
    back does not become champion; where there is none it has no alias.

    Args:
        home: The installation's folders.
        package: What goes into the version.
        registered: Registered name.
        run_id: Run that made it.
        tags: Tags of the version; `step_key` must be among them.

    Raises:
        RegistryError: `tags` lacks `step_key`.
    """
    if not tags.get(STEP_KEY):
        raise RegistryError(f"{registered}: a version needs the tag {STEP_KEY}", "pass the step's key")
    store = tracking.connect(home)
    with tracking.locked(home, "registry"):
        made = _find(store, registered, tags[STEP_KEY])
        if made is None:
            model_id = _upload(home, store, package, run_id)
            made = _create(store, registered, model_id, run_id, package=package, tags=tags)
            _log.info("registered %s version %s", registered, made.version)
        return _settle(store, made)


def get(home: Home, registered: str, alias_or_version: str | int) -> RegisteredVersion:
    """A version by alias or number.

    Raises:
        RegistryError: There is none.
    """
    from mlflow.exceptions import MlflowException

    client = tracking.connect(home).client
    try:
        if str(alias_or_version).isdecimal():
            found = client.get_model_version(registered, str(alias_or_version))
        else:
            found = client.get_model_version_by_alias(registered, str(alias_or_version))
    except MlflowException as error:
        raise RegistryError(
            f"the registry has no {registered}@{alias_or_version}", "train it, or look at `switchyard models`"
        ) from error
    aliases = {
        str(version): alias for alias, version in client.get_registered_model(registered).aliases.items()
    }
    return _describe(found, aliases.get(str(found.version), ""))


def champions(home: Home) -> dict[str, RegisteredVersion]:
    """Every registered name that has a champion, with that version."""
    client = tracking.connect(home).client
    names = []
    token = None
    while True:
        page = client.search_registered_models(max_results=100, page_token=token)
        names += [model.name for model in page if CHAMPION in model.aliases]
        token = page.token
        if not token:
            break
    return {
        name: _describe(client.get_model_version_by_alias(name, CHAMPION), CHAMPION) for name in sorted(names)
    }


def versions(home: Home, registered: str) -> tuple[int, ...]:
    """Numbers of the versions of a name, smallest first; empty where nothing is registered under it."""
    client = tracking.connect(home).client
    found = client.search_model_versions(f"name = '{registered}'", max_results=10_000)
    return tuple(sorted(int(one.version) for one in found))


def tag(home: Home, version: RegisteredVersion, tags: Mapping[str, str]) -> None:
    """Set tags of a version; those of other names stay."""
    client = tracking.connect(home).client
    for key, value in tags.items():
        client.set_model_version_tag(version.name, str(version.version), key, value)


def download_compiled(home: Home, registered: str, alias_or_version: str | int, target: Path) -> Path:
    """Copy a version's compiled files into the new folder `target` and return it."""
    return _download(home, get(home, registered, alias_or_version), COMPILED, target)


def report_of(home: Home, version: RegisteredVersion) -> Any:
    """The figures that were registered with a version."""
    import tempfile

    with tempfile.TemporaryDirectory() as scratch:
        return read_json(_download(home, version, REPORT, Path(scratch) / REPORT) / "report.json")


def crown(home: Home, registered: str, version: int, *, instead_of: int) -> None:
    """Make a version champion in place of another; an alias `challenger` that it has is taken away.

    Raises:
        RegistryError: Another version is champion by now.
    """
    client = tracking.connect(home).client
    with tracking.locked(home, "registry"):
        aliases = client.get_registered_model(registered).aliases
        if int(aliases.get(CHAMPION, 0)) != instead_of:
            raise RegistryError(
                f"{registered}: version {instead_of} is not champion any more",
                "look at both and decide again",
            )
        client.set_registered_model_alias(registered, CHAMPION, str(version))
        if int(aliases.get(CHALLENGER, 0)) == version:
            client.delete_registered_model_alias(registered, CHALLENGER)


def _download(home: Home, version: RegisteredVersion, part: str, target: Path) -> Path:
    import mlflow

    store = tracking.connect(home)
    place = store.client.get_logged_model(version.model_id).artifact_location
    scratch = target.parent / f".{target.name}.{version.model_id}"
    scratch.mkdir(parents=True, exist_ok=True)
    try:
        got = mlflow.artifacts.download_artifacts(
            artifact_uri=f"{place}/{part}", dst_path=str(scratch), tracking_uri=store.uri
        )
        target.mkdir(parents=True, exist_ok=True)
        for file in sorted(Path(got).iterdir()):
            file.replace(target / file.name)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return target


def _find(store: Store, registered: str, step_key: str) -> ModelVersion | None:
    found = store.client.search_model_versions(
        f"name = '{registered}' and tags.{STEP_KEY} = '{step_key}'", max_results=1
    )
    return found[0] if found else None


def _upload(home: Home, store: Store, package: Package, run_id: str) -> str:
    """Upload a version's folder as a logged model; what a killed attempt of the same run left is deleted."""
    from mlflow.entities import LoggedModelOutput

    client = store.client
    of = client.get_run(run_id).info.experiment_id
    for left in client.search_logged_models([of], f"source_run_id = '{run_id}'"):
        client.delete_logged_model(left.model_id)
    model = client.create_logged_model(of, name=package.definition.name, source_run_id=run_id)
    folder = home.root / "tmp" / model.model_id
    try:
        flavours.save(package, folder, run_id, model.model_id)
        client.log_model_artifacts(model.model_id, str(folder))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    client.finalize_logged_model(model.model_id, "READY")
    client.log_outputs(run_id, [LoggedModelOutput(model.model_id, step=0)])
    return str(model.model_id)


def _create(
    store: Store, registered: str, model_id: str, run_id: str, *, package: Package, tags: Mapping[str, str]
) -> ModelVersion:
    from mlflow.exceptions import MlflowException

    told = card.summary(package.definition, registered.partition(".")[2])
    try:
        store.client.create_registered_model(
            registered, {"module": package.definition.module}, description=told
        )
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
        if store.client.get_registered_model(registered).description != told:
            store.client.update_registered_model(registered, description=told)
    return store.client.create_model_version(
        registered,
        source=f"models:/{model_id}",
        run_id=run_id,
        tags=_ordered(tags),
        description=package.card,
        model_id=model_id,
    )


def _ordered(tags: Mapping[str, str]) -> dict[str, str]:
    """The tags in the order in which the UI lists them: what a person looks for first."""
    first = {name: tags[name] for name in FIRST_TAGS if name in tags}
    return {**first, **tags}


def _settle(store: Store, made: ModelVersion) -> RegisteredVersion:
    """Give a version its alias: champion where there is none, else challenger if it is the newest of them."""
    aliases = {
        alias: int(version) for alias, version in store.client.get_registered_model(made.name).aliases.items()
    }
    version = int(made.version)
    if CHAMPION not in aliases and made.tags.get(VETO) == HELD:
        alias = ""
    elif CHAMPION not in aliases:
        store.client.set_registered_model_alias(made.name, CHAMPION, str(version))
        alias = CHAMPION
    elif aliases[CHAMPION] == version:
        alias = CHAMPION
    elif aliases[CHAMPION] < version and aliases.get(CHALLENGER, 0) < version:
        store.client.set_registered_model_alias(made.name, CHALLENGER, str(version))
        alias = CHALLENGER
    else:
        alias = CHALLENGER if aliases.get(CHALLENGER) == version else ""
    return _describe(made, alias)


def _describe(version: ModelVersion, alias: str) -> RegisteredVersion:
    return RegisteredVersion(
        name=str(version.name),
        version=int(version.version),
        alias=alias,
        run_id=str(version.run_id),
        model_id=str(version.source).removeprefix("models:/"),
        tags={str(key): str(value) for key, value in version.tags.items()},
        created=datetime.fromtimestamp(version.creation_timestamp / 1000.0, UTC),
    )
