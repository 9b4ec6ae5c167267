"""`scenarios`: one simulated episode a row, with the reason where it gave no data."""

from __future__ import annotations

from data_contracts.columns import SCENARIO_ID, time
from data_contracts.contract import Column, Table
from data_contracts.rules.identity import SCENARIO_ID_FORM
from data_contracts.rules.order import unique_key
from data_contracts.rules.scenarios import ASSET_DAY, CIRCUIT_DIGEST, KIND_AGREES, PARAMETERS, REASON_GIVEN

KINDS = (
    "normal",
    "fault",
    "sag",
    "swell",
    "unbalance",
    "harmonic",
    "frequency",
    "overload",
    "ageing",
    "instrument",
    "quality",
    "contingency",
    "operator",
)
STATUSES = ("ok", "not_converged", "islanded", "infeasible")

SCENARIOS = Table(
    name="scenarios",
    description="One simulated episode. One that gave no solution is kept with its reason, not dropped.",
    key=("scenario_id",),
    columns=(
        SCENARIO_ID,
        Column("kind", "string", "", "What happens in it", allowed=KINDS),
        Column("status", "string", "", "Whether it was solved", allowed=STATUSES),
        Column("reason", "string", "", "Why not; empty where it was"),
        time("t_start", "First second"),
        Column("seconds", "int64", "s", "Length", minimum=1, maximum=10 * 366 * 86_400),
        Column("cause", "string", "", "The event drawn for it, or none"),
        Column(
            "severity",
            "float64",
            "",
            "Severity of the event drawn for it; null where there is none",
            nullable=True,
            minimum=0,
            maximum=1e6,
        ),
        Column("circuit_digest", "string", "", "SHA-256 of the circuit that was solved"),
        Column("parameters", "string", "", "JSON object of what was drawn"),
    ),
    rules=(
        SCENARIO_ID_FORM,
        unique_key("scenario_id"),
        KIND_AGREES,
        REASON_GIVEN,
        CIRCUIT_DIGEST,
        PARAMETERS,
        ASSET_DAY,
    ),
)
