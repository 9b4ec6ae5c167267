"""Power flow of a pandapower network: balanced, or phase by phase."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from studies.branches import BranchFlow, branch_table
from studies.pandapower.network import (
    TOLERANCE_MVA,
    bus_name,
    convergence,
    engine,
    is_of_source,
    is_three_phase,
    name_of,
    read_network,
    solve,
)
from studies.result import Fact, Study, Table

_SIDES = {
    "line": (("from_bus", "from"), ("to_bus", "to")),
    "trafo": (("hv_bus", "hv"), ("lv_bus", "lv")),
    "trafo3w": (("hv_bus", "hv"), ("mv_bus", "mv"), ("lv_bus", "lv")),
    "impedance": (("from_bus", "from"), ("to_bus", "to")),
}
_SOURCES = ("ext_grid", "gen", "sgen", "load", "shunt", "storage", "asymmetric_load", "asymmetric_sgen")
_PHASES = "abc"
BALANCED = 0
"""Stands for the phase where one value holds for all three."""


@dataclass(frozen=True, slots=True)
class Branch:
    """One branch in the last solution.

    Attributes:
        name: Kind and name.
        buses: Its ends.
        p_kw: Into each end.
        q_kvar: Into each end.
        i_a: Largest current of its ends.
        loading_pct: NaN where no rating is stated.
    """

    name: str
    buses: tuple[str, ...]
    p_kw: tuple[float, ...]
    q_kvar: tuple[float, ...]
    i_a: float
    loading_pct: float

    @property
    def flow(self) -> BranchFlow:
        """As the table of branches wants it."""
        first, second = (complex(p, q) for p, q in list(zip(self.p_kw, self.q_kvar, strict=True))[:2])
        losses = complex(sum(self.p_kw), sum(self.q_kvar))
        return BranchFlow(
            self.name, self.buses[0], self.buses[1], first, second, losses, self.i_a, self.loading_pct
        )


def study(file: Path, *, three_phase: bool | None = None, tolerance: float = TOLERANCE_MVA) -> Study:
    """Solve a network as it stands.

    Args:
        file: The network's JSON file.
        three_phase: Phase by phase; None does so where loads differ from phase to phase.
        tolerance: Largest mismatch of a bus, MVA.

    Raises:
        StudyError: It cannot be read or does not converge.
    """
    net = read_network(file)
    by_phase = is_three_phase(net) if three_phase is None else three_phase
    solve(net, file, three_phase=by_phase, tolerance=tolerance)
    found = list(branches(net, by_phase=by_phase))
    voltages = voltage_table(net, by_phase=by_phase)
    facts: dict[str, Fact] = {
        "network": str(net.name or file.stem),
        "buses": len(net.bus),
        **convergence(net, three_phase=by_phase),
        "tolerance_mva": tolerance,
        "branch_losses_kw": sum(sum(branch.p_kw) for branch in found),
        "branch_losses_kvar": sum(sum(branch.q_kvar) for branch in found),
        **_extremes(voltages),
    }
    notes = () if by_phase or not is_three_phase(net) else ("unequal loads of the phases are averaged",)
    tables = (
        voltages,
        branch_table([branch.flow for branch in found]),
        injection_table(net, by_phase=by_phase),
    )
    return Study("powerflow", engine(), facts, tables, notes)


def voltage_table(net: Any, *, by_phase: bool) -> Table:
    """One row a bus, or a bus and phase."""
    result = net.res_bus_3ph if by_phase else net.res_bus
    suffixes = [f"_{phase}" for phase in _PHASES] if by_phase else [""]
    vm = np.stack([result[f"vm{suffix}_pu"].to_numpy(dtype=float) for suffix in suffixes], axis=1)
    va = np.stack([result[f"va{suffix}_degree"].to_numpy(dtype=float) for suffix in suffixes], axis=1)
    base = net.bus.vn_kv.loc[result.index].to_numpy(dtype=float)[:, None]
    count = len(suffixes)
    line = np.sqrt(3.0) * vm
    if by_phase:
        phasor = vm * np.exp(1j * np.radians(va))
        line = np.abs(phasor - np.roll(phasor, -1, axis=1))
    return Table(
        "buses",
        "voltages of the buses" + ("" if by_phase else "; phase 0: the same in all three"),
        {
            "bus": np.repeat([bus_name(net, index) for index in result.index], count),
            "phase": np.tile(np.arange(1, 4) if by_phase else np.array([BALANCED]), len(result)),
            "v_pu": vm.ravel(),
            "angle_deg": va.ravel(),
            "v_ln_kv": (vm * base / np.sqrt(3.0)).ravel(),
            "v_ll_kv": (line * base / np.sqrt(3.0)).ravel(),
            "base_ln_kv": np.repeat(base.ravel() / np.sqrt(3.0), count),
        },
    )


def branches(net: Any, *, by_phase: bool = False) -> Iterator[Branch]:
    """Every branch in service; the inside of a source is none."""
    for kind, sides in _SIDES.items():
        table = f"res_{kind}_3ph" if by_phase else f"res_{kind}"
        if kind not in net or len(net[kind]) == 0 or table not in net or len(net[table]) == 0:
            continue
        for index, row in net[table].iterrows():
            if not net[kind].in_service.at[index] or is_of_source(net, kind, index):
                continue
            yield Branch(
                name_of(net, kind, index),
                tuple(bus_name(net, net[kind].at[index, column]) for column, _ in sides),
                tuple(1e3 * _total(row, "p", side, "mw", by_phase=by_phase) for _, side in sides),
                tuple(1e3 * _total(row, "q", side, "mvar", by_phase=by_phase) for _, side in sides),
                1e3 * _largest(row, sides, by_phase=by_phase),
                float(row.get("loading_percent", np.nan)),
            )


def _total(row: Any, quantity: str, side: str, unit: str, *, by_phase: bool) -> float:
    if not by_phase:
        return float(row[f"{quantity}_{side}_{unit}"])
    return float(sum(row[f"{quantity}_{phase}_{side}_{unit}"] for phase in _PHASES))


def _largest(row: Any, sides: tuple[tuple[str, str], ...], *, by_phase: bool) -> float:
    names = [f"i_{phase}_{side}_ka" for phase in _PHASES for _, side in sides] if by_phase else []
    names = names or [f"i_{side}_ka" for _, side in sides]
    return float(max(row[name] for name in names))


def injection_table(net: Any, *, by_phase: bool) -> Table:
    """One row a source, load or shunt: what it draws."""
    rows = []
    for kind in _SOURCES:
        table = f"res_{kind}_3ph" if by_phase else f"res_{kind}"
        if kind not in net or table not in net or len(net[table]) == 0:
            continue
        drawn = -1.0 if kind in {"ext_grid", "gen", "sgen", "asymmetric_sgen"} else 1.0
        for index, row in net[table].iterrows():
            p = [
                value
                for name, value in row.items()
                if str(name).startswith("p_") and str(name).endswith("_mw")
            ]
            q = [
                value
                for name, value in row.items()
                if str(name).startswith("q_") and str(name).endswith("_mvar")
            ]
            rows.append(
                {
                    "element": name_of(net, kind, index),
                    "bus": bus_name(net, net[kind].at[index, "bus"]),
                    "p_kw": 1e3 * drawn * float(sum(p)),
                    "q_kvar": 1e3 * drawn * float(sum(q)),
                }
            )
    return Table.of(
        "injections", "what sources, loads and shunts draw", rows, ("element", "bus", "p_kw", "q_kvar")
    )


def _extremes(voltages: Table) -> dict[str, Fact]:
    v = np.asarray(voltages.columns["v_pu"], dtype=float)
    if not np.isfinite(v).any():
        return {}
    low, high = int(np.nanargmin(v)), int(np.nanargmax(v))
    names = voltages.columns["bus"]
    return {
        "lowest_v_pu": float(v[low]),
        "lowest_at": str(names[low]),
        "highest_v_pu": float(v[high]),
        "highest_at": str(names[high]),
    }
