"""Rules that find a wrong unit: magnitudes against the point's nominals, P and Q against V·I."""

from __future__ import annotations

from functools import partial

import numpy as np

from data_contracts.block import Block, Floats
from data_contracts.contract import Mask, Rule
from data_contracts.plausible import CHANNEL_COLUMNS, CHANNELS, FREQUENCY_SHARE, bounds
from data_contracts.ranges import I_MAX_A, V_MAX_PU
from data_contracts.rules.shares import episodes
from data_contracts.units import (
    POWER_BAND,
    POWER_SCALES,
    SHARE,
    TOGETHER_BAND,
    VOLTAGE_BAND,
    VOLTAGE_SCALES,
    apparent_ratio,
    collapsed,
    near,
)

PHASES = ("a", "b", "c")
LINES = ("ab", "bc", "ca")
TOGETHER = (3.0**0.5, 2.0**0.5)
"""Line voltages and peaks in place of RMS phase voltages; only all three phases together tell."""


def _voltage_unit(block: Block) -> Mask:
    nominal = block.point_fact(lambda point: point.nominal_v)
    found = block.none()
    together = {factor: ~block.none() for factor in TOGETHER}
    interrupted: Mask | None = None
    for k, phase in enumerate(PHASES):
        ratio = block.floats(f"v_{phase}_v") / nominal
        present = ~np.isnan(ratio)
        for factor in TOGETHER:
            together[factor] &= near(ratio, factor, TOGETHER_BAND)
        if not (present & ((ratio < 0.02) | (ratio > 1.5))).any():
            continue
        if interrupted is None:
            interrupted = _interrupted(block, nominal)
        factors: list[float | Floats] = [scale.factor for scale in VOLTAGE_SCALES]
        for wrong in (*factors, 1.0 / nominal):
            hits = near(ratio, wrong, VOLTAGE_BAND) & ~interrupted[:, k]
            found |= episodes(block, hits, present, SHARE)
    for mask in together.values():
        found |= episodes(block, mask, ~np.isnan(nominal), SHARE)
    return found


def _interrupted(block: Block, nominal: Floats) -> Mask:
    """Phases that have next to no voltage indeed, [rows, 3]."""
    unknown = np.full((block.rows, 3), np.nan)
    powers = "p_a_w" in block.table.names
    return collapsed(
        block.phases("v_{}_v") / nominal[:, None],
        block.phases("v_{}_v", LINES) / nominal[:, None],
        np.hypot(block.phases("p_{}_w"), block.phases("q_{}_var")) if powers else unknown,
    )


VOLTAGE_UNIT = Rule(
    "voltage_unit",
    "phase voltages are RMS volts, phase to neutral: not kV, mV, MV, per unit, line voltages or peaks "
    f"(in at least {SHARE:.0%} of an episode's rows at a point; a phase without voltage beside a live one is "
    "an interruption where line voltages, or else powers, agree)",
    "convert to volts, phase to neutral, primary side",
    tuple(f"v_{phase}_v" for phase in PHASES),
    _voltage_unit,
)


def _power_unit(block: Block) -> Mask:
    rated_a = block.point_fact(lambda point: point.rated_a)
    rated_va = block.point_fact(lambda point: point.rated_mva * 1e6 / 3.0)
    found = block.none()
    for phase in PHASES:
        ratio = apparent_ratio(
            block.floats(f"v_{phase}_v"),
            block.floats(f"i_{phase}_a"),
            block.floats(f"p_{phase}_w"),
            block.floats(f"q_{phase}_var"),
        )
        present = ~np.isnan(ratio)
        if not (present & ((ratio < 0.02) | (ratio > 50.0))).any():
            continue
        factors: list[float | Floats] = [scale.factor for scale in POWER_SCALES]
        for factor in (*factors, rated_a, 1.0 / rated_va):
            found |= episodes(block, near(ratio, factor, POWER_BAND), present, SHARE)
    return found


POWER_UNIT = Rule(
    "power_unit",
    "P and Q are in W and var beside V and A: sqrt(P² + Q²) is not V·I times a thousand, a million or a "
    f"rated value (in at least {SHARE:.0%} of an episode's rows at a point)",
    "convert powers to W and var, currents to A, voltages to V",
    tuple(
        pattern.format(phase) for pattern in ("v_{}_v", "i_{}_a", "p_{}_w", "q_{}_var") for phase in PHASES
    ),
    _power_unit,
)


def _beyond(columns: tuple[str, ...], block: Block) -> Mask:
    frequency = block.facts.frequency_hz
    limits = {name: bounds(point, frequency) for name, point in block.facts.points.items()}
    names = block.codes("point")[1]
    free = (np.full(len(CHANNEL_COLUMNS), -np.inf), np.full(len(CHANNEL_COLUMNS), np.inf))
    lower = np.stack([limits.get(name, free)[0] for name in names] or [free[0]])
    upper = np.stack([limits.get(name, free)[1] for name in names] or [free[1]])
    points = block.codes("point")[0]
    found = block.none()
    for name in columns:
        k = CHANNEL_COLUMNS.index(name)
        values = block.floats(name)
        found |= ((values < lower[points, k]) | (values > upper[points, k])) & np.isfinite(values)
    return found


def _channels(*units: str) -> tuple[str, ...]:
    return tuple(column.name for column in CHANNELS if column.unit in units)


def _point_range(name: str, description: str, *units: str) -> Rule:
    columns = _channels(*units)
    return Rule(
        name, description, "check the unit and the point's nominals", columns, partial(_beyond, columns)
    )


VOLTAGE_RANGE = _point_range(
    "voltage_range",
    f"voltages do not exceed {V_MAX_PU:g} times the point's nominal",
    "V",
)
POWER_RANGE = _point_range(
    "power_range",
    f"P and Q of a phase do not exceed {V_MAX_PU:g} times the nominal voltage times {I_MAX_A:g} A",
    "W",
    "var",
)
FREQUENCY_RANGE = _point_range(
    "frequency_range", f"frequency lies within {FREQUENCY_SHARE:.0%} of the grid's nominal", "Hz"
)
