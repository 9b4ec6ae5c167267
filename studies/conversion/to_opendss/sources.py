"""External grids and generators."""

from __future__ import annotations

import cmath
import math

from studies.conversion.to_opendss.draft import Draft
from studies.conversion.to_opendss.element import Element
from studies.conversion.to_opendss.injections import scaled_mva, write_load, write_power
from studies.pandapower.network import solve

_STIFF = 1e-7
"""Impedance of a grid that holds its voltage: what drops across it at full load, pu."""

_C_MAX = 1.1
"""Voltage factor of IEC 60909-0, table 1, with which a grid's short-circuit power is stated."""

_PV_FACTOR = 0.02
"""How fast the engine moves the reactive power of a generator towards its voltage; with its own 0.1 it swings
in meshed networks of several."""

_BELOW_EARTH_FAULTS = "ask for --type LLL and LL only"


def write_sources(draft: Draft) -> None:
    """Write external grids and generators that are the reference.

    For a power flow they hold their voltage. For faults they stand behind Z = c·Un²/S_k (IEC 60909-0, 6.2),
    with the voltage behind it that makes the state before the fault that of the network's own power flow.

    Raises:
        StudyError: The network does not solve, or short-circuit data are missing.
    """
    if draft.purpose.is_faults:
        solve(draft.net, draft.file)
    mva = max(float(draft.net.load.p_mw.abs().sum()), 1.0)
    for one in draft.at_supplied("ext_grid"):
        kv = draft.buses.kv(one.row.bus)
        e = cmath.rect(float(one.row.vm_pu), math.radians(float(one.row.va_degree)))
        if draft.purpose.is_faults:
            z1, z0 = _impedances(draft, one, kv)
            given = complex(*draft.net.res_ext_grid.loc[one.index, ["p_mw", "q_mvar"]])
            e += z1 * (given / e).conjugate() / kv**2
        else:
            z1 = z0 = complex(0.0, _STIFF * kv**2 / mva)
        _write(draft, one, e, z1, z0)
    for one in draft.at_supplied("gen"):
        if bool(getattr(one.row, "slack", False)):
            if draft.purpose.is_faults:
                raise one.refuse("its subtransient reactance is read by IEC 60909 only", "add --iec60909")
            z = complex(0.0, _STIFF * draft.buses.kv(one.row.bus) ** 2 / mva)
            _write(draft, one, complex(one.row.vm_pu), z, z)


def _impedances(draft: Draft, one: Element, kv: float) -> tuple[complex, complex]:
    """Positive and zero sequence, Ω."""
    power = one.required("s_sc_max_mva", "state the grid's short-circuit power")
    ratio = one.required("rx_max", "state the grid's R/X")
    x1 = _C_MAX * kv**2 / power / math.hypot(1.0, ratio)
    z1 = complex(ratio * x1, x1)
    if not draft.purpose.is_to_earth:
        return z1, z1
    x0 = x1 * one.required("x0x_max", f"state the grid's X0/X, or {_BELOW_EARTH_FAULTS}")
    return z1, complex(x0 * one.required("r0x0_max", f"state the grid's R0/X0, or {_BELOW_EARTH_FAULTS}"), x0)


def _write(draft: Draft, one: Element, e: complex, z1: complex, z0: complex) -> None:
    draft.new_source(
        one.name, bus1=draft.buses[one.row.bus], basekv=draft.buses.kv(one.row.bus), pu=abs(e),
        angle=math.degrees(cmath.phase(e)), phases=3, Z1=[z1.real, z1.imag], Z0=[z0.real, z0.imag],
    )  # fmt: skip


def write_generators(draft: Draft) -> None:
    """Write generators: static ones with their power, others with their power and the voltage that they hold.

    Raises:
        StudyError: A machine is to feed a fault.
    """
    for one in draft.at_supplied("sgen"):
        _static(draft, one)
    for one in draft.at_supplied("gen"):
        if bool(getattr(one.row, "slack", False)):
            continue
        if draft.purpose.is_faults:
            raise one.refuse("its subtransient reactance is read by IEC 60909 only", "add --iec60909")
        kw = 1e3 * one.optional("scaling", 1.0) * float(one.row.p_mw)
        draft.holds_voltages = True
        write_power(
            draft, one, "generator", kW=kw, model=3, Vpu=float(one.row.vm_pu), maxkvar=1e9, minkvar=-1e9,
            pvfactor=_PV_FACTOR,
        )  # fmt: skip
    if draft.purpose.is_faults and any(True for _ in draft.at_supplied("sgen")):
        draft.notes.append("static generators feed no short-circuit current: they stand as negative loads")


def _static(draft: Draft, one: Element) -> None:
    mva = scaled_mva(one)
    if draft.purpose.is_faults:
        # A generator of OpenDSS would feed the fault from behind a reactance that nobody stated.
        write_load(draft, one, -mva)
    else:
        write_power(draft, one, "generator", kW=1e3 * mva.real, kvar=1e3 * mva.imag, model=1)
