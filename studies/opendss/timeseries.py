"""A circuit solved step by step: along its own load shapes, or along the multipliers of a profile."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from studies.errors import StudyError
from studies.opendss.circuit import TOLERANCE, Circuit, open_circuit
from studies.opendss.elements import conversion, delivery
from studies.opendss.powerflow import notes
from studies.profile import Profile
from studies.progress import Progress, silent
from studies.result import Fact, Study
from studies.steps import Step, step_tables

MODES = ("daily", "yearly", "duty")


def study(
    file: Path,
    *,
    mode: str = "daily",
    steps: int = 24,
    minutes: float = 60.0,
    profile: Profile | None = None,
    tolerance: float = TOLERANCE,
    controls: bool = True,
    progress: Progress = silent,
) -> Study:
    """Solve a series of steps.

    Args:
        file: The circuit's main file.
        mode: Which of the circuit's shapes: daily, yearly, duty; not read with a profile.
        steps: Number of steps; not read with a profile.
        minutes: Length of a step; not read with a profile.
        profile: Multipliers of loads and generators, instead of the circuit's shapes.
        tolerance: Of each power flow, pu.
        controls: Let the circuit's regulators act.
        progress: Told the steps done and their number.

    Raises:
        StudyError: The circuit cannot be read or solved, or has none of the profile's elements.
    """
    with open_circuit(file) as circuit:
        circuit.solve_snapshot(tolerance, controls=controls)
        count = steps if profile is None else len(profile.times)
        moving = _shapes(circuit, mode, minutes, count) if profile is None else _profile(circuit, profile)
        found = []
        for k, label in enumerate(moving):
            found.append(_step(circuit, label))
            progress(k + 1, count)
        facts: dict[str, Fact] = {
            "algorithm": circuit.algorithm,
            "tolerance_pu": tolerance,
            "steps": len(found),
            "not_converged": sum(not step.converged for step in found),
            "driven_by": f"the circuit's {mode} shapes" if profile is None else "the profile",
        }
        said = notes(circuit)
        if profile is None and not _has_shapes(circuit, mode):
            said += (f"no element of the circuit has a {mode} shape: every step is the same",)
        return Study("timeseries", circuit.engine, facts, step_tables(found), said)


def _shapes(circuit: Circuit, mode: str, minutes: float, count: int) -> Iterator[str]:
    circuit.run(f"set mode={mode} number=1 hour=0 sec=0 stepsize={minutes!r}m", "")
    for k in range(count):
        # Solving moves the clock on first: the first step is that of one step's time.
        yield f"{(k + 1) * minutes / 60.0:g} h"


def _profile(circuit: Circuit, profile: Profile) -> Iterator[str]:
    powers = {flow: _nameplate(circuit, flow) for flow in _adjustable(circuit)}
    factors = profile.factors_of(list(powers))
    for k, label in enumerate(profile.times):
        for name, values in factors.items():
            kw, kvar = powers[name]
            circuit.run(f"edit {name} kw={float(kw * values[k])!r} kvar={float(kvar * values[k])!r}", "")
        yield label


def _adjustable(circuit: Circuit) -> list[str]:
    return [flow.name for flow in conversion(circuit) if flow.kind in {"load", "generator"}]


def _nameplate(circuit: Circuit, name: str) -> tuple[float, float]:
    circuit.dss.SetActiveElement(name)
    read = circuit.dss.ActiveDSSElement.Properties
    return float(read("kw").Val), float(read("kvar").Val)


def _has_shapes(circuit: Circuit, mode: str) -> bool:
    for flow in conversion(circuit):
        circuit.dss.SetActiveElement(flow.name)
        names = {str(name).lower() for name in circuit.dss.ActiveDSSElement.AllPropertyNames}
        if mode in names and str(circuit.dss.ActiveDSSElement.Properties(mode).Val).strip():
            return True
    return False


def _step(circuit: Circuit, label: str) -> Step:
    converged = circuit.solve()
    v = circuit.voltages()
    if not converged or not np.isfinite(v).all():
        return Step.unsolved(label)
    phases = circuit.phases <= 3
    branches = [flow for flow in delivery(circuit) if flow.is_branch]
    supplied: Any = -sum(flow.losses_kva for flow in conversion(circuit) if flow.kind == "vsource")
    if isinstance(supplied, int):
        raise StudyError(f"{circuit.name}: it has no voltage source", "a circuit needs one")
    return Step(
        label,
        supplied / 1e3,
        sum(flow.losses_kva for flow in branches) / 1e3,
        circuit.buses[phases],
        circuit.phases[phases],
        (np.abs(v) / circuit.base_v)[phases],
        np.array([flow.name for flow in branches]),
        np.array([flow.loading_pct for flow in branches]),
    )
