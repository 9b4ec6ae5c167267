"""`waveforms_truth`: the solved harmonics behind each capture; no model may read it as an input."""

from __future__ import annotations

from data_contracts.columns import POINT, SCENARIO_ID, per_phase, time
from data_contracts.contract import Column, Table
from data_contracts.ranges import F_MAX_HZ, F_MIN_HZ, I_MAX_A, THD_MAX_PCT, V_MAX_V
from data_contracts.rules.identity import KNOWN_POINT, SCENARIO_ID_FORM
from data_contracts.rules.order import time_increasing, unique_key
from data_contracts.rules.waveforms_truth import FUNDAMENTAL, MISSING_TOGETHER, THD_AGREES

KEY = ("scenario_id", "point", "t")

ORDERS = 40
"""Orders 1 to 40, as in IEC 61000-4-7 and EN 50160; a list's first element is the fundamental."""

LARGEST_PCT = 1e6
"""A channel that carries next to no fundamental can have any share of harmonics."""


def _distortion(quantity: str, word: str) -> tuple[Column, ...]:
    return per_phase(
        f"thd_{quantity}_{{}}_pct",
        "%",
        f"Total harmonic distortion of the {word} of phase {{}}, orders 2 to 40; null without fundamental",
        minimum=0,
        maximum=LARGEST_PCT,
    )


def _orders(quantity: str, word: str) -> tuple[Column, ...]:
    return (
        *per_phase(
            f"{quantity}_{{}}_h_pct",
            "%",
            f"Harmonics of the {word} of phase {{}}, % of the fundamental, which is 100; null without it",
            minimum=0,
            maximum=LARGEST_PCT,
            dtype="float64[]",
            length=ORDERS,
        ),
        *per_phase(
            f"{quantity}_{{}}_h_deg",
            "°",
            f"Angles of the harmonics of the {word} of phase {{}} at the first sample, cosine; null likewise",
            minimum=-360,
            maximum=360,
            dtype="float64[]",
            length=ORDERS,
        ),
    )


WAVEFORMS_TRUTH = Table(
    name="waveforms_truth",
    description=(
        "The true harmonics behind the row of `waveforms` with the same key, on the primary side. Lists hold "
        f"the orders 1 to {ORDERS}."
    ),
    key=KEY,
    columns=(
        SCENARIO_ID,
        POINT,
        time("t", "Second in which the capture lies"),
        Column("f_hz", "float64", "Hz", "True frequency", minimum=F_MIN_HZ, maximum=F_MAX_HZ),
        *_distortion("v", "voltage"),
        *_distortion("i", "current"),
        *per_phase(
            "v1_{}_v",
            "V",
            "Fundamental of the voltage of phase {}, RMS",
            minimum=0,
            maximum=V_MAX_V,
            nullable=False,
        ),
        *per_phase(
            "i1_{}_a",
            "A",
            "Fundamental of the current of phase {}, RMS",
            minimum=0,
            maximum=I_MAX_A,
            nullable=False,
        ),
        *_orders("v", "voltage"),
        *_orders("i", "current"),
        Column(
            "interharmonic_pct",
            "float64",
            "%",
            "RMS of what lies between the orders, % of the fundamental voltage, largest phase",
            minimum=0,
            maximum=THD_MAX_PCT,
        ),
    ),
    rules=(
        SCENARIO_ID_FORM,
        KNOWN_POINT,
        unique_key(*KEY),
        time_increasing("scenario_id", "point"),
        MISSING_TOGETHER,
        FUNDAMENTAL,
        THD_AGREES,
    ),
    beside="waveforms",
)
