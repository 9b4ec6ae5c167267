"""Rules of `faults`."""

from __future__ import annotations

import math

import msgspec
import numpy as np

from data_contracts.block import Block
from data_contracts.contract import Mask, Rule

FEWEST_A = 50.0
"""A faulted phase carries more than this in every network served here: 33 kV through 50 Ω gives 380 A."""

ABOVE_LEVEL = 1.6
"""Currents to earth can exceed the three-phase level where the zero-sequence impedance is small."""

PHASES_OF = {"LG": 1, "LL": 2, "LLG": 2, "LLL": 3}


def _within_rating(block: Block) -> Mask:
    mask: Mask = block.floats("fault_level_ka") > block.floats("breaker_rating_ka")
    return mask


FAULT_LEVEL = Rule(
    "fault_level_within_rating",
    "the fault level of a bus does not exceed what its breakers can break",
    "raise the breakers' rating in substation.yaml, or the source and transformer impedances in circuit.dss",
    ("fault_level_ka", "breaker_rating_ka"),
    _within_rating,
)


def _other_rating(block: Block) -> Mask:
    def known(name: str) -> float:
        rating = block.facts.buses[name].breaker_ka if name in block.facts.buses else None
        return math.nan if rating is None else rating

    rating = block.mapped("bus", known)
    mask: Mask = np.abs(block.floats("breaker_rating_ka") - rating) > 1e-6 * rating
    return mask


BREAKER_RATING = Rule(
    "breaker_rating",
    "breaker_rating_ka is the one in the substation's description",
    "take it from the bus in substation.yaml",
    ("bus", "breaker_rating_ka"),
    _other_rating,
)


def _phases(block: Block) -> Mask:
    kind = block.mapped("fault_type", lambda name: float(PHASES_OF.get(name, 0)))
    count = block.mapped("phases", lambda name: float(len(name)))
    mask: Mask = kind != count
    return mask


FAULT_PHASES = Rule(
    "fault_phases",
    "LG names one phase, LL and LLG two, LLL three",
    "write the faulted phases as a, ab or abc",
    ("fault_type", "phases"),
    _phases,
)


def _currents(block: Block) -> Mask:
    found = block.none()
    most = ABOVE_LEVEL * 1e3 * block.floats("fault_level_ka")
    ids, names = block.codes("phases")
    for phase in ("a", "b", "c"):
        current = block.floats(f"i_fault_{phase}")
        faulted = np.array([phase in name for name in names] or [False])[ids]
        found |= (current > most) | (faulted & (current < FEWEST_A))
    return found


FAULT_CURRENT = Rule(
    "fault_current",
    f"faulted phases carry at least {FEWEST_A:g} A, and none more than {ABOVE_LEVEL:g} times the fault level",
    "check that currents are in A and fault levels in kA",
    ("i_fault_a", "i_fault_b", "i_fault_c", "phases", "fault_level_ka"),
    _currents,
)


def _dips(block: Block) -> Mask:
    decoder = msgspec.json.Decoder(dict[str, tuple[float, float, float]])

    def broken(text: str) -> bool:
        try:
            dips = decoder.decode(text)
        except msgspec.DecodeError:
            return True
        known = block.facts.points.keys()
        return any(point not in known or not all(0.0 <= v <= 3.0 for v in dip) for point, dip in dips.items())

    return block.where("dips", broken)


DIPS = Rule(
    "dips",
    "dips is a JSON object from measurement points to three residual voltages from 0 to 3 pu",
    'write {"LV1": [0.61, 0.98, 0.97], …}',
    ("dips",),
    _dips,
)
