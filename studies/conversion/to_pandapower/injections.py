"""Sources, shunts and generation of a circuit as pandapower's elements of one bus."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from studies.conversion.to_pandapower.parts import COUPLING, PHASES, Part, sequences
from studies.conversion.to_pandapower.target import Target

SAME = 1e-6
"""A solved value this close to the stated one is written as stated."""

_C_MAX = 1.1
"""Voltage factor of IEC 60909-0, table 1, for the largest currents."""

_LOSSLESS = 1e-9


def add_source(target: Target, part: Part) -> None:
    """A voltage behind the source's impedance: an external grid at a bus of its own.

    For IEC 60909 that grid has the impedance which brings the one of the source to c·Un²/S"k of a network
    feeder (IEC 60909-0, 6.2), S"k = Un²/|Z1| being the short-circuit power that the circuit states.

    Raises:
        StudyError: It is not a symmetrical three-phase source to earth.
    """
    import pandapower as pp

    found = sequences(part)
    if found.terminals != (0,):
        raise part.refused(
            f"bus2={part.buses[-1]}: a source of pandapower's balanced power flow is between a bus and earth"
        )
    y0, y1, y2 = (complex(y[0, 0]) for y in (found.zero, found.positive, found.negative))
    if abs(y1 - y2) > COUPLING * abs(y1):
        raise part.refused("z2: it differs from z1, pandapower has one impedance for both sequences")
    z1, z0 = 1.0 / y1, 1.0 / y0
    if z1.imag <= 0.0 or z0.imag <= 0.0:
        raise part.refused(
            f"z1={z1:.4g} Ω, z0={z0:.4g} Ω: an external grid of pandapower has a positive reactance"
        )
    bus = part.buses[0]
    kv = target.base_kv[bus]
    emf = _emf(part, z1) / (1e3 * kv / np.sqrt(3.0))
    inside = pp.create_bus(target.net, vn_kv=kv, name=part.name)
    target.internal[part.name] = bus
    pp.create_ext_grid(
        target.net,
        inside,
        vm_pu=abs(emf),
        va_degree=float(np.degrees(np.angle(emf))),
        s_sc_max_mva=kv**2 / abs(z1) * _C_MAX / (_C_MAX - 1.0),
        rx_max=z1.real / z1.imag,
        x0x_max=z0.imag / z1.imag,
        r0x0_max=z0.real / z0.imag,
        name=target.name("ext_grid", part),
        in_service=not part.opened[0],
    )
    target.impedance(
        (int(inside), target.bus[bus]),
        kv,
        z1,
        z0,
        name=target.name("impedance", part, whole=False),
        in_service=not part.opened[0],
        of_source=True,
    )


def _emf(part: Part, z1: complex) -> complex:
    """Voltage to earth behind the impedance, V."""
    stated = part.number("pu") * part.number("basekv") * 1e3 / np.sqrt(3.0)
    stated *= np.exp(1j * np.radians(part.number("angle")))
    if part.opened[0]:
        return complex(stated)
    order = part.phase_order(0)
    current = part.i[0][order]
    # The rotation of the positive sequence, taken off.
    turned = np.exp(2j * np.pi / 3.0 * np.arange(PHASES))
    solved = complex(part.positive() - z1 * (current * turned).mean())
    return complex(stated) if abs(solved - stated) <= SAME * abs(stated) else solved


def add_shunt(target: Target, part: Part) -> None:
    """A capacitor or reactor between a bus and earth, or between its phases: S = V²·conj(Y1).

    Raises:
        StudyError: It is not symmetrical.
    """
    import pandapower as pp

    found = sequences(part)
    if len(found.terminals) != 1:
        raise part.refused("it is neither between two buses nor between one and earth")
    kv = target.base_kv[part.buses[found.terminals[0]]]
    s_mva = np.conj(complex(found.positive[0, 0])) * kv**2
    pp.create_shunt(
        target.net,
        target.bus[part.buses[found.terminals[0]]],
        p_mw=s_mva.real if abs(s_mva.real) > _LOSSLESS * abs(s_mva) else 0.0,
        q_mvar=s_mva.imag,
        vn_kv=kv,
        name=target.name("shunt", part),
        in_service=not any(part.opened),
    )


def add_generation(target: Target, parts: Sequence[Part]) -> None:
    """Generators, photovoltaic systems and storage at the power that they have in the solution.

    Raises:
        StudyError: One is not three-phase, or not of constant power.
    """
    import pandapower as pp

    for part in parts:
        if (model := int(part.number("model"))) != 1:
            raise part.refused(
                f"model={model}: a static generator of pandapower has constant power, which is model=1"
            )
        part.require_three_phases()
        s_mva = -part.power_va / 1e6
        if part.kind == "generator":
            stated = complex(part.number("kw"), part.number("kvar")) / 1e3
            s_mva = stated if abs(stated - s_mva) <= SAME * abs(stated) else s_mva
        pp.create_sgen(
            target.net,
            target.bus[part.buses[0]],
            p_mw=s_mva.real,
            q_mvar=s_mva.imag,
            sn_mva=part.number("kva") / 1e3,
            name=target.name("sgen", part),
            in_service=not part.opened[0],
        )
    if parts:
        target.note(
            "generators, photovoltaic systems and storage have the power of this solution, at every voltage; "
            "they add no current to IEC 60909's"
        )
