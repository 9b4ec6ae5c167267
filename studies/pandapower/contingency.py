"""N-1 of a pandapower network: each line and transformer out of service, one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from studies.contingency import Limits, Situation, assess, counts, tables
from studies.errors import StudyError
from studies.pandapower.network import (
    TOLERANCE_MVA,
    bus_name,
    convergence,
    engine,
    is_of_source,
    name_of,
    quiet,
    read_network,
    solve,
)
from studies.pandapower.powerflow import branches
from studies.progress import Progress, silent
from studies.result import Study

KINDS = ("line", "trafo", "trafo3w", "impedance")


def study(
    file: Path,
    *,
    limits: Limits = Limits(),  # noqa: B008
    elements: Sequence[str] = (),
    tolerance: float = TOLERANCE_MVA,
    progress: Progress = silent,
) -> Study:
    """Solve the network without each of its branches, or of `elements`.

    Args:
        file: The network's JSON file.
        limits: What is a violation.
        elements: Branches to take out, `line.x` or a kind alone; all if empty.
        tolerance: Of each power flow, MVA.
        progress: Told the outages done and their number.

    Raises:
        StudyError: The network cannot be read or solved, or has no such branch.
    """
    import pandapower
    from pandapower.auxiliary import LoadflowNotConverged

    net = read_network(file)
    solve(net, file, tolerance=tolerance)
    facts = convergence(net)
    chosen = _chosen(net, file, elements)
    before = _situation(net)
    rows, violations = [], []
    for k, (kind, index) in enumerate(chosen):
        net[kind].at[index, "in_service"] = False
        after: Situation | None = None
        try:
            with quiet():
                pandapower.runpp(net, tolerance_mva=tolerance)
            after = _situation(net)
        except LoadflowNotConverged:
            after = None
        net[kind].at[index, "in_service"] = True
        row, found = assess(name_of(net, kind, index), before, after, limits)
        rows.append(row)
        violations += found
        progress(k + 1, len(chosen))
    facts |= counts(rows)
    return Study("contingency", engine(), facts, tables(rows, violations))


def _situation(net: Any) -> Situation:
    v = net.res_bus.vm_pu.to_numpy(dtype=float)
    dead = set(net.res_bus.index[np.isnan(v)])
    lost = net.load[net.load.in_service & net.load.bus.isin(dead)]
    loading = {branch.name: branch.loading_pct for branch in branches(net)}
    names = [name_of(net, kind, index) for kind, index in _in_network(net)]
    return Situation(
        [bus_name(net, index) for index in net.res_bus.index],
        v,
        names,
        np.array([loading.get(name, np.nan) for name in names], dtype=np.float64),
        float((lost.p_mw * lost.scaling).sum()),
    )


def _in_network(net: Any) -> list[tuple[str, Any]]:
    return [
        (kind, index)
        for kind in KINDS
        if kind in net
        for index in net[kind].index
        if not is_of_source(net, kind, index)
    ]


def _chosen(net: Any, file: Path, wanted: Sequence[str]) -> list[tuple[str, Any]]:
    there = [(kind, index) for kind, index in _in_network(net) if net[kind].at[index, "in_service"]]
    names = {name_of(net, kind, index) for kind, index in there}
    if missing := sorted(set(wanted) - names - set(KINDS)):
        raise StudyError(
            f"{file}: it has no branch {missing[0]} in service", f"one of: {', '.join(sorted(names)[:6])}, …"
        )
    return [
        (kind, index)
        for kind, index in there
        if not wanted or kind in wanted or name_of(net, kind, index) in wanted
    ]
