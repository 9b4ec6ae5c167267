"""Plots of a frequency forecast for its MLflow run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from models import plots
from models.evaluation import MODEL, Answers
from models.frequency_regimes import ONSET, ONSET_S

if TYPE_CHECKING:
    from matplotlib.figure import Figure

RIVALS = ("persistence", "ridge")
SCATTERED = 4000


def loss(losses: Sequence[float]) -> Figure:
    """Loss by epoch."""
    made, axes = plots.figure()
    axes.plot(np.arange(1, len(losses) + 1), losses, marker=".")
    axes.set(xlabel="epoch", ylabel="loss on episodes held back", title="Training")
    return made


def after_onset(answers: Answers) -> Figure:
    """Mean absolute error of the forecast and its opponents by the whole seconds since an event's onset."""
    made, axes = plots.figure()
    counted = np.asarray(answers.rows.truth[ONSET], dtype=bool)
    second = np.asarray(answers.rows.truth["since_s"], dtype=np.float64)[counted].astype(np.int64)
    there = np.maximum(np.bincount(second, minlength=int(ONSET_S) + 1), 1)
    for name in (MODEL, *RIVALS):
        error = np.asarray(answers.by[name]["absolute_mhz"], dtype=np.float64)[counted]
        axes.semilogy(np.bincount(second, error, int(ONSET_S) + 1)[1:] / there[1:], label=name)
    axes.set(xlabel="seconds since the onset", ylabel="mean |error|, mHz", title="Five seconds ahead")
    axes.legend()
    return made


def scatter(answers: Answers) -> Figure:
    """True and predicted change in the seconds after an onset."""
    made, axes = plots.figure()
    counted = np.flatnonzero(np.asarray(answers.rows.truth[ONSET], dtype=bool))[:SCATTERED]
    true = 1000.0 * np.asarray(answers.rows.truth["change_hz"], dtype=np.float64)[counted]
    error = 1000.0 * np.asarray(answers.by[MODEL]["error_hz"], dtype=np.float64)[counted]
    axes.plot(true, true + error, ".", markersize=2)
    axes.axline((0.0, 0.0), slope=1.0, color="grey", linestyle=":")
    axes.set(xlabel="true change, mHz", ylabel="predicted, mHz", title="After an onset, five seconds ahead")
    return made
