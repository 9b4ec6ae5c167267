"""Rules of `waveforms`: lengths, units and dead channels of one capture.

A capture has no neighbours to be judged with, so a unit is judged by all three phases together: a bolted
short circuit may bring one phase to a thousandth of nominal, but not three of them within a band of that.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from data_contracts.block import Block, Floats
from data_contracts.contract import Mask, Rule
from data_contracts.ranges import CAPTURE_CYCLES, CAPTURE_SHARE, INVALID, V_MAX_PU
from data_contracts.units import TOGETHER_BAND, VOLTAGE_BAND, VOLTAGE_SCALES, near

VOLTAGES = ("v_a_v", "v_b_v", "v_c_v")
CURRENTS = ("i_a_a", "i_b_a", "i_c_a")
SERIES = (*VOLTAGES, *CURRENTS)


def _valid(block: Block) -> Mask:
    valid: Mask = block.floats("quality") != INVALID
    return valid


def _silent(block: Block) -> Mask:
    found = block.none()
    for name in SERIES:
        found |= block.missing(name)
    return found & _valid(block)


CAPTURE_MISSING = Rule(
    "missing_is_invalid",
    "a capture with a null series has quality 2 (invalid)",
    "set quality to 2 where a series is missing",
    (*SERIES, "quality"),
    _silent,
)


def _ragged(block: Block) -> Mask:
    lengths = np.stack([block.lists(name).lengths for name in SERIES])
    missing = np.stack([block.missing(name) for name in SERIES])
    longest = lengths.max(axis=0)
    mask: Mask = ((lengths != longest) & ~missing).any(axis=0)
    return mask


EQUAL_LENGTHS = Rule(
    "equal_lengths",
    "the six series of a capture are equally long",
    "cut all six from the same samples",
    SERIES,
    _ragged,
)


def _other_span(block: Block) -> Mask:
    cycles = np.stack([block.lists(name).lengths for name in SERIES]).max(axis=0) / block.floats("rate_hz")
    cycles *= block.facts.frequency_hz
    there = ~np.all([block.missing(name) for name in SERIES], axis=0)
    mask: Mask = there & ~(np.abs(cycles - CAPTURE_CYCLES) <= CAPTURE_SHARE * CAPTURE_CYCLES)
    return mask


CAPTURE_LENGTH = Rule(
    "capture_length",
    f"a capture lasts {CAPTURE_CYCLES:g} cycles of the grid's nominal frequency within {CAPTURE_SHARE:.0%}",
    "check rate_hz (samples a second, not kHz and not samples a cycle) and cut the capture to its length",
    ("rate_hz", *VOLTAGES[:1], *CURRENTS[:1]),
    _other_span,
)


def _nominal(block: Block) -> Floats:
    return block.point_fact(lambda point: point.nominal_v)


def _all_near(ratios: list[Floats], factor: float | Floats, band: tuple[float, float]) -> Mask:
    mask: Mask = np.all([near(ratio, factor, band) for ratio in ratios], axis=0)
    return mask


def _unit(block: Block) -> Mask:
    nominal = _nominal(block)
    ratios = [block.lists(name).rms() / nominal for name in VOLTAGES]
    found = _all_near(ratios, 3.0**0.5, TOGETHER_BAND)
    if any(((ratio < 0.02) | (ratio > 1.5)).any() for ratio in ratios):
        factors: list[float | Floats] = [scale.factor for scale in VOLTAGE_SCALES]
        for wrong in (*factors, 1.0 / nominal):
            found |= _all_near(ratios, wrong, VOLTAGE_BAND)
    return found & _valid(block)


WAVEFORM_UNIT = Rule(
    "waveform_unit",
    "the RMS of a capture's voltages is that of volts, phase to neutral: not of kV, mV, MV, per unit or line "
    "voltages in all three phases",
    "convert to volts, phase to neutral, primary side",
    VOLTAGES,
    _unit,
)


def _beyond(block: Block) -> Mask:
    peak = V_MAX_PU * 2.0**0.5 * _nominal(block)
    found = block.none()
    for name in VOLTAGES:
        lists = block.lists(name)
        found |= (lists.largest() > peak) | (lists.smallest() < -peak)
    return found & _valid(block)


WAVEFORM_PEAK = Rule(
    "waveform_peak",
    f"no sample of a voltage exceeds {V_MAX_PU:g} times the peak of the point's nominal voltage, √2·U/√3",
    "check the unit and the point's nominals",
    VOLTAGES,
    _beyond,
)


def _constant(names: tuple[str, ...], zero_is_dead: bool, block: Block) -> Mask:
    found = block.none()
    for name in names:
        smallest, largest = block.lists(name).smallest(), block.lists(name).largest()
        found |= (smallest == largest) & (zero_is_dead | (largest != 0.0))
    return found & _valid(block)


DEAD_VOLTAGE = Rule(
    "dead_voltage",
    "a voltage's samples are not all the same, unless quality is 2 (invalid)",
    "look for a channel that is not connected or stuck; set quality to 2 where one is",
    (*VOLTAGES, "quality"),
    partial(_constant, VOLTAGES, True),
)

DEAD_CURRENT = Rule(
    "dead_current",
    "a current's samples are not all the same unless they are 0 (a feeder without load), or quality is 2",
    "look for a channel that is stuck; set quality to 2 where one is",
    (*CURRENTS, "quality"),
    partial(_constant, CURRENTS, False),
)
