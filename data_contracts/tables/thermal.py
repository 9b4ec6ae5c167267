"""`thermal`: one transformer and one minute a row, with the temperatures inside of it."""

from __future__ import annotations

from data_contracts.columns import SCENARIO_ID, time
from data_contracts.contract import Column, Table
from data_contracts.ranges import AMBIENT_C, OIL_C
from data_contracts.rules.identity import KNOWN_TRANSFORMER, SCENARIO_ID_FORM
from data_contracts.rules.order import on_grid, time_increasing, unique_key
from data_contracts.rules.thermal import (
    ACCELERATION_AGREES,
    AGEING_AGREES,
    HOT_SPOT_ABOVE_OIL,
    LARGEST_AHEAD,
    LIFE_ADDS_UP,
    MEASURED_AGREES,
    METERED_AGREES,
    MINUTES_AHEAD,
    OUT_IS_UNLOADED,
    REGIME_AGREES,
    REGIME_NAMES,
    STEP_MS,
)

AHEAD_MIN = MINUTES_AHEAD
"""Minutes that `hot_spot_next_60min_max_c` looks ahead."""

STAGES = ("ONAN", "ONAF", "OFAF")
EVENTS = ("none", "load_growth", "parallel_outage", "heat_wave", "out_of_service")
HOT_SPOT_MAX_C = 350.0
LOAD_MAX_PU = 3.0

THERMAL = Table(
    name="thermal",
    description=(
        "One transformer in one minute: load and air during it, temperatures at its end. Truth, but for "
        "load_metered_pu and top_oil_measured_c, which are what its instruments say; a lost sample is null."
    ),
    key=("asset", "t"),
    columns=(
        SCENARIO_ID,
        Column("asset", "string", "", "Transformer of the substation's description"),
        time("t", "Beginning of the minute"),
        Column(
            "load_pu",
            "float64",
            "pu",
            "Apparent power over the rated power in the strongest cooling stage",
            minimum=0,
            maximum=LOAD_MAX_PU,
        ),
        Column(
            "load_metered_pu",
            "float64",
            "pu",
            "The same as the bay's meter has it",
            minimum=0,
            maximum=LOAD_MAX_PU,
        ),
        Column("ambient_c", "float64", "°C", "Air temperature", minimum=AMBIENT_C[0], maximum=AMBIENT_C[1]),
        Column("cooling_stage", "string", "", "Cooling that runs (IEC 60076-2)", allowed=STAGES),
        Column("event", "string", "", "What happens to this transformer", allowed=EVENTS),
        Column(
            "top_oil_measured_c",
            "float64",
            "°C",
            "Top oil as its thermometer reads it, in steps of 1 K, or of 0.1 K above 100 MVA",
            nullable=True,
            minimum=OIL_C[0],
            maximum=OIL_C[1],
        ),
        Column("top_oil_c", "float64", "°C", "True top oil", minimum=OIL_C[0], maximum=OIL_C[1]),
        Column(
            "hot_spot_c",
            "float64",
            "°C",
            "True hot spot of the winding (IEC 60076-7)",
            minimum=OIL_C[0],
            maximum=HOT_SPOT_MAX_C,
        ),
        Column(
            "hot_spot_ieee_c",
            "float64",
            "°C",
            "Hot spot by IEEE C57.91 for the same load and cooling",
            minimum=OIL_C[0],
            maximum=HOT_SPOT_MAX_C,
        ),
        Column(
            "ageing_rate",
            "float64",
            "",
            "2^((θh − 98)/6): ageing of paper that is not thermally upgraded (IEC 60076-7)",
            minimum=0,
        ),
        Column(
            "ageing_acceleration",
            "float64",
            "",
            "exp(15000/383 − 15000/(θh + 273)): ageing of thermally upgraded paper (IEEE C57.91)",
            minimum=0,
        ),
        Column(
            "loss_of_life_h",
            "float64",
            "h",
            "Hours at 98 °C that the episode has cost by the end of the minute",
            minimum=0,
        ),
        Column(
            "loading_regime",
            "string",
            "",
            "Mildest regime of IEC 60076-7 whose limits of current, hot spot and top oil all hold",
            allowed=REGIME_NAMES,
        ),
        Column(
            "hot_spot_next_60min_max_c",
            "float64",
            "°C",
            "Largest hot_spot_c of the next 60 rows; null in the last 60 minutes of an episode",
            nullable=True,
            minimum=OIL_C[0],
            maximum=HOT_SPOT_MAX_C,
        ),
    ),
    rules=(
        SCENARIO_ID_FORM,
        KNOWN_TRANSFORMER,
        unique_key("asset", "t"),
        time_increasing("asset"),
        on_grid(STEP_MS, "one minute"),
        MEASURED_AGREES,
        METERED_AGREES,
        HOT_SPOT_ABOVE_OIL,
        OUT_IS_UNLOADED,
        AGEING_AGREES,
        ACCELERATION_AGREES,
        LIFE_ADDS_UP,
        REGIME_AGREES,
        LARGEST_AHEAD,
    ),
)
