"""`losses`: one settled state of the whole station a row, with what it loses and why."""

from __future__ import annotations

from data_contracts.columns import SCENARIO_ID, time
from data_contracts.contract import Column, Table
from data_contracts.ranges import AMBIENT_C, IRRADIANCE_W_M2, OIL_C, P_MAX_W, THD_MAX_PCT, V_MAX_PU, WIND_M_S
from data_contracts.rules.identity import SCENARIO_ID_FORM
from data_contracts.rules.losses import (
    BALANCE,
    CAUSES_SUM,
    CLASSES_SUM,
    DESIGN,
    DESIGN_SUM,
    HARMONIC_PART,
    REASON_AGREES,
    SOLVED_OR_NULL,
)
from data_contracts.rules.order import on_grid, time_increasing, unique_key
from data_contracts.tables.load import STEP_MS
from data_contracts.tables.readings_truth import RESIDUAL_GATE_PU

STATUSES = ("ok", "unsolved")
LOADING_MAX_PCT = 1000.0


def _loss(name: str, description: str, *, nullable: bool = True) -> Column:
    return Column(name, "float64", "W", description, nullable=nullable, minimum=-1.0, maximum=P_MAX_W)


def _power(name: str, unit: str, description: str, *, nullable: bool = False) -> Column:
    return Column(name, "float64", unit, description, nullable=nullable, minimum=-P_MAX_W, maximum=P_MAX_W)


LOSSES = Table(
    name="losses",
    description="One state of the station, settled under the load that begins at t, and what it loses.",
    key=("scenario_id", "t"),
    columns=(
        SCENARIO_ID,
        time("t", "Beginning of the 15 minutes"),
        Column("status", "string", "", "Whether the state has a solution", allowed=STATUSES),
        Column("reason", "string", "", "Why it has none; empty where it has one"),
        _power("p_served_w", "W", "Active power of all feeders at their far ends"),
        _power("q_served_var", "var", "Reactive power of all feeders there"),
        _power("p_metered_w", "W", "Active power of all feeders as their bays' instruments have it"),
        _power("q_metered_var", "var", "Reactive power of all feeders as these have it"),
        _power("p_metered_low_w", "W", "Active power of the feeders below 100 kV as these have it"),
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
            "thd_i_pct",
            "float64",
            "%",
            "Distortion of the current of all feeders together",
            minimum=0,
            maximum=THD_MAX_PCT,
        ),
        Column("taps", "string", "", "Tap positions, AT1:9,DTX1:10", nullable=True),
        Column("capacitor_steps", "string", "", "Capacitor steps in service, C1:1,C2:0", nullable=True),
        Column(
            "v_infeed_pu",
            "float64",
            "pu",
            "Mean phase voltage at the first infeed's busbar",
            nullable=True,
            minimum=0,
            maximum=V_MAX_PU,
        ),
        Column(
            "v_metered_pu",
            "float64",
            "pu",
            "The same as the instruments there have it",
            nullable=True,
            minimum=0,
            maximum=V_MAX_PU,
        ),
        Column(
            "loading_max_pct",
            "float64",
            "%",
            "Largest load of a transformer, of its strongest rating",
            nullable=True,
            minimum=0,
            maximum=LOADING_MAX_PCT,
        ),
        Column(
            "winding_max_c",
            "float64",
            "°C",
            "Largest mean winding temperature of a transformer",
            nullable=True,
            minimum=OIL_C[0],
            maximum=OIL_C[1],
        ),
        _power("p_supplied_w", "W", "Active power that the grid delivers", nullable=True),
        _power("q_supplied_var", "var", "Reactive power that the grid delivers", nullable=True),
        _loss("total_w", "Loss between the grid and the feeders' far ends"),
        _loss("resistive_w", "Loss in resistances by the active part of the current"),
        _loss("reactive_w", "Loss in resistances by its reactive part"),
        _loss("core_w", "Loss in cores and reactors, whatever the load"),
        _loss("transformers_w", "Loss in transformers"),
        _loss("lines_w", "Loss in infeeds, couplers and feeders"),
        _loss("shunts_w", "Loss in reactors, capacitors and earthing transformers"),
        _loss("harmonic_w", "What harmonics add to the loss in resistances"),
        _loss(
            "nameplate_w",
            "Loss of the metered power by nameplates: I²R at nominal voltage and reference temperature, "
            "and no-load loss",
            nullable=False,
        ),
        *(
            Column(
                name,
                "float64",
                "",
                f"Share of the {name.removeprefix('design_')} part in the loss at the design load",
                minimum=0,
                maximum=1,
            )
            for name in DESIGN
        ),
        *(
            Column(
                f"residual_{part}_pu",
                "float64",
                "pu",
                f"{word} power-balance residual of the solution, on 100 MVA",
                nullable=True,
                minimum=-RESIDUAL_GATE_PU,
                maximum=RESIDUAL_GATE_PU,
            )
            for part, word in (("p", "Active"), ("q", "Reactive"))
        ),
    ),
    rules=(
        SCENARIO_ID_FORM,
        unique_key("scenario_id", "t"),
        time_increasing("scenario_id"),
        on_grid(STEP_MS, "15 minutes"),
        SOLVED_OR_NULL,
        REASON_AGREES,
        BALANCE,
        CAUSES_SUM,
        CLASSES_SUM,
        HARMONIC_PART,
        DESIGN_SUM,
    ),
)
