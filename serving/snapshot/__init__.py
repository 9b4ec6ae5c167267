"""Published snapshots: immutable folders of compiled models, routes and golden inputs."""

from serving.snapshot.manifest import (
    CHALLENGER,
    CHAMPION,
    FORMAT,
    FileEntry,
    Manifest,
    ModelEntry,
    snapshot_name,
)
from serving.snapshot.reader import Snapshot, current_name, open_snapshot, snapshot_names
from serving.snapshot.writer import PublishedModel, rollback, set_current, write_snapshot

__all__ = [
    "CHALLENGER",
    "CHAMPION",
    "FORMAT",
    "FileEntry",
    "Manifest",
    "ModelEntry",
    "PublishedModel",
    "Snapshot",
    "current_name",
    "open_snapshot",
    "rollback",
    "set_current",
    "snapshot_name",
    "snapshot_names",
    "write_snapshot",
]
