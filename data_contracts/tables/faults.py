"""`faults`: one short circuit a row, with what it did everywhere and how it was cleared."""

from __future__ import annotations

from data_contracts.columns import SCENARIO_ID, per_phase, time
from data_contracts.contract import Column, Table
from data_contracts.ranges import I_MAX_A
from data_contracts.rules.faults import BREAKER_RATING, DIPS, FAULT_CURRENT, FAULT_LEVEL, FAULT_PHASES
from data_contracts.rules.identity import KNOWN_BUS, SCENARIO_ID_FORM
from data_contracts.rules.order import unique_key

FAULTS = Table(
    name="faults",
    description="One short circuit: type, place, impedance, currents, dips at every point, clearing.",
    key=("scenario_id",),
    columns=(
        SCENARIO_ID,
        Column("bus", "string", "", "Faulted bus, or the bus whose feeder is faulted"),
        Column(
            "fault_type",
            "string",
            "",
            "Phases to ground or to each other",
            allowed=("LG", "LL", "LLG", "LLL"),
        ),
        Column(
            "phases", "string", "", "Faulted phases", allowed=("a", "b", "c", "ab", "bc", "ca", "ac", "abc")
        ),
        Column("r_fault_ohm", "float64", "Ω", "Fault resistance", minimum=0, maximum=1000),
        Column(
            "distance_pct", "float64", "%", "Place along the feeder; 0 is at the bus", minimum=0, maximum=100
        ),
        Column("prefault_v_pu", "float64", "pu", "Voltage at the place before", minimum=0.5, maximum=1.5),
        *per_phase(
            "i_fault_{}", "A", "Current into the fault, phase {}", minimum=0, maximum=I_MAX_A, nullable=False
        ),
        time("t_start", "Beginning of the short circuit"),
        Column("duration_ms", "float64", "ms", "Until it was cleared", minimum=1, maximum=60_000),
        Column("cleared_by", "string", "", "What cleared it", allowed=("main", "backup", "breaker_failure")),
        Column(
            "fault_level_ka",
            "float64",
            "kA",
            "Bolted three-phase short-circuit current of the bus",
            minimum=0.1,
            maximum=100,
        ),
        Column(
            "breaker_rating_ka",
            "float64",
            "kA",
            "Breaking current of the bus's breakers",
            minimum=1,
            maximum=100,
        ),
        Column("dips", "string", "", "JSON object: point → residual voltages of phases a, b, c in pu"),
    ),
    rules=(
        SCENARIO_ID_FORM,
        KNOWN_BUS,
        unique_key("scenario_id"),
        FAULT_LEVEL,
        BREAKER_RATING,
        FAULT_PHASES,
        FAULT_CURRENT,
        DIPS,
    ),
)
