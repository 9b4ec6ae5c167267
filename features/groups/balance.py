"""Balance between the phases, by the definitions in use."""

from __future__ import annotations

from features import channels as ch
from features import worst as wo
from features.declaration import ALL_PHASES, Feature
from features.numbers import HUNDRED
from features.statistics import Float, Statistics

FEATURES = (
    Feature(
        "pvur_pct", "balance", "%", "100 · largest |v_φ_pu − v_mean_pu| / v_mean_pu",
        "IEEE 141 phase voltage unbalance rate (Pillay & Manyage 2001)", ("v",), ALL_PHASES,
    ),
    Feature(
        "lvur_pct", "balance", "%", "100 · largest |v_ll_pu − mean of v_ll_pu| / mean of v_ll_pu",
        "NEMA MG 1 line voltage unbalance rate (Pillay & Manyage 2001)", ("v_ll",), ALL_PHASES,
    ),
    Feature(
        "vuf_line_pct", "balance", "%",
        "100 · √((1 − √(3 − 6β))/(1 + √(3 − 6β))), β = Σv_ll_pu⁴ / (Σv_ll_pu²)²",
        "CIGRE formula for |V2|/|V1|, as in IEC 61000-4-30; exact for line voltages", ("v_ll",), ALL_PHASES,
    ),
    Feature(
        "i_unbalance_pct", "balance", "%", "100 · largest |i_φ_pu − i_mean_pu| / i_mean_pu",
        "NEMA MG 1, applied to currents", ("i",), ALL_PHASES,
    ),
)  # fmt: skip


def fill(s: Statistics, out: Float) -> None:
    """Write the balance features of `s` into the rows of `out`."""
    rates = s.worst[wo.UNBALANCE] / s.phase_mean
    out[0] = rates[ch.P_V]
    out[1] = rates[ch.P_LL]
    out[2] = s.voltage.vuf_line
    out[3] = rates[ch.P_I]
    out *= HUNDRED
