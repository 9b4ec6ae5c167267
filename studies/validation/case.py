"""One case: figures that somebody else has published or that follow in closed form, and ours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """One number.

    Attributes:
        quantity: What it is.
        unit: Its unit; empty for a ratio.
        published: As published or by the closed form.
        ours: As calculated here.
        tolerance: Largest difference that passes, in the unit.
        decimals: With how many both are shown.
    """

    quantity: str
    unit: str
    published: float
    ours: float
    tolerance: float
    decimals: int

    @property
    def difference(self) -> float:
        """Ours less the published one."""
        return self.ours - self.published

    @property
    def passes(self) -> bool:
        """Whether the difference is within the tolerance; a number that is none is not."""
        return abs(self.difference) <= self.tolerance


@dataclass(frozen=True, slots=True)
class Case:
    """Figures of one source.

    Attributes:
        title: For the heading.
        source: Where the figures come from.
        about: What is calculated, by what, and why the tolerance is what it is.
        figures: Its numbers.
    """

    title: str
    source: str
    about: str
    figures: Sequence[Figure]
