"""Files that are either whole or absent.

Every file that a later step reads is written beside its place, synced and renamed into it, so that a killed
process never leaves half a file under a final name.
"""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

from switchyard.errors import SwitchyardError


def fsync_directory(path: Path) -> None:
    """Sync a directory's entries, so that a rename in it survives a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def rename_into(source: Path, target: Path) -> None:
    """Sync the file `source` and move it to `target`, replacing what is there.

    Both must lie on one file system. The folder of `target` is made if it is missing.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with source.open("rb") as handle:
        os.fsync(handle.fileno())
    source.replace(target)
    fsync_directory(target.parent)


def write_bytes_atomic(path: Path, data: bytes, mode: int = 0o644) -> None:
    """Write `data` to `path`, with these permissions, by a temporary file in the same folder and a rename."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as handle:
            handle.write(data)
        temporary.chmod(mode)
        rename_into(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def write_text_atomic(path: Path, text: str) -> None:
    """Write `text` as UTF-8, whole or not at all."""
    write_bytes_atomic(path, text.encode())


def write_json_atomic(path: Path, value: Any) -> None:
    """Write `value` as indented JSON with sorted keys.

    Raises:
        SwitchyardError: `value` holds NaN or an infinity, which JSON does not know.
    """
    try:
        text = json.dumps(value, indent=2, sort_keys=True, allow_nan=False, ensure_ascii=False)
    except ValueError as error:
        raise SwitchyardError(f"{path.name}: {error}", "write null where a figure is not known") from error
    write_text_atomic(path, text + "\n")


def append_json_line(path: Path, value: Any) -> None:
    """Append `value` as one line of JSON; the file grows by the whole line or stays as it was.

    The caller sees to it that nobody else appends meanwhile.

    Raises:
        SwitchyardError: `value` holds NaN or an infinity, which JSON does not know.
    """
    try:
        text = json.dumps(value, allow_nan=False, ensure_ascii=False)
    except ValueError as error:
        raise SwitchyardError(f"{path.name}: {error}", "write null where a figure is not known") from error
    before = path.read_bytes() if path.exists() else b""
    write_bytes_atomic(path, before + text.encode() + b"\n")


def read_json(path: Path) -> Any:
    """Read a JSON file.

    Raises:
        SwitchyardError: The file is missing or is not JSON; the message names it and the place.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise SwitchyardError(f"{path} does not exist") from error
    except ValueError as error:
        raise SwitchyardError(f"{path} is not JSON: {error}", "delete it and run the step again") from error
