"""Constants as zero-dimensional arrays: numpy takes these in half the time that it needs for a Python float.

That is what one online window consists of: some two hundred small operations.
"""

from __future__ import annotations

import numpy as np

ZERO = np.array(0.0)
THOUSANDTH = np.array(1e-3)
QUARTER = np.array(0.25)
HALF = np.array(0.5)
ONE = np.array(1.0)
THREE_HALVES = np.array(1.5)
TWO = np.array(2.0)
THREE = np.array(3.0)
FOUR = np.array(4.0)
TEN = np.array(10.0)
HUNDRED = np.array(100.0)
ROOT3_HALF = np.array(np.sqrt(3.0) / 2.0)
