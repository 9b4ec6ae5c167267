"""The power-balance residual of solutions in which feeders and supplies are elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from simulation.engine import Engine
from simulation.engine.network import BASE_VA, Complexes, Ints, Layout, Network
from simulation.noise import Floats
from simulation.transfers.arrangement import Arrangement, Movable, phases_of


@dataclass(frozen=True, slots=True)
class Balance:
    """A station in its present arrangement, from which the others are reached without its engine.

    Currents of a moved line are taken from its primitive matrix at the nodes of its new section, and those of
    a turned supply between its new nodes: the check does not depend on the matrix that OpenDSS has built.

    Attributes:
        network: The network in the present arrangement.
        present: That arrangement.
        lines: Primitive matrix and nodes there of each movable line.
        emf_v: Internal voltage of the grid.
    """

    movable: Movable
    network: Network
    present: Arrangement
    lines: tuple[tuple[Complexes, Ints], ...]
    emf_v: complex

    @classmethod
    def of(cls, engine: Engine, movable: Movable, present: Arrangement) -> Balance:
        """Read an engine that has just solved the present arrangement."""
        lines = tuple(engine.primitive(line) for line in movable.lines)
        return cls(movable, engine.network(), present, lines, engine.emf_v)

    def residual(
        self, v: Complexes, s_va: Complexes, arrangements: Sequence[Arrangement]
    ) -> tuple[Floats, Floats]:
        """Largest mismatch over the nodes of each solution, pu on 100 MVA, with its sign.

        V·conj(Y·V − I_source + I_loads) at every node.

        Args:
            v: Node voltages, shape [k, n]; NaN gives NaN.
            s_va: Power of each load, VA, shape [l].
            arrangements: Arrangement of each solution.

        Returns:
            Active and reactive residual, shape [k] each.
        """
        network = self.network
        i = v @ network.y.T - self.emf_v * network.source
        for row, arrangement in enumerate(arrangements):
            for k, bus in enumerate(arrangement.buses):
                if bus != self.present.buses[k]:
                    y, nodes = self.lines[k]
                    i[row] -= _into(v.shape[1], nodes, y @ v[row, nodes])
                    there = np.concatenate([network.layout.bus_nodes(bus), nodes[3:]])
                    i[row] += _into(v.shape[1], there, y @ v[row, there])
        layouts: dict[tuple[str, ...], Layout] = {}
        solved = ~np.isnan(v[:, 0])
        for row, arrangement in enumerate(arrangements):
            if not solved[row]:
                continue
            layout = layouts.setdefault(arrangement.pairs, self._layout(arrangement))
            turned = replace(network, layout=layout)
            i[row] += layout.onto_nodes(turned.load_currents(v[row], s_va))
        mismatch = v * np.conj(i) / BASE_VA
        rows = np.arange(v.shape[0])
        return (
            mismatch.real[rows, np.argmax(np.abs(mismatch.real), axis=1)],
            mismatch.imag[rows, np.argmax(np.abs(mismatch.imag), axis=1)],
        )

    def _layout(self, arrangement: Arrangement) -> Layout:
        layout = self.network.layout
        incidence = layout.incidence.copy()
        first = incidence.shape[0] - 3 - len(arrangement.pairs)
        for k, (now, pair) in enumerate(zip(self.present.pairs, arrangement.pairs, strict=True)):
            if now != pair:
                name = layout.nodes[layout.load_nodes[first + k, 0]].split(".")[0]
                nodes = layout.bus_nodes(name)
                one, other = phases_of(pair)
                incidence[first + k] = 0.0
                incidence[first + k, nodes[one]], incidence[first + k, nodes[other]] = 1.0, -1.0
        return replace(layout, incidence=incidence)


def _into(size: int, nodes: Ints, i: Complexes) -> Complexes:
    out = np.zeros(size, dtype=np.complex128)
    np.add.at(out, nodes, i)
    return out
