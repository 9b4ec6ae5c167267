"""Sampling: how much of the window the other features really saw."""

from __future__ import annotations

from features import channels as ch
from features.declaration import Feature
from features.statistics import Float, Statistics

SAMPLES = (ch.CHANNELS - ch.POWER.start) * ch.WINDOW
CHANNELS = ("v", "i", "p", "q", "f", "quality")
VALIDITY = "IEC 61850-7-3 (validity)"

FEATURES = (
    Feature(
        "missing_share", "sampling", "1",
        f"share of the {SAMPLES} samples of v, i, p, q and f that are missing",
        VALIDITY, CHANNELS, "counts them", 0,
    ),
    Feature(
        "questionable_share", "sampling", "1",
        f"share of the {ch.WINDOW} readings whose quality is questionable",
        VALIDITY, ("quality",), "an absent reading is not questionable", 0,
    ),
)  # fmt: skip


def fill(s: Statistics, out: Float) -> None:
    """Write the sampling features of `s` into the rows of `out`."""
    out[0] = s.missing_share
    out[1] = s.questionable_share
