"""A pandapower network solved step by step along the multipliers of a profile."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from studies.pandapower.network import TOLERANCE_MVA, bus_name, engine, name_of, quiet, read_network, solve
from studies.pandapower.powerflow import BALANCED, branches
from studies.profile import Profile
from studies.progress import Progress, silent
from studies.result import Fact, Study
from studies.steps import Step, step_tables

KINDS = ("load", "sgen", "gen", "storage")


def study(
    file: Path,
    profile: Profile,
    *,
    tolerance: float = TOLERANCE_MVA,
    progress: Progress = silent,
) -> Study:
    """Solve every step of a profile.

    Args:
        file: The network's JSON file.
        profile: Multipliers of loads, static generators, generators and storage.
        tolerance: Of each power flow, MVA.
        progress: Told the steps done and their number.

    Raises:
        StudyError: The network cannot be read, does not converge as it stands, or has none of the elements.
    """
    import pandapower
    from pandapower.auxiliary import LoadflowNotConverged

    net = read_network(file)
    solve(net, file, tolerance=tolerance)
    elements = {name_of(net, kind, index): (kind, index) for kind in KINDS for index in net[kind].index}
    factors = profile.factors_of(list(elements))
    powers = {
        name: {
            column: float(net[elements[name][0]].at[elements[name][1], column])
            for column in _columns(net, name)
        }
        for name in factors
    }
    steps = []
    for k, label in enumerate(profile.times):
        for name, values in factors.items():
            kind, index = elements[name]
            for column, power in powers[name].items():
                net[kind].at[index, column] = power * values[k]
        try:
            with quiet():
                pandapower.runpp(net, tolerance_mva=tolerance)
            steps.append(_step(net, label))
        except LoadflowNotConverged:
            steps.append(Step.unsolved(label))
        progress(k + 1, len(profile.times))
    facts: dict[str, Fact] = {
        "algorithm": "Newton",
        "tolerance_mva": tolerance,
        "steps": len(steps),
        "not_converged": sum(not step.converged for step in steps),
        "driven_by": "the profile",
    }
    return Study("timeseries", engine(), facts, step_tables(steps))


def _columns(net: Any, name: str) -> tuple[str, ...]:
    kind = name.partition(".")[0]
    return tuple(column for column in ("p_mw", "q_mvar") if column in net[kind])


def _step(net: Any, label: str) -> Step:
    found = list(branches(net))
    supply = net.res_ext_grid.p_mw.sum() + 1j * net.res_ext_grid.q_mvar.sum()
    return Step(
        label,
        complex(supply),
        complex(sum(sum(b.p_kw) for b in found), sum(sum(b.q_kvar) for b in found)) / 1e3,
        np.array([bus_name(net, index) for index in net.res_bus.index]),
        np.full(len(net.res_bus), BALANCED, dtype=np.int64),
        net.res_bus.vm_pu.to_numpy(dtype=float),
        np.array([branch.name for branch in found]),
        np.array([branch.loading_pct for branch in found]),
    )
