"""`sag_events`: one voltage event at one measurement point a row, with the intensity it was drawn from."""

from __future__ import annotations

from data_contracts.columns import POINT, time
from data_contracts.contract import Column, Table
from data_contracts.ranges import V_MAX_PU
from data_contracts.rules.identity import KNOWN_POINT
from data_contracts.rules.order import time_increasing, unique_key
from data_contracts.rules.sag_events import (
    CAUSE_AGREES,
    CLEARED_BY,
    DEPTH_AGREES,
    EVENT_NAMED,
    KIND_AGREES,
    SCENARIO_OR_NULL,
    TOTAL_INTENSITY,
)

KINDS = ("sag", "interruption", "swell", "rapid_voltage_change")
CAUSES = ("fault", "motor_starting", "capacitor_switching", "load_rejection")

SAG_EVENTS = Table(
    name="sag_events",
    description="One voltage event as one measurement point saw it, and the true intensities just before it.",
    key=("point", "t"),
    columns=(
        Column("event_id", "string", "", "Event; points that saw the same one share it"),
        Column(
            "scenario_id",
            "string",
            "",
            "Scenario that plays the event; null where none does",
            nullable=True,
        ),
        POINT,
        time("t", "Beginning of the event"),
        Column("kind", "string", "", "What the voltage did", allowed=KINDS),
        Column(
            "depth_pct",
            "float64",
            "%",
            "By how much of nominal the worst phase departs",
            minimum=0,
            maximum=100 * V_MAX_PU,
        ),
        Column("residual_pu", "float64", "pu", "Voltage of the worst phase", minimum=0, maximum=V_MAX_PU),
        Column("duration_ms", "float64", "ms", "Until it was over", minimum=1, maximum=86_400_000),
        Column("cause", "string", "", "What caused it", allowed=CAUSES),
        Column(
            "phases",
            "string",
            "",
            "Phases that it acts on",
            allowed=("a", "b", "c", "ab", "bc", "ca", "ac", "abc"),
        ),
        Column(
            "cleared_by",
            "string",
            "",
            "What cleared the fault; empty where its arc died by itself, and for other causes",
            allowed=("main", "backup", "breaker_failure", ""),
        ),
        Column(
            "intensity_per_h",
            "float64",
            "1/h",
            "True intensity of events of this cause just before",
            minimum=0,
            maximum=1e6,
        ),
        Column(
            "total_intensity_per_h",
            "float64",
            "1/h",
            "True intensity of events of all causes just before",
            minimum=0,
            maximum=1e6,
        ),
    ),
    rules=(
        EVENT_NAMED,
        SCENARIO_OR_NULL,
        KNOWN_POINT,
        unique_key("point", "t"),
        time_increasing("point"),
        KIND_AGREES,
        CAUSE_AGREES,
        DEPTH_AGREES,
        CLEARED_BY,
        TOTAL_INTENSITY,
    ),
)
