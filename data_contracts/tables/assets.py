"""`assets`: one piece of equipment and one day a row: condition, stress, maintenance, failure, censoring."""

from __future__ import annotations

from data_contracts.columns import SUBSTATION, time
from data_contracts.contract import Column, Table
from data_contracts.ranges import AMBIENT_C, OIL_C
from data_contracts.rules.assets import (
    COUNTDOWN,
    LABEL_AGREES,
    LOCAL_DAY,
    RISK_AGREES,
    SAMPLE_WHOLE,
    SERVICE_AGREES,
    SPELLS,
    TOTALS,
)
from data_contracts.rules.identity import KNOWN_ASSET, THIS_SUBSTATION
from data_contracts.rules.order import time_increasing, unique_key

KINDS = (
    *("breaker", "isolator", "ct", "cvt", "vt", "arrester", "transformer", "earthing_transformer"),
    *("reactor", "capacitor", "line", "cable", "busbar"),
)


def _number(
    name: str, unit: str, description: str, maximum: float | None = None, *, nullable: bool = False
) -> Column:
    return Column(name, "float64", unit, description, nullable=nullable, minimum=0, maximum=maximum)


def _count(name: str, description: str, *, nullable: bool = False) -> Column:
    return Column(name, "int32", "", description, nullable=nullable, minimum=0)


def _gas(name: str, gas: str) -> Column:
    return _number(name, "ppm", f"{gas} in the last oil sample; null where none is taken", 1e6, nullable=True)


ASSETS = Table(
    name="assets",
    description="One piece of equipment on one local day, as known at the day's end, and its true risk.",
    key=("asset", "t"),
    columns=(
        SUBSTATION,
        Column("asset", "string", "", "Name in the substation's description"),
        time("t", "Beginning of the local day"),
        Column("kind", "string", "", "What it is", allowed=KINDS),
        Column("bay", "string", "", "Bay that it belongs to"),
        Column("in_service", "bool", "", "Whether it is in service at the day's end"),
        Column("forced_outage", "bool", "", "Whether it is out after a failure"),
        _count("spell", "Number of the spell in service, from 0; an outage ends a spell"),
        _number("age_years", "a", "Age of the piece that stands there; a new one begins at 0", 150),
        _number("maintenance_age_d", "d", "Days since maintenance, repair or replacement", 60_000),
        Column("maintained", "bool", "", "Whether planned maintenance was done on the day"),
        Column(
            "ambient_c",
            "float64",
            "°C",
            "Mean air temperature of the day",
            minimum=AMBIENT_C[0],
            maximum=AMBIENT_C[1],
        ),
        _number("load_pu", "pu", "Mean load over rated load; null for what carries none", 10, nullable=True),
        _number("peak_load_pu", "pu", "Largest hour of it", 10, nullable=True),
        Column(
            "hot_spot_c",
            "float64",
            "°C",
            "Largest steady-state hot-spot of the day, or temperature of the hottest conductor",
            minimum=OIL_C[0],
            maximum=OIL_C[1],
        ),
        _number("ageing_rate", "", "Mean relative ageing rate of the day (IEC 60076-7)", 1e6),
        _number("insulation_age_d", "d", "Life used up, in days at ageing rate 1", 1e9),
        Column(
            "harmonic_factor",
            "float64",
            "",
            "Harmonic loss factor F_HL (IEEE C57.110)",
            minimum=1,
            maximum=50,
        ),
        _count("through_faults", "Faults whose current passed through on the day"),
        _count("through_faults_total", "The same since the piece was put up or observation began"),
        _number("i2t_ka2s", "kA²s", "I²t of the day's through-faults", 1e6),
        _number("i2t_total_ka2s", "kA²s", "I²t since the piece was put up or observation began", 1e7),
        _number("moisture_pct", "%", "Water in paper; null where there is no paper", 10, nullable=True),
        _count("oltc_operations", "Tap changes so far; null where there is no tap changer", nullable=True),
        _count("breaker_operations", "Operations so far; null for what is no breaker", nullable=True),
        _gas("h2_ppm", "Hydrogen"),
        _gas("ch4_ppm", "Methane"),
        _gas("c2h2_ppm", "Acetylene"),
        _gas("c2h4_ppm", "Ethylene"),
        _gas("co_ppm", "Carbon monoxide"),
        _number("dga_age_d", "d", "Days since the sample was taken", 10_000, nullable=True),
        _count("anomalies_24h", "Anomalies that its monitoring counted on the day"),
        _count("anomalies_7d", "Anomalies of the last seven days of the spell"),
        _count("anomalies_30d", "Anomalies of its last thirty days"),
        _number("defect_severity", "", "True severity of its defect: 0 none, 1 full-grown", 1),
        _number("hazard_per_d", "1/d", "True hazard of failure over the next day", 1e3),
        _number("risk_30d", "", "True probability of failure within 30 days if a defect goes on growing", 1),
        _number(
            "time_to_event_d",
            "d",
            "From the day's end to the failure or to the end of observation; null in an outage",
            60_000,
            nullable=True,
        ),
        Column("failed", "bool", "", "Whether that event is a failure; false is censored", nullable=True),
        Column(
            "failed_within_30d",
            "bool",
            "",
            "Whether it fails within 30 days; null in an outage and where observation ends before",
            nullable=True,
        ),
    ),
    rules=(
        THIS_SUBSTATION,
        KNOWN_ASSET,
        unique_key("asset", "t"),
        time_increasing("asset"),
        LOCAL_DAY,
        SERVICE_AGREES,
        LABEL_AGREES,
        COUNTDOWN,
        SPELLS,
        TOTALS,
        RISK_AGREES,
        SAMPLE_WHOLE,
    ),
)
