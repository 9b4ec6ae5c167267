"""Short circuits of every type at one place, from its impedance matrix.

A fault joins the phases of a place by branches ("ports") of impedance Z_f. With the impedance matrix Z_p of
the place, the voltages before V_p and the incidence A of ports and phases

    I = (Aᵀ·Z_p·A + Z_f·1)⁻¹·Aᵀ·V_p,      I_phases = A·I,      V = V_before − Z_(all, place)·I_phases

(Thevenin's theorem in phase coordinates; e.g. A. R. Bergen and V. Vittal, Power Systems Analysis, chapter on
faults). Z_f may be zero.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from simulation.engine.network import Complexes
from simulation.noise import Floats

TYPES = ("LLL", "LG", "LL", "LLG")
_PHASES = (1, 2, 3)


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault at a place.

    Attributes:
        kind: LLL and LLG: each faulted phase to earth through Z_f; LG one phase to earth; LL one phase to the
            other.
        phases: Faulted phases.
        incidence: Ports by phases of the place, shape [phases of the place, ports].
    """

    kind: str
    phases: tuple[int, ...]
    incidence: Floats


def faults_between(present: Sequence[int], kinds: Sequence[str]) -> Iterator[Fault]:
    """Every fault that a place with these phases can have."""
    rows = {phase: k for k, phase in enumerate(present)}
    there = [phase for phase in present if phase in _PHASES]
    for kind in kinds:
        count = {"LLL": 3, "LG": 1, "LL": 2, "LLG": 2}[kind]
        for struck in combinations(there, count):
            incidence = np.zeros((len(rows), 1 if kind == "LL" else count))
            if kind == "LL":
                incidence[[rows[struck[0]], rows[struck[1]]], 0] = 1.0, -1.0
            else:
                incidence[[rows[phase] for phase in struck], range(count)] = 1.0
            yield Fault(kind, struck, incidence)


def phase_currents(z_place: Complexes, v_place: Complexes, fault: Fault, z_fault: complex) -> Complexes:
    """Currents out of the place into the fault, A, shape [phases of the place].

    Args:
        z_place: Impedance matrix of the place, Ω.
        v_place: Voltages before the fault, V.
        fault: The fault.
        z_fault: Impedance of each of its branches, Ω.
    """
    a = fault.incidence
    port = a.T @ z_place @ a + z_fault * np.eye(a.shape[1])
    return np.asarray(a @ np.linalg.solve(port, a.T @ v_place))
