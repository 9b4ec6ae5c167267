"""Lines, and reactors and capacitors in series, as pandapower's lines and impedances."""

from __future__ import annotations

import numpy as np

from studies.conversion.to_pandapower.parts import (
    COUPLING,
    PHASES,
    REMEDY,
    Part,
    differs,
    in_sequences,
    sequences,
)
from studies.conversion.to_pandapower.target import Target

_KM = {
    "none": 1.0, "mi": 1.609344, "kft": 0.3048, "km": 1.0, "m": 1e-3, "ft": 3.048e-4, "in": 2.54e-5,
    "cm": 1e-5, "mm": 1e-6,
}  # fmt: skip
_SHUNT_COUPLING = 1e-6
"""As `COUPLING`, of the admittance to earth of a line, which rounding of the series one blurs."""

_BLUR = 1e-13


def add_line(target: Target, part: Part) -> None:
    """A line by its positive and zero sequence.

    Z = −Y_12⁻¹ and the admittance to earth 2·(Y_11 + Y_12) of the engine's π section.

    Raises:
        StudyError: It is not three-phase or not symmetrical, or it joins buses of different nominal voltage.
    """
    import pandapower as pp

    first, second = _ends(part)
    _same_voltage(target, part)
    width = part.nodes.shape[1]
    one, other = part.phase_order(0), width + part.phase_order(1)
    series = -part.y[np.ix_(one, other)]
    to_earth = part.y[np.ix_(one, one)] - series
    largest = float(np.abs(series).max())
    y, coupling = in_sequences(series)
    if coupling > COUPLING * largest or abs(y[1] - y[2]) > COUPLING * largest:
        raise part.refused(
            "rmatrix, xmatrix: " + differs(max(coupling, abs(y[1] - y[2])) / largest),
            "transpose it (equal diagonals, equal terms beside them), or " + REMEDY,
        )
    shunt, coupling = in_sequences(to_earth)
    blur = _BLUR * largest
    if coupling > _SHUNT_COUPLING * float(np.abs(to_earth).max()) + blur:
        raise part.refused("cmatrix: " + differs(coupling / float(np.abs(to_earth).max())))
    z0, z1 = 1.0 / y[0], 1.0 / y[1]
    km = float(part.properties["length"]) * _KM.get(str(part.properties["units"]).lower(), 1.0)
    length = km if km > 0.0 else 1.0
    omega = 2.0 * np.pi * target.frequency_hz
    b0, b1 = (2.0 * value.imag if abs(value) > blur else 0.0 for value in shunt[:2])
    index = pp.create_line_from_parameters(
        target.net,
        target.bus[first],
        target.bus[second],
        length_km=length,
        r_ohm_per_km=z1.real / length,
        x_ohm_per_km=z1.imag / length,
        c_nf_per_km=1e9 * b1 / omega / length,
        r0_ohm_per_km=z0.real / length,
        x0_ohm_per_km=z0.imag / length,
        c0_nf_per_km=1e9 * b0 / omega / length,
        max_i_ka=part.rating_a / 1e3,
        name=target.name("line", part),
    )
    target.open_ends(part, "l", index, {0: first, 1: second})


def add_series(target: Target, part: Part) -> None:
    """A reactor or capacitor between two buses.

    Raises:
        StudyError: It is not symmetrical, has a part to earth, or joins buses of different nominal voltage.
    """
    first, second = _ends(part)
    _same_voltage(target, part)
    found = sequences(part)
    for y in (found.positive, found.zero):
        if np.abs(y.sum(axis=1)).max() > _SHUNT_COUPLING * np.abs(y).max():
            raise part.refused("it has an admittance to earth beside the one between its buses")
    if abs(found.positive[0, 1] - found.negative[0, 1]) > COUPLING * abs(found.positive[0, 1]):
        raise part.refused("z2: its positive and negative sequence differ")
    rating = np.sqrt(3.0) * target.base_kv[first] * part.rating_a / 1e3
    target.impedance(
        (target.bus[first], target.bus[second]),
        target.base_kv[first],
        -1.0 / found.positive[0, 1],
        -1.0 / found.zero[0, 1] if found.zero[0, 1] != 0.0 else complex(np.nan, np.nan),
        name=target.name("impedance", part),
        sn_mva=rating if rating > 0.0 else None,
        in_service=not any(part.opened),
    )


def _ends(part: Part) -> tuple[str, str]:
    if len(part.buses) != 2 or any(not (nodes > 0).any() for nodes in part.nodes):
        raise part.refused("it does not join two buses")
    if (part.nodes > PHASES).any() or part.nodes.shape[1] != PHASES:
        raise part.refused(
            f"phases={part.properties.get('phases')}: pandapower's balanced power flow has three phases and "
            "no neutral"
        )
    first, second = part.buses
    if first == second:
        raise part.refused(f"bus1 and bus2 are both {first}")
    return first, second


def _same_voltage(target: Target, part: Part) -> None:
    """Refuse a branch without transformation between buses of different nominal voltage.

    Raises:
        StudyError: It is one.
    """
    one, other = (target.base_kv[bus] for bus in part.buses[:2])
    if abs(one - other) > 1e-9 * one:
        raise part.refused(
            f"bus {part.buses[0]} has a nominal voltage of {one:g} kV, bus {part.buses[1]} of {other:g} kV",
            "correct VoltageBases, so that CalcVoltageBases gives both the same",
        )
