"""`readings_truth`: what was really so at each row of `readings`; no model may read it as an input."""

from __future__ import annotations

from data_contracts.columns import PHASE_PAIRS, POINT, SCENARIO_ID, per_phase, time
from data_contracts.contract import Column, Table
from data_contracts.ranges import F_MAX_HZ, F_MIN_HZ, V_MAX_V
from data_contracts.rules.identity import KNOWN_POINT, SCENARIO_ID_FORM
from data_contracts.rules.order import time_increasing, unique_key
from data_contracts.rules.truth import EVENT_AGREES, VUF_AGREES
from data_contracts.rules.units import VOLTAGE_UNIT

NORMAL_EVENTS = ("none", "tap_step", "switching")
"""What belongs to normal operation: `anomaly` is false."""

GRID_EVENTS = (
    "sag",
    "swell",
    "interruption",
    "unbalance",
    "open_conductor",
    "single_phasing",
    "traction",
    "capacitor_fuse",
    "vt_fuse",
)
INSTRUMENT_EVENTS = ("drift", "stuck", "spike", "dead", "swapped")
OPERATING_EVENTS = ("overload", "underfrequency")
"""What operators act on although the voltage is as it should be: no anomaly of the voltage."""

EVENTS = (*NORMAL_EVENTS, *GRID_EVENTS, *INSTRUMENT_EVENTS, *OPERATING_EVENTS)
EVENT_PHASES = ("", "a", "b", "c", "ab", "bc", "ca", "ac", "ba", "cb", "abc")

RESIDUAL_GATE_PU = 1e-6
"""Largest power-balance residual of a stored solution, per unit on 100 MVA."""

VUF_MAX_PCT = 120.0
"""A bolted short circuit between two phases gives 100 at its place, on uneven impedances a little more."""

READINGS_TRUTH = Table(
    name="readings_truth",
    description="The true state behind the row of `readings` with the same key.",
    key=("scenario_id", "point", "t"),
    columns=(
        SCENARIO_ID,
        POINT,
        time("t", "Second that the row describes"),
        *per_phase(
            "v_{}_v", "V", "True phase {} to neutral, RMS", minimum=0, maximum=V_MAX_V, nullable=False
        ),
        *per_phase(
            "v_{}_v",
            "V",
            "True line voltage {}, RMS",
            minimum=0,
            maximum=V_MAX_V,
            names=PHASE_PAIRS,
            nullable=False,
        ),
        Column(
            "vuf_pct",
            "float64",
            "%",
            "Voltage unbalance factor 100·|V2|/|V1|; null where V1 vanishes",
            nullable=True,
            minimum=0,
            maximum=VUF_MAX_PCT,
        ),
        Column(
            "v0_pct",
            "float64",
            "%",
            "Zero-sequence share 100·|V0|/|V1|; null where V1 vanishes",
            nullable=True,
            minimum=0,
            maximum=1000,
        ),
        Column("f_hz", "float64", "Hz", "True frequency", minimum=F_MIN_HZ, maximum=F_MAX_HZ),
        Column("event", "string", "", "What the scenario does to this point", allowed=EVENTS),
        Column("event_phase", "string", "", "Phases that the event acts on", allowed=EVENT_PHASES),
        Column(
            "severity",
            "float64",
            "",
            "Largest departure over the channels in multiples of the instrument's error limit, frozen per "
            "scenario; null where there is no event",
            nullable=True,
            minimum=0,
            maximum=1e6,
        ),
        Column("active", "bool", "", "The event acts at this point in this second"),
        Column("taps", "string", "", "Tap positions, AT1:9,DTX1:10"),
        Column("capacitor_steps", "string", "", "Capacitor steps in service, C1:1,C2:0"),
        Column(
            "residual_p_pu",
            "float64",
            "pu",
            "Active power-balance residual of the solution, on 100 MVA",
            minimum=-RESIDUAL_GATE_PU,
            maximum=RESIDUAL_GATE_PU,
        ),
        Column(
            "residual_q_pu",
            "float64",
            "pu",
            "Reactive power-balance residual of the solution, on 100 MVA",
            minimum=-RESIDUAL_GATE_PU,
            maximum=RESIDUAL_GATE_PU,
        ),
    ),
    rules=(
        SCENARIO_ID_FORM,
        KNOWN_POINT,
        unique_key("scenario_id", "point", "t"),
        time_increasing("scenario_id", "point"),
        VOLTAGE_UNIT,
        VUF_AGREES,
        EVENT_AGREES,
    ),
)
