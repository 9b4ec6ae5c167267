"""What a station's regulators look at and where they would move, for many states at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulation.engine import Engine
from simulation.engine.network import Complexes, Ints
from simulation.noise import Floats
from simulation.scenario.regulation import BANK_SHARE, DEADBAND_PU, Positions, Regulators


@dataclass(frozen=True, slots=True)
class Watch:
    """What regulators look at, as matrices.

    Attributes:
        nodes: Nodes of the regulated busbars.
        mean: Voltage of each group by the nodes' magnitudes, pu/V, shape [groups, k].
        set_pu: What each holds, shape [groups].
        step_pu: What one position changes, shape [groups].
        taps: Number of positions, shape [groups].
        banks: Banks that look at a point; the others never move, shape [b].
        rows: Conductors of their points in the network's `point_y`, shape [3·b].
        feeding: Nodes of these, same shape.
        step_var: Reactive power of one of their steps, shape [b].
        steps: Number of their steps, shape [b].
    """

    nodes: Ints
    mean: Floats
    set_pu: Floats
    step_pu: Floats
    taps: Ints
    banks: Ints
    rows: Ints
    feeding: Ints
    step_var: Floats
    steps: Ints

    @classmethod
    def of(cls, engine: Engine, regulators: Regulators) -> Watch:
        """Look everything up once."""
        layout, groups = engine.layout, regulators.groups
        nodes = [layout.nodes_of(group.buses) for group in groups]
        mean = np.zeros((len(nodes), sum(own.size for own in nodes)))
        first = 0
        for k, (group, own) in enumerate(zip(groups, nodes, strict=True)):
            mean[k, first : first + own.size] = 1.0 / (own.size * group.base_v)
            first += own.size
        banks = np.array([k for k, bank in enumerate(regulators.banks) if bank.point >= 0], dtype=np.int64)
        points = np.array([bank.point for bank in regulators.banks], dtype=np.int64)[banks]
        return cls(
            np.concatenate([np.empty(0, dtype=np.int64), *nodes]),
            mean,
            np.array([group.set_pu for group in groups]),
            np.array([group.step_pu for group in groups]),
            np.array([group.steps for group in groups]),
            banks,
            (3 * points[:, None] + np.arange(3)).ravel(),
            layout.point_nodes[points].ravel(),
            np.array([bank.step_var for bank in regulators.banks])[banks],
            np.array([bank.steps for bank in regulators.banks])[banks],
        )

    def wanted(
        self, engine: Engine, positions: Positions, v: Complexes, offsets_pu: Floats
    ) -> tuple[Ints, Ints]:
        """Where the regulators would move at these node voltages, by the rules of `settle`.

        Banks act only while the tap changers rest.

        Args:
            engine: Engine, whose network stands so.
            positions: Where the regulators stand.
            v: Node voltages, shape [t, n].
            offsets_pu: Where within its dead band each group came to rest, pu, shape [groups].

        Returns:
            Tap positions, shape [t, groups], and steps of the banks that look at a point, shape [t, b].
        """
        errors = np.abs(v[:, self.nodes]) @ self.mean.T - self.set_pu - offsets_pu
        taps = np.array(positions.taps)
        move = np.rint(errors / self.step_pu) * (np.abs(errors) > DEADBAND_PU)
        asked = np.minimum(np.maximum(taps + move, 1), self.taps)
        network = engine.network()
        i = v @ network.point_y[self.rows].T - engine.emf_v * network.point_source[self.rows]
        drawn = (v[:, self.feeding] * i.conj()).imag.reshape(v.shape[0], -1, 3).sum(axis=2)
        need = -drawn / self.step_var
        steps = self.steps_on(positions)
        switch = np.sign(need) * (np.abs(need) > BANK_SHARE) * (asked == taps).all(axis=1, keepdims=True)
        on = np.minimum(np.maximum(steps + switch, 0), self.steps)
        return asked.astype(np.int64), on.astype(np.int64)

    def steps_on(self, positions: Positions) -> Ints:
        """Steps of the banks that look at a point, shape [b]."""
        return np.array(positions.steps, dtype=np.int64)[self.banks]

    def at_rest(self, positions: Positions, asked: tuple[Ints, Ints]) -> NDArray[np.bool_]:
        """Whether what is asked for is where everything stands, shape [t]."""
        taps, steps = asked
        still = (taps == np.array(positions.taps)).all(axis=1)
        return np.asarray(still & (steps == self.steps_on(positions)).all(axis=1))

    def moved(self, positions: Positions, asked: tuple[Ints, Ints], row: int) -> Positions:
        """Positions after what is asked for in a row."""
        steps = np.array(positions.steps, dtype=np.int64)
        steps[self.banks] = asked[1][min(row, asked[1].shape[0] - 1)]
        return Positions(tuple(asked[0][row].tolist()), tuple(steps.tolist()))
