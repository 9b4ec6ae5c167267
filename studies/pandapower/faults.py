"""Short circuits by IEC 60909, and the voltages that they leave.

pandapower gives each bus its equivalent voltage source c·Un/√3 and its impedances of the positive (=
negative) and the zero sequence. The currents of all types follow from these in phase coordinates; for bolted
LLL, LL and LG they are pandapower's own. Voltages at the other buses: `studies.pandapower.dips`.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from simulation.engine.network import Complexes
from simulation.sequence import balanced
from studies.errors import StudyError
from studies.faults import (
    DIP_ROWS,
    NOT_LISTED,
    TO_EARTH,
    TYPES,
    Dips,
    Fault,
    faults_between,
    phase_currents,
)
from studies.pandapower.dips import TO_PHASES, network
from studies.pandapower.network import bus_name, engine, quiet, read_network
from studies.result import Fact, Study, Table

_BELOW = "buses_below_0_9_pu"
_WHY_NOT = (
    "pandapower corrects machines one by one, transformers in a loop turn by different angles, or a part has "
    "no path to earth"
)
_SHOWN = {"LLL": (1, 2, 3), "LG": (1,), "LL": (2, 3), "LLG": (2, 3)}
_COLUMNS = (
    "bus", "type", "phases", "base_kv", "i_ka", "i_1_ka", "i_2_ka", "i_3_ka", "i_earth_ka", _BELOW,
    "sk_mva", "ip_ka", "r1_ohm", "x1_ohm", "r0_ohm", "x0_ohm",
)  # fmt: skip


def study(
    file: Path,
    *,
    kinds: Sequence[str] | None = None,
    buses: Sequence[str] = (),
    z_fault: complex = 0.0,
    case: str = "max",
) -> Study:
    """Currents of the faults at all buses, or at `buses`, and the voltages everywhere during them.

    Args:
        file: The network's JSON file.
        kinds: Types of fault, of `TYPES`; None for all that the network's data allow.
        buses: Names of the buses to strike; all if empty.
        z_fault: Impedance of the fault, Ω, as in `studies.faults.Fault`.
        case: `max` or `min` currents.

    Raises:
        StudyError: The network cannot be read, lacks short-circuit data, or has no such bus.
    """
    net = read_network(file)
    names = [bus_name(net, index) for index in net.bus.index]
    if missing := sorted(set(buses) - set(names)):
        raise StudyError(f"{file}: it has no bus {missing[0]}", f"one of: {', '.join(names[:8])}, …")
    notes = _without_converters(net)
    positive = _calculate(net, file, "3ph", case)
    wanted = tuple(kinds or TYPES)
    zero = None
    if set(wanted) & set(TO_EARTH):
        # A calculation that fails leaves its network half prepared.
        trial = copy.deepcopy(net)
        try:
            zero = _calculate(trial, file, "1ph", case)
            net = trial
        except StudyError:
            if kinds is not None:
                raise
            wanted = tuple(kind for kind in wanted if kind not in TO_EARTH)
            notes.append("no faults to earth: the network lacks zero-sequence data")
    chosen = [k for k, name in enumerate(names) if not buses or name in buses]
    struck = [one for one in faults_between((1, 2, 3), wanted) if one.phases == _SHOWN[one.kind]]
    places = {k: _Place.of(names[k], positive, zero, k) for k in chosen}
    listed = bool(buses) or len(chosen) * len(struck) * len(names) <= DIP_ROWS
    dips = Dips(names, wanted=listed)
    below = _add_dips(net, dips, places, struck, z_fault)
    rows = [
        _row(net.bus.vn_kv.iloc[k], fault, place, z_fault) | {_BELOW: below.get((k, fault.kind))}
        for k, place in places.items()
        for fault in place.struck_by(struck)
    ]
    if unearthed := [place.bus for place in places.values() if not place.is_earthed]:
        notes.append(f"no faults to earth where nothing has a path to it: {', '.join(unearthed)}")
    tables = [Table.of("faults", "currents of the faults (IEC 60909)", rows, _COLUMNS, shown=_COLUMNS[:11])]
    if below and listed:
        tables.append(dips.table("voltages during the faults, pu of the voltage before"))
    if below and not listed:
        notes.append(NOT_LISTED)
    served = [k for k, place in places.items() if np.isfinite(place.z1)]
    unknown = sorted(
        {fault.kind for k in served for fault in places[k].struck_by(struck) if (k, fault.kind) not in below}
    )
    if unknown:
        notes.append(f"dips of {', '.join(unknown)} are not known at all buses: {_WHY_NOT}")
    facts: dict[str, Fact] = {
        "method": "IEC 60909", "case": case, "faults": len(rows),
        "fault_r_ohm": complex(z_fault).real, "fault_x_ohm": complex(z_fault).imag,
    }  # fmt: skip
    return Study("faults", engine(), facts, tuple(tables), tuple(notes))


class _Place:
    """A bus as IEC 60909 sees it."""

    def __init__(self, bus: str, e_v: float, z1: complex, z0: complex, ip_ka: float) -> None:
        self.bus, self.e_v, self.z1, self.z0, self.ip_ka = bus, e_v, z1, z0, ip_ka

    @classmethod
    def of(cls, bus: str, positive: Any, zero: Any, k: int) -> _Place:
        """Bus number k of pandapower's results."""
        row = positive.iloc[k]
        z1 = complex(row.rk_ohm, row.xk_ohm)
        z0 = complex(np.nan, np.nan) if zero is None else complex(zero.iloc[k].rk0_ohm, zero.iloc[k].xk0_ohm)
        return cls(bus, 1e3 * float(row.ikss_ka) * abs(z1), z1, z0, float(row.get("ip_ka", np.nan)))

    @property
    def is_earthed(self) -> bool:
        """Whether a fault to earth finds a way back; it does where that is not known."""
        return not np.isinf(self.z0)

    def struck_by(self, faults: Sequence[Fault]) -> list[Fault]:
        """Those of the faults that drive a current here."""
        return [fault for fault in faults if self.is_earthed or fault.kind not in TO_EARTH]

    def impedances(self) -> Complexes:
        """Impedance matrix in phases, Ω, shape [3, 3]."""
        # Without a fault to earth the zero sequence carries no current, whatever its impedance.
        z0 = self.z0 if np.isfinite(self.z0) else self.z1
        return np.asarray(TO_PHASES @ np.diag([z0, self.z1, self.z1]) @ np.linalg.inv(TO_PHASES))


def _without_converters(net: Any) -> list[str]:
    """Take converters out of service: they inject currents and stand for no voltage behind an impedance."""
    converters = net.sgen.in_service.astype(bool)
    if "current_source" in net.sgen:
        converters &= net.sgen.current_source.astype(bool)
    net.sgen["in_service"] = net.sgen.in_service.astype(bool) & ~converters
    count = int(converters.sum())
    return [f"currents of {count} static generators (converters) are not counted"] if count else []


def _calculate(net: Any, file: Path, fault: str, case: str) -> Any:
    """Pandapower's results by bus of one type of fault."""
    import pandapower.shortcircuit as sc

    # With machines near by pandapower gives no peak currents.
    peak = fault == "3ph" and len(net.gen) == 0
    # pandapower's default is a column of objects, about which pandas complains.
    if "power_station_unit" in net.trafo and net.trafo.power_station_unit.isna().all():
        net.trafo["power_station_unit"] = False
    with quiet():
        try:
            sc.calc_sc(net, fault=fault, case=case, ip=peak)
        except (AttributeError, KeyError, UserWarning, ValueError, NotImplementedError) as error:
            raise StudyError(
                f"{file}: pandapower's calc_sc ({fault}) says: {type(error).__name__}: {error}",
                "add the short-circuit data: s_sc_max_mva and rx_max of external grids, vn_kv, xdss_pu and "
                "cos_phi of generators; to earth also x0x_max, r0x0_max, r0_ohm_per_km, x0_ohm_per_km and "
                "vk0_percent",
            ) from error
    return net.res_bus_sc.copy()


def _add_dips(
    net: Any, dips: Dips, places: Mapping[int, _Place], faults: Sequence[Fault], z_fault: complex
) -> dict[tuple[int, str], int]:
    """Note the voltages during the faults where they are known; buses that see a dip, by place and type.

    They are not where pandapower's admittances are not those of its stated impedances: with power station
    units it corrects each machine for the fault at its own bus only.
    """
    earthed = any(fault.kind in TO_EARTH for fault in faults)
    with quiet():
        found = network(net, zero=earthed)
    if found is None:
        return {}
    below: dict[tuple[int, str], int] = {}
    buses = list(places)
    for k, (z1, z0) in zip(buses, found.columns(buses), strict=True):
        place = places[k]
        if not found.agrees(k, z1, place.z1):
            continue
        there = [
            fault
            for fault in place.struck_by(faults)
            if fault.kind not in TO_EARTH or found.agrees(k, z0, place.z0)
        ]
        if not there:
            continue
        counted = dips.add(place.bus, there, found.during(k, (z1, z0), there, z_fault))
        below |= {(k, fault.kind): int(count) for fault, count in zip(there, counted, strict=True)}
    return below


def _row(kv: float, fault: Fault, place: _Place, z_fault: complex) -> dict[str, Any]:
    current = phase_currents(place.impedances(), balanced(place.e_v), fault, z_fault)
    largest = float(np.abs(current).max()) / 1e3
    bolted = fault.kind == "LLL" and z_fault == 0.0
    return {
        "bus": place.bus,
        "type": fault.kind,
        "phases": fault.name,
        "base_kv": float(kv),
        "i_ka": largest,
        **{f"i_{k + 1}_ka": float(abs(current[k])) / 1e3 for k in range(3)},
        "i_earth_ka": float(abs(current.sum())) / 1e3,
        "sk_mva": float(np.sqrt(3.0) * kv * largest) if fault.kind == "LLL" else float("nan"),
        "ip_ka": place.ip_ka if bolted else float("nan"),
        "r1_ohm": place.z1.real,
        "x1_ohm": place.z1.imag,
        "r0_ohm": place.z0.real,
        "x0_ohm": place.z0.imag,
    }
