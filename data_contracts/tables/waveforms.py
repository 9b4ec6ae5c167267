"""`waveforms`: what the instruments sampled, one capture of ten cycles a row."""

from __future__ import annotations

from data_contracts.channels import QUALITY
from data_contracts.columns import POINT, SCENARIO_ID, per_phase, time
from data_contracts.contract import Column, Table
from data_contracts.ranges import I_PEAK_MAX_A, V_PEAK_MAX_V, WAVEFORM_RATE_HZ
from data_contracts.rules.identity import KNOWN_POINT, SCENARIO_ID_FORM
from data_contracts.rules.order import on_grid, time_increasing, unique_key
from data_contracts.rules.waveforms import (
    CAPTURE_LENGTH,
    CAPTURE_MISSING,
    DEAD_CURRENT,
    DEAD_VOLTAGE,
    EQUAL_LENGTHS,
    WAVEFORM_PEAK,
    WAVEFORM_UNIT,
)

KEY = ("scenario_id", "point", "t")

WAVEFORMS = Table(
    name="waveforms",
    description=(
        "Ten cycles of three voltages and three currents, sampled within the second t; primary side, as the "
        "instruments said it. There is a row only where a capture was taken; one that was lost is a row with "
        "null series and quality invalid."
    ),
    key=KEY,
    columns=(
        SCENARIO_ID,
        POINT,
        time("t", "Second in which the capture lies"),
        Column(
            "rate_hz",
            "float64",
            "Hz",
            "Samples a second",
            minimum=WAVEFORM_RATE_HZ[0],
            maximum=WAVEFORM_RATE_HZ[1],
        ),
        *per_phase(
            "v_{}_v",
            "V",
            "Samples of phase {} to neutral",
            minimum=-V_PEAK_MAX_V,
            maximum=V_PEAK_MAX_V,
            dtype="float32[]",
        ),
        *per_phase(
            "i_{}_a",
            "A",
            "Samples of the current of phase {}",
            minimum=-I_PEAK_MAX_A,
            maximum=I_PEAK_MAX_A,
            dtype="float32[]",
        ),
        QUALITY,
    ),
    rules=(
        SCENARIO_ID_FORM,
        KNOWN_POINT,
        unique_key(*KEY),
        time_increasing("scenario_id", "point"),
        on_grid(1000, "one second"),
        CAPTURE_MISSING,
        EQUAL_LENGTHS,
        CAPTURE_LENGTH,
        WAVEFORM_UNIT,
        WAVEFORM_PEAK,
        DEAD_VOLTAGE,
        DEAD_CURRENT,
    ),
)
