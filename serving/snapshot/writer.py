"""Writing snapshots: whole folders by rename, and the one file that says which is served."""

from __future__ import annotations

import fcntl
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from serving.errors import SnapshotError
from serving.snapshot.manifest import (
    CHAMPION,
    FORMAT,
    MANIFEST,
    MODEL_FILES,
    Manifest,
    ModelEntry,
    check_manifest,
    parse_name,
)
from serving.snapshot.reader import current_name, file_entries, open_snapshot, snapshot_names
from switchyard.files import fsync_directory, write_bytes_atomic, write_json_atomic, write_text_atomic
from switchyard.home import Home

STAGING = ".staging-"


@dataclass(frozen=True, slots=True)
class PublishedModel:
    """A compiled version to publish.

    Attributes:
        registered: Registered name: `<model>` or `<model>.<substation>`.
        version: Version in the registry.
        folder: Its compiled folder with `model.onnx`, `spec.json` and `golden.json`.
        alias: Alias that it is published under.
        registered_at: When it was registered (UTC).
    """

    registered: str
    version: str
    folder: Path
    alias: str = CHAMPION
    registered_at: datetime | None = None


def write_snapshot(
    home: Home,
    models: Sequence[PublishedModel],
    routes: Mapping[str, Mapping[str, str]],
    *,
    catalogue_digest: str,
    contract_version: int,
) -> str:
    """Write an immutable snapshot, or find the whole one that already holds the same.

    The folder appears by one rename after its files are synced; `serving/current` is not touched.

    Args:
        home: Where it goes.
        models: Compiled versions, each registered name once as champion and at most once as challenger.
        routes: Registered name that answers, by substation and model.
        catalogue_digest: Digest of the feature catalogue that the models were compiled against.
        contract_version: Version of the readings contract.

    Returns:
        The snapshot's name.

    Raises:
        SnapshotError: A compiled file is missing, a name is not fit for a folder, or a route leads nowhere.
    """
    with writing(home):
        clear_staging(home)
        staging = Path(tempfile.mkdtemp(prefix=STAGING, dir=home.serving))
        try:
            entries = tuple(_copy(model, staging) for model in sorted(models, key=_order))
            names = snapshot_names(home)
            manifest = Manifest(
                schema=FORMAT,
                seq=parse_name(names[-1])[0] + 1 if names else 1,
                created=datetime.now(UTC),
                catalogue_digest=catalogue_digest,
                contract_version=contract_version,
                models=entries,
                routes={name: dict(sorted(routes[name].items())) for name in sorted(routes)},
            )
            check_manifest(manifest, staging / MANIFEST)
            same = _same_content(home, names, manifest)
            if same is not None:
                return same
            write_json_atomic(staging / MANIFEST, msgspec.to_builtins(manifest))
            staging.chmod(0o755)
            home.snapshots.mkdir(exist_ok=True)
            staging.rename(home.snapshots / manifest.name)
            fsync_directory(home.snapshots)
        finally:
            shutil.rmtree(staging, ignore_errors=True)
    return manifest.name


def set_current(home: Home, name: str) -> None:
    """Let the workers serve snapshot `name`; they notice within a second or two.

    Raises:
        SnapshotError: There is no such snapshot, or one of its files is missing or damaged.
    """
    open_snapshot(home, name).verify()
    write_text_atomic(home.current, f"{name}\n")


def rollback(home: Home, name: str | None = None) -> str:
    """Serve an older snapshot again.

    Args:
        home: The home.
        name: The snapshot; None takes the one before the current one.

    Returns:
        The name that is current now.

    Raises:
        SnapshotError: Nothing is published, or there is no older snapshot, or it is damaged.
    """
    if name is None:
        current = current_name(home)
        if current is None:
            raise SnapshotError(f"{home.current} does not exist: nothing to roll back", "publish first")
        older = [other for other in snapshot_names(home) if parse_name(other) < parse_name(current)]
        if not older:
            raise SnapshotError(f"{current} is the oldest snapshot in {home.snapshots}", "name one to serve")
        name = older[-1]
    set_current(home, name)
    return name


def clear_staging(home: Home) -> None:
    """Delete what killed writers left; the caller holds the lock."""
    for left in home.serving.glob(f"{STAGING}*"):
        shutil.rmtree(left)


@contextmanager
def writing(home: Home) -> Iterator[None]:
    """Hold the lock of whoever writes below `serving`; it dies with its process."""
    home.serving.mkdir(parents=True, exist_ok=True)
    with (home.serving / ".lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _order(model: PublishedModel) -> tuple[str, str]:
    return model.registered, model.alias


def _copy(model: PublishedModel, staging: Path) -> ModelEntry:
    missing = [name for name in MODEL_FILES if not (model.folder / name).is_file()]
    if missing:
        raise SnapshotError(
            f"{model.folder}: {model.registered} version {model.version} lacks {', '.join(missing)}",
            "train it again: a version without its compiled files cannot be served",
        )
    relative = f"models/{model.registered}/{model.version}"
    target = staging / relative
    if not target.resolve().is_relative_to(staging.resolve()):
        raise SnapshotError(f"{relative!r} leaves the snapshot's folder", "use letters, digits, . _ -")
    for name in MODEL_FILES:
        write_bytes_atomic(target / name, (model.folder / name).read_bytes())
    files, digests = file_entries(target, relative)
    return ModelEntry(
        registered=model.registered,
        version=model.version,
        alias=model.alias,
        files=files,
        sha256=digests,
        golden=f"{relative}/golden.json",
        registered_at=model.registered_at,
    )


def _same_content(home: Home, names: Sequence[str], manifest: Manifest) -> str | None:
    for name in reversed(names):
        if parse_name(name)[1] != manifest.content_digest[:12]:
            continue
        try:
            open_snapshot(home, name).verify()
        except SnapshotError:
            # A damaged twin is left where it lies and a whole one is written beside it.
            continue
        return name
    return None
