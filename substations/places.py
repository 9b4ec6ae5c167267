"""Errors at a place: an entry of the description, or a line of the circuit."""

from __future__ import annotations

import re
from pathlib import Path

from substations.description import Substation
from substations.errors import SubstationError


def in_yaml(substation: Substation, key: str, problem: str, remedy: str) -> SubstationError:
    """An error at the entry `key` of the description."""
    return SubstationError(substation.yaml_file, key, problem, remedy)


def in_circuit(substation: Substation, word: str, problem: str, remedy: str) -> SubstationError:
    """An error at the first line of the circuit that holds `word` (an element or a bus)."""
    line = line_of(substation.circuit_file, word)
    return SubstationError(substation.circuit_file, f"{line}, {word}" if line else word, problem, remedy)


def line_of(file: Path, word: str) -> str:
    """`line N` of the first line of `file` that holds `word` outside a comment, or an empty text."""
    pattern = re.compile(rf"(?<![\w.\-]){re.escape(word)}(?![\w\-])", re.IGNORECASE)
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
        if pattern.search(re.split(r"//|!", line, maxsplit=1)[0]):
            return f"line {number}"
    return ""
