"""Content digests: what a step's key, a dataset's name and a snapshot's proof are made of."""

from __future__ import annotations

import hashlib
import importlib.util
import json
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from switchyard.errors import ConfigurationError

# Edits of these change no result: the command line and what only talks to people.
NOT_NUMERIC = frozenset({"cli.py", "client.py", "commands", "doctor.py", "log.py", "screen.py"})


def sha256_bytes(data: bytes) -> str:
    """SHA-256 of `data` in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def sha256_file(path: Path) -> str:
    """SHA-256 of a file's content in hexadecimal, read in blocks."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def digest_json(value: Any) -> str:
    """SHA-256 of the canonical JSON form of `value` (sorted keys, no blanks, no NaN)."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False, ensure_ascii=False)
    return sha256_bytes(text.encode())


@cache
def _digest_room(room: str) -> str:
    spec = importlib.util.find_spec(room)
    if spec is None or spec.origin is None:
        raise ConfigurationError(f"the package {room} is not installed", "install the project again")
    root = Path(spec.origin).parent
    files = sorted(path for path in root.rglob("*.py") if path.relative_to(root).parts[0] not in NOT_NUMERIC)
    entries = [(path.relative_to(root).as_posix(), sha256_file(path)) for path in files]
    return digest_json(entries)


def digest_rooms(rooms: Iterable[str]) -> str:
    """Digest of the Python source of the named packages.

    Data files (descriptions, circuits, profiles) are inputs of a step, each with its own digest.

    The digest of a package is computed once per process: sources do not change under a running step.

    Raises:
        ConfigurationError: A named package is not installed.
    """
    return digest_json({room: _digest_room(room) for room in sorted(set(rooms))})
