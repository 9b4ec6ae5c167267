"""Plots of estimated distortion."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from models import plots

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Float = NDArray[np.float64]
SIZE = 2.0


def figures(
    *, truth: Float, estimate: Float, plain: Float, captured: NDArray[np.bool_]
) -> Iterator[tuple[str, Figure]]:
    """Estimates against the truth, and what is left by true THD.

    Args:
        truth: True THD, %, [n].
        estimate: The model's, [n].
        plain: That of the plain spectrum, NaN without a capture, [n].
        captured: Rows with a capture, [n].
    """
    forms = (("waveform", captured), ("meter only", ~captured))
    made, axes = plots.figure()
    axes.loglog(truth[captured], plain[captured], ".", markersize=SIZE, label="plain FFT")
    for name, form in forms:
        axes.loglog(truth[form], estimate[form], ".", markersize=SIZE, label=f"model, {name}")
    axes.plot([truth.min(), truth.max()], [truth.min(), truth.max()], color="grey", linestyle=":")
    axes.set(xlabel="true THD, %", ylabel="estimate, %", title="Estimates")
    axes.legend()
    yield "thd_scatter", made
    made, axes = plots.figure()
    for name, form in forms:
        axes.semilogx(truth[form], (estimate - truth)[form], ".", markersize=SIZE, label=name)
    axes.axhline(0.0, color="grey", linestyle=":")
    axes.set(xlabel="true THD, %", ylabel="estimate − truth, points", title="Residuals")
    axes.legend()
    yield "thd_residuals", made
