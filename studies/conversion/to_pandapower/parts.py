"""An element of a solved circuit as plain data, and its admittances by sequences.

A circuit is calculated phase by phase, pandapower's power flow for one phase that stands for all three. What
is the same in all three has an admittance matrix that the symmetrical components (C. L. Fortescue, AIEE
Transactions 37, 1918) take apart: Y_012 = A⁻¹·Y_abc·A couples no sequence with another. The matrix is the one
that the engine has solved with, so it has in it whatever the engine knows of units, codes, geometry, taps
and clock numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from simulation.engine.network import Complexes, Ints
from simulation.sequence import balanced, sequence_components
from studies.errors import StudyError

REMEDY = "solve the circuit as it is, phase by phase: --solver opendss"
PHASES = 3
DEAD_PU = 1e-2
"""Below this voltage nothing supplies a bus."""

COUPLING = 1e-9
"""What one sequence may see of another, of the element's largest admittance."""

_TO_PHASES = np.stack([np.ones(3, dtype=np.complex128), balanced(1.0), balanced(1.0).conj()], axis=1)
_TO_SEQUENCES = np.linalg.inv(_TO_PHASES)


@dataclass(frozen=True, slots=True)
class Part:
    """One enabled element.

    Attributes:
        name: Class and name, lower case.
        file: The circuit's file, for error messages.
        properties: By lower-case name, as the engine has them after reading the whole circuit.
        buses: Bus of each terminal.
        nodes: Node of each conductor on its bus, 0 is earth, shape [terminals, conductors].
        opened: Terminals that are open, all phases.
        y: Admittances between all conductors with every terminal closed, S, shape [conductors, conductors]
            with those of all terminals.
        v: Voltages of the conductors to earth, V, shape [terminals, conductors].
        i: Currents into them, A, same shape.
        rating_a: Normal current; NaN where none is stated.
    """

    name: str
    file: Path
    properties: Mapping[str, Any]
    buses: tuple[str, ...]
    nodes: Ints
    opened: tuple[bool, ...]
    y: Complexes
    v: Complexes
    i: Complexes
    rating_a: float

    @property
    def kind(self) -> str:
        """Its class."""
        return self.name.partition(".")[0]

    @property
    def own_name(self) -> str:
        """Without its class."""
        return self.name.partition(".")[2]

    @property
    def power_va(self) -> complex:
        """What it draws."""
        return complex((self.v * self.i.conj()).sum())

    def refused(self, what: str, remedy: str = REMEDY) -> StudyError:
        """The error that it cannot be expressed."""
        return StudyError(f"{self.file}: {self.name}: {what}", remedy)

    def number(self, name: str) -> float:
        """A property that is a number."""
        return float(self.properties[name])

    def numbers(self, name: str) -> list[float]:
        """A property that is a list of numbers."""
        return [float(value) for value in self.properties[name]]

    def positive(self, terminal: int = 0) -> complex:
        """Positive-sequence voltage to earth of a terminal, V."""
        order = self.phase_order(terminal)
        return complex(sequence_components(self.v[terminal][order])[1])

    def phase_order(self, terminal: int) -> Ints:
        """Conductors of phases 1, 2, 3 at a terminal.

        Raises:
            StudyError: It is not connected to all three, or to one of them twice, or to another node.
        """
        nodes = self.nodes[terminal].tolist()
        if sorted(node for node in nodes if node > 0) != [1, 2, 3]:
            there = ".".join(str(node) for node in nodes)
            raise self.refused(
                f"bus{terminal + 1}={self.buses[terminal]}.{there}: pandapower's balanced power flow has "
                "only three-phase elements on nodes 1, 2 and 3"
            )
        return np.array([nodes.index(phase) for phase in (1, 2, 3)], dtype=np.int64)

    def require_three_phases(self) -> None:
        """Refuse an element of one bus that is not connected to all phases alike.

        Raises:
            StudyError: It is not.
        """
        phases = int(self.number("phases"))
        if phases != PHASES:
            raise self.refused(
                f"phases={phases} at bus {self.buses[0]}: pandapower's balanced power flow has only "
                "three-phase elements, or three equal ones between each phase and earth"
            )
        self.phase_order(0)


@dataclass(frozen=True, slots=True)
class Sequences:
    """An element between its terminals that are not earthed, one sequence apart from the others.

    Attributes:
        terminals: Their numbers, from 0.
        zero: Admittances of the zero sequence, S, shape [terminals, terminals].
        positive: Of the positive one.
        negative: Of the negative one.
    """

    terminals: tuple[int, ...]
    zero: Complexes
    positive: Complexes
    negative: Complexes


def sequences(part: Part, *, neutral: bool = False) -> Sequences:
    """Take an element's admittances apart.

    Args:
        part: The element.
        neutral: It may have neutral nodes of its own, which are eliminated.

    Raises:
        StudyError: It is not three-phase, or its phases differ.
    """
    nodes = part.nodes.ravel()
    y = part.y
    floating = np.flatnonzero(nodes > PHASES)
    if floating.size > 0 and neutral:
        kept = np.setdiff1d(np.arange(nodes.size), floating)
        away = np.zeros_like(y)
        away[np.ix_(kept, kept)] = y[np.ix_(kept, floating)] @ np.linalg.solve(
            y[np.ix_(floating, floating)], y[np.ix_(floating, kept)]
        )
        y = y - away
    width = part.nodes.shape[1]
    terminals = tuple(t for t in range(len(part.buses)) if (part.nodes[t] > 0).any())
    rows = np.concatenate([t * width + _phase_order(part, t, neutral=neutral) for t in terminals])
    blocks = y[np.ix_(rows, rows)].reshape(len(terminals), PHASES, len(terminals), PHASES)
    apart = _TO_SEQUENCES @ blocks.transpose(0, 2, 1, 3) @ _TO_PHASES
    coupling = np.abs(apart * (1.0 - np.eye(PHASES)))
    largest = float(np.abs(blocks).max())
    if coupling.max() > COUPLING * largest:
        raise part.refused(differs(coupling.max() / largest))
    zero, positive, negative = (apart[:, :, k, k] for k in range(PHASES))
    return Sequences(terminals, zero, positive, negative)


def differs(share: float) -> str:
    """What is said of an element whose phases are not equal."""
    return (
        f"its phases differ (one sequence sees {100.0 * share:.2g} % of another): pandapower's balanced "
        "power flow has only symmetrical elements"
    )


def in_sequences(block: Complexes) -> tuple[Complexes, float]:
    """Zero, positive and negative sequence of one admittance matrix [3, 3], and the largest coupling."""
    apart = _TO_SEQUENCES @ block @ _TO_PHASES
    return np.diagonal(apart).copy(), float(np.abs(apart * (1.0 - np.eye(PHASES))).max())


def _phase_order(part: Part, terminal: int, *, neutral: bool) -> Ints:
    if not neutral or not (part.nodes[terminal] > PHASES).any():
        return part.phase_order(terminal)
    nodes = part.nodes[terminal].tolist()
    found = [nodes.index(phase) for phase in (1, 2, 3) if phase in nodes]
    if len(found) < PHASES:
        return part.phase_order(terminal)
    return np.array(found, dtype=np.int64)
