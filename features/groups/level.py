"""Level of the grid that the point sits at: instruments, limits and sources differ by it."""

from __future__ import annotations

import numpy as np

from features.declaration import DEFINITION, Feature
from features.numbers import THOUSANDTH
from features.phasors import ROOT3
from features.statistics import Float, Statistics

FEATURES = (
    Feature(
        "v_nom_log", "level", "log10 kV", "log10 of the nominal line-to-line voltage", DEFINITION,
        (), "nothing: needs the point's nominals only", 0,
    ),
)  # fmt: skip

LINE_KV = np.array(ROOT3) * THOUSANDTH


def fill(s: Statistics, out: Float) -> None:
    """Write the level of `s` into the row of `out`."""
    np.log10(s.v_nom_v * LINE_KV, out=out[0])
