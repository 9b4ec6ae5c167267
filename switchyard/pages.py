"""Pages of the documentation that are generated: written, or compared with what is on disk."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from switchyard.files import write_text_atomic

WRITTEN, STALE, MISUSED = 0, 1, 2


def write_or_check(arguments: Sequence[str], path: Path, text: str, command: str) -> int:
    """Write a generated page, or with `--check` compare it with the file and change nothing.

    Args:
        arguments: Command line without the program: nothing, or `--check`.
        path: The page's file.
        text: What the page must be.
        command: What writes the page, named to whoever finds it out of date.

    Returns:
        Exit code: 0 if the file is the page, 1 if it is out of date, 2 for other arguments.
    """
    if list(arguments) not in ([], ["--check"]):
        sys.stderr.write(f"usage: {command} [--check]\n")
        return MISUSED
    if not arguments:
        write_text_atomic(path, text)
        return WRITTEN
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return WRITTEN
    sys.stderr.write(f"{path} is out of date: run `{command}`\n")
    return STALE
