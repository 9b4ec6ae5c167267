"""Columns of `readings`: the one source of units and ranges of measured channels, also for the wire."""

from __future__ import annotations

from data_contracts.columns import PHASE_PAIRS, POINT, SCENARIO_ID, per_phase, time
from data_contracts.contract import Column
from data_contracts.ranges import (
    F_MAX_HZ,
    F_MIN_HZ,
    I_MAX_A,
    INVALID,
    P_MAX_W,
    PST_MAX,
    QUALITIES,
    THD_MAX_PCT,
    V_MAX_V,
)

QUALITY_CODES = ", ".join(f"{code} {name}" for code, name in enumerate(QUALITIES))

KEY = ("scenario_id", "point", "t")

QUALITY = Column(
    "quality",
    "int8",
    "",
    f"IEC 61850 validity: {QUALITY_CODES}",
    minimum=0,
    maximum=INVALID,
    allowed=tuple(range(len(QUALITIES))),
)

COLUMNS: tuple[Column, ...] = (
    SCENARIO_ID,
    POINT,
    time("t", "Second that the reading describes"),
    *per_phase("v_{}_v", "V", "Phase {} to neutral, RMS, mean of the second", minimum=0, maximum=V_MAX_V),
    *per_phase("i_{}_a", "A", "Current of phase {}, RMS, mean of the second", minimum=0, maximum=I_MAX_A),
    *per_phase("p_{}_w", "W", "Active power of phase {}", minimum=-P_MAX_W, maximum=P_MAX_W),
    *per_phase("q_{}_var", "var", "Reactive power of phase {}", minimum=-P_MAX_W, maximum=P_MAX_W),
    Column("f_hz", "float64", "Hz", "Frequency", nullable=True, minimum=F_MIN_HZ, maximum=F_MAX_HZ),
    *per_phase(
        "v_{}_v",
        "V",
        "Line voltage {}, RMS, mean of the second",
        minimum=0,
        maximum=V_MAX_V,
        names=PHASE_PAIRS,
    ),
    *per_phase(
        "v_min_{}_v", "V", "Smallest half-cycle RMS of phase {} in the second", minimum=0, maximum=V_MAX_V
    ),
    *per_phase(
        "v_max_{}_v", "V", "Largest half-cycle RMS of phase {} in the second", minimum=0, maximum=V_MAX_V
    ),
    *per_phase(
        "thd_{}_pct",
        "%",
        "Total harmonic distortion of the voltage of phase {}",
        minimum=0,
        maximum=THD_MAX_PCT,
    ),
    Column("pst", "float64", "", "Short-term flicker severity", nullable=True, minimum=0, maximum=PST_MAX),
    QUALITY,
)
