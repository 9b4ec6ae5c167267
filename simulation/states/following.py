"""A station's regulators from one quarter to the next: most of the time they stay where they are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from simulation.engine import Engine, Source
from simulation.engine.network import Complexes
from simulation.errors import InfeasibleError
from simulation.grid import BoundaryHour
from simulation.noise import Floats
from simulation.scenario.regulation import Guess, Regulators, apply
from simulation.states.watch import Watch

NEAR_PU = 2e-4
"""How far the substation's bus may be from the voltage of the system hour."""

# Farther from it than this, banks do not act yet.
_FAR_PU = 1.5e-3
_ROUNDS = 25

_POSITIVE = np.exp(2j * np.pi / 3.0 * np.arange(3)) / 3.0


@dataclass(slots=True)
class Following:
    """Solves one state after the other, its regulators where they stood before unless they want to move.

    Attributes:
        engine: The engine.
        regulators: What stands where.
        watch: What it looks at.
        guess: Where the regulators stand, and what the grid supplied there beyond the loads.
    """

    engine: Engine
    regulators: Regulators
    watch: Watch
    guess: Guess

    @classmethod
    def of(cls, engine: Engine, regulators: Regulators, guess: Guess) -> Following:
        """Begin at a guess."""
        return cls(engine, regulators, Watch.of(engine, regulators), guess)

    def solve(self, hour: BoundaryHour, s_va: Complexes, offsets_pu: Floats) -> Complexes:
        """Solve the next state; `guess` is then where its regulators stand, and the engine is in it.

        Args:
            hour: The grid.
            s_va: Power of each load, VA, shape [l].
            offsets_pu: Where within its dead band each group came to rest, pu, shape [groups].

        Returns:
            Node voltages, V, shape [1, n].

        Raises:
            InfeasibleError: The regulators chase each other without end.
            NotConvergedError: There is no power flow.
        """
        return next(self.series(hour, s_va[None], offsets_pu))

    def series(self, hour: BoundaryHour, s_va: Complexes, offsets_pu: Floats) -> Iterator[Complexes]:
        """Solve the next states, during which the grid's internal voltage stays.

        It is what gives the substation's bus the hour's voltage, within `NEAR_PU`, in the first state.

        Args:
            hour: The grid.
            s_va: Power of each load, VA, shape [t, l].
            offsets_pu: Where within its dead band each group came to rest, pu, shape [groups].

        Yields:
            Node voltages of consecutive states in which the regulators stand alike, V, shape [k, n]; until
            the next are asked for, the engine has their network and `guess` their positions.

        Raises:
            InfeasibleError: The regulators chase each other without end.
            NotConvergedError: There is no power flow.
        """
        engine, done, rounds = self.engine, 0, 0
        wanted = hour.v_pu * complex(np.exp(1j * np.radians(hour.angle_deg)))
        nodes = engine.layout.bus_nodes(engine.source_bus)
        base_v, z1 = float(engine.layout.base_v[nodes[0]]), hour.source_z1_ohm()
        drawn = complex(s_va[0].sum()) + self.guess.extra_va
        emf_pu = wanted + z1 * (drawn / (3.0 * wanted * base_v)).conjugate() / base_v
        engine.set_source(Source(emf_pu, z1))
        apply(engine, self.regulators, self.guess.positions)
        while done < s_va.shape[0]:
            if rounds == _ROUNDS:
                raise InfeasibleError(
                    f"{engine.substation.name}: taps and capacitors do not come to rest",
                    "widen the dead bands or the tap range",
                )
            rounds += 1
            v = engine.solve(s_va[done:])
            at_bus = v[:, nodes] @ _POSITIVE / base_v
            asked = self.watch.wanted(engine, self.guess.positions, v, offsets_pu)
            rest = self.watch.at_rest(self.guess.positions, asked)
            miss = wanted - complex(at_bus[0])
            count = 0
            if done == 0 and abs(miss) > NEAR_PU:
                emf_pu += miss
                engine.set_emf(emf_pu)
                if abs(miss) > _FAR_PU:
                    # Banks wait until the voltage is nearly right.
                    asked = (asked[0], self.watch.steps_on(self.guess.positions)[None])
            elif rest[0]:
                count = rest.size if rest.all() else int(np.argmin(rest))
                last = complex(at_bus[count - 1])
                supplied = 3.0 * last * ((emf_pu - last) * base_v / z1).conjugate() * base_v
                extra_va = supplied - complex(s_va[done + count - 1].sum())
                self.guess = Guess(self.guess.positions, extra_va)
                yield v[:count]
                done, rounds = done + count, 0
            if count < rest.size:
                self.guess = replace(
                    self.guess, positions=self.watch.moved(self.guess.positions, asked, count)
                )
                apply(engine, self.regulators, self.guess.positions)
