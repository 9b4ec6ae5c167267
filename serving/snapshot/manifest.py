"""The manifest of a snapshot."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any

import msgspec

from serving.errors import SnapshotError
from switchyard.digests import digest_json

FORMAT = 1
MANIFEST = "manifest.json"
CHAMPION, CHALLENGER = "champion", "challenger"
MODEL_FILES = ("model.onnx", "spec.json", "golden.json")

_NAME = re.compile(r"(\d{6,})-([0-9a-f]{12})")
_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


class FileEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One file of a model: path relative to the snapshot's folder, and its size in bytes."""

    path: str
    size: int


class ModelEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One compiled model version.

    Attributes:
        registered: Registered name: `<model>` or `<model>.<substation>`.
        version: Version in the registry.
        alias: Alias that it was published under, `champion` or `challenger`.
        files: The files of its folder.
        sha256: Digest of each file, by path.
        golden: Path of the golden inputs and answers.
        registered_at: When the version was registered (UTC); None in snapshots of earlier versions.
    """

    registered: str
    version: str
    alias: str
    files: tuple[FileEntry, ...]
    sha256: dict[str, str]
    golden: str
    registered_at: datetime | None = None

    @property
    def folder(self) -> str:
        """Folder of this version relative to the snapshot's."""
        return f"models/{self.registered}/{self.version}"

    @property
    def model(self) -> str:
        """Name of the model without the substation."""
        return self.registered.partition(".")[0]


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a snapshot holds.

    Attributes:
        schema: Version of this file's form.
        seq: Increasing number of the snapshot within its home.
        created: When it was written (UTC).
        catalogue_digest: Digest of the feature catalogue that the models were compiled against.
        contract_version: Version of the readings contract that they were trained under.
        models: Compiled versions.
        routes: Registered name that answers, by substation and model.
    """

    schema: int
    seq: int
    created: datetime
    catalogue_digest: str
    contract_version: int
    models: tuple[ModelEntry, ...]
    routes: dict[str, dict[str, str]]

    @property
    def champions(self) -> dict[str, str]:
        """Version of each champion by registered name."""
        return self._versions(CHAMPION)

    @property
    def challengers(self) -> dict[str, str]:
        """Version of each challenger by registered name."""
        return self._versions(CHALLENGER)

    def _versions(self, alias: str) -> dict[str, str]:
        return {entry.registered: entry.version for entry in self.models if entry.alias == alias}

    @property
    def content_digest(self) -> str:
        """Digest of everything except when and as which number it was written."""
        content: dict[str, Any] = msgspec.to_builtins(self)
        return digest_json({key: value for key, value in content.items() if key not in {"seq", "created"}})

    @property
    def name(self) -> str:
        """Name of the snapshot's folder."""
        return snapshot_name(self.seq, self.content_digest)


def snapshot_name(seq: int, digest: str) -> str:
    """Folder name `<seq>-<sha12>` of a snapshot."""
    return f"{seq:06d}-{digest[:12]}"


def parse_name(name: str) -> tuple[int, str]:
    """Sequence number and first 12 digits of the digest in a snapshot's name.

    Raises:
        SnapshotError: `name` is not of the form `<seq>-<sha12>`.
    """
    match = _NAME.fullmatch(name)
    if match is None:
        raise SnapshotError(
            f"{name!r} is not a snapshot's name", "expected <seq>-<sha12>, as in serving/snapshots"
        )
    return int(match[1]), match[2]


def decode_manifest(data: bytes, path: Path) -> Manifest:
    """Decode and check a manifest.

    Args:
        data: Content of the file.
        path: Where it was read, for messages.

    Raises:
        SnapshotError: It is not a manifest of this form, or its entries do not fit together.
    """
    try:
        manifest = msgspec.json.decode(data, type=Manifest)
    except msgspec.DecodeError as error:
        raise SnapshotError(f"{path}: {error}", "publish again") from error
    if manifest.schema != FORMAT:
        raise SnapshotError(
            f"{path}: schema {manifest.schema}, this version of Switchyard reads schema {FORMAT}",
            "publish again with this version",
        )
    check_manifest(manifest, path)
    return manifest


def check_manifest(manifest: Manifest, path: Path) -> None:
    """Check that names are safe, every route leads to a model and every model lists its files.

    Raises:
        SnapshotError: The first rule that is broken, naming the entry.
    """
    seen: set[tuple[str, str]] = set()
    for entry in manifest.models:
        for name in (entry.registered, entry.version):
            if not _SAFE.fullmatch(name):
                raise SnapshotError(
                    f"{path}: {name!r} cannot name a model's folder", "use letters, digits, . _ -"
                )
        if (entry.registered, entry.alias) in seen:
            raise SnapshotError(
                f"{path}: {entry.registered} is listed twice as {entry.alias}", "publish one version of each"
            )
        seen.add((entry.registered, entry.alias))
        _check_files(entry, path)
    for substation, routes in manifest.routes.items():
        for model, target in routes.items():
            if (target, CHAMPION) not in seen:
                raise SnapshotError(
                    f"{path}: routes.{substation}.{model} = {target!r}, of which models lists no champion",
                    "publish that model too or route to another",
                )
            if target.partition(".")[0] != model:
                raise SnapshotError(f"{path}: routes.{substation}.{model} leads to another model, {target!r}")


def _check_files(entry: ModelEntry, path: Path) -> None:
    listed = {file.path for file in entry.files}
    expected = {f"{entry.folder}/{name}" for name in MODEL_FILES}
    strangers = [name for name in listed if PurePosixPath(name).parent.as_posix() != entry.folder]
    missing = sorted(expected - listed)
    if missing or strangers or listed != set(entry.sha256) or entry.golden not in listed:
        detail = f"missing {missing}" if missing else "files, sha256 and golden do not name the same files"
        raise SnapshotError(f"{path}: model {entry.registered}: {detail}", "publish again")
