"""From the kind of equipment and the severity of its defect to the trace, and its size.

| kind | defect | trace at severity s |
|---|---|---|
| breaker, isolator, line | worn contact, failing joint | voltage of 80 V·s³ at rated current, one phase |
| transformer | worn contacts of tap changer and leads | 40 %·s² of the first winding's resistance |
| cvt | shorted elements of the upper divider | + 1/n for each of ⌊3·s⌋ out of n |
| vt | shorted turns | ± 0.8 %·s² |
| ct | shorted turns | − 2.5 %·s² and 60′·s² |
| capacitor | blown internal fuses | − 2 % of the unit's capacitance for each of ⌊6·s⌋ |
| others | insulation | none: leakage is milliamperes |

A sound contact drops millivolts and a worn one melts at about half a volt (R. Holm, *Electric Contacts*, from
common knowledge); tens of volts are an arc in series, as of the last days. All sizes are chosen.
"""

from __future__ import annotations

import numpy as np

from simulation.scenario.defects.places import in_series, served_by_current, served_by_voltage
from simulation.scenario.defects.trace import (
    LineContact,
    LostElements,
    NoTrace,
    RatioError,
    Trace,
    WindingContact,
)
from substations.description import Substation
from substations.site import Asset

CONTACT_V, CONTACT_SPREAD = 80.0, 0.25
"""Voltage of a full-grown contact at rated current, and the spread of its logarithm from day to day."""

WINDING_SHARE = 0.40
CVT_SHORTS, CVT_ELEMENT_V = 3, 1600.0
"""Elements shorted in a full-grown divider, and voltage for which one of its elements is built."""

VT_ERROR, CT_ERROR, CT_PHASE = 0.008, 0.025, np.pi / 180.0
UNIT_FUSES, FUSE_SHARE = 6, 0.02

_CONTACTS = {"breaker": "contact_wear", "isolator": "contact_wear", "line": "failing_joint"}


def trace_of(
    substation: Substation,
    asset: Asset,
    severity: float,
    *,
    defect: np.random.Generator,
    day: np.random.Generator,
) -> Trace:
    """The trace of a piece's defect.

    Args:
        substation: Its description.
        asset: The piece.
        severity: Of its defect, 0 to 1.
        defect: Stream of the defect, the same on all of its days: phase and sign.
        day: Stream of the day.
    """
    phase, sign = "abc"[int(defect.integers(3))], float(defect.choice([-1.0, 1.0]))
    wander = float(np.exp(CONTACT_SPREAD * day.standard_normal()))
    if severity == 0.0:
        return NoTrace("none")
    if asset.kind in _CONTACTS:
        return _contact(substation, asset, CONTACT_V * severity**3 * wander, phase)
    if asset.kind == "transformer":
        return _winding(substation, asset, severity)
    if asset.kind == "capacitor" and asset.element is not None:
        share = FUSE_SHARE * int(UNIT_FUSES * severity)
        return LostElements("blown_elements", _phase_of(substation, asset), asset.element, share)
    if asset.kind in ("cvt", "vt", "ct"):
        return _ratio(substation, asset, severity, phase, sign)
    return NoTrace("insulation")


def _contact(substation: Substation, asset: Asset, volts: float, phase: str) -> Trace:
    name, place = _CONTACTS[asset.kind], in_series(substation, asset)
    if place is None:
        return NoTrace(name, phase)
    element, terminal, rated_a = place
    if element.startswith("line."):
        return LineContact(name, phase, element, volts / rated_a)
    # A third in each phase heats as much as all of it in one.
    return WindingContact(name, "abc", element, terminal, volts / rated_a / 3.0)


def _winding(substation: Substation, asset: Asset, severity: float) -> Trace:
    unit = substation.transformer(asset.id)
    rated = unit.windings[0].rated_mva
    base_ohm = unit.windings[0].nominal_kv ** 2 / rated
    own_ohm = 0.5e-3 * unit.load_loss_kw / rated * base_ohm
    return WindingContact("tap_contact_wear", "abc", unit.element, 1, WINDING_SHARE * severity**2 * own_ohm)


def _ratio(substation: Substation, asset: Asset, severity: float, phase: str, sign: float) -> Trace:
    if asset.kind == "ct":
        square = severity**2
        error = (1.0 - CT_ERROR * square) * np.exp(1j * CT_PHASE * square) - 1.0
        return RatioError("shorted_turns", phase, served_by_current(substation, asset), 0.0, complex(error))
    points = served_by_voltage(substation, asset)
    if asset.kind == "vt":
        return RatioError("shorted_turns", phase, points, sign * VT_ERROR * severity**2)
    elements = substation.bus(asset.bus).nominal_kv * 1e3 / np.sqrt(3.0) / CVT_ELEMENT_V
    return RatioError("shorted_elements", phase, points, int(CVT_SHORTS * severity) / round(elements))


def _phase_of(substation: Substation, asset: Asset) -> str:
    for bank in substation.capacitors:
        for phase, element in zip("abc", bank.elements, strict=True):
            if element == asset.element:
                return phase
    return ""
