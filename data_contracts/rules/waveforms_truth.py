"""Rules of `waveforms_truth`: the lists of harmonics against the figures that are made from them."""

from __future__ import annotations

import numpy as np

from data_contracts.block import Block
from data_contracts.contract import Mask, Rule

PHASES = ("a", "b", "c")
QUANTITIES = ("v", "i")
ROOM = 1e-6


def _first_is_hundred(block: Block) -> Mask:
    found = block.none()
    for name in _pct_columns():
        found |= np.abs(block.lists(name).element(0) - 100.0) > 100.0 * ROOM
    return found


def _pct_columns() -> tuple[str, ...]:
    return tuple(f"{quantity}_{phase}_h_pct" for quantity in QUANTITIES for phase in PHASES)


FUNDAMENTAL = Rule(
    "fundamental",
    "the first element of a list of magnitudes is the fundamental, 100 %",
    "write orders 1 to 40, in percent of the fundamental",
    _pct_columns(),
    _first_is_hundred,
)


def _thd_off(block: Block) -> Mask:
    found = block.none()
    for quantity in QUANTITIES:
        for phase in PHASES:
            stated = block.floats(f"thd_{quantity}_{phase}_pct")
            expected = block.lists(f"{quantity}_{phase}_h_pct").root_sum_square(1)
            found |= np.abs(stated - expected) > ROOM * np.maximum(expected, ROOM)
    return found


THD_AGREES = Rule(
    "thd_agrees",
    "thd is the root of the sum of squares of the orders 2 to 40 of its list (IEC 61000-4-7), within 1e-6",
    "make both from the same solution, in percent of the fundamental",
    (
        *(f"thd_{quantity}_{phase}_pct" for quantity in QUANTITIES for phase in PHASES),
        *_pct_columns(),
    ),
    _thd_off,
)


def _half_missing(block: Block) -> Mask:
    found = block.none()
    for names in TOGETHER:
        missing = [block.missing(name) for name in names]
        found |= np.any(missing, axis=0) & ~np.all(missing, axis=0)
    return found


TOGETHER = tuple(
    (f"thd_{quantity}_{phase}_pct", f"{quantity}_{phase}_h_pct", f"{quantity}_{phase}_h_deg")
    for quantity in QUANTITIES
    for phase in PHASES
)


MISSING_TOGETHER = Rule(
    "missing_together",
    "THD, magnitudes and angles of one phase's voltage or current are null together",
    "write null for all three where there is no fundamental",
    tuple(name for names in TOGETHER for name in names),
    _half_missing,
)
