"""Lines, transformers, impedances and switches."""

from __future__ import annotations

import math
from typing import Any

from studies.conversion.to_opendss import transformers
from studies.conversion.to_opendss.buses import End, switch_ohm
from studies.conversion.to_opendss.draft import Draft
from studies.conversion.to_opendss.element import Element

_BELOW_EARTH_FAULTS = "state it, or ask for --type LLL and LL only"
_SWITCH_R_OVER_X = 2.0
"""Of a switch with an impedance; pandapower's own."""

_LETTER = {"line": "l", "trafo": "t"}


def write_lines(draft: Draft) -> None:
    """Write lines: π with their capacitance, parallel ones as one.

    Raises:
        StudyError: One has a conductance to earth, joins unequal voltages, or lacks zero-sequence data that
            faults to earth need.
    """
    for one in draft.elements("line"):
        ends = _ends(draft, one, "line", ("from_bus", "to_bus"))
        if ends is None:
            continue
        row = one.row
        _one_voltage(draft, one, "correct vn_kv of its buses")
        if conductance := one.optional("g_us_per_km", 0.0):
            raise one.refuse(f"g_us_per_km {conductance:g}: a line of OpenDSS has no conductance to earth")
        parallel = int(one.optional("parallel", 1))
        r, x, c = (float(row.r_ohm_per_km), float(row.x_ohm_per_km), float(row.c_nf_per_km))
        r0, x0, c0 = (
            one.required(column, _BELOW_EARTH_FAULTS) if draft.purpose.is_to_earth else same
            for column, same in (("r0_ohm_per_km", r), ("x0_ohm_per_km", x), ("c0_nf_per_km", c))
        )
        amps = 1e3 * one.optional("max_i_ka", 0.0) * one.optional("df", 1.0) * parallel
        draft.new(
            "line", one.name, bus1=ends[0].at(), bus2=ends[1].at(), phases=3,
            r1=r / parallel, x1=x / parallel, c1=c * parallel,
            r0=r0 / parallel, x0=x0 / parallel, c0=c0 * parallel,
            length=float(row.length_km), units="km", normamps=amps, emergamps=amps,
        )  # fmt: skip


def write_transformers(draft: Draft) -> None:
    """Write transformers of two windings, at the present position of their tap changers.

    Raises:
        StudyError: A vector group, an angle or a tap changer has no counterpart, or faults to earth need a
            vector group that is not stated.
    """
    for one in draft.elements("trafo"):
        ends = _ends(draft, one, "trafo", ("hv_bus", "lv_bus"))
        if ends is None:
            continue
        group = getattr(one.row, "vector_group", None)
        group = group if isinstance(group, str) and group.strip() else None
        if draft.purpose.is_to_earth and group is None:
            raise one.refuse("vector_group is not stated", _BELOW_EARTH_FAULTS)
        try:
            connected = transformers.connection(
                float(one.row.shift_degree), group if draft.purpose.is_to_earth else None
            )
            windings = transformers.windings(one.row)
        except ValueError as error:
            raise one.refuse(str(error)) from error
        if draft.purpose.is_to_earth:
            _same_zero_sequence(one)
        star = None
        if windings.is_magnetised:
            star = draft.buses.add_internal(f"{one.name.partition('.')[2]}_star", one.row.lv_bus)
        draft.new("transformer", one.name, **windings.properties((ends[0], ends[1]), star, connected))


def write_impedances(draft: Draft) -> None:
    """Write impedances between buses of one voltage.

    Raises:
        StudyError: One is not the same from both sides, has admittances, or a fault to earth would need its
            zero sequence.
    """
    for one in draft.elements("impedance"):
        row = one.row
        if row.from_bus not in draft.buses or row.to_bus not in draft.buses:
            continue
        _one_voltage(draft, one)
        if (row.rft_pu, row.xft_pu) != (row.rtf_pu, row.xtf_pu):
            raise one.refuse("its impedance differs from one direction to the other")
        if any(one.optional(column, 0.0) for column in ("gf_pu", "bf_pu", "gt_pu", "bt_pu")):
            raise one.refuse("a reactor of OpenDSS has no admittances to earth")
        if draft.purpose.is_to_earth:
            raise one.refuse("its zero sequence is not read", "ask for --type LLL and LL only")
        base = draft.buses.kv(row.from_bus) ** 2 / float(row.sn_mva)
        _series(draft, one, (row.from_bus, row.to_bus), complex(row.rft_pu, row.xft_pu) * base)


def write_switches(draft: Draft) -> None:
    """Write closed switches between buses that have an impedance; the others join their buses."""
    angle = math.atan2(1.0, _SWITCH_R_OVER_X)
    for one in draft.elements("switch"):
        row = one.row
        z = switch_ohm(row)
        if row.et == "b" and bool(row.closed) and z and row.bus in draft.buses:
            _series(draft, one, (row.bus, row.element), complex(z * math.cos(angle), z * math.sin(angle)))


def _series(draft: Draft, one: Element, ends: tuple[Any, Any], z_ohm: complex) -> None:
    draft.new(
        "reactor", one.name, bus1=draft.buses[ends[0]], bus2=draft.buses[ends[1]], phases=3, R=z_ohm.real,
        X=z_ohm.imag, normamps=0.0,
    )  # fmt: skip


def _one_voltage(draft: Draft, one: Element, *remedy: str) -> None:
    kv = [draft.buses.kv(bus) for bus in (one.row.from_bus, one.row.to_bus)]
    if kv[0] != kv[1]:
        raise one.refuse(f"it joins buses of {kv[0]:g} and {kv[1]:g} kV", *remedy)


def _same_zero_sequence(one: Element) -> None:
    """A bank of OpenDSS has one leakage impedance for all sequences."""
    for column in ("vk", "vkr"):
        positive = float(getattr(one.row, f"{column}_percent"))
        zero = one.optional(f"{column}0_percent", positive)
        if not math.isclose(zero, positive, rel_tol=1e-6, abs_tol=1e-9):
            raise one.refuse(
                f"{column}0_percent {zero:g}: a transformer of OpenDSS has {column}_percent {positive:g} in "
                "the zero sequence too",
                "ask for --type LLL and LL only, or use --iec60909 with --solver pandapower",
            )


def _ends(draft: Draft, one: Element, kind: str, columns: tuple[str, str]) -> list[End] | None:
    """The circuit's buses at both ends: an own one behind an open switch; None where neither has supply."""
    indices = [getattr(one.row, column) for column in columns]
    sides = [column.partition("_")[0] for column in columns]
    is_open = [_is_open(draft, one, kind, index) for index in indices]
    if all(off or index not in draft.buses for off, index in zip(is_open, indices, strict=True)):
        return None
    return [
        draft.buses.add_internal(f"{one.name.partition('.')[2]}_{side}_open", index)
        if off
        else draft.buses.end(index)
        for off, index, side in zip(is_open, indices, sides, strict=True)
    ]


def _is_open(draft: Draft, one: Element, kind: str, bus: Any) -> bool:
    """Whether the branch ends behind an open switch; a bus out of service leaves its end open too."""
    switches = draft.net.switch
    mine = (switches.et == _LETTER[kind]) & (switches.element == one.index) & (switches.bus == bus)
    return bool((~switches.closed[mine].astype(bool)).any()) or not draft.buses.is_in_service(bus)
