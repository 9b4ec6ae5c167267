"""Losses of a circuit's elements, and the resistances and shunts that cause them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from simulation.engine.assembly import Assembly
from simulation.engine.conductors import Conductors
from simulation.engine.network import Complexes
from simulation.noise import Floats
from substations.description import Substation

REACTOR_LOSS = 0.0025
"""Loss of a shunt reactor as a share of its rating: 0.2 to 0.3 % is usual (from common knowledge)."""

CLASSES = ("transformer", "line", "shunt")

Solved = Callable[[], tuple[Assembly, Complexes, Complexes]]
"""Where the entries of the primitive matrices belong, the entries, and the node voltages solved last."""


@dataclass(frozen=True, slots=True)
class ElementLosses:
    """Losses of one solution, W, each of shape [e] in the order of `Lossy.names`.

    Attributes:
        total_w: All of an element's loss.
        core_w: What is lost whenever it is energised: in cores of transformers and in reactors.
        reactive_w: What the reactive part of its current causes in its resistances.
        apparent_va: Largest apparent power of a terminal, VA.
    """

    total_w: Floats
    core_w: Floats
    reactive_w: Floats
    apparent_va: Floats

    @property
    def resistive_w(self) -> Floats:
        """What the active part of the current causes in the resistances."""
        return self.total_w - self.core_w - self.reactive_w


class Lossy:
    """Lines, transformers and shunts of an engine, with losses that the circuit file does not have.

    The circuit's transformers have no magnetising branch and its reactors no loss: `energise` adds both.
    Nothing of it outlives the engine's next `compile`.

    Attributes:
        names: Elements in the engine's order.
        classes: Position in `CLASSES` of each element, shape [e].
    """

    def __init__(
        self,
        substation: Substation,
        elements: Mapping[str, Any],
        changed: Callable[..., None],
        solved: Solved,
    ) -> None:
        kinds = {"transformer": 0, "line": 1, "reactor": 2, "capacitor": 2}
        found = {name: kinds[name.split(".")[0]] for name in elements if name.split(".")[0] in kinds}
        self.names = tuple(found)
        self.classes = np.array(list(found.values()), dtype=np.int64)
        self._substation = substation
        self._elements = [elements[name] for name in self.names]
        self._terminals = [int(element.NumTerminals()) for element in self._elements]
        self._changed, self._solved = changed, solved
        self._conductors: Conductors | None = None
        self._place = {name: k for k, name in enumerate(self.names)}
        self._cold = {name: np.array(self._resistances(name)) for name, kind in found.items() if kind < 2}
        self._factors = dict.fromkeys(self._cold, 1.0)

    def place(self, element: str) -> int:
        """Row of an element in the arrays of `read`."""
        return self._place[element]

    def energise(self) -> None:
        """Give transformers their no-load loss (by U² of the second winding) and reactors `REACTOR_LOSS`."""
        for transformer in self._substation.transformers:
            rated_kw = transformer.windings[0].rated_mva * 1e3
            element = self._elements[self._place[transformer.element]]
            element.pctNoLoadLoss = 100.0 * transformer.no_load_loss_kw / rated_kw
            self._changed(transformer.element)
        for reactor in self._substation.reactors:
            kv = self._substation.bus(reactor.bus).nominal_kv
            self._elements[self._place[reactor.element]].Rp = kv * kv / (REACTOR_LOSS * reactor.mvar)
            self._changed(reactor.element)

    def heat(self, factors: Mapping[str, float]) -> None:
        """Multiply the circuit file's resistances of lines and windings, by element."""
        for name, factor in factors.items():
            if self._factors[name] == factor:
                continue
            self._factors[name] = factor
            element, ohm = self._elements[self._place[name]], self._cold[name] * factor
            if name.startswith("transformer."):
                element.pctRs = ohm
            else:
                element.RMatrix = ohm
            self._changed(name)

    def line_ohm(self, line: str) -> float:
        """Positive-sequence resistance of a whole line as the circuit file has it, Ω."""
        r = self._cold[line].reshape(3, 3)
        length = float(self._elements[self._place[line]].Length)
        return float((np.trace(r) - (r.sum() - np.trace(r)) / 2.0) / 3.0) * length

    def read(self) -> ElementLosses:
        """Losses of the snapshot that was solved last.

        The loss in an element's resistances is divided by the squares of the active and reactive current of
        its terminals' conductors, Q²/S²: the usual way to say what compensation would save.
        """
        assembly, entries, v = self._solved()
        if self._conductors is None or self._conductors.assembly is not assembly:
            self._conductors = Conductors.of(self.names, tuple(self._terminals), assembly)
        found = self._conductors
        s_va = found.powers(entries, v)
        total = np.add.reduceat(s_va.real, found.elements)
        core = np.where(self.classes == 2, total, 0.0)
        for k in np.flatnonzero(self.classes == 0):
            core[k] = self._elements[k].LossesByType()[2].real
        squares = np.add.reduceat(s_va.real**2 + s_va.imag**2, found.elements)
        idle = np.add.reduceat(s_va.imag**2, found.elements)
        share = np.divide(idle, squares, out=np.zeros_like(total), where=squares > 0.0)
        ends = np.abs(np.add.reduceat(s_va, found.terminals))
        return ElementLosses(
            total, core, (total - core) * share, np.maximum.reduceat(ends, found.terminals_of)
        )

    def apparent_va(self, places: Sequence[int]) -> Floats:
        """Largest apparent power of a terminal of each element in `places`, VA."""
        return np.array([self._apparent_va(k, np.asarray(self._elements[k].Powers())) for k in places])

    def _apparent_va(self, place: int, s_kva: Complexes) -> float:
        terminals = s_kva.reshape(self._terminals[place], -1).sum(axis=1)
        return 1e3 * float(np.abs(terminals).max())

    def _resistances(self, name: str) -> Floats:
        element = self._elements[self._place[name]]
        found = element.pctRs if name.startswith("transformer.") else element.RMatrix
        return np.asarray(found, dtype=np.float64)
