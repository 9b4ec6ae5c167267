"""Solving a situation in every arrangement within reach, at the same served power."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from simulation.engine import Engine, Source
from simulation.engine.network import Complexes
from simulation.errors import InfeasibleError, NotConvergedError
from simulation.noise import Floats
from simulation.scenario.regulation import Positions, settle
from simulation.scenario.regulation import apply as regulate
from simulation.scenario.world import World
from simulation.sequence import unbalance_pct
from simulation.transfers.arrangement import Arrangement, Movable, apply, around, as_described
from simulation.transfers.balance import Balance
from simulation.transfers.outcome import Transfers
from simulation.transfers.sections import Sections
from simulation.transfers.situation import Situation, metered, metered_gain, situations
from simulation.transfers.transformers import Transformers
from switchyard.profiles import Profile

NO_SOLUTION = "no power-flow solution"


class Yard:
    """Solves the situations of one world on its engine.

    Attributes:
        world: The substation in its campaign.
        engine: Its engine.
        movable: What can be moved.
        sections: What is looked at.
        transformers: As they stood in the file; their tap positions do not matter to groups and ratings.
    """

    def __init__(self, world: World, engine: Engine) -> None:
        self.world, self.engine = world, engine
        self.movable = Movable.of(world.substation)
        engine.compile()
        self.sections, self.transformers = Sections.of(engine), Transformers.of(engine)

    def solve(self, situation: Situation, most: int) -> Transfers:
        """Settle the station in the present arrangement and solve every other within reach.

        Taps, banks and the voltage behind the grid's impedance stay what they are in the present one.

        Args:
            situation: What was drawn.
            most: Feeders moved at most.
        """
        engine, present = self.engine, situation.present
        self._restart(present)
        try:
            settled = settle(
                engine,
                self.world.regulators,
                situation.hour,
                situation.s_va,
                offsets_pu=situation.offsets_pu,
                guess=self.world.guesses.near(situation.s_va, situation.hour),
            )
        except (InfeasibleError, NotConvergedError) as error:
            return self._unsolved(situation, error.message)
        source = Source(engine.emf_pu, engine.z1_ohm)
        arrangements = tuple(around(self.movable, present, most, situation.running))
        v = engine.solve(situation.s_va[None])
        balance = Balance.of(engine, self.movable, present)
        transformers = Transformers.of(engine)
        readings = self._metered(situation, v)
        nodes, supplied = self._solve_each(situation, arrangements, source, settled.positions)
        loading, phases = transformers.loads(nodes)
        volts = nodes[:, self.sections.nodes]
        pu = np.abs(volts) / self.sections.base_v
        # Without a positive sequence the factor is infinite; without a solution there is none.
        vuf = np.where(np.isnan(supplied)[:, None], np.nan, unbalance_pct(volts[:, self.sections.sections]))
        return Transfers(
            situation,
            arrangements,
            settled.positions,
            source,
            tuple(NO_SOLUTION if np.isnan(each) else "" for each in supplied),
            supplied - situation.served_w,
            pu.min(axis=(1, 2)),
            pu.max(axis=(1, 2)),
            self.sections.violations(pu),
            vuf,
            loading,
            phases,
            np.stack(balance.residual(nodes, situation.s_va, arrangements), axis=1),
            *readings,
        )

    def resume(self, source: Source, positions: Positions, arrangement: Arrangement) -> None:
        """Put the engine, from a fresh compile, into an arrangement of a situation that was solved."""
        self._restart(arrangement)
        self.engine.set_source(source)
        regulate(self.engine, self.world.regulators, positions)

    def play(self, profile: Profile) -> tuple[Transfers, ...]:
        """Solve a campaign's situations, each from a fresh compile; the circuit is left as it was."""
        most = profile.simulation.transfers.feeders
        drawn = situations(self.world, self.movable, profile)
        found = tuple(self.solve(situation, most) for situation in drawn)
        self.engine.compile()
        return found

    def _solve_each(
        self,
        situation: Situation,
        arrangements: Sequence[Arrangement],
        source: Source,
        positions: Positions,
    ) -> tuple[Complexes, Floats]:
        """Node voltages, V, [k, n], and power from the grid, W, [k]; NaN where there is no solution."""
        engine, now = self.engine, situation.present
        nodes = np.full(
            (len(arrangements), len(engine.layout.nodes)), np.nan + 1j * np.nan, dtype=np.complex128
        )
        supplied = np.full(len(arrangements), np.nan)
        for k, wanted in enumerate(arrangements):
            apply(engine, self.movable, now, wanted)
            try:
                nodes[k] = engine.solve(situation.s_va[None])[0]
            except NotConvergedError:
                self.resume(source, positions, situation.present)
                now = situation.present
                continue
            now, supplied[k] = wanted, engine.supplied_va().real
        return nodes, supplied

    def _metered(self, situation: Situation, v: Complexes) -> tuple[Complexes, Complexes, Complexes]:
        engine, rng = self.engine, situation.scenario.generator("meters")
        network = engine.network()
        i = network.point_currents(v, np.array([engine.emf_v]))[0]
        read_v, read_i = metered(rng, self.world, network.point_voltages(v)[0], i)
        first = 3 * len(self.world.substation.feeders)
        drawn = situation.s_va[first : first + len(self.movable.supplies)]
        return read_v, read_v * np.conj(read_i), drawn * metered_gain(rng, drawn.size)

    def _unsolved(self, situation: Situation, reason: str) -> Transfers:
        sections, units = self.sections.sections.size, self.transformers.rated_va.size
        points = len(self.world.substation.points)
        nothing = np.full((points, 3), np.nan + 1j * np.nan, dtype=np.complex128)
        return Transfers(
            situation,
            (situation.present,),
            None,
            None,
            (reason,),
            np.full(1, np.nan),
            np.full(1, np.nan),
            np.full(1, np.nan),
            np.zeros(1, dtype=np.int64),
            np.full((1, sections), np.nan),
            np.full((1, units), np.nan),
            np.full((1, units, 3), np.nan),
            np.full((1, 2), np.nan),
            nothing,
            nothing,
            np.full(len(self.movable.supplies), np.nan + 1j * np.nan, dtype=np.complex128),
        )

    def _restart(self, arrangement: Arrangement) -> None:
        self.engine.compile()
        self.engine.lossy().energise()
        apply(self.engine, self.movable, as_described(self.movable), arrangement)
