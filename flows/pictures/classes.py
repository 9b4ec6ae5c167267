"""Shares of the classes that models answer with, for each scenario kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from flows.pictures.style import INK, chart

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SHADES = ("#CFE3F2", "#7DB8DE", "#2F77B4", "#0A3A66")
LEAST_WRITTEN_PCT = 6.0
LEAST_ROWS = 4


@dataclass(frozen=True, slots=True)
class Classes:
    """Values and how they fall into classes.

    Attributes:
        title: What the values are.
        sign: Their short name.
        names: Names of the classes, rising.
        limits_pct: Limits between them, one fewer.
        class_of: Code of each value's class.
        values: Values of each scenario kind, %.
    """

    title: str
    sign: str
    names: Sequence[str]
    limits_pct: Sequence[float]
    class_of: Callable[[NDArray[np.float64]], NDArray[np.int64]]
    values: Mapping[str, NDArray[np.float64]]

    def ranges(self) -> list[str]:
        """Each class with its range."""
        low, high = self.limits_pct[0], self.limits_pct[-1]
        between = [f"{a:g} to {b:g} %" for a, b in pairwise(self.limits_pct)]
        spans = [f"below {low:g} %", *between, f"above {high:g} %"]
        return [f"{name}: {span}" for name, span in zip(self.names, spans, strict=True)]


def draw(panels: Sequence[Classes]) -> str:
    """One panel beside the other, as SVG."""
    with chart("classes", 3.6) as made:
        axes: Any = made.figure.subplots(1, len(panels), squeeze=False)[0]
        for each, panel in zip(axes, panels, strict=True):
            _panel(each, panel)
        return made.svg("Classes of " + " and ".join(panel.sign for panel in panels))


def _panel(axes: Axes, panel: Classes) -> None:
    kinds = [name for name, of in panel.values.items() if of.size]
    counts = np.array(
        [np.bincount(panel.class_of(panel.values[name]), minlength=len(panel.names)) for name in kinds]
    )
    total, left = counts.sum(axis=1), np.zeros(len(kinds))
    shades = SHADES[-len(panel.names) :]
    for at, name in enumerate(panel.ranges()):
        share = 100.0 * counts[:, at] / total
        axes.barh(range(len(kinds)), share, left=left, color=shades[at], height=0.7, label=name)
        colour = "white" if at >= len(panel.names) - 2 else INK
        for row in np.flatnonzero(share >= LEAST_WRITTEN_PCT):
            middle = left[row] + share[row] / 2
            axes.text(
                middle, float(row), f"{share[row]:.0f}", ha="center", va="center", fontsize=8, color=colour
            )
        left += share
    axes.set_yticks(range(len(kinds)), [f"{name} ({of:,})" for name, of in zip(kinds, total, strict=True)])
    # A single kind gets a bar, not a wall.
    axes.set_ylim(max(len(kinds), LEAST_ROWS) - 0.4, -0.6)
    axes.set(xlabel=f"share, %, by class of {panel.sign}", xlim=(0, 100), title=panel.title)
    axes.grid(visible=False)
    axes.legend(loc="upper center", bbox_to_anchor=(0.45, -0.2), ncols=2, fontsize=8)
