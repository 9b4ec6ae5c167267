"""Loads, storage, shunts and wards."""

from __future__ import annotations

from typing import Any

from studies.conversion.to_opendss.draft import Draft
from studies.conversion.to_opendss.element import Element

_CONSTANT_DOWN_TO = 0.5
"""Voltage, pu, below which the engine takes a constant power for an impedance. Pandapower does so nowhere;
here an island that an outage leaves without a source would have no solution, where it has to be dead."""

_SHARES = ("const_z_p_percent", "const_i_p_percent", "const_z_q_percent", "const_i_q_percent")


def write_loads(draft: Draft) -> None:
    """Write loads, with their shares of constant power, current and impedance, and storage."""
    mixed = set()
    for one in draft.at_supplied("load"):
        shares: dict[str, Any] = {}
        z_p, i_p, z_q, i_q = (one.optional(column, 0.0) / 100.0 for column in _SHARES)
        if any((z_p, i_p, z_q, i_q)):
            mixed.add(draft.buses[one.row.bus])
            shares = {"model": 8, "ZIPV": [z_p, i_p, 1.0 - z_p - i_p, z_q, i_q, 1.0 - z_q - i_q, 0.0]}
        write_load(draft, one, scaled_mva(one), **shares)
    for one in draft.at_supplied("storage"):
        write_load(draft, one, scaled_mva(one))
    there = [
        draft.buses[one.row.bus]
        for kind in ("load", "sgen", "storage", "ward")
        for one in draft.at_supplied(kind)
    ]
    if any(there.count(bus) > 1 for bus in mixed):
        draft.shares_differ = True
        draft.notes.append(
            "each load keeps its own shares of constant impedance and current; pandapower takes the mean of "
            "those of a bus for everything that is connected there"
        )


def write_shunts(draft: Draft) -> None:
    """Write shunts as capacitors, reactors and resistors, and wards as a load and a shunt."""
    for one in draft.at_supplied("shunt"):
        kv = one.optional("vn_kv", draft.buses.kv(one.row.bus))
        steps = one.optional("step", 1.0)
        _shunt(draft, one, complex(one.row.p_mw, one.row.q_mvar) * steps, kv)
    for one in draft.at_supplied("ward"):
        write_load(draft, one, complex(one.row.ps_mw, one.row.qs_mvar))
        _shunt(draft, one, complex(one.row.pz_mw, one.row.qz_mvar), draft.buses.kv(one.row.bus))


def scaled_mva(one: Element) -> complex:
    """Power with its scaling."""
    return complex(one.row.p_mw, one.row.q_mvar) * one.optional("scaling", 1.0)


def write_load(draft: Draft, one: Element, mva: complex, **shares: Any) -> None:
    """Write a load of constant power, or of these shares."""
    write_power(
        draft,
        one,
        "load",
        kW=1e3 * mva.real,
        kvar=1e3 * mva.imag,
        vlowpu=_CONSTANT_DOWN_TO / 2,
        **(shares or {"model": 1}),
    )


def write_power(draft: Draft, one: Element, kind: str, **properties: Any) -> None:
    """Write what draws or gives power."""
    draft.new(
        kind, one.name, bus1=draft.buses[one.row.bus], phases=3, conn="wye", kV=draft.buses.kv(one.row.bus),
        vminpu=_CONSTANT_DOWN_TO, vmaxpu=10.0, **properties,
    )  # fmt: skip


def _shunt(draft: Draft, one: Element, mva: complex, kv: float) -> None:
    at = {"bus1": draft.buses[one.row.bus], "phases": 3, "normamps": 0.0}
    if mva.imag < 0.0:
        draft.new("capacitor", one.name, **at, kV=kv, kvar=-1e3 * mva.imag)
    elif mva.imag > 0.0:
        draft.new("reactor", one.name, **at, kV=kv, kvar=1e3 * mva.imag)
    if mva.real != 0.0:
        draft.new("reactor", one.name, **at, R=kv**2 / mva.real, X=0.0)
