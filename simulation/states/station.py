"""Settling a station in the states of its campaign."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np

from simulation.clock import DAY_S
from simulation.engine import Engine, Source
from simulation.engine.losses import CLASSES, ElementLosses
from simulation.engine.network import Complexes
from simulation.errors import InfeasibleError, NotConvergedError
from simulation.scenario.regulation import apply, settle
from simulation.scenario.world import World
from simulation.states.day import Day, powers
from simulation.states.following import Following
from simulation.states.nameplate import Nameplate
from simulation.states.plan import KIND
from simulation.states.resistances import Factors, Temperatures
from simulation.states.state import Losses, Solution, State
from switchyard.identity import ScenarioId

DESIGN_LOAD = 0.75
"""Share of the description's base load at which the design shares of the losses are taken."""


class Station:
    """Solves the states of one world on its engine.

    Attributes:
        world: The substation in its campaign.
        engine: Its engine, with losses that the circuit file does not have.
        design_shares: Resistive, reactive and core share of the loss at the design load: `DESIGN_LOAD` of
            each feeder's base load at its power factor, the grid's median voltage, the file's resistances.
    """

    def __init__(self, world: World, engine: Engine, campaign: str, seed: int) -> None:
        self.world, self.engine = world, engine
        self._campaign, self._seed = campaign, seed
        self._temperatures = Temperatures.of(world)
        self._day: Day | None = None
        self._following = self._restarted()
        self.design_shares = self._design_shares()
        self._following = self._restarted()
        self._nameplate = Nameplate.of(world.substation, engine)

    def states(self, quarters: Iterable[int]) -> Iterator[State]:
        """These quarters of the campaign; the engine is in each state while it is looked at."""
        for quarter in quarters:
            yield self.solve(quarter)

    def solve(self, quarter: int) -> State:
        """Settle the station in one quarter, its regulators coming from where they stood before."""
        world, engine = self.world, self.engine
        day = self._day_of(quarter)
        s_va = powers(world.loads, quarter, day.shares, len(engine.loads))
        factors = self._temperatures.factors(quarter, day.agreement)
        metered_va = self._temperatures.s_va[quarter] * day.gains
        state = State(
            day.scenario,
            quarter,
            s_va,
            metered_va,
            day.gain_v,
            self._nameplate.loss_w(self._temperatures.branches, metered_va),
            factors,
            solution=None,
        )
        engine.lossy().heat(factors.hot)
        hour = world.hour_like(int(world.loads.t[quarter]))
        try:
            v = self._following.solve(hour, s_va, day.offsets_pu)
        except (InfeasibleError, NotConvergedError) as error:
            self._following = self._restarted()
            return replace(state, reason=error.message)
        return replace(state, solution=self._solution(quarter, s_va, v, factors))

    def resume(self, state: State, solution: Solution) -> None:
        """Put the engine back into a state that it was in."""
        self.engine.compile()
        self.engine.lossy().energise()
        self.recall(state, solution)

    def recall(self, state: State, solution: Solution) -> None:
        """Put the engine into a state that it was in, where nothing but states were solved since."""
        self.engine.lossy().heat(state.factors.hot)
        self.engine.set_source(solution.source)
        apply(self.engine, self.world.regulators, solution.positions)

    def _design_shares(self) -> tuple[float, float, float]:
        world, engine = self.world, self.engine
        s_va = np.zeros(len(engine.loads), dtype=np.complex128)
        for k, feeder in enumerate(world.substation.feeders):
            p_w = DESIGN_LOAD * feeder.base_mw * 1e6 / 3.0
            s_va[3 * k : 3 * k + 3] = p_w * (1.0 + 1j * np.tan(np.arccos(feeder.power_factor)))
        hour = sorted(world.hours, key=lambda each: each.v_pu)[len(world.hours) // 2]
        calm = np.zeros(len(world.regulators.groups))
        guess = world.guesses.near(s_va, hour)
        settle(engine, world.regulators, hour, s_va, offsets_pu=calm, guess=guess)
        engine.solve(s_va[None])
        found = engine.lossy().read()
        total = found.total_w.sum()
        resistive, reactive, core = (
            float(part.sum() / total) for part in (found.resistive_w, found.reactive_w, found.core_w)
        )
        return resistive, reactive, core

    def _restarted(self) -> Following:
        self.engine.compile()
        self.engine.lossy().energise()
        return Following.of(self.engine, self.world.regulators, self.world.guesses.fallback)

    def _day_of(self, quarter: int) -> Day:
        world = self.world
        index = int((int(world.loads.t[quarter]) - world.midnight) // DAY_S)
        scenario = ScenarioId(world.substation.name, self._campaign, self._seed, KIND, index)
        if self._day is None or self._day.scenario != scenario:
            self._day = Day.drawn(world, scenario)
        return self._day

    def _solution(self, quarter: int, s_va: Complexes, v: Complexes, factors: Factors) -> Solution:
        engine, substation = self.engine, self.world.substation
        found = engine.lossy().read()
        residual = engine.network().residual(v, np.array([engine.emf_v]), s_va[None])
        nodes = engine.layout.bus_nodes(substation.infeeds[0].bus)
        places = [engine.lossy().place(transformer.element) for transformer in substation.transformers]
        rated = np.array([transformer.rated_mva * 1e6 for transformer in substation.transformers])
        return Solution(
            self._following.guess.positions,
            Source(engine.emf_pu, engine.z1_ohm),
            self._summed(found, factors),
            engine.supplied_va(),
            float(np.mean(np.abs(v[0, nodes]) / engine.layout.base_v[nodes])),
            100.0 * float(np.max(found.apparent_va[places] / rated, initial=0.0)),
            float(np.max(self._temperatures.winding_c[quarter], initial=-273.0)),
            (float(residual[0][0]), float(residual[1][0])),
        )

    def _summed(self, found: ElementLosses, factors: Factors) -> Losses:
        lossy = self.engine.lossy()
        places = [lossy.place(name) for name in factors.hot]
        hot, undistorted = (np.array([*each.values()]) for each in (factors.hot, factors.undistorted))
        resistance_w = found.total_w[places] - found.core_w[places]
        by_class_w = np.bincount(lossy.classes, weights=found.total_w, minlength=len(CLASSES)).tolist()
        return Losses(
            float(found.resistive_w.sum()),
            float(found.reactive_w.sum()),
            float(found.core_w.sum()),
            (by_class_w[0], by_class_w[1], by_class_w[2]),
            float((resistance_w * (1.0 - undistorted / hot)).sum()),
        )
