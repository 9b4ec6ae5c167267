"""How heavily, and how evenly, a station's transformers are loaded."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulation.engine import Engine
from simulation.engine.network import Complexes, Ints
from simulation.noise import Floats

_WATCHED_WINDING = 1
"""The second winding, counted from 0: what feeds the section below."""


@dataclass(frozen=True, slots=True)
class Transformers:
    """A station's transformers in one position of their tap changers.

    Attributes:
        y: Primitive matrices, S, shape [c, c] each.
        nodes: Node of each conductor, −1 for earth, shape [c] each.
        windings: Number of windings of each.
        rated_va: Rated power in the strongest cooling stage, shape [m].
        rated_a: Rated current of the second winding at that power, shape [m].
        groups: Rows of transformers between the same two voltages.
    """

    y: tuple[Complexes, ...]
    nodes: tuple[Ints, ...]
    windings: tuple[int, ...]
    rated_va: Floats
    rated_a: Floats
    groups: tuple[tuple[int, ...], ...]

    @classmethod
    def of(cls, engine: Engine) -> Transformers:
        """Read the transformers as they stand."""
        found = engine.substation.transformers
        read = [engine.primitive(each.element) for each in found]
        rated_va = np.array([each.rated_mva * 1e6 for each in found])
        volts = np.array([each.windings[_WATCHED_WINDING].nominal_kv * 1e3 for each in found])
        between: dict[tuple[float, float], list[int]] = {}
        for k, each in enumerate(found):
            between.setdefault((each.windings[0].nominal_kv, each.windings[1].nominal_kv), []).append(k)
        return cls(
            tuple(y for y, _ in read),
            tuple(nodes for _, nodes in read),
            tuple(len(each.windings) for each in found),
            rated_va,
            rated_va / (np.sqrt(3.0) * volts),
            tuple(tuple(rows) for rows in between.values()),
        )

    def loads(self, v: Complexes) -> tuple[Floats, Floats]:
        """Loads from node voltages of shape [k, n].

        Returns:
            Largest apparent power of a winding, % of the rating, shape [k, m], and current of each phase of
            the second winding, % of its rated current, shape [k, m, 3].
        """
        earthed = np.concatenate([v, np.zeros((v.shape[0], 1))], axis=1)
        loading, phases = [], []
        for y, nodes, windings in zip(self.y, self.nodes, self.windings, strict=True):
            across = earthed[:, nodes]
            i = across @ y.T
            s_va = (across * np.conj(i)).reshape(v.shape[0], windings, -1).sum(axis=2)
            loading.append(np.abs(s_va).max(axis=1))
            phases.append(np.abs(i.reshape(v.shape[0], windings, -1)[:, _WATCHED_WINDING, :3]))
        return (
            100.0 * np.stack(loading, axis=1) / self.rated_va,
            100.0 * np.stack(phases, axis=1) / self.rated_a[:, None],
        )

    def loading_imbalance_pct(self, loading_pct: Floats) -> Floats:
        """Imbalance between parallel transformers, the largest of the groups, from [k, m], shape [k]."""
        each = [deviation_pct(loading_pct[:, list(rows)]) for rows in self.groups]
        return np.asarray(np.max(each, axis=0))

    def imbalance_pct(self, phases_pct: Floats) -> Floats:
        """Imbalance of the phases of parallel transformers, the mean of the groups, from [k, m, 3], [k]."""
        count = phases_pct.shape[0]
        each = [
            deviation_pct(phases_pct[:, list(rows)].reshape(count, 3 * len(rows))) for rows in self.groups
        ]
        return np.asarray(np.mean(each, axis=0))


def deviation_pct(values: Floats) -> Floats:
    """Largest deviation from the mean over the mean, %, along the last axis.

    NEMA MG 1 has it for the three line voltages; here it is taken of loads.
    """
    mean = values.mean(axis=-1, keepdims=True)
    return np.asarray(100.0 * np.abs(values - mean).max(axis=-1) / mean[..., 0])
