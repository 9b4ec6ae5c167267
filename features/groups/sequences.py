"""Symmetrical components estimated from magnitudes: what the definitions of balance do not tell."""

from __future__ import annotations

import numpy as np

from features import channels as ch
from features.declaration import ALL_PHASES, Feature
from features.numbers import HUNDRED
from features.statistics import Float, Statistics

PAIR = ("v", "v_ll")
CURRENTS = ("i", "p", "q")
BASE = "symmetrical components (Fortescue)"

# Below this positive-sequence current, per unit, a ratio to it is noise and is not given.
I_LEAST_PU = np.array(1e-6)
UNDEFINED = f"{ALL_PHASES}, or below {I_LEAST_PU:g} pu of positive sequence"

FEATURES = (
    *(
        Feature(
            f"v_dev_{phase}_pu", "derived", "pu", f"v_{phase}_pu − v_mean_pu",
            "signed deviation behind the PVUR", ("v",), ALL_PHASES,
        )
        for phase in "abc"
    ),
    Feature(
        "vuf_phase_pct", "derived", "%", "formula of vuf_line_pct on v_a_pu, v_b_pu, v_c_pu",
        "CIGRE formula for |V2|/|V1|; exact without a zero sequence", ("v",), ALL_PHASES,
    ),
    Feature(
        "vuf_joint_pct", "derived", "%",
        "200·m / (1 + √(1 − 4m²)), m = |W(a, b, c) − W(bc, ca, ab)| / 2, W(x, y, z) = "
        "(x² + αy² + α²z²) / (x² + y² + z²), α = e^(j2π/3)",
        f"{BASE}: mean of the negative sequences seen by phases and lines", PAIR, ALL_PHASES,
    ),
    Feature(
        "v0_proxy_pct", "derived", "%",
        "100·|V0|/|V1|, 9|V0|² = max(0, 3Σv_ph² − Σv_ll²), |V1|² = Σv_ll² / (9·(1 + VUF²))",
        f"{BASE}: parallelogram identity", PAIR, ALL_PHASES,
    ),
    Feature(
        "v0_phasor_pct", "derived", "%", "100·|W(a, b, c) + W(bc, ca, ab)|, W as in vuf_joint_pct",
        f"{BASE}: a zero sequence shifts the phases' W by V0/V1 and leaves the lines' alone",
        PAIR, ALL_PHASES,
    ),
    Feature(
        "v_line_phase_residual_pu", "derived", "pu",
        "2·det G / (3·T²·√(T / 3)), T = max(Σv_ph_pu², Σv_ll_pu²), G_φφ = v_φ², "
        "G_ab = (v_a² + v_b² − 3·v_ab²) / 2",
        "Gram matrix of three phasors in a plane has rank 2; zero where the six magnitudes agree",
        PAIR, ALL_PHASES,
    ),
    Feature(
        "i_negative_pct", "derived", "%", "100·|I2|/|I1| of the currents as in i_n_est_pu",
        f"{BASE}; the voltages' angles are assumed", CURRENTS, UNDEFINED,
    ),
    Feature(
        "i_zero_pct", "derived", "%", "100·|I0|/|I1| of the currents as in i_n_est_pu",
        f"{BASE}; the voltages' angles are assumed", CURRENTS, UNDEFINED,
    ),
)  # fmt: skip


def fill(s: Statistics, out: Float) -> None:
    """Write the sequence features of `s` into the rows of `out`."""
    voltage, positive = s.voltage, s.i_sequence[1]
    out[0:3] = s.phase_deviation[ch.P_V]
    out[3] = voltage.vuf_phase
    out[4] = voltage.vuf_joint
    out[5] = voltage.v0_proxy
    out[6] = voltage.v0_phasor
    out[3:7] *= HUNDRED
    out[7] = voltage.residual
    known = positive.copy()
    known[known < I_LEAST_PU] = np.nan
    np.divide(s.i_sequence[2], known, out=out[8])
    np.divide(s.i_sequence[0], known, out=out[9])
    out[8:10] *= HUNDRED
