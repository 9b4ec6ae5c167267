"""A snapshot as one file: always the same bytes, and nothing in it that its manifest does not name."""

from __future__ import annotations

import gzip
import io
import shutil
import tarfile
import tempfile
from pathlib import Path

from serving.errors import SnapshotError
from serving.snapshot.manifest import MANIFEST, Manifest, decode_manifest
from serving.snapshot.reader import Snapshot, open_snapshot
from serving.snapshot.writer import STAGING, clear_staging, writing
from switchyard.digests import sha256_file
from switchyard.files import fsync_directory, write_bytes_atomic
from switchyard.home import Home

LARGEST_BYTES = 1 << 30
"""Most that an archive may hold when it is unpacked."""
LARGEST_MANIFEST = 16 << 20


def archive_name(snapshot: str) -> str:
    """File name of a snapshot's archive."""
    return f"{snapshot}.tar.gz"


def pack(home: Home, name: str, folder: Path) -> Path:
    """Write snapshot `name` as an archive into `folder`.

    Returns:
        Path of the archive.

    Raises:
        SnapshotError: There is no such snapshot, or one of its files is missing or damaged.
    """
    snapshot = open_snapshot(home, name)
    snapshot.verify()
    target = folder / archive_name(name)
    folder.mkdir(parents=True, exist_ok=True)
    # Neither names, times nor owners of this machine go in.
    with (
        target.open("wb") as raw,
        gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as tar,
    ):
        for relative in (MANIFEST, *_listed(snapshot.manifest)):
            data = (snapshot.folder / relative).read_bytes()
            member = tarfile.TarInfo(relative)
            member.size, member.mode = len(data), 0o644
            tar.addfile(member, io.BytesIO(data))
    return target


def unpack(home: Home, name: str, archive: Path, sha256: str) -> str:
    """Make snapshot `name` of an archive part of a home; whole or not at all, `current` is not touched.

    Args:
        home: Where it goes.
        name: The snapshot that the archive must hold.
        archive: The archive.
        sha256: Its digest, as whoever packed it states.

    Returns:
        The snapshot's name.

    Raises:
        SnapshotError: The archive is damaged, holds another snapshot or what its manifest does not list.
    """
    digest = sha256_file(archive)
    if digest != sha256:
        raise SnapshotError(
            f"{archive.name}: SHA-256 {digest[:12]}…, published {sha256[:12]}…", "it is fetched again"
        )
    with writing(home):
        clear_staging(home)
        staging = Path(tempfile.mkdtemp(prefix=STAGING, dir=home.serving))
        try:
            manifest = _extract(archive, staging, name)
            Snapshot(name, staging, manifest).verify()
            staging.chmod(0o755)
            home.snapshots.mkdir(exist_ok=True)
            target = home.snapshots / name
            if target.exists():
                # Only a damaged one is fetched again; it is moved out of the way whole.
                target.rename(home.serving / f"{STAGING}damaged-{name}")
            staging.rename(target)
            fsync_directory(home.snapshots)
        finally:
            shutil.rmtree(staging, ignore_errors=True)
    return name


def _extract(archive: Path, staging: Path, name: str) -> Manifest:
    try:
        with tarfile.open(archive, "r:gz") as tar:
            first = tar.next()
            if first is None or first.name != MANIFEST or not 0 < first.size <= LARGEST_MANIFEST:
                raise SnapshotError(f"{archive.name} does not begin with {MANIFEST}")
            data = _content(tar, first)
            manifest = decode_manifest(data, Path(archive.name) / MANIFEST)
            if manifest.name != name:
                raise SnapshotError(f"{archive.name} holds {manifest.name}, expected {name}")
            write_bytes_atomic(staging / MANIFEST, data)
            sizes = {file.path: file.size for entry in manifest.models for file in entry.files}
            if sum(sizes.values()) > LARGEST_BYTES:
                raise SnapshotError(f"{archive.name} holds more than {LARGEST_BYTES} bytes")
            while (member := tar.next()) is not None:
                # Paths are those of the manifest, which are checked to stay in their folders.
                if sizes.pop(member.name, None) != member.size:
                    raise SnapshotError(f"{archive.name}: {member.name!r} is not as the manifest lists it")
                write_bytes_atomic(staging / member.name, _content(tar, member))
    except (tarfile.TarError, EOFError, OSError) as error:
        raise SnapshotError(f"{archive.name} cannot be unpacked: {error}", "it is fetched again") from error
    if sizes:
        raise SnapshotError(f"{archive.name} lacks {min(sizes)}")
    return manifest


def _content(tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    handle = tar.extractfile(member) if member.isreg() else None
    if handle is None:
        raise SnapshotError(f"{member.name!r} is not a plain file")
    return handle.read()


def _listed(manifest: Manifest) -> list[str]:
    return sorted({file.path for entry in manifest.models for file in entry.files})
