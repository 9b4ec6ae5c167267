"""The error of this room."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path

from switchyard.errors import SwitchyardError


class SubstationError(SwitchyardError):
    """A substation's description or circuit breaks a rule.

    Attributes:
        file: The file at fault.
        key: Path of the entry inside the file, such as `feeders[F331].loads.a`; may be empty.
        problem: The offending value and the rule that it breaks.
        remedy: What to change.
    """

    def __init__(self, file: Path, key: str, problem: str, remedy: str = "") -> None:
        place = f"{file}: {key}" if key else str(file)
        super().__init__(f"{place}: {problem}", remedy)
        self.file = file
        self.key = key
        self.problem = problem


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A remedy for a name that is not among the `known` ones: the nearest, or all of a short list."""
    options = sorted(set(known))
    near = get_close_matches(name, options, n=3, cutoff=0.6)
    if near:
        return f"did you mean {' or '.join(near)}?"
    if not options:
        return "there is none of that kind: add it or remove the reference"
    shown = ", ".join(options[:12]) + (", …" if len(options) > 12 else "")
    return f"use one of: {shown}"
