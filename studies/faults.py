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

from simulation.engine.network import Complexes, Ints
from simulation.noise import Floats
from studies.result import Table

TYPES = ("LLL", "LG", "LL", "LLG")
TO_EARTH = ("LG", "LLG")
"""What the zero sequence has a part in; three phases alike have none."""

_PHASES = (1, 2, 3)
DIP_ROWS = 1_000_000
"""More rows of dips than this are not listed unless buses are named."""

DIP_PU = 0.9
"""A dip begins below (IEC 61000-4-30)."""

NOT_LISTED = f"dips are not listed: more than {DIP_ROWS:,} rows; name buses with --bus"


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

    @property
    def name(self) -> str:
        """Its phases in one word."""
        return "".join(map(str, self.phases))


class Dips:
    """Voltages at every bus during faults, collected place by place.

    Args:
        buses: Their names, the rows of what is added.
        wanted: Whether a table is made of them, or only counts.
    """

    def __init__(self, buses: Sequence[str], *, wanted: bool) -> None:
        self.wanted = wanted
        self._buses = buses
        self._faults: list[tuple[str, Fault]] = []
        self._found: list[Floats] = []

    def add(self, bus: str, faults: Sequence[Fault], pu: Floats) -> Ints:
        """Note the voltages during the faults at a bus; how many buses see a dip in each.

        Args:
            bus: Where they strike.
            faults: Which.
            pu: Voltages by phase; NaN where there is none or it is not known, shape [faults, buses, 3].

        Returns:
            Buses with a phase below 0.9 pu, shape [faults].
        """
        if self.wanted:
            self._faults += [(bus, fault) for fault in faults]
            self._found.append(pu.reshape(-1, 3).astype(np.float32))
        return np.asarray((pu < DIP_PU).any(axis=2).sum(axis=1))

    def table(self, title: str) -> Table:
        """One row a fault and bus."""
        count = len(self._buses)
        found = np.concatenate(self._found) if self._found else np.empty((0, 3))
        lowest = np.nan_to_num(found, nan=np.inf).min(axis=1) if len(found) else np.empty(0)
        return Table(
            "dips",
            title,
            {
                "fault_bus": np.repeat([bus for bus, _ in self._faults], count),
                "type": np.repeat([fault.kind for _, fault in self._faults], count),
                "phases": np.repeat([fault.name for _, fault in self._faults], count),
                "bus": np.tile(np.array(self._buses), len(self._faults)),
                "lowest_v_pu": np.where(np.isfinite(lowest), lowest, np.nan),
                **{f"v_{k + 1}_pu": found[:, k] for k in range(3)},
            },
        )


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
