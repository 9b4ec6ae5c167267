"""What an item must keep beyond its types: ranges by the point's nominal, time, units, waveform.

The bounds come from the contract of the table `readings`. One vectorised pass over all readings of all items
finds the items that may break something; only those are looked at again to name the fields.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from msgspec import UNSET
from numpy.typing import NDArray

from data_contracts.answers import ANSWERS
from data_contracts.facts import PointFacts
from data_contracts.plausible import bounds
from data_contracts.ranges import EARLIEST_MS, INVALID, LATEST_MS
from data_contracts.units import (
    POWER_BAND,
    POWER_SCALES,
    SHARE,
    TOGETHER_BAND,
    VOLTAGE_BAND,
    apparent_ratio,
    collapsed,
    near,
    voltage_scales,
)
from data_contracts.wire.capture import waveform_errors
from data_contracts.wire.explain import at, channel_error, time_error
from data_contracts.wire.limits import STEP_S, STEP_TOLERANCE_S
from data_contracts.wire.request import Item
from data_contracts.wire.response import FieldError
from data_contracts.wire.rows import CHANNELS, REQUIRED, Rows

MOST_ERRORS = 20
"""Errors listed for one item; the first ones tell the story."""

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class PointLimits:
    """What one measurement point's readings are checked against. Make it once a point and keep it.

    Attributes:
        nominal_v: Nominal phase-to-neutral voltage, V; NaN where it is not known, and then no value is
            judged by it.
        frequency_hz: Nominal frequency of its grid, Hz.
        lower: Smallest plausible value a channel, [26].
        upper: Largest plausible value a channel, [26].
        whole: Whether a reading that is not invalid must have every required channel.
    """

    nominal_v: float
    frequency_hz: float
    lower: NDArray[np.float64]
    upper: NDArray[np.float64]
    whole: bool = True

    @classmethod
    def of(cls, facts: PointFacts, frequency_hz: float) -> PointLimits:
        """The limits at a point of the given nominals in a grid of the given frequency, Hz."""
        lower, upper = bounds(facts, frequency_hz)
        return cls(facts.nominal_v, frequency_hz, lower, upper)

    @classmethod
    def measured(cls, nominal_kv: float, frequency_hz: float) -> PointLimits:
        """The limits at a point of measured tables, whose instruments may not give every channel.

        Args:
            nominal_kv: Nominal line-to-line voltage, kV; 0 where it is not known.
            frequency_hz: Nominal frequency, Hz.
        """
        facts = PointFacts(nominal_kv=nominal_kv or np.inf, rated_a=0.0, rated_mva=0.0)
        lower, upper = bounds(facts, frequency_hz)
        nominal_v = facts.nominal_v if nominal_kv else np.nan
        return cls(nominal_v, frequency_hz, lower, upper, whole=False)


def check(items: Sequence[Item], rows: Rows, limits: Sequence[PointLimits]) -> list[list[FieldError]]:
    """Check items against the contract.

    Args:
        items: The decoded items.
        rows: The same items, packed.
        limits: What each item's point is checked against, one an item.

    Returns:
        The errors of each item; an empty list for an item that keeps the contract.
    """
    errors: list[list[FieldError]] = [[] for _ in items]
    for index in np.flatnonzero(_suspects(rows, limits)).tolist():
        errors[index] = _readings_errors(rows.item(index), limits[index])
    for found, item, limit in zip(errors, items, limits, strict=True):
        if item.waveform is not UNSET:
            found.extend(waveform_errors(item.waveform, limit))
        if item.models is not UNSET:
            found.extend(_model_errors(item.models))
    return errors


def _suspects(rows: Rows, limits: Sequence[PointLimits]) -> Bools:
    """Items that may break a rule, [items]; a superset of those that do."""
    values, starts = rows.values, rows.starts
    if len(limits) == 1:
        lower, upper, nominal = limits[0].lower, limits[0].upper, np.full(len(values), limits[0].nominal_v)
    else:
        counts = np.diff(starts)
        lower = np.repeat(np.stack([limit.lower for limit in limits]), counts, axis=0)
        upper = np.repeat(np.stack([limit.upper for limit in limits]), counts, axis=0)
        nominal = np.repeat([limit.nominal_v for limit in limits], counts)
    outside = ((values < lower) | (values > upper)).any(axis=1)
    outside |= np.isnan(values[:, REQUIRED]).any(axis=1)
    outside |= (rows.t < EARLIEST_MS / 1e3) | (rows.t > LATEST_MS / 1e3)
    step_off = np.zeros(len(values), dtype=bool)
    step_off[1:] = np.abs(np.diff(rows.t) - STEP_S) > STEP_TOLERANCE_S
    step_off[starts[:-1]] = False
    v, i = values[:, CHANNELS["v"]], values[:, CHANNELS["i"]]
    power, product = np.hypot(values[:, CHANNELS["p"]], values[:, CHANNELS["q"]]), v * i
    odd = (v < 0.02 * nominal[:, None]) | (v > 1.5 * nominal[:, None])
    odd |= (power > 500.0 * product) | (500.0 * power < product)
    flagged = outside | step_off | odd.any(axis=1)
    return np.logical_or.reduceat(flagged, starts[:-1])


def _readings_errors(rows: Rows, limits: PointLimits) -> list[FieldError]:
    errors: list[FieldError] = []
    if limits.whole:
        missing = np.isnan(rows.values[:, REQUIRED]) & (rows.quality != INVALID)[:, None]
        for k, c in at(missing, MOST_ERRORS):
            errors.append(channel_error(k, c, None, "missing", "null is allowed in an invalid reading only"))
    outside = (rows.values < limits.lower) | (rows.values > limits.upper)
    for k, c in at(outside, MOST_ERRORS):
        text = f"must lie within {limits.lower[c]:g} to {limits.upper[c]:g}"
        errors.append(channel_error(k, c, float(rows.values[k, c]), "range", text))
    errors += _time_errors(rows.t)
    return errors[:MOST_ERRORS] or _unit_errors(rows, limits)


def _time_errors(t: Floats) -> list[FieldError]:
    steps = np.diff(t)
    wild = np.flatnonzero((t < EARLIEST_MS / 1e3) | (t > LATEST_MS / 1e3))[:MOST_ERRORS].tolist()
    off = np.flatnonzero(np.abs(steps - STEP_S) > STEP_TOLERANCE_S)[:MOST_ERRORS].tolist()
    rule = f"readings are oldest first and {STEP_S:g} s ± {STEP_TOLERANCE_S:g} s apart"
    return [
        *(time_error(k, t[k], "time_range", "must lie between the years 2000 and 2100") for k in wild),
        *(time_error(k + 1, t[k + 1], "time_step", f"{rule}; the step is {steps[k]:g} s") for k in off),
    ]


def _share(hits: Bools, present: Bools) -> Floats:
    share: Floats = hits.sum(axis=0) / np.maximum(present.sum(axis=0), 1)
    return share


def _unit_errors(rows: Rows, limits: PointLimits) -> list[FieldError]:
    v, i, p, q = (rows.channel(name) for name in ("v", "i", "p", "q"))
    errors: list[FieldError] = []
    ratio, present = v / limits.nominal_v, ~np.isnan(v)
    interrupted = collapsed(ratio, rows.channel("v_ll") / limits.nominal_v, np.hypot(p, q))
    for scale in voltage_scales(limits.nominal_v):
        hits = near(ratio, scale.factor, VOLTAGE_BAND) & ~interrupted
        for c in np.flatnonzero(_share(hits, present) >= SHARE):
            text = f"looks like {scale.found}; send volts (nominal here is {limits.nominal_v:.0f} V)"
            errors.append(channel_error(0, int(c), float(v[0, c]), "unit", text))
    if (_share(near(ratio, 3.0**0.5, TOGETHER_BAND), present) >= SHARE).all():
        text = f"looks like a line voltage; send phase to neutral (nominal here is {limits.nominal_v:.0f} V)"
        errors.append(channel_error(0, 0, float(v[0, 0]), "unit", text))
    if errors:
        return errors
    quotient = apparent_ratio(v, i, p, q)
    for scale in POWER_SCALES:
        hits = near(quotient, scale.factor, POWER_BAND)
        for c in np.flatnonzero(_share(hits, ~np.isnan(quotient)) >= SHARE):
            text = f"does not fit v and i: {scale.found}; send V, A, W and var"
            errors.append(channel_error(0, int(c) + CHANNELS["p"].start, float(p[0, c]), "unit", text))
    return errors


def _model_errors(models: Sequence[str]) -> list[FieldError]:
    text = f"there is no such model; the models are {', '.join(ANSWERS)}"
    return [
        FieldError(field=f"models[{k}]", rule="unknown_model", message=text, value=name)
        for k, name in enumerate(models)
        if name not in ANSWERS
    ]
