"""Optimal power flow of a pandapower network: who generates how much, at what cost and what price."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from studies.branches import branch_table
from studies.errors import StudyError
from studies.pandapower.network import bus_name, engine, name_of, quiet, read_network
from studies.pandapower.powerflow import branches, voltage_table
from studies.result import Study, Table

_UNITS = ("ext_grid", "gen", "sgen", "load", "storage")
_DISPATCH = (
    "unit", "bus", "p_mw", "q_mvar", "min_p_mw", "max_p_mw", "cost_per_h", "price_per_mwh", "at_limit",
)  # fmt: skip
_LIMIT_MW = 1e-3


def study(file: Path, *, dc: bool = False) -> Study:
    """Dispatch the controllable units at least cost within the limits of units, voltages and branches.

    Args:
        file: The network's JSON file, with costs and limits.
        dc: Lossless, without voltages and reactive power.

    Raises:
        StudyError: The network cannot be read, states no costs, or has no feasible dispatch.
    """
    import pandapower
    from pandapower.auxiliary import OPFNotConverged

    net = read_network(file)
    if len(net.poly_cost) == 0 and len(net.pwl_cost) == 0:
        raise StudyError(f"{file}: no unit states a cost", "add pandapower.create_poly_cost for each unit")
    with quiet():
        try:
            (pandapower.rundcopp if dc else pandapower.runopp)(net)
        except OPFNotConverged as error:
            raise StudyError(
                f"{file}: no dispatch keeps all limits: {error}",
                "relax limits of units (min_p_mw, max_p_mw), voltages (min_vm_pu, max_vm_pu) or loading "
                "(max_loading_percent), or look for parts without generation",
            ) from error
        except (KeyError, UserWarning, ValueError, AttributeError) as error:
            raise StudyError(
                f"{file}: pandapower says: {type(error).__name__}: {error}",
                "complete the network's limits and costs",
            ) from error
    rows = _dispatch(net, dc=dc)
    facts = {
        "network": str(net.name or file.stem),
        "method": "DC optimal power flow" if dc else "AC optimal power flow",
        "algorithm": "primal-dual interior point",
        "converged": bool(net.OPF_converged),
        "cost_per_h": float(net.res_cost),
        "generation_mw": sum(
            row["p_mw"] for row in rows if not row["unit"].startswith(("load.", "storage."))
        ),
        "units_at_limit": sum(row["at_limit"] for row in rows),
    }
    tables = [Table.of("dispatch", "dispatch", rows, _DISPATCH)]
    if not dc:
        voltages = voltage_table(net, by_phase=False)
        prices = net.res_bus.lam_p.to_numpy(dtype=float)
        tables.append(Table("buses", voltages.title, {**voltages.columns, "price_per_mwh": prices}))
        tables.append(branch_table([branch.flow for branch in branches(net)]))
    return Study("opf", engine(), facts, tuple(tables))


def _dispatch(net: Any, *, dc: bool) -> list[dict[str, Any]]:
    rows = []
    for kind in _UNITS:
        for index in net[kind].index:
            costed = (
                ((net.poly_cost.et == kind) & (net.poly_cost.element == index)).any()
                or ((net.pwl_cost.et == kind) & (net.pwl_cost.element == index)).any()
            )  # fmt: skip
            controllable = kind == "ext_grid" or bool(net[kind].get("controllable", {}).get(index, False))
            if not net[kind].at[index, "in_service"] or not (costed or controllable):
                continue
            p = float(net[f"res_{kind}"].at[index, "p_mw"])
            bus = net[kind].at[index, "bus"]
            low, high = (_number(net[kind].get(name, {}).get(index)) for name in ("min_p_mw", "max_p_mw"))
            rows.append(
                {
                    "unit": name_of(net, kind, index),
                    "bus": bus_name(net, bus),
                    "p_mw": p,
                    "q_mvar": float("nan") if dc else float(net[f"res_{kind}"].at[index, "q_mvar"]),
                    "min_p_mw": low,
                    "max_p_mw": high,
                    "cost_per_h": _cost(net, kind, index, p),
                    "price_per_mwh": float("nan") if dc else float(net.res_bus.lam_p.at[bus]),
                    "at_limit": bool(abs(p - low) < _LIMIT_MW or abs(p - high) < _LIMIT_MW),
                }
            )
    return rows


def _cost(net: Any, kind: str, index: Any, p: float) -> float:
    """Cost of a unit's active power where a polynomial states it."""
    mine = net.poly_cost[(net.poly_cost.et == kind) & (net.poly_cost.element == index)]
    if mine.empty:
        return float("nan")
    return float((mine.cp0_eur + mine.cp1_eur_per_mw * p + mine.cp2_eur_per_mw2 * p**2).sum())


def _number(value: Any) -> float:
    return float("nan") if value is None else float(np.float64(value))
