"""Which voltages of a circuit the limits apply to: to earth, or between phases where earth is no reference.

Behind a delta winding nothing but stray capacitance holds the phases against earth. A fault to earth there
moves the voltages to earth by up to √3 and leaves those between phases, which is what loads in delta see.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Self

import numpy as np

from simulation.engine.network import Complexes, Ints
from simulation.noise import Floats
from studies.opendss.circuit import Circuit
from studies.opendss.elements import conversion, delivery

Voltages = Literal["auto", "ll", "ln"]
"""Between phases (ll) or to earth (ln) everywhere, or by `without_earth` (auto)."""

PAIRS = ((1, 2), (2, 3), (3, 1))
EARTH = -1
_PHASES = 3
_HOLDS = ("vsource", "transformer", "autotrans", "line", "reactor", "generator")
"""What gives a whole feeder an earth or a neutral; anything else sees the voltage to earth at its own bus."""


@dataclass(frozen=True, slots=True)
class Across:
    """Voltages from one node to another one.

    Attributes:
        first: Node, shape [n].
        second: The other one, `EARTH` for earth, shape [n].
        base_v: Nominal voltage between the two, V; NaN where the circuit states none, shape [n].
    """

    first: Ints
    second: Ints
    base_v: Floats

    @classmethod
    def of(cls, circuit: Circuit, pairs: Sequence[tuple[int, int]]) -> Self:
        """Between two nodes each: √3 times the nominal voltage to earth where both are phases."""
        first, second = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
        both = np.maximum(circuit.phases[first], circuit.phases[second]) <= _PHASES
        phases = (second != EARTH) & both
        return cls(first, second, circuit.base_v[first] * np.where(phases, np.sqrt(3.0), 1.0))

    def pu(self, v: Complexes) -> Floats:
        """In pu of nominal, from the voltages of all nodes to earth, V, shape [n]."""
        against = np.where(self.second == EARTH, 0.0, v[self.second])
        return np.asarray(np.abs(v[self.first] - against) / self.base_v)


@dataclass(frozen=True, slots=True)
class Judged:
    """Voltages that limits apply to.

    Attributes:
        places: `bus.1` to earth, `bus.1-2` between phases, shape [n].
        across: Between which nodes.
        between_phases: How many buses are judged between phases.
    """

    places: tuple[str, ...]
    across: Across
    between_phases: int


def judged(circuit: Circuit, voltages: Voltages = "auto") -> Judged:
    """The voltages that limits apply to in a solved circuit.

    A bus of one phase has no voltage between phases and is judged to earth in any case.

    Args:
        circuit: The circuit, before anything is opened.
        voltages: Which ones.
    """
    if voltages == "auto":
        chosen = without_earth(circuit)
    else:
        chosen = set(circuit.bus_names()) if voltages == "ll" else set()
    row = nodes(circuit)
    places: list[str] = []
    pairs: list[tuple[int, int]] = []
    count = 0
    for bus in circuit.bus_names():
        there = [phase for phase in range(1, _PHASES + 1) if (bus, phase) in row]
        if bus in chosen and len(there) > 1:
            count += 1
            ends = [(one, other) for one, other in PAIRS if one in there and other in there]
            places += [f"{bus}.{one}-{other}" for one, other in ends]
            pairs += [(row[bus, one], row[bus, other]) for one, other in ends]
        else:
            places += [f"{bus}.{phase}" for phase in there]
            pairs += [(row[bus, phase], EARTH) for phase in there]
    return Judged(tuple(places), Across.of(circuit, pairs), count)


def nodes(circuit: Circuit) -> dict[tuple[str, int], int]:
    """Place of each node among all, by its bus and number."""
    return {
        (bus, int(phase)): k
        for k, (bus, phase) in enumerate(zip(circuit.buses.tolist(), circuit.phases, strict=True))
    }


def without_earth(circuit: Circuit) -> set[str]:
    """Buses at which the voltage to earth is nobody's.

    Buses joined otherwise than through a transformer are one feeder. It has an earth or a neutral if a
    source, winding in star, autotransformer, reactor, generator or line has a conductor on node 0 or above 3;
    else each of its buses is without earth at which no load or other shunt has such a conductor.
    """
    from scipy.sparse import coo_matrix  # type: ignore[import-untyped]
    from scipy.sparse.csgraph import connected_components  # type: ignore[import-untyped]

    place = {bus: k for k, bus in enumerate(circuit.bus_names())}
    in_delta = _delta_windings(circuit)
    joined: list[tuple[int, int]] = []
    holding: set[str] = set()
    seeing: set[str] = set()
    for flow in [*delivery(circuit), *conversion(circuit)]:
        if flow.kind == "fault":
            # An earth fault is no earthing.
            continue
        tied = [_is_tied(at) for at in flow.nodes]
        if flow.kind == "transformer":
            # The neutral's conductor of a winding in delta is connected to nothing.
            tied = [is_tied and (flow.name, k) not in in_delta for k, is_tied in enumerate(tied)]
        else:
            known = [place[bus] for bus in flow.buses if bus in place]
            joined += itertools.pairwise(known)
            tied = [any(tied)] * len(tied)
        into = holding if flow.kind in _HOLDS else seeing
        into |= {bus for bus, is_tied in zip(flow.buses, tied, strict=True) if is_tied}
    ends = np.array(joined, dtype=np.int64).reshape(-1, 2).T
    graph = coo_matrix((np.ones(ends.shape[1]), ends), shape=(len(place), len(place)))
    feeder = connected_components(graph, directed=False)[1]
    held = {int(feeder[place[bus]]) for bus in holding if bus in place}
    return {bus for bus, k in place.items() if int(feeder[k]) not in held and bus not in seeing}


def _is_tied(at: Ints) -> bool:
    """Whether a conductor of a terminal is on earth or on a neutral."""
    return bool(((at == 0) | (at > _PHASES)).any())


def _delta_windings(circuit: Circuit) -> set[tuple[str, int]]:
    """Windings in delta: transformer and number, from 0."""
    bank = circuit.dss.Transformers
    found = set()
    for _ in bank:
        for k in range(int(bank.NumWindings)):
            bank.Wdg = k + 1
            if bank.IsDelta:
                found.add((f"transformer.{str(bank.Name).lower()}", k))
    return found
