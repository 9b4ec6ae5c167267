"""Pictures of a federation for its MLflow run: where substations differ, and who gains."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from federation.result import FederationResult
from models.plots import figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHOWN = 12
"""Inputs in the picture of drift, those that differ most."""
NAMES = {
    "local_only": "own model",
    "federated": "global model",
    "fine_tuned": "own version of it",
    "central": "all rows at one place",
}
MARKS = {"local_only": "s", "federated": "o", "fine_tuned": "^", "central": "|"}


def figures(result: FederationResult) -> Iterator[tuple[str, Figure]]:
    """Name and picture of each."""
    yield "sites", _gains(result)
    if result.drift:
        yield "drift", _drift(result)


def _gains(result: FederationResult) -> Figure:
    """Each substation's figures side by side: its own model, the global one, its own version of that."""
    made, axes = figure()
    row, sites = result.comparison.row, result.comparison.sites
    for name, label in NAMES.items():
        known = [
            (getattr(site, name), at) for at, site in enumerate(sites) if getattr(site, name) is not None
        ]
        if known:
            values, places = zip(*known, strict=True)
            axes.plot(values, places, MARKS[name], ms=9, label=label, alpha=0.85)
    axes.set_yticks(range(len(sites)), [site.substation for site in sites])
    axes.set_ylim(-0.6, len(sites) - 0.4)
    better = "→" if row.direction == "higher" else "←"
    axes.set(xlabel=f"{row.metric} (better {better})", title="Each substation on its own test episodes")
    axes.grid(axis="x", alpha=0.3)
    axes.legend(fontsize=8)
    return made


def _drift(result: FederationResult) -> Figure:
    """Distance of each substation from all rows, by input."""
    made, axes = figure()
    shown = result.drift[:SHOWN]
    sites = list(shown[0].distance)
    values = np.array([[one.distance[site] for site in sites] for one in shown])
    picture = axes.imshow(values, cmap="viridis", vmin=0.0, aspect="auto")
    for place, value in np.ndenumerate(values):
        dark = value < 0.6 * values.max()
        axes.text(
            place[1], place[0], f"{value:.2f}", ha="center", va="center", color="white" if dark else "black"
        )
    axes.set_xticks(range(len(sites)), sites)
    axes.set_yticks(range(len(shown)), [one.input for one in shown], fontsize=8)
    axes.set_title("Distance from all rows, standard deviations")
    made.colorbar(picture, ax=axes)
    return made
