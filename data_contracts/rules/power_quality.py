"""Rules of `power_quality`."""

from __future__ import annotations

from functools import partial
from operator import eq

import numpy as np

from data_contracts.block import Block, Floats
from data_contracts.contract import Mask, Rule
from data_contracts.quality_index import (
    GRADES,
    INDICATORS,
    Limits,
    State,
    grade_codes,
    index_of,
    ratios,
    unified,
)

INTERVAL_MS = 600_000
ROOM = 1e-6
"""Room for what follows from other columns, as a share or in the column's unit."""

_STATE = ("vuf_pct", "thd_pct", "harmonic_pct", "pst", "event_severity", "f_dev_max_hz")
_LIMITS = (
    "v_min_limit_pu",
    "v_max_limit_pu",
    "vuf_limit_pct",
    "thd_limit_pct",
    "harmonic_limit_pct",
    "pst_limit",
    "f_dev_limit_hz",
)
_PHASES = ("u_a_pu", "u_b_pu", "u_c_pu")
_RATIOS = tuple(f"{name}_ratio" for name in INDICATORS)


def _stated(block: Block) -> Floats:
    return np.stack([block.floats(name) for name in _RATIOS], axis=1)


def _off(found: Floats, expected: Floats) -> Mask:
    mask: Mask = ~(np.abs(found - expected) <= ROOM * np.maximum(np.abs(expected), 1.0))
    return mask


def _extremes(block: Block) -> Mask:
    u = block.phases("u_{}_pu")
    mask: Mask = (block.floats("u_min_pu") > u.min(axis=1) + ROOM) | (
        block.floats("u_max_pu") < u.max(axis=1) - ROOM
    )
    return mask


EXTREMES = Rule(
    "extremes",
    "u_min_pu lies at or below every phase's RMS and u_max_pu at or above",
    "take the extremes of half-cycle values over all phases of the same interval",
    ("u_min_pu", *_PHASES, "u_max_pu"),
    _extremes,
)


def _harmonic(block: Block) -> Mask:
    thd = block.floats("thd_pct")
    mask: Mask = block.floats("harmonic_pct") > thd * (1.0 + ROOM) + ROOM
    return mask


HARMONIC_PART = Rule(
    "harmonic_part",
    "a single harmonic is at most the whole distortion",
    "take both in percent of the fundamental of one phase",
    ("harmonic_pct", "thd_pct"),
    _harmonic,
)


def _events(block: Block) -> Mask:
    any_event: Mask = (block.floats("sags") + block.floats("swells")) > 0.0
    severe: Mask = block.floats("event_severity") > 0.0
    lasting: Mask = block.floats("event_s") > 0.0
    flagged: Mask = block.floats("flagged") > 0.0
    mask: Mask = (severe != any_event) | (lasting != any_event) | (flagged != any_event)
    return mask


EVENTS_AGREE = Rule(
    "events_agree",
    "an interval with a sag or a swell is flagged, has a severity and a time in it, and no other has",
    "count events, their severity and their time from the same list",
    ("sags", "swells", "event_severity", "event_s", "flagged"),
    _events,
)


def _formula(block: Block) -> Mask:
    vuf, thd, harmonic, pst, severity, f_dev = (block.floats(name) for name in _STATE)
    state = State(block.phases("u_{}_pu"), vuf, thd, harmonic, pst, severity, f_dev)
    limits = Limits(*(block.floats(name) for name in _LIMITS))
    with np.errstate(divide="ignore", invalid="ignore"):
        mask: Mask = np.asarray(_off(_stated(block), ratios(state, limits)).any(axis=1))
    return mask


RATIOS_AGREE = Rule(
    "ratios_agree",
    "every ratio is its indicator over its limit (data_contracts.quality_index)",
    "use quality_index.ratios with the limits of the point's level",
    (*_PHASES, *_STATE, *_LIMITS, *_RATIOS),
    _formula,
)


def _index(block: Block) -> Mask:
    stated = _stated(block)
    mask: Mask = _off(block.floats("unified"), unified(stated)) | _off(
        block.floats("index"), index_of(stated)
    )
    return mask


INDEX_AGREES = Rule(
    "index_agrees",
    "unified is the largest ratio, or 1 plus all exceedances, and index is 100 − 30·unified, at least 0",
    "use quality_index.unified and index_of",
    (*_RATIOS, "unified", "index"),
    _index,
)


def _grade(block: Block) -> Mask:
    codes = grade_codes(block.floats("index"))
    mask = block.none()
    for code, name in enumerate(GRADES):
        mask |= block.where("grade", partial(eq, name)) & (codes != code)
    return mask


GRADE_AGREES = Rule(
    "grade_agrees",
    "grade is excellent above 90, good from 70, fair from 50, poor below",
    "use quality_index.grade_codes",
    ("index", "grade"),
    _grade,
)


def _worst(block: Block) -> Mask:
    stated = _stated(block)
    largest = stated.max(axis=1)
    mask = block.none()
    for k, name in enumerate(INDICATORS):
        own = block.where("worst", partial(eq, name))
        mask |= own & (stated[:, k] < largest)
    return mask


WORST_AGREES = Rule(
    "worst_agrees",
    "worst names an indicator with the largest ratio",
    "take the largest of the six ratios",
    ("worst", *_RATIOS),
    _worst,
)
