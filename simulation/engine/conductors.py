"""Power that flows into every conductor of an engine's elements, from their primitive matrices."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from simulation.engine.assembly import Assembly
from simulation.engine.network import Complexes, Ints


@dataclass(frozen=True, slots=True)
class Conductors:
    """All conductors of some elements, one element after the other.

    Attributes:
        assembly: Where the entries belong.
        take: Entries of the elements' primitive matrices, row by row.
        columns: Node whose voltage each of these multiplies; earth is behind the last.
        rows: First of these of each conductor, shape [c].
        nodes: Node of each conductor, shape [c].
        elements: First conductor of each element, shape [e].
        terminals: First conductor of each terminal.
        terminals_of: First terminal of each element, shape [e].
    """

    assembly: Assembly
    take: Ints
    columns: Ints
    rows: Ints
    nodes: Ints
    elements: Ints
    terminals: Ints
    terminals_of: Ints

    @classmethod
    def of(cls, names: tuple[str, ...], terminals: tuple[int, ...], assembly: Assembly) -> Conductors:
        """Look every entry's place up once; `terminals` is the number of each element's terminals."""
        size = assembly.sum_y.shape[0]
        take, columns, widths, nodes = [], [], [], []
        for name in names:
            own = assembly.slices[name]
            width = math.isqrt(own.stop - own.start)
            # Primitive matrices come column by column.
            entry = own.start + np.arange(width * width).reshape(width, width).T.ravel()
            take.append(entry)
            columns.append(assembly.into_y[entry] % size)
            nodes.append(assembly.into_y[entry[::width]] // size)
            widths.append(width)
        wide, ends = np.array(widths), np.array(terminals)
        return cls(
            assembly,
            np.concatenate(take),
            np.concatenate(columns),
            _before(np.repeat(wide, wide)),
            np.concatenate(nodes),
            _before(wide),
            _before(np.repeat(wide // ends, ends)),
            _before(ends),
        )

    def powers(self, entries: Complexes, v: Complexes) -> Complexes:
        """Power that flows into each conductor, VA, shape [c]."""
        bordered = np.append(v, 0.0)
        i = np.add.reduceat(entries[self.take] * bordered[self.columns], self.rows)
        return np.asarray(bordered[self.nodes] * i.conj())


def _before(counts: Ints) -> Ints:
    """Sum of the counts before each."""
    return np.cumsum(counts) - counts
