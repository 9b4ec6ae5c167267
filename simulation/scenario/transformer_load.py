"""How heavily transformers are loaded in the solved states, and the label of an overload."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from simulation.noise import Floats
from simulation.scenario.episode import Labels
from simulation.scenario.recording import States
from substations.description import Substation


def bay(substation: Substation, element: str) -> int | None:
    """Row of the bay in which the load of a transformer is measured: that of the winding that it feeds by."""
    for k, point in enumerate(substation.points):
        if point.kind == "transformer_bay" and point.element == element and point.terminal == 2:
            return k
    return None


def transformer_loads(substation: Substation, states: States, chosen: NDArray[np.int64]) -> dict[str, Floats]:
    """Apparent power over the rated power in the strongest stage, of every transformer with such a bay.

    Args:
        substation: Description.
        states: Solved states.
        chosen: State of each second, shape [t].

    Returns:
        By transformer, shape [t] each.
    """
    found = {}
    for unit in substation.transformers:
        if (point := bay(substation, unit.element)) is not None:
            s_va = (states.v[chosen, point] * states.i[chosen, point].conj()).sum(axis=-1)
            found[unit.id] = np.asarray(np.abs(s_va) / (unit.rated_mva * 1e6))
    return found


def mark_overloads(substation: Substation, loads: dict[str, Floats], labels: Labels) -> dict[str, float]:
    """Label the bays of every transformer that carries more than its strongest cooling stage is rated for.

    The severity is the largest excess over the rating in multiples of the ratio-error limit of the bay's
    current transformers.

    Returns:
        Severity at the fed bay by transformer; those without an overload are left out.
    """
    severity = {}
    for unit in substation.transformers:
        load = loads.get(unit.id, np.zeros(1))
        if load.max() <= 1.0:
            continue
        for k, point in enumerate(substation.points):
            if point.kind == "transformer_bay" and point.element == unit.element:
                excess = float(load.max() - 1.0) / (point.ct_class / 100.0)
                labels.mark_all(k, load > 1.0, "overload", "abc", excess)
                if k == bay(substation, unit.element):
                    severity[unit.id] = excess
    return severity
