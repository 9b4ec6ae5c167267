"""The hottest spot of the next hour by IEC 60076-7 for a load that stays what it is.

With the load held, the standard's exponential equations have a closed form. Characteristics are the ones that
the standard recommends, as public implementations of it have them; those of ONAN power transformers and of
OFAF are from common knowledge.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]

STAGES = ("ONAN", "ONAF", "OFAF")

# Δθor, Δθhr in K, x, y, k11, τo in min, one row a stage.
_CHARACTERISTICS = np.array(
    [
        [52.0, 26.0, 0.8, 1.3, 0.5, 210.0],
        [52.0, 26.0, 0.8, 1.3, 0.5, 150.0],
        [56.0, 22.0, 1.0, 1.3, 1.0, 90.0],
    ]
)


def hot_spot_c(
    minutes: Float,
    *,
    oil_c: Float,
    ambient_c: Float,
    load_pu: Float,
    loss_ratio: Float,
    stage: NDArray[np.int64],
) -> Float:
    """Hot spot after the given minutes of constant load, °C, [n, len(minutes)].

    θo(t) = θa + Δθo + (θo(0) − θa − Δθo)·exp(−t/(k11·τo)), Δθo = Δθor·((1 + K²R)/(1 + R))^x;
    θh(t) = θo(t) + Δθhr·K^y (IEC 60076-7, the winding's transient being over).

    Args:
        minutes: From now.
        oil_c: Top oil now, °C, [n].
        ambient_c: Air, °C, [n].
        load_pu: K, load over the stage's own rated power, [n].
        loss_ratio: R, load loss at that power over no-load loss, [n].
        stage: Place in `STAGES`, [n].
    """
    rise, gradient, x, y, k11, tau = _CHARACTERISTICS[stage].T
    final = ambient_c + rise * ((1.0 + load_pu**2 * loss_ratio) / (1.0 + loss_ratio)) ** x
    left = np.exp(-minutes[None, :] / (k11 * tau)[:, None])
    found: Float = final[:, None] + (oil_c - final)[:, None] * left + (gradient * load_pu**y)[:, None]
    return found
