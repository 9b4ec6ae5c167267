"""Whether a file is text from its first byte to its last; what is no text is known by its first bytes.

What would spoil more than its own row is looked for before any row is read: bytes that are no text, and a
quotation mark that is not closed and would swallow the rows after it.
"""

from __future__ import annotations

import codecs
import csv
from pathlib import Path

import numpy as np

from ingestion.errors import IngestionError

BLOCK_BYTES = 1 << 22
MOST_LITERAL = 1_000
"""After so many lines with an odd number of marks that open nothing, a mark is taken for inches."""

EXPORT = "export it as CSV"
UNPACK = "unpack it first"
KINDS = {
    b"\x1f\x8b": ("compressed by gzip", UNPACK),
    b"BZh": ("compressed by bzip2", UNPACK),
    b"\xfd7zXZ\x00": ("compressed by xz", UNPACK),
    b"\x28\xb5\x2f\xfd": ("compressed by Zstandard", UNPACK),
    b"PK\x03\x04": ("a ZIP archive or an Excel workbook", f"{UNPACK}, or {EXPORT}"),
    b"\xd0\xcf\x11\xe0": ("an Excel workbook", EXPORT),
    b"PAR1": ("Parquet", "set file.format in the mapping to parquet"),
}
"""How files that are no text begin, what they are, and what to do."""


def refuse_other_kinds(path: Path, data: bytes) -> None:
    """Refuse a file that begins as none of text does.

    Raises:
        IngestionError: It is compressed, a workbook or Parquet.
    """
    for begin, (kind, remedy) in KINDS.items():
        if data.startswith(begin):
            raise IngestionError(f"{path} is no text: it is {kind}", remedy)


def decoding(encoding: str) -> str:
    """Python's name of an encoding; a byte order mark is no part of the first name."""
    return "utf-8-sig" if encoding.lower().replace("_", "-") in ("utf-8", "utf8") else encoding


def not_text(path: Path, encoding: str, error: UnicodeDecodeError | LookupError, line: int) -> IngestionError:
    """What to say of bytes that are no text in an encoding, or of an encoding that there is not."""
    if isinstance(error, LookupError):
        trouble = f"mapping: file.encoding is {encoding!r}, which is no encoding"
    else:
        # A decoder works on what is left of one block and the next: its place is within them.
        said = " ".join(f"0x{byte:02x}" for byte in error.object[error.start : error.end])
        trouble = f"{path} is not text in {encoding}: line {line}: {said}: {error.reason}"
    return IngestionError(
        trouble, "set file.encoding in the mapping, as utf-8, latin-1, cp1252 or utf-16, or export it again"
    )


def check_text(path: Path, encoding: str, delimiter: str) -> None:
    """See that a file is text and that every quotation mark is closed on its line.

    The last line may be cut; its row is rejected later.

    Raises:
        IngestionError: It is not; the message has the line.
    """
    line, rest, literal = 1, "", 0
    decoder = codecs.getincrementaldecoder(decoding(encoding))()
    with path.open("rb") as handle:
        while block := handle.read(BLOCK_BYTES):
            try:
                text = rest + decoder.decode(block)
            except UnicodeDecodeError as error:
                before = error.object[: error.start].decode(encoding, "ignore")
                raise not_text(path, encoding, error, line + (rest + before).count("\n")) from error
            whole, end, rest = text.rpartition("\n")
            whole += end
            if '"' in whole and literal < MOST_LITERAL:
                literal += _check_marks(path, whole, delimiter, line)
            line += whole.count("\n")


def _check_marks(path: Path, text: str, delimiter: str, first: int) -> int:
    """Refuse a mark that is not closed on its line.

    Returns:
        How many lines have an odd number of marks of which none opens a text.
    """
    data = np.frombuffer(text.encode(), dtype=np.uint8)
    ends = np.flatnonzero(data == ord("\n"))
    marks = np.diff(np.cumsum(data == ord('"'))[ends], prepend=0)
    odd = np.flatnonzero(marks % 2)[:MOST_LITERAL]
    for place in odd.tolist():
        begin = int(ends[place - 1]) + 1 if place else 0
        line = data[begin : int(ends[place])].tobytes().decode()
        if _opens(line, delimiter):
            raise IngestionError(
                f"{path}: line {first + place} has a quotation mark that is not closed on it: {line[:80]!r}",
                "close the mark or take it out: a value does not run over several lines",
            )
    return len(odd)


def _opens(line: str, delimiter: str) -> bool:
    """Whether a quoted text begins on a line and does not end on it."""
    try:
        list(csv.reader([line], delimiter=delimiter, strict=True))
    except csv.Error as error:
        return "unexpected end of data" in str(error)
    return False
