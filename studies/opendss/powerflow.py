"""Power flow of a circuit: voltages of every node, flows of every element, losses."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from simulation.engine.network import Complexes
from simulation.noise import Floats
from studies.branches import BranchFlow, branch_table
from studies.opendss.circuit import TOLERANCE, Circuit, open_circuit
from studies.opendss.elements import Flow, conversion, delivery, mismatch_kva
from studies.result import Fact, Study, Table

_NEXT_PHASE = {1: 2, 2: 3, 3: 1}
_KVA_DECIMALS = 6
NO_BASE = (
    "{count} buses have no nominal voltage, hence no pu: the circuit needs `Set VoltageBases` and `CalcV`"
)


@dataclass(frozen=True, slots=True)
class Solved:
    """Everything read from one solution."""

    v: Complexes
    branches: list[Flow]
    shunts: list[Flow]
    others: list[Flow]

    @classmethod
    def of(cls, circuit: Circuit) -> Solved:
        """Read the last solution of a circuit."""
        delivering = list(delivery(circuit))
        return cls(
            circuit.voltages(),
            [flow for flow in delivering if flow.is_branch],
            [flow for flow in delivering if not flow.is_branch],
            list(conversion(circuit)),
        )

    @property
    def flows(self) -> list[Flow]:
        """All elements."""
        return [*self.branches, *self.shunts, *self.others]


def study(file: Path, *, tolerance: float = TOLERANCE, controls: bool = True) -> Study:
    """Solve a circuit as it stands.

    Args:
        file: The circuit's main file.
        tolerance: Largest change of a voltage in the last iteration, pu.
        controls: Let the circuit's regulators and switched capacitors act.

    Raises:
        StudyError: It cannot be read or does not converge.
    """
    with open_circuit(file) as circuit:
        circuit.solve_snapshot(tolerance, controls=controls)
        solved = Solved.of(circuit)
        tables = (
            voltage_table(circuit, solved.v),
            branch_table(
                [branch_flow(flow) for flow in solved.branches],
                rating_a=[flow.rating_a for flow in solved.branches],
            ),
            current_table([*solved.branches, *solved.shunts, *solved.others]),
            injection_table([*solved.others, *solved.shunts]),
        )
        return Study("powerflow", circuit.engine, facts(circuit, solved), tables, notes(circuit))


def facts(circuit: Circuit, solved: Solved) -> dict[str, Fact]:
    """Convergence, balance and extremes of one solution."""
    pu = np.abs(solved.v) / circuit.base_v
    pu = np.where(circuit.phases <= 3, pu, np.nan)
    known = np.isfinite(pu) & (pu > 0.0)
    supplied = -sum(flow.losses_kva for flow in solved.others if flow.kind == "vsource")
    losses = sum(flow.losses_kva for flow in solved.branches)
    low, high = (
        (int(np.nanargmin(np.where(known, pu, np.nan))), int(np.nanargmax(np.where(known, pu, np.nan))))
        if known.any()
        else (None, None)
    )
    return {
        "circuit": circuit.name,
        "buses": len(circuit.bus_names()),
        "nodes": int(solved.v.size),
        **circuit.convergence(),
        "largest_mismatch_kva": mismatch_kva(circuit, solved.flows, solved.v),
        "sources_kw": supplied.real,
        "sources_kvar": supplied.imag,
        "loads_kw": sum(flow.losses_kva.real for flow in solved.others if flow.kind == "load"),
        "branch_losses_kw": losses.real,
        "branch_losses_kvar": losses.imag,
        "lowest_v_pu": None if low is None else float(pu[low]),
        "lowest_at": None if low is None else f"{circuit.buses[low]}.{circuit.phases[low]}",
        "highest_v_pu": None if high is None else float(pu[high]),
        "highest_at": None if high is None else f"{circuit.buses[high]}.{circuit.phases[high]}",
    }


def notes(circuit: Circuit) -> tuple[str, ...]:
    """What must be known of this circuit."""
    bare = len(set(circuit.buses[np.isnan(circuit.base_v)].tolist()))
    return (NO_BASE.format(count=bare),) if bare else ()


def voltage_table(circuit: Circuit, v: Complexes) -> Table:
    """One row a node."""
    return Table(
        "buses",
        "voltages of the nodes",
        {
            "bus": circuit.buses,
            "phase": circuit.phases,
            "v_pu": np.abs(v) / circuit.base_v,
            "angle_deg": np.degrees(np.angle(v)),
            "v_ln_kv": np.abs(v) / 1e3,
            "v_ll_kv": line_kv(circuit, v),
            "base_ln_kv": circuit.base_v / 1e3,
        },
    )


def line_kv(circuit: Circuit, v: Complexes) -> Floats:
    """Voltage from each phase to the next one of its bus (1–2, 2–3, 3–1), kV; NaN where that is missing."""
    row = {
        (bus, int(phase)): k for k, (bus, phase) in enumerate(zip(circuit.buses, circuit.phases, strict=True))
    }
    found = np.full(v.size, np.nan)
    for (bus, phase), k in row.items():
        other = row.get((bus, _NEXT_PHASE.get(phase, 0)))
        if other is not None:
            found[k] = abs(v[k] - v[other]) / 1e3
    return found


def branch_flow(flow: Flow) -> BranchFlow:
    """A branch as the table of branches wants it: two ends.

    Of a transformer with more windings the second end is the bus that most power passes to, over all windings
    there: the two halves of a centre-tapped one are one end, an idle tertiary is none.
    """
    power = flow.power_kva.sum(axis=1)
    ends: dict[str, complex] = {}
    for bus, through in zip(flow.buses[1:], power[1:], strict=True):
        ends[bus] = ends.get(bus, 0j) + complex(through)
    second = max(reversed(ends), key=lambda bus: round(abs(ends[bus]), _KVA_DECIMALS))
    return BranchFlow(
        flow.name, flow.buses[0], second, complex(power[0]), ends[second], flow.losses_kva, flow.largest_a,
        flow.loading_pct,
    )  # fmt: skip


def current_table(flows: list[Flow]) -> Table:
    """One row a conductor of a terminal."""
    rows = [
        (flow, terminal, k)
        for flow in flows
        for terminal in range(len(flow.buses))
        for k in range(flow.nodes.shape[1])
        if flow.nodes[terminal, k] > 0
    ]
    current = np.array([flow.current_a[t, k] for flow, t, k in rows], dtype=np.complex128)
    power = np.array([flow.power_kva[t, k] for flow, t, k in rows], dtype=np.complex128)
    return Table(
        "currents",
        "currents into the conductors of each terminal",
        {
            "element": [flow.name for flow, _, _ in rows],
            "terminal": [terminal + 1 for _, terminal, _ in rows],
            "bus": [flow.buses[terminal] for flow, terminal, _ in rows],
            "phase": [int(flow.nodes[terminal, k]) for flow, terminal, k in rows],
            "i_a": np.abs(current),
            "angle_deg": np.degrees(np.angle(current)),
            "p_kw": power.real,
            "q_kvar": power.imag,
        },
    )


def injection_table(flows: list[Flow]) -> Table:
    """One row a source, load, generator, capacitor or reactor: what it draws."""
    return Table(
        "injections",
        "what sources, loads and shunts draw",
        {
            "element": [flow.name for flow in flows],
            "bus": [flow.buses[0] for flow in flows],
            "p_kw": [flow.losses_kva.real for flow in flows],
            "q_kvar": [flow.losses_kva.imag for flow in flows],
        },
    )
