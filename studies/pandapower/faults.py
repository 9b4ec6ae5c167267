"""Short circuits by IEC 60909, and the voltages that they leave.

pandapower gives each bus its equivalent voltage source c·Un/√3 and its impedances of the positive (=
negative) and the zero sequence. The currents of all types follow from these in phase coordinates; for bolted
LLL, LL and LG they are pandapower's own.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from simulation.engine.network import Complexes
from simulation.noise import Floats
from simulation.sequence import balanced
from studies.errors import StudyError
from studies.faults import TYPES, Fault, faults_between, phase_currents
from studies.pandapower.network import bus_name, engine, quiet, read_network
from studies.result import Fact, Study, Table

_A = np.exp(2j * np.pi / 3.0)
_TO_PHASES = np.array([[1.0, 1.0, 1.0], [1.0, _A**2, _A], [1.0, _A, _A**2]])
_EARTHED = ("LG", "LLG")
_SHOWN = {"LLL": (1, 2, 3), "LG": (1,), "LL": (2, 3), "LLG": (2, 3)}
_COLUMNS = (
    "bus", "type", "phases", "base_kv", "i_ka", "i_1_ka", "i_2_ka", "i_3_ka", "i_earth_ka", "sk_mva", "ip_ka",
    "r1_ohm", "x1_ohm", "r0_ohm", "x0_ohm",
)  # fmt: skip
_AGREEMENT = 1e-6


def study(
    file: Path,
    *,
    kinds: Sequence[str] | None = None,
    buses: Sequence[str] = (),
    z_fault: complex = 0.0,
    case: str = "max",
) -> Study:
    """Currents of the faults at all buses, or at `buses`, and the dips of the three-phase ones.

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
    dips = _dips(net, positive)
    wanted = tuple(kinds or TYPES)
    zero = None
    if set(wanted) & set(_EARTHED):
        try:
            zero = _calculate(net, file, "1ph", case)
        except StudyError:
            if kinds is not None:
                raise
            wanted = tuple(kind for kind in wanted if kind not in _EARTHED)
            notes.append("no faults to earth: the network lacks zero-sequence data")
    chosen = [k for k, name in enumerate(names) if not buses or name in buses]
    rows = [
        _row(names[k], net.bus.vn_kv.iloc[k], fault, _Place.of(positive, zero, k), z_fault)
        for k in chosen
        for fault in faults_between((1, 2, 3), wanted)
        if fault.phases == _SHOWN[fault.kind]
    ]
    tables = [Table.of("faults", "currents of the faults (IEC 60909)", rows, _COLUMNS, shown=_COLUMNS[:11])]
    if dips is None:
        notes.append(
            "dips are not listed: pandapower's network for short circuits has machines corrected one by one"
        )
    elif z_fault == 0.0 and "LLL" in wanted:
        tables.append(_dip_table(names, chosen, dips))
    facts: dict[str, Fact] = {
        "method": "IEC 60909", "case": case, "faults": len(rows),
        "fault_r_ohm": complex(z_fault).real, "fault_x_ohm": complex(z_fault).imag,
    }  # fmt: skip
    return Study("faults", engine(), facts, tuple(tables), tuple(notes))


class _Place:
    """A bus as IEC 60909 sees it."""

    def __init__(self, e_v: float, z1: complex, z0: complex, ip_ka: float) -> None:
        self.e_v, self.z1, self.z0, self.ip_ka = e_v, z1, z0, ip_ka

    @classmethod
    def of(cls, positive: Any, zero: Any, k: int) -> _Place:
        """Bus number k of pandapower's results."""
        row = positive.iloc[k]
        z1 = complex(row.rk_ohm, row.xk_ohm)
        z0 = complex(np.nan, np.nan) if zero is None else complex(zero.iloc[k].rk0_ohm, zero.iloc[k].xk0_ohm)
        return cls(1e3 * float(row.ikss_ka) * abs(z1), z1, z0, float(row.get("ip_ka", np.nan)))

    def impedances(self) -> Complexes:
        """Impedance matrix in phases, Ω, shape [3, 3]."""
        # Without a fault to earth the zero sequence carries no current, whatever its impedance.
        z0 = self.z1 if np.isnan(self.z0) else self.z0
        return np.asarray(_TO_PHASES @ np.diag([z0, self.z1, self.z1]) @ np.linalg.inv(_TO_PHASES))


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


def _dips(net: Any, positive: Any) -> Floats | None:
    """Remaining voltage at bus i during a bolted LLL fault at bus j, 1 − Z_ij/Z_jj, pu, shape [i, j].

    None where pandapower's admittances are not those of its stated impedances: with power station units it
    corrects each machine for the fault at its own bus only.
    """
    from scipy.sparse.linalg import splu  # type: ignore[import-untyped]

    y, place, base_mva = _admittances(net)
    if (place >= y.shape[0]).any():
        return None
    z = splu(y.tocsc()).solve(np.eye(y.shape[0], dtype=np.complex128))[np.ix_(place, place)]
    base_ohm = net.bus.vn_kv.to_numpy() ** 2 / base_mva
    stated = positive.rk_ohm.to_numpy() + 1j * positive.xk_ohm.to_numpy()
    if not np.allclose(np.diag(z) * base_ohm, stated, rtol=_AGREEMENT):
        return None
    return np.asarray(np.abs(1.0 - z / np.diag(z)))


def _admittances(net: Any) -> tuple[Any, Any, float]:
    """The positive-sequence matrix of the last calculation, pu, each bus's row in it, and its base, MVA.

    `calc_sc` does not keep it; these are its own steps.
    """
    from pandapower.auxiliary import _clean_up
    from pandapower.shortcircuit.impedance import _calc_ybus
    from pandapower.shortcircuit.ppc_conversion import (
        _create_k_updated_ppci,
        _get_is_ppci_bus,
        _init_ppc,
    )

    buses = net.bus.index.to_numpy()
    with quiet():
        _, case = _init_ppc(net)
        _, corrected, _ = _create_k_updated_ppci(net, case, ppci_bus=_get_is_ppci_bus(net, buses))
        _calc_ybus(corrected)
    place = net._pd2ppc_lookups["bus"][buses]  # noqa: SLF001
    _clean_up(net, res=False)
    return corrected["internal"]["Ybus"], place, float(corrected["baseMVA"])


def _dip_table(names: list[str], chosen: list[int], dips: Floats) -> Table:
    return Table(
        "dips",
        "voltages during bolted LLL faults, pu of the voltage before",
        {
            "fault_bus": np.repeat([names[k] for k in chosen], len(names)),
            "type": np.repeat(["LLL"], len(chosen) * len(names)),
            "bus": np.tile(np.array(names), len(chosen)),
            "lowest_v_pu": dips[:, chosen].T.ravel(),
        },
    )


def _row(bus: str, kv: float, fault: Fault, place: _Place, z_fault: complex) -> dict[str, Any]:
    current = phase_currents(place.impedances(), balanced(place.e_v), fault, z_fault)
    largest = float(np.abs(current).max()) / 1e3
    bolted = fault.kind == "LLL" and z_fault == 0.0
    return {
        "bus": bus,
        "type": fault.kind,
        "phases": "".join(map(str, fault.phases)),
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
