"""The one implementation of all features, used by training and by serving."""

from __future__ import annotations

import numpy as np

from features.catalogue import CATALOGUE, FILLERS, HARMONIC
from features.groups.harmonics import harmonic_features
from features.statistics import Float, statistics
from features.windows import Windows
from features.workspace import Workspace

# Windows that are computed together: their samples and statistics stay in a core's second-level cache.
CHUNK = 512

# Rows of a block whose lengths are a power of two share few lines of a cache when they are read crosswise:
# a little more makes that six times as fast.
PAD = 8


# NaN stands for what is not known, and a ratio to nothing is not defined: both are declared results.
@np.errstate(divide="ignore", invalid="ignore", over="ignore")
def compute(windows: Windows) -> Float:
    """All features of n windows, float64 [n, features], columns in the order of `features.NAMES`.

    A row depends on its own window only: a batch gives the rows that its windows give one at a time. What
    missing samples do is declared with each feature; a feature without its inputs, or that is not defined, is
    NaN, never infinite. Input values are not judged here (the contracts do that); infinite samples count as
    missing.
    """
    n = len(windows)
    out = np.empty((n, len(CATALOGUE)))
    block = np.empty((HARMONIC.start, min(n, CHUNK) + PAD))
    space = Workspace(min(n, CHUNK))
    for start in range(0, n, CHUNK):
        stop = min(start + CHUNK, n)
        space.clear()
        shared = statistics(windows, start, stop, space)
        part = block[:, : stop - start]
        for fill, columns in FILLERS:
            fill(shared, part[columns])
        infinite = np.isinf(part)
        if np.count_nonzero(infinite):
            part[infinite] = np.nan
        out[start:stop, : HARMONIC.start] = part.T
        out[start:stop, HARMONIC] = np.nan
    for group in windows.waveforms:
        rows = group.rows
        out[rows, HARMONIC] = harmonic_features(
            group, windows.f_nom_hz[rows], windows.v_nom_v[rows], windows.i_rated_a[rows]
        )
    return out
