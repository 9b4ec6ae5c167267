"""Reading snapshots: nothing is used whose digest was not checked on the very bytes that are used."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from serving.errors import SnapshotError
from serving.snapshot.manifest import MANIFEST, FileEntry, Manifest, ModelEntry, decode_manifest, parse_name
from switchyard.digests import sha256_bytes
from switchyard.home import Home


@dataclass(frozen=True, slots=True)
class Snapshot:
    """An opened snapshot.

    Attributes:
        name: Its name, `<seq>-<sha12>`.
        folder: Where it lies.
        manifest: What it holds.
    """

    name: str
    folder: Path
    manifest: Manifest

    def read(self, entry: ModelEntry, file: str) -> bytes:
        """Content of one file of a model, checked against its digest.

        Args:
            entry: The model.
            file: Name within the model's folder, such as `model.onnx`.

        Raises:
            SnapshotError: The file is missing, unreadable or not the one that was published.
        """
        return self._read(entry, f"{entry.folder}/{file}")

    def verify(self) -> None:
        """Check every file against its digest.

        Raises:
            SnapshotError: The first file that is missing or differs.
        """
        for entry in self.manifest.models:
            for file in entry.files:
                self._read(entry, file.path)

    def _read(self, entry: ModelEntry, relative: str) -> bytes:
        path = self.folder / relative
        remedy = "publish again, or roll back to a whole snapshot"
        try:
            data = path.read_bytes()
        except FileNotFoundError as error:
            raise SnapshotError(f"{path} is missing", remedy) from error
        except OSError as error:
            raise SnapshotError(f"{path} cannot be read: {error.strerror}", remedy) from error
        digest = sha256_bytes(data)
        if digest != entry.sha256[relative]:
            raise SnapshotError(
                f"{path} is damaged: SHA-256 {digest[:12]}…, published {entry.sha256[relative][:12]}…",
                remedy,
            )
        return data


def open_snapshot(home: Home, name: str) -> Snapshot:
    """Open a snapshot by name and check its manifest.

    The models' files are checked when they are read; `Snapshot.verify` checks all at once.

    Raises:
        SnapshotError: There is no such snapshot, or its manifest is damaged or does not belong to its name.
    """
    parse_name(name)
    folder = home.snapshots / name
    path = folder / MANIFEST
    try:
        data = path.read_bytes()
    except OSError as error:
        raise SnapshotError(
            f"{path} cannot be read: {error.strerror}", "publish again, or roll back"
        ) from error
    manifest = decode_manifest(data, path)
    if manifest.name != name:
        raise SnapshotError(
            f"{path} is damaged: its content is named {manifest.name}", "publish again, or roll back"
        )
    return Snapshot(name, folder, manifest)


def current_name(home: Home) -> str | None:
    """Name in `serving/current`; None when nothing was published yet.

    Raises:
        SnapshotError: The file is there but cannot be read.
    """
    try:
        return home.current.read_text(encoding="utf-8").strip() or None
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise SnapshotError(f"{home.current} cannot be read: {error}", "publish again") from error


def snapshot_names(home: Home) -> list[str]:
    """Names of the home's snapshots, oldest first."""
    if not home.snapshots.is_dir():
        return []
    found = []
    for folder in home.snapshots.iterdir():
        try:
            seq, _ = parse_name(folder.name)
        except SnapshotError:
            continue
        found.append((seq, folder.name))
    return [name for _, name in sorted(found)]


def file_entries(folder: Path, relative: str) -> tuple[tuple[FileEntry, ...], dict[str, str]]:
    """List the files of a folder with sizes and digests, under the path `relative`."""
    files, digests = [], {}
    for path in sorted(folder.iterdir()):
        data = path.read_bytes()
        name = f"{relative}/{path.name}"
        files.append(FileEntry(name, len(data)))
        digests[name] = sha256_bytes(data)
    return tuple(files), digests
