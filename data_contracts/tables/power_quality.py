"""`power_quality`: one measurement point and ten minutes a row, with its true indices."""

from __future__ import annotations

from data_contracts.columns import POINT, SCENARIO_ID, per_phase, time
from data_contracts.contract import Column, Table
from data_contracts.quality_index import GRADES, INDICATORS
from data_contracts.ranges import PST_MAX, THD_MAX_PCT, V_MAX_PU
from data_contracts.rules.identity import KNOWN_POINT, SCENARIO_ID_FORM
from data_contracts.rules.order import on_grid, time_increasing, unique_key
from data_contracts.rules.power_quality import (
    EVENTS_AGREE,
    EXTREMES,
    GRADE_AGREES,
    HARMONIC_PART,
    INDEX_AGREES,
    INTERVAL_MS,
    RATIOS_AGREE,
    WORST_AGREES,
)
from data_contracts.tables.readings_truth import VUF_MAX_PCT

RATIO_MAX = 1000.0
COUNT_MAX = 10_000


def _number(
    name: str, unit: str, description: str, highest: float, *, lowest: float = 0.0, nullable: bool = False
) -> Column:
    return Column(name, "float64", unit, description, nullable=nullable, minimum=lowest, maximum=highest)


def _count(name: str, description: str) -> Column:
    return Column(name, "int32", "", description, minimum=0, maximum=COUNT_MAX)


POWER_QUALITY = Table(
    name="power_quality",
    description=(
        "One measurement point in ten minutes of IEC 61000-4-30, as it truly was; columns that begin with "
        "metered_ are what its instruments would have made of the whole interval."
    ),
    key=("point", "t"),
    columns=(
        SCENARIO_ID,
        POINT,
        time("t", "Beginning of the ten minutes"),
        *per_phase(
            "u_{}_pu",
            "pu",
            "RMS of phase {} over the interval, of nominal",
            minimum=0,
            maximum=V_MAX_PU,
            nullable=False,
        ),
        _number("u_min_pu", "pu", "Smallest half-cycle value of a phase", V_MAX_PU),
        _number("u_max_pu", "pu", "Largest half-cycle value of a phase", V_MAX_PU),
        _number("vuf_pct", "%", "Voltage unbalance factor over the interval", VUF_MAX_PCT),
        _number("thd_pct", "%", "Distortion of the worst phase over the interval", THD_MAX_PCT),
        _number("harmonic_pct", "%", "Largest single harmonic of a phase", THD_MAX_PCT),
        Column("harmonic_order", "int32", "", "Its order", minimum=2, maximum=40),
        _number(
            "pst",
            "",
            "Short-term flicker severity of the worst phase; of a flagged interval without its sag or swell",
            PST_MAX,
        ),
        _count("sags", "Sags (below 0.9 pu)"),
        _count("swells", "Swells (above 1.1 pu)"),
        _count("rapid_changes", "Rapid voltage changes (by more than 3 %)"),
        _number("event_severity", "", "Sum of the severities of sags and swells, 1 on the curve", RATIO_MAX),
        _number("event_s", "s", "Time in sags and swells", INTERVAL_MS / 1000.0),
        Column("flagged", "bool", "", "A sag or a swell lies in the interval (IEC 61000-4-30)"),
        _number("f_dev_mean_hz", "Hz", "Mean absolute departure of the frequency from nominal", 25.0),
        _number("f_dev_max_hz", "Hz", "Largest departure of a ten-second mean", 25.0),
        _number("v_min_limit_pu", "pu", "Lowest voltage permitted at this level", 1.0),
        _number("v_max_limit_pu", "pu", "Highest voltage permitted", V_MAX_PU, lowest=1.0),
        _number("vuf_limit_pct", "%", "Limit of the unbalance", 100.0),
        _number("thd_limit_pct", "%", "Limit of the distortion", 100.0),
        _number("harmonic_limit_pct", "%", "Limit of a single harmonic", 100.0),
        _number("pst_limit", "", "Planning level of the flicker severity", 10.0),
        _number("f_dev_limit_hz", "Hz", "Limit of the frequency's departure", 5.0),
        *(
            _number(f"{name}_ratio", "", f"Indicator {name} as a multiple of its limit", RATIO_MAX)
            for name in INDICATORS
        ),
        _number("unified", "", "Unified index: 1 on the limits", RATIO_MAX),
        _number("index", "", "Index of power quality; 100 is without fault, 70 on the limits", 100.0),
        Column("grade", "string", "", "By the index: above 90, 70 to 90, 50 to 70, below 50", allowed=GRADES),
        Column("worst", "string", "", "Largest indicator", allowed=INDICATORS),
        *per_phase(
            "metered_u_{}_pu",
            "pu",
            "RMS of phase {} over the interval as its instruments have it",
            minimum=0,
            maximum=V_MAX_PU,
            nullable=False,
        ),
        _number("metered_vuf_pct", "%", "Unbalance over the interval as metered", VUF_MAX_PCT),
        _number(
            "metered_thd_pct",
            "%",
            "Distortion of the worst phase as metered; null where it is not measured or the reading is lost",
            THD_MAX_PCT,
            nullable=True,
        ),
        _number(
            "metered_pst",
            "",
            "Flicker severity as the meter states it at the end, sags and swells included; null likewise",
            PST_MAX,
            nullable=True,
        ),
        _number("metered_index", "", "The formula on what is metered; what is null counts nothing", 100.0),
    ),
    rules=(
        SCENARIO_ID_FORM,
        KNOWN_POINT,
        unique_key("point", "t"),
        time_increasing("point"),
        on_grid(INTERVAL_MS, "ten minutes"),
        EXTREMES,
        HARMONIC_PART,
        EVENTS_AGREE,
        RATIOS_AGREE,
        INDEX_AGREES,
        GRADE_AGREES,
        WORST_AGREES,
    ),
)
