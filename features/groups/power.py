"""Power: active, reactive, apparent, and the factors between them. Positive out of the busbar."""

from __future__ import annotations

from features import channels as ch
from features.declaration import ALL_PHASES, DEFINITION, MEAN_OF_VALID, Feature
from features.statistics import S_LEAST_PU, Float, Statistics

UNDEFINED = f"{ALL_PHASES}, or below {S_LEAST_PU:g} pu of apparent power"
FACTOR = "IEEE 1459 (fundamental power factor); carries the sign of P"

FEATURES = (
    *(
        Feature(
            f"p_{phase}_pu", "power", "pu", f"mean of P_{phase} / (rated apparent power / 3)",
            DEFINITION, ("p",), MEAN_OF_VALID,
        )
        for phase in "abc"
    ),
    *(
        Feature(
            f"q_{phase}_pu", "power", "pu", f"mean of Q_{phase} / (rated apparent power / 3)",
            DEFINITION, ("q",), MEAN_OF_VALID,
        )
        for phase in "abc"
    ),
    Feature(
        "p_total_pu", "power", "pu", "mean of (P_a + P_b + P_c) / rated apparent power",
        DEFINITION, ("p",), MEAN_OF_VALID,
    ),
    Feature(
        "q_total_pu", "power", "pu", "mean of (Q_a + Q_b + Q_c) / rated apparent power",
        DEFINITION, ("q",), MEAN_OF_VALID,
    ),
    Feature("s_total_pu", "power", "pu", "√(p_total_pu² + q_total_pu²)", DEFINITION, ("p", "q"), ALL_PHASES),
    *(
        Feature(
            f"pf_{phase}", "power", "1", f"p_{phase}_pu / √(p_{phase}_pu² + q_{phase}_pu²)",
            FACTOR, ("p", "q"), UNDEFINED,
        )
        for phase in "abc"
    ),
    Feature("pf_total", "power", "1", "p_total_pu / s_total_pu", FACTOR, ("p", "q"), UNDEFINED),
    Feature(
        "reactive_factor", "power", "1", "q_total_pu / s_total_pu", "IEEE 1459 (sine of the phase angle)",
        ("p", "q"), UNDEFINED,
    ),
)  # fmt: skip


def fill(s: Statistics, out: Float) -> None:
    """Write the power features of `s` into the rows of `out`."""
    out[0:6] = s.mean[ch.POWER]
    out[6:8] = s.mean[ch.THREE_PHASE.start : ch.THREE_PHASE.start + 2]
    out[8] = s.apparent[3]
    out[9:13] = s.factor
    out[13] = s.reactive_factor
