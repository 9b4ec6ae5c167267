"""Rules of `sag_events`."""

from __future__ import annotations

import numpy as np

from data_contracts.block import Block, Floats
from data_contracts.contract import Mask, Rule
from data_contracts.rules.identity import SCENARIO_ID_FORM

SAG_PU, SWELL_PU, INTERRUPTION_PU = 0.9, 1.1, 0.1
"""Thresholds of IEC 61000-4-30 and EN 50160; an interruption's is 0.05 to 0.1 by the country."""

KINDS_OF = {
    "fault": ("sag", "interruption", "swell", "rapid_voltage_change"),
    "motor_starting": ("sag", "rapid_voltage_change"),
    "capacitor_switching": ("sag", "swell", "rapid_voltage_change"),
    "load_rejection": ("swell", "rapid_voltage_change"),
}
"""What each cause can do: a fault lifts the healthy phases of a network with an impedance in its neutral."""

ROOM_PCT = 1e-6

ARC_MS = 60.0
"""An arc that lasts longer needs a breaker: relay and breaker together take about three cycles."""


def _other_scenario(block: Block) -> Mask:
    return SCENARIO_ID_FORM.check(block) & ~block.missing("scenario_id")


SCENARIO_OR_NULL = Rule(
    "scenario_id_form",
    f"{SCENARIO_ID_FORM.description}, or is null where no episode plays the event",
    "write it with switchyard.identity.ScenarioId, or null; not an empty string",
    ("scenario_id",),
    _other_scenario,
)


def _nameless(block: Block) -> Mask:
    return block.where("event_id", lambda text: text.strip() == "")


EVENT_NAMED = Rule(
    "event_named",
    "event_id is not empty",
    "give each event a name of its own; points that saw the same event share it",
    ("event_id",),
    _nameless,
)


def _one_of(block: Block, column: str, name: str) -> Mask:
    return block.where(column, lambda value: value == name)


def _impossible(block: Block) -> Mask:
    found = block.none()
    for cause, kinds in KINDS_OF.items():
        found |= _one_of(block, "cause", cause) & ~block.where("kind", set(kinds).__contains__)
    return found


CAUSE_AGREES = Rule(
    "cause_agrees",
    "the cause can do what the kind says: "
    + "; ".join(f"{cause} a {', '.join(kinds)}" for cause, kinds in KINDS_OF.items()),
    "check which event the row was made from",
    ("kind", "cause"),
    _impossible,
)


def _threshold(block: Block) -> Mask:
    residual = block.floats("residual_pu")
    return (
        (_one_of(block, "kind", "sag") & (residual >= SAG_PU))
        | (_one_of(block, "kind", "interruption") & (residual >= INTERRUPTION_PU))
        | (_one_of(block, "kind", "swell") & (residual <= SWELL_PU))
        | (_one_of(block, "kind", "rapid_voltage_change") & ((residual < SAG_PU) | (residual > SWELL_PU)))
    )


KIND_AGREES = Rule(
    "kind_agrees",
    f"residual_pu lies below {SAG_PU:g} in a sag, below {INTERRUPTION_PU:g} in an interruption, above "
    f"{SWELL_PU:g} in a swell and between in a rapid voltage change (IEC 61000-4-30)",
    "classify the event by the voltage of its worst phase, in per unit of nominal",
    ("kind", "residual_pu"),
    _threshold,
)


def _depth(block: Block) -> Mask:
    expected: Floats = 100.0 * np.abs(1.0 - block.floats("residual_pu"))
    off: Mask = np.abs(block.floats("depth_pct") - expected) > ROOM_PCT * np.maximum(expected, 1.0)
    return off & ~_one_of(block, "kind", "rapid_voltage_change")


DEPTH_AGREES = Rule(
    "depth_agrees",
    "depth_pct of a sag, an interruption or a swell is 100·|1 − residual_pu|; that of a rapid voltage change "
    "counts from the voltage before",
    "take both from the worst phase, depth_pct in percent of nominal",
    ("depth_pct", "residual_pu", "kind"),
    _depth,
)


def _clearing(block: Block) -> Mask:
    fault, said = _one_of(block, "cause", "fault"), block.where("cleared_by", lambda text: text != "")
    lasting: Mask = block.floats("duration_ms") > ARC_MS
    return (~fault & said) | (fault & ~said & lasting)


CLEARED_BY = Rule(
    "cleared_by_agrees",
    f"a fault says what cleared it, unless its arc died by itself within {ARC_MS:g} ms; no other cause does",
    "write main, backup or breaker_failure for a fault, and an empty string for other causes",
    ("cause", "cleared_by", "duration_ms"),
    _clearing,
)


def _less_than_own(block: Block) -> Mask:
    own, total = block.floats("intensity_per_h"), block.floats("total_intensity_per_h")
    mask: Mask = total < own * (1.0 - 1e-9)
    return mask


TOTAL_INTENSITY = Rule(
    "total_intensity",
    "the intensity of all causes is at least that of the event's own",
    "take both at the same time, just before the event, per hour",
    ("intensity_per_h", "total_intensity_per_h"),
    _less_than_own,
)
