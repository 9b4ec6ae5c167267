"""What a conversion returns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Converted:
    """A network written for the other engine.

    Attributes:
        file: The file written.
        notes: What the reader of a study's results must know: what was left out because a power flow does
            not see it, and what the other engine calculates differently.
        buses: Names of buses in the file given, by the bus of the file written that stands for them: several
            where closed switches join them. Those that are not here are named the same.
        elements: Names of elements as `class.name` in the file given, by those in the file written, where
            they differ.
        internal: Buses of the file written that stand for none of the file given, each with the one that it
            is beside there.
    """

    file: Path
    notes: tuple[str, ...] = ()
    buses: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    elements: Mapping[str, str] = field(default_factory=dict)
    internal: Mapping[str, str] = field(default_factory=dict)
