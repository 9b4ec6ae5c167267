"""N-1 of a circuit: each branch opened at both ends, one after the other.

Regulators and switched capacitors stay where they are before the outage: what is found is the state before
they act, and no outage depends on the one before it. Generation that is left without a source goes off.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from simulation.engine.network import Complexes
from simulation.noise import Floats
from studies.contingency import DEAD_PU, Limits, Situation, assess, counts, tables
from studies.errors import StudyError
from studies.opendss.circuit import TOLERANCE, Circuit, open_circuit
from studies.opendss.elements import Flow, conversion, delivery
from studies.opendss.islands import Islands
from studies.opendss.judged import EARTH, Across, Judged, Voltages, judged, nodes
from studies.opendss.powerflow import notes
from studies.progress import Progress, silent
from studies.result import Study

KINDS = ("line", "transformer", "autotrans", "reactor", "capacitor")


def study(
    file: Path,
    *,
    limits: Limits = Limits(),  # noqa: B008
    elements: Sequence[str] = (),
    voltages: Voltages = "auto",
    tolerance: float = TOLERANCE,
    controls: bool = True,
    progress: Progress = silent,
) -> Study:
    """Solve the circuit without each of its branches, or of `elements`.

    Args:
        file: The circuit's main file.
        limits: What is a violation.
        elements: Branches to take out, `line.x` or a class alone; all if empty.
        voltages: Which voltages the limits apply to.
        tolerance: Of the power flow, pu.
        controls: Let the circuit's regulators act before the outages.
        progress: Told the outages done and their number.

    Raises:
        StudyError: The circuit cannot be read or solved, or has no such branch.
    """
    with open_circuit(file) as circuit:
        circuit.solve_snapshot(tolerance, controls=controls)
        facts = circuit.convergence()
        circuit.run("set controlmode=off", "")
        branches = [flow for flow in delivery(circuit) if flow.is_branch]
        chosen = _chosen(file, branches, [name.lower() for name in elements])
        loads, watched = _Loads.of(circuit), judged(circuit, voltages)
        islands = Islands(circuit, branches)
        before = _situation(circuit, loads, watched)
        rows, violations = [], []
        for k, flow in enumerate(chosen):
            _switch(circuit, flow, is_open=True)
            with islands.without_islanded_generation(flow.name):
                converged = circuit.solve() and bool(np.isfinite(circuit.voltages()).all())
                after = _situation(circuit, loads, watched) if converged else None
            row, found = assess(flow.name, before, after, limits)
            _switch(circuit, flow, is_open=False)
            rows.append(row)
            violations += found
            progress(k + 1, len(chosen))
        facts |= counts(rows) | {"buses_judged_line_to_line": watched.between_phases}
        return Study("contingency", circuit.engine, facts, tables(rows, violations), notes(circuit))


class _Loads:
    """What is connected where, before the outages."""

    def __init__(self, mw: Floats, across: Across) -> None:
        self._mw, self._across = mw, across

    @classmethod
    def of(cls, circuit: Circuit) -> _Loads:
        """Loads between their first conductor and their last: to the neutral in star, two phases in delta."""
        row = nodes(circuit)
        found = [flow for flow in conversion(circuit) if flow.kind == "load"]
        return cls(
            np.array([flow.losses_kva.real / 1e3 for flow in found]),
            Across.of(circuit, [_ends(flow, row) for flow in found]),
        )

    def lost_mw(self, v: Complexes) -> float:
        """Load without voltage."""
        return float(self._mw[self._across.pu(v) < DEAD_PU].sum())


def _situation(circuit: Circuit, loads: _Loads, watched: Judged) -> Situation:
    v = circuit.voltages()
    branches = [flow for flow in delivery(circuit) if flow.is_branch]
    return Situation(
        watched.places,
        watched.across.pu(v),
        [flow.name for flow in branches],
        np.array([flow.loading_pct for flow in branches]),
        loads.lost_mw(v),
    )


def _ends(flow: Flow, row: dict[tuple[str, int], int]) -> tuple[int, int]:
    """Nodes of a load's first and last conductor, earth second."""
    bus, at = flow.buses[0], flow.nodes[0]
    lower, upper = sorted((int(at[0]), int(at[-1])))
    return row[bus, upper], row.get((bus, lower), EARTH)


def _chosen(file: Path, branches: list[Flow], wanted: list[str]) -> list[Flow]:
    known = {flow.name for flow in branches} | {flow.kind for flow in branches}
    if missing := sorted(set(wanted) - known):
        raise StudyError(
            f"{file}: it has no branch {missing[0]}",
            f"name it as in the file, or a class of {', '.join(KINDS)}",
        )
    return [flow for flow in branches if not wanted or flow.name in wanted or flow.kind in wanted]


def _switch(circuit: Circuit, flow: Flow, *, is_open: bool) -> None:
    circuit.dss.SetActiveElement(flow.name)
    element = circuit.dss.ActiveCktElement
    for terminal in range(1, len(flow.buses) + 1):
        (element.Open if is_open else element.Close)(terminal, 0)
