"""The interpreter's own refusal: an audit hook on every event that opens or lists a path."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from federation.errors import AccessRefusedError

EVENTS = frozenset({"open", "os.listdir", "os.scandir", "os.rename", "os.remove", "os.link", "os.symlink"})


def refuse_below(protected: Iterable[Path], allowed: Sequence[Path]) -> None:
    """Refuse every access of this process below `protected`, except below `allowed`; cannot be undone.

    Symbolic links are followed before the comparison.
    """
    refused = tuple(os.path.realpath(folder) for folder in protected)
    open_to_it = tuple(os.path.realpath(folder) for folder in allowed)

    def hook(event: str, args: tuple[Any, ...]) -> None:
        if event not in EVENTS:
            return
        for argument in args[:2]:
            if not isinstance(argument, (str, bytes, os.PathLike)):
                continue
            path = os.path.realpath(os.fsdecode(argument))
            if any(_below(path, folder) for folder in open_to_it):
                continue
            if any(_below(path, folder) for folder in refused):
                raise AccessRefusedError(
                    f"this site may not touch {path}: its own rows are in {open_to_it[0]}",
                    "train with the site's own dataset only",
                )

    sys.addaudithook(hook)


def _below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder + os.sep)
