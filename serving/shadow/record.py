"""The shadow's log: JSON lines in the home's logs, of bounded size, written by all workers."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from serving.shadow.comparison import Pair
from switchyard.errors import SwitchyardError
from switchyard.home import Home

FILE, EARLIER = "shadow.jsonl", "shadow.1.jsonl"
LARGEST_BYTES = 64 << 20

_encode = msgspec.json.Encoder().encode
_decoder = msgspec.json.Decoder(Pair)


def append(home: Home, pairs: Iterable[Pair], largest: int = LARGEST_BYTES) -> None:
    """Append lines; a file that has grown beyond `largest` bytes takes the place of the earlier one.

    Raises:
        OSError: The disk is full, or the folder cannot be written.
    """
    lines = b"".join(_encode(pair) + b"\n" for pair in pairs)
    home.logs.mkdir(parents=True, exist_ok=True)
    path = home.logs / FILE
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        # Released with the descriptor.
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        os.write(descriptor, lines)
        # Another worker may have moved the file away since it was opened; then it is the earlier one.
        if (
            os.fstat(descriptor).st_size > largest
            and path.exists()
            and path.samefile(f"/dev/fd/{descriptor}")
        ):
            path.replace(home.logs / EARLIER)
    finally:
        os.close(descriptor)


def read(home: Home) -> Iterator[Pair]:
    """Every line of the log, oldest first.

    Raises:
        SwitchyardError: A line is not of the log's form; the message names file and line.
    """
    for path in (home.logs / EARLIER, home.logs / FILE):
        if path.exists():
            yield from _lines(path)


def _lines(path: Path) -> Iterator[Pair]:
    with path.open("rb") as handle:
        for number, line in enumerate(handle, 1):
            if not line.endswith(b"\n"):
                return  # being written
            try:
                yield _decoder.decode(line)
            except msgspec.DecodeError as error:
                raise SwitchyardError(f"{path}, line {number}: {error}", "delete that line") from error
