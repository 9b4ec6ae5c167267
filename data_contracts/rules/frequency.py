"""Rules of `frequency`."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from data_contracts.block import Block, Floats
from data_contracts.contract import Mask, Rule
from data_contracts.plausible import FREQUENCY_SHARE
from data_contracts.ranges import INVALID
from data_contracts.rules.shares import episodes
from data_contracts.units import SHARE, near

MEASURED = ("f_hz", "f_true_hz")
STEP_MS = 1000
GROUP = ("scenario_id",)

OTHER_UNITS = (1e3, 2.0 * math.pi, 1e-3)
"""Frequency as mHz, rad/s and kHz; per unit is added from the nominal."""

UNIT_BAND = (0.9, 1.1)
SYSTEMS_HZ = (50.0, 60.0)
OTHER_SYSTEM_BAND = (0.98, 1.02)
"""A grid keeps its frequency within these multiples of nominal for most of any episode."""


def _silent(block: Block) -> Mask:
    mask: Mask = block.missing("f_hz") & (block.floats("quality") != INVALID)
    return mask


FREQUENCY_MISSING = Rule(
    "missing_is_invalid",
    "a row with a null frequency has quality 2 (invalid)",
    "set quality to 2 where a sample is missing",
    ("f_hz", "quality"),
    _silent,
)


def _unit(block: Block) -> Mask:
    nominal = block.facts.frequency_hz
    found = block.none()
    for name in MEASURED:
        ratio = block.floats(name) / nominal
        present = ~np.isnan(ratio)
        if not (present & (np.abs(ratio - 1.0) > 0.1)).any():
            continue
        hits = [near(ratio, other, UNIT_BAND) for other in (*OTHER_UNITS, 1.0 / nominal)]
        others = [system / nominal for system in SYSTEMS_HZ if system != nominal]
        hits += [near(ratio, other, OTHER_SYSTEM_BAND) for other in others]
        for hit in hits:
            found |= episodes(block, hit, present, SHARE, GROUP)
    return found


FREQUENCY_UNIT = Rule(
    "frequency_unit",
    "frequencies are in Hz of this grid: not mHz, kHz, rad/s, per unit or those of a 60 Hz grid where it has "
    f"50 (in at least {SHARE:.0%} of an episode's rows)",
    "convert to Hz; check which grid the rows belong to",
    MEASURED,
    _unit,
)


def _outside(block: Block) -> Mask:
    nominal = block.facts.frequency_hz
    found = block.none()
    for name in MEASURED:
        found |= np.abs(block.floats(name) - nominal) > FREQUENCY_SHARE * nominal
    return found


FREQUENCY_RANGE = Rule(
    "frequency_range",
    f"frequencies lie within {FREQUENCY_SHARE:.0%} of the grid's nominal",
    "check the unit first, then the source of the value",
    MEASURED,
    _outside,
)


def _in_order(block: Block) -> tuple[NDArray[np.int64], Mask]:
    """Rows by scenario and time, and which of them follow a row of their own scenario, [rows] each."""
    ids, _ = block.groups(GROUP)
    order = np.lexsort((block.integers("t"), ids))
    follows = np.zeros(block.rows, dtype=bool)
    follows[1:] = ids[order[1:]] == ids[order[:-1]]
    return order, follows


def _gap(block: Block) -> Mask:
    order, follows = _in_order(block)
    steps = np.diff(block.integers("t")[order], prepend=0)
    found = block.none()
    found[order] = follows & (steps != STEP_MS) & (steps != 0)
    return found & ~block.missing("t")


STEADY = Rule(
    "time_step",
    "the rows of an episode are 1 s apart",
    "write a row for every second, with a null f_hz and quality 2 where the sample was lost",
    ("scenario_id", "t"),
    _gap,
)


def _onset_off(block: Block) -> Mask:
    calm = block.where("event", lambda name: name == "none")
    return calm ^ block.missing("since_onset_s")


ONSET_AGREES = Rule(
    "onset_agrees",
    "since_onset_s is null exactly where no event has happened yet",
    "write event none and a null since_onset_s before the first onset, and both from it on",
    ("event", "since_onset_s"),
    _onset_off,
)


def _clock_off(block: Block) -> Mask:
    order, follows = _in_order(block)
    since, t = block.floats("since_onset_s")[order], block.integers("t")[order]
    step = np.diff(t, prepend=0) / 1e3
    before = np.concatenate(([np.nan], since[:-1]))
    runs = np.abs(since - before - step) <= 1e-3
    starts = since <= step + 1e-3
    forgets = np.isnan(since) & ~np.isnan(before)
    found = block.none()
    found[order] = follows & (forgets | (~np.isnan(since) & ~runs & ~starts))
    return found


ONSET_CLOCK = Rule(
    "onset_clock",
    "since_onset_s grows by the step from row to row, or starts again at an onset within the last step",
    "count in seconds from the latest event's onset",
    ("since_onset_s", "t"),
    _clock_off,
)

SLOPE_BAND = (0.5, 2.0)
FEWEST = 30
MOVES_HZ_S = 1e-3
"""An episode with fewer rows, or a frequency that moves less (RMS), says nothing about its slope."""


def _sums(ids: NDArray[np.int64], values: Floats, count: int) -> Floats:
    return np.bincount(ids, weights=values, minlength=count).astype(np.float64)


def _rocof_off(block: Block) -> Mask:
    ids, count = block.groups(GROUP)
    order, follows = _in_order(block)
    ids, f = ids[order], block.floats("f_true_hz")[order]
    rocof = block.floats("rocof_true_hz_s")[order]
    if block.rows < FEWEST:
        return block.none()
    slope: Floats = (f[2:] - f[:-2]) / 2.0
    inner = follows[1:-1] & follows[2:] & np.isfinite(slope) & np.isfinite(rocof[1:-1])
    who, slope, rocof = ids[1:-1][inner], slope[inner], rocof[1:-1][inner]
    rows = np.bincount(who, minlength=count)
    squares = _sums(who, slope * slope, count)
    quotient = np.divide(_sums(who, slope * rocof, count), squares, out=np.ones(count), where=squares > 0.0)
    judged = (rows >= FEWEST) & (squares > MOVES_HZ_S**2 * rows)
    guilty = judged & ((quotient < SLOPE_BAND[0]) | (quotient > SLOPE_BAND[1]))
    found = block.none()
    found[order] = guilty[ids]
    return found


ROCOF_AGREES = Rule(
    "rocof_agrees",
    "rocof_true_hz_s is the slope of f_true_hz: over an episode, least squares of it on (f(t+1) − f(t−1))/2 "
    f"give a factor from {SLOPE_BAND[0]:g} to {SLOPE_BAND[1]:g}",
    "check the unit (Hz/s; not mHz/s, Hz/min or pu/s) and the sign",
    ("rocof_true_hz_s", "f_true_hz"),
    _rocof_off,
)
