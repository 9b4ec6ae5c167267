"""A chain of records: what left which site in which round, and what the gate made of it.

One JSON object a line. Each holds the digest of the one before it and its own, so that a line cannot be
changed, dropped or put elsewhere without breaking every later one. The digest of the last record is a tag of
the registered version: that the end was not cut off is checked against it.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from federation.errors import LedgerError
from switchyard.digests import digest_json

GENESIS = "0" * 64
FORMAT = 1


@dataclass(frozen=True, slots=True)
class Verified:
    """What `verify` found.

    Attributes:
        records: Number of records.
        head: Digest of the last one.
    """

    records: int
    head: str


@dataclass(frozen=True, slots=True)
class Ledger:
    """The ledger file of one installation.

    Attributes:
        path: Its file; made by the first record.
    """

    path: Path

    def append(self, content: Mapping[str, Any]) -> str:
        """Add a record and return its digest, once it is on the disk.

        A last line without an end is what a kill left of a record that nobody was told of; it is taken away.

        Raises:
            LedgerError: The last record cannot be read, or `content` uses a name of the chain's own.
        """
        reserved = {"format", "seq", "time", "previous", "digest"} & set(content)
        if reserved:
            raise LedgerError(f"ledger: {', '.join(sorted(reserved))} are set by the chain")
        self.path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            text = self.path.read_bytes()
            whole = text.rfind(b"\n") + 1
            if whole < len(text):
                os.ftruncate(descriptor, whole)
            last = _last(self.path, text[:whole])
            record = {
                **content,
                "format": FORMAT,
                "seq": 0 if last is None else last["seq"] + 1,
                "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
                "previous": GENESIS if last is None else last["digest"],
            }
            record["digest"] = digest_json(record)
            os.lseek(descriptor, 0, os.SEEK_END)
            with os.fdopen(os.dup(descriptor), "wb") as handle:
                handle.write(_line(record))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        return str(record["digest"])


def verify(path: Path) -> Verified:
    """Check every digest and every link of a ledger.

    Raises:
        LedgerError: A line is not a record, was changed, or does not follow the one before it; the message
            names the line.
    """
    if not path.exists():
        raise LedgerError(f"{path} does not exist", "federate first")
    previous, seq = GENESIS, 0
    text = path.read_bytes()
    if text and not text.endswith(b"\n"):
        raise LedgerError(f"{path}: the last line is not whole", "the next federation takes it away")
    for number, line in enumerate(text.splitlines(), start=1):
        record = _parse(path, number, line)
        digest = record.pop("digest", None)
        if digest != digest_json(record):
            raise LedgerError(f"{path}, line {number}: the record is not the one that was written")
        if record.get("previous") != previous or record.get("seq") != seq:
            raise LedgerError(f"{path}, line {number}: the record does not follow the one before it")
        previous, seq = str(digest), seq + 1
    return Verified(seq, previous)


def records(path: Path) -> list[dict[str, Any]]:
    """The records of a ledger whose chain holds, first to last.

    Raises:
        LedgerError: The chain is broken.
    """
    verify(path)
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def _last(path: Path, text: bytes) -> dict[str, Any] | None:
    lines = text.splitlines()
    return _parse(path, len(lines), lines[-1]) if lines else None


def _parse(path: Path, number: int, line: bytes) -> dict[str, Any]:
    try:
        record = json.loads(line)
    except ValueError as error:
        raise LedgerError(
            f"{path}, line {number}: not JSON: {error}", "keep the file and ask who wrote it"
        ) from error
    if not isinstance(record, dict) or not {"seq", "previous", "digest"} <= set(record):
        raise LedgerError(f"{path}, line {number}: not a record")
    return record


def _line(record: Mapping[str, Any]) -> bytes:
    return json.dumps(record, sort_keys=True, separators=(",", ":"), allow_nan=False).encode() + b"\n"
