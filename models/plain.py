"""What a model declares for people who know a substation, not its statistics."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

TREE3, ORACLE = "tree3", "oracle"
TREE_IN_WORDS = "a decision tree of depth 3"


@dataclass(frozen=True, slots=True)
class Said:
    """A figure in words.

    Attributes:
        what: What is counted or measured, as a noun phrase that can follow the figure.
        unit: Unit in which people read it; empty for a bare number.
        times: Factor from the metric to that unit; a share has 100 and %.
    """

    what: str
    unit: str = "%"
    times: float = 100.0

    def number(self, value: float) -> str:
        """A value of the metric in this unit, without the unit."""
        shown = value * self.times
        if shown == 0.0:
            return "0"
        size = abs(shown)
        if self.unit == "%" and self.times != 1.0:
            text = f"{shown:.1f}"
        elif size >= 1000.0:
            text = f"{shown:,.0f}"
        else:
            digits = 1 if size >= 10.0 else 2 if size >= 1.0 else 3
            text = f"{shown:.{digits}f}"
        return text

    def figure(self, value: float) -> str:
        """A value of the metric with its unit."""
        return f"{self.number(value)} {self.unit}".strip()


@dataclass(frozen=True, slots=True)
class Plain:
    """What a manager is told of a model.

    Attributes:
        purpose: What it is for, one plain sentence.
        main: Metric that tells best how good it is.
        said: The main metric and every metric of a bar, in words.
        rivals: Every opponent in words, as something that would be done instead.
    """

    purpose: str
    main: str
    said: Mapping[str, Said]
    rivals: Mapping[str, str]

    def rival(self, name: str) -> str:
        """Whom the model is set beside, in words."""
        return TREE_IN_WORDS if name == TREE3 else self.rivals[name]
