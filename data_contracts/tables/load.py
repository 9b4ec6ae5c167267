"""`load`: one feeder and one quarter of an hour a row, with weather and calendar."""

from __future__ import annotations

from data_contracts.columns import POINT, SUBSTATION, time
from data_contracts.contract import Column, Table
from data_contracts.ranges import AMBIENT_C, IRRADIANCE_W_M2, P_MAX_W, WIND_M_S
from data_contracts.rules.identity import KNOWN_POINT, THIS_SUBSTATION
from data_contracts.rules.load import CALENDAR, LOAD_UNIT
from data_contracts.rules.order import on_grid, time_increasing, unique_key

STEP_MS = 900_000
"""Grain of the table: 15 minutes."""

LOAD = Table(
    name="load",
    description="One feeder, the mean of the 15 minutes that begin at t, with weather and calendar.",
    key=("point", "t"),
    columns=(
        SUBSTATION,
        POINT,
        time("t", "Beginning of the 15 minutes"),
        Column("p_w", "float64", "W", "Net active power into the feeder", minimum=-P_MAX_W, maximum=P_MAX_W),
        Column("q_var", "float64", "var", "Net reactive power", minimum=-P_MAX_W, maximum=P_MAX_W),
        Column("pv_w", "float64", "W", "Output of the feeder's photovoltaics", minimum=0, maximum=P_MAX_W),
        Column("ambient_c", "float64", "°C", "Air temperature", minimum=AMBIENT_C[0], maximum=AMBIENT_C[1]),
        Column(
            "ghi_w_m2",
            "float64",
            "W/m²",
            "Global horizontal irradiance",
            minimum=IRRADIANCE_W_M2[0],
            maximum=IRRADIANCE_W_M2[1],
        ),
        Column("wind_m_s", "float64", "m/s", "Wind speed", minimum=WIND_M_S[0], maximum=WIND_M_S[1]),
        Column(
            "lightning_per_h",
            "float64",
            "1/h",
            "Flashes within 20 km as a location network has them",
            minimum=0,
            maximum=1e5,
        ),
        Column("holiday", "bool", "", "Public holiday (local date)"),
        Column("hour_local", "float64", "h", "Local time of day at t", minimum=0, maximum=23.999_999),
        Column("day_of_week", "int8", "", "Local day: 0 Monday to 6 Sunday", minimum=0, maximum=6),
        Column(
            "p_noise_free_w",
            "float64",
            "W",
            "Expected p_w without the random part: what an oracle would forecast",
            minimum=-P_MAX_W,
            maximum=P_MAX_W,
        ),
    ),
    rules=(
        THIS_SUBSTATION,
        KNOWN_POINT,
        unique_key("point", "t"),
        time_increasing("point"),
        on_grid(STEP_MS, "15 minutes"),
        LOAD_UNIT,
        CALENDAR,
    ),
)
