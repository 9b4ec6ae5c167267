"""Harmonics of a circuit: voltages at its nodes and currents in its branches, order by order.

The engine's harmonic mode: every load and generator injects what its spectrum says, in parallel with its own
admittance at that order; lines, transformers and capacitors are scaled with frequency.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from simulation.engine.network import Complexes
from simulation.noise import Floats
from studies.errors import StudyError
from studies.opendss.circuit import TOLERANCE, Circuit, open_circuit
from studies.opendss.elements import Flow, delivery
from studies.opendss.powerflow import notes
from studies.result import Study, Table

_BUILT_IN = "spectra built into the engine: `defaultload` unless the circuit says otherwise"
_DEAD = 1e-3


def study(
    file: Path, *, orders: Sequence[float] = (), tolerance: float = TOLERANCE, controls: bool = True
) -> Study:
    """Solve the harmonics on top of the power flow.

    Args:
        file: The circuit's main file.
        orders: Orders to solve, above 1; those of the spectra in use if empty.
        tolerance: Of the power flow, pu.
        controls: Let the circuit's regulators act in the power flow.

    Raises:
        StudyError: The circuit cannot be read or solved, or nothing in it has a spectrum.
    """
    with open_circuit(file) as circuit:
        circuit.solve_snapshot(tolerance, controls=controls)
        facts = circuit.convergence()
        spectra = spectra_in_use(circuit)
        solved = tuple(sorted(orders)) or emitted(spectra)
        if not solved:
            raise StudyError(
                f"{file}: none of its elements has a spectrum", "give loads a spectrum, or --order"
            )
        v = [circuit.voltages()]
        flows = [_branches(circuit)]
        circuit.run("set mode=harmonics controlmode=off", "")
        for order in solved:
            circuit.run(f"set harmonics=[{order:g}]", "")
            if not circuit.solve() or not np.isfinite(circuit.voltages()).all():
                raise StudyError(
                    f"{file}: order {order:g} has no finite solution", "leave it out with --order"
                )
            v.append(circuit.voltages())
            flows.append(_branches(circuit))
        voltages = voltage_table(circuit, np.array(v), solved)
        facts |= {
            "orders": ", ".join(f"{order:g}" for order in solved),
            "spectra": ", ".join(sorted(spectra)),
            **_worst(voltages),
        }
        said = notes(circuit)
        if "defaultload" in spectra:
            said += (f"loads emit by {_BUILT_IN}",)
        return Study("harmonics", circuit.engine, facts, (voltages, current_table(flows, solved)), said)


def spectra_in_use(circuit: Circuit) -> dict[str, tuple[float, ...]]:
    """Orders of each spectrum that an element refers to."""
    ckt = circuit.dss
    names = set()
    for name in ckt.AllElementNames:
        ckt.SetActiveElement(name)
        if not ckt.ActiveCktElement.Enabled:
            continue
        if "spectrum" in {str(one).lower() for one in ckt.ActiveCktElement.AllPropertyNames}:
            names.add(str(ckt.ActiveCktElement.Properties("spectrum").Val).lower())
    found = {}
    for name in sorted(names - {""}):
        ckt.SetActiveClass("spectrum")
        ckt.ActiveClass.Name = name
        text = str(ckt.ActiveDSSElement.Properties("harmonic").Val)
        found[name] = tuple(float(part) for part in text.strip("[]() ").replace(",", " ").split())
    return found


def emitted(spectra: dict[str, tuple[float, ...]]) -> tuple[float, ...]:
    """Orders of all spectra, the fundamental apart."""
    return tuple(sorted({order for orders in spectra.values() for order in orders} - {1.0}))


def voltage_table(circuit: Circuit, v: Complexes, orders: Sequence[float]) -> Table:
    """One row a node: its fundamental, its total distortion, and each order in % of the fundamental."""
    fundamental = np.abs(v[0])
    share = _share_pct(np.abs(v[1:]), fundamental, _DEAD * np.nan_to_num(circuit.base_v, nan=1.0))
    thd = np.sqrt((share**2).sum(axis=0))
    ranking = np.argsort(-np.nan_to_num(thd, nan=-1.0), kind="stable")
    columns = {
        "bus": circuit.buses,
        "phase": circuit.phases,
        "v1_kv": fundamental / 1e3,
        "v1_pu": fundamental / circuit.base_v,
        "thd_pct": thd,
        **{f"h{order:g}_pct": row for order, row in zip(orders, share, strict=True)},
    }
    ranked = {name: values[ranking] for name, values in columns.items()}
    return Table("buses", "voltage harmonics of the nodes, % of the fundamental", ranked, ranked=True)


def current_table(flows: Sequence[list[Flow]], orders: Sequence[float]) -> Table:
    """One row a phase at each branch's first terminal."""
    at = [
        (k, c) for k, flow in enumerate(flows[0]) for c in range(flow.nodes.shape[1]) if flow.nodes[0, c] > 0
    ]
    i = np.abs(np.array([[flow[k].current_a[0, c] for k, c in at] for flow in flows]).reshape(len(flows), -1))
    share = _share_pct(i[1:], i[0], np.full(i.shape[1], 1e-6))
    columns = {
        "branch": np.array([flows[0][k].name for k, _ in at]),
        "bus": np.array([flows[0][k].buses[0] for k, _ in at]),
        "phase": np.array([int(flows[0][k].nodes[0, c]) for k, c in at]),
        "i1_a": i[0],
        "thd_pct": np.sqrt((share**2).sum(axis=0)),
        **{f"h{order:g}_a": row for order, row in zip(orders, i[1:], strict=True)},
    }
    return Table("branches", "current harmonics at the first terminal of each branch", columns)


def _share_pct(size: Floats, fundamental: Floats, least: Floats) -> Floats:
    """Harmonics in % of the fundamental; NaN where there is next to none."""
    alive = fundamental > least
    return np.asarray(np.where(alive, 100.0 * size / np.where(alive, fundamental, 1.0), np.nan))


def _branches(circuit: Circuit) -> list[Flow]:
    return [flow for flow in delivery(circuit) if flow.is_branch]


def _worst(voltages: Table) -> dict[str, float | str | None]:
    first = voltages.records(("bus", "phase", "thd_pct"), rows=1)
    if not first or first[0]["thd_pct"] is None:
        return {"highest_thd_pct": None, "highest_at": None}
    return {"highest_thd_pct": first[0]["thd_pct"], "highest_at": f"{first[0]['bus']}.{first[0]['phase']}"}
