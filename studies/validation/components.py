"""Symmetrical components by hand."""

from __future__ import annotations

import numpy as np

from simulation.sequence import balanced, sequence_components, unbalance_pct
from studies.validation.case import Case, Figure


def case() -> Case:
    """Phasors of which components are known in closed form."""
    lost = balanced(1.0)
    lost[0] = 0.0
    weak = balanced(1.0) * np.array([1.0, 0.9, 1.0])
    given = np.array([0.2 + 0.1j, 1.0 - 0.3j, -0.15 + 0.4j])
    a = np.exp(2j * np.pi / 3.0)
    phases = np.array([given.sum(), given @ [1.0, a**2, a], given @ [1.0, a, a**2]])
    zero, one, two = np.abs(sequence_components(lost))
    back = sequence_components(phases)
    return Case(
        "Symmetrical components",
        "C. L. Fortescue, AIEE Transactions 37, 1918; closed forms",
        "One phase of a balanced system missing: thirds. One phase at 1 − d: V2/V1 = d/(3 − d). Components "
        "that are given, made into phases by their definition and taken apart again.",
        [
            Figure("V0, phase a missing", "pu", 1.0 / 3.0, float(zero), 1e-12, 6),
            Figure("V1, phase a missing", "pu", 2.0 / 3.0, float(one), 1e-12, 6),
            Figure("V2, phase a missing", "pu", 1.0 / 3.0, float(two), 1e-12, 6),
            Figure("V2/V1, phase a missing", "%", 50.0, float(unbalance_pct(lost)), 1e-9, 6),
            Figure("V2/V1, phase b at 0.9", "%", 100.0 * 0.1 / 2.9, float(unbalance_pct(weak)), 1e-9, 6),
            *(
                Figure(
                    f"|V{k}| given and found again", "pu", float(abs(given[k])), float(abs(back[k])), 1e-12, 6
                )
                for k in range(3)
            ),
        ],
    )
