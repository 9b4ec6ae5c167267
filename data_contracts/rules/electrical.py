"""Rules of `readings` that tie one channel to another within the instruments' error.

Channels disagree for good reasons too: in the second in which a short circuit begins the mean of a product is
not the product of means; a stuck, dead or swapped channel, a spike or a blown fuse is what models must find.
So these rules look at rows of quality good with live voltages only; where an event could break the relation
for a while they ask for most of an episode's rows; and in episodes of the kind `instrument` for most points.
"""

from __future__ import annotations

import numpy as np

from data_contracts.block import Block, Floats
from data_contracts.contract import Mask, Rule
from data_contracts.ranges import GOOD
from data_contracts.rules.identity import kind_of
from data_contracts.rules.shares import episodes, most_points

PHASES = ("a", "b", "c")
PAIRS = (("a", "b"), ("b", "c"), ("c", "a"))

LIVE_PU = (0.9, 1.3)
"""A voltage within these multiples of nominal belongs to a phase that works."""

LOADED_PU = 0.05
"""Below this share of rated current the class of a current transformer promises nothing (IEC 61869-2)."""

MOST = 0.5
"""More than half of the judged rows: the median breaks the rule."""

APPARENT_FLOOR = 0.03
"""Room for quantisation, noise and the power channel's own error beside the classes, as a share."""

TRANSITION = 5.0
"""In a second with a transition P or Q can exceed the product of the mean V and I, at most by about this."""

V_NOISE = 0.003
"""Room for noise and quantisation of a voltage channel, as a share of nominal."""


def _good(block: Block) -> Mask:
    good: Mask = block.floats("quality") == GOOD
    return good


def _may_err(block: Block) -> Mask:
    return block.where("scenario_id", lambda name: kind_of(name) == "instrument")


def _at_odds(block: Block, off: Mask, judged: Mask) -> Mask:
    """Episodes of which most judged rows are off; where an instrument may err, only if most points' are."""
    found = episodes(block, off, judged, MOST)
    return found & (~_may_err(block) | most_points(block, found, judged)) if found.any() else found


def _pu(block: Block, phase: str) -> tuple[Floats, Floats]:
    v = block.floats(f"v_{phase}_v") / block.point_fact(lambda point: point.nominal_v)
    i = block.floats(f"i_{phase}_a") / block.point_fact(lambda point: point.rated_a)
    return v, i


def _apparent(block: Block, phase: str) -> tuple[Floats, Floats]:
    power = np.hypot(block.floats(f"p_{phase}_w"), block.floats(f"q_{phase}_var"))
    return power, block.floats(f"v_{phase}_v") * block.floats(f"i_{phase}_a")


def _apparent_power(block: Block) -> Mask:
    ct = block.point_fact(lambda point: point.ct_class)
    vt = block.point_fact(lambda point: point.vt_class)
    # IEC 61869-2 lets a class promise three times its error at 5 % of rated current.
    tolerance = (3.0 * ct + vt) / 100.0 + APPARENT_FLOOR
    good, found = _good(block), block.none()
    for phase in PHASES:
        v, i = _pu(block, phase)
        power, product = _apparent(block, phase)
        usable = good & (v >= LIVE_PU[0]) & (v <= LIVE_PU[1]) & (i >= LOADED_PU) & ~np.isnan(power)
        off = np.abs(power - product) > tolerance * product
        found |= _at_odds(block, off, usable)
    return found


APPARENT_POWER = Rule(
    "apparent_power",
    "sqrt(P² + Q²) of each phase equals V·I within the accuracy classes, (3·CT + VT) % + 3 %, in at least "
    "half of an episode's good rows with 0.9 to 1.3 of nominal voltage and at least 5 % of rated current",
    "check the ratios and units of P, Q, V and I, and that P and Q are per phase",
    tuple(
        pattern.format(phase) for pattern in ("v_{}_v", "i_{}_a", "p_{}_w", "q_{}_var") for phase in PHASES
    ),
    _apparent_power,
)


def _power_bound(block: Block) -> Mask:
    judged, found = _good(block) & ~_may_err(block), block.none()
    for phase in PHASES:
        v, i = _pu(block, phase)
        power, product = _apparent(block, phase)
        found |= judged & (v >= 0.3) & (i >= LOADED_PU) & (power > TRANSITION * product)
    return found


POWER_BOUND = Rule(
    "power_bound",
    "|P| and |Q| of a phase do not exceed S = V·I; in the second of a transition, when the means of V and I "
    "say little about the mean power, not five times as much",
    "check P, Q, V and I of this second",
    APPARENT_POWER.columns,
    _power_bound,
)


def _line_voltage(block: Block) -> Mask:
    strict, found = ~_may_err(block), block.none()
    nominal = block.point_fact(lambda point: point.nominal_v)
    room = (2.0 * block.point_fact(lambda point: point.vt_class) / 100.0 + V_NOISE) * nominal
    live = _good(block)
    for phase in PHASES:
        v, _ = _pu(block, phase)
        live = live & (v >= LIVE_PU[0]) & (v <= LIVE_PU[1])
    for first, second in PAIRS:
        line = block.floats(f"v_{first}{second}_v")
        one, two = block.floats(f"v_{first}_v"), block.floats(f"v_{second}_v")
        usable = live & ~np.isnan(line)
        found |= usable & strict & ((line > one + two + 2.0 * room) | (line < np.abs(one - two) - 2.0 * room))
        # Cosine theorem at 120°; an open conductor moves the angles by a fifth of it, a wrong unit far more.
        expected = np.sqrt(one * one + two * two + one * two)
        found |= _at_odds(block, np.abs(line - expected) > 0.3 * expected, usable)
    return found


LINE_VOLTAGE = Rule(
    "line_voltage",
    "a line voltage lies between the difference and the sum of its phase voltages, and within 30 % of "
    "sqrt(Va² + Vb² + Va·Vb) in at least half of an episode's good rows with live phases",
    "check the ratio and unit of the line voltages, and the order ab, bc, ca",
    (*(f"v_{phase}_v" for phase in PHASES), "v_ab_v", "v_bc_v", "v_ca_v"),
    _line_voltage,
)


def _extremes(block: Block) -> Mask:
    judged, found = _good(block) & ~_may_err(block), block.none()
    nominal = block.point_fact(lambda point: point.nominal_v)
    share = 2.0 * block.point_fact(lambda point: point.vt_class) / 100.0 + V_NOISE
    for phase in PHASES:
        v = block.floats(f"v_{phase}_v")
        smallest, largest = block.floats(f"v_min_{phase}_v"), block.floats(f"v_max_{phase}_v")
        room = share * np.maximum(nominal, v)
        found |= judged & ((smallest > v + room) | (v > largest + room) | (smallest > largest + room))
    return found


VOLTAGE_EXTREMES = Rule(
    "voltage_extremes",
    "v_min ≤ v ≤ v_max of each phase within twice the VT class, in rows of quality good",
    "check that the three describe the same second and phase",
    tuple(pattern.format(phase) for pattern in ("v_min_{}_v", "v_{}_v", "v_max_{}_v") for phase in PHASES),
    _extremes,
)

MEASURED = (
    *(pattern.format(phase) for pattern in ("v_{}_v", "i_{}_a", "p_{}_w", "q_{}_var") for phase in PHASES),
    "f_hz",
)


def _silent(block: Block) -> Mask:
    found = block.none()
    for name in MEASURED:
        found |= block.missing(name)
    return found & (block.floats("quality") < 2)


MISSING_IS_INVALID = Rule(
    "missing_is_invalid",
    "a row with a null voltage, current, power or frequency has quality 2 (invalid)",
    "set quality to 2 where a sample is missing",
    (*MEASURED, "quality"),
    _silent,
)
