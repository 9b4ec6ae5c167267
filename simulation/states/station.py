"""Settling a station in the states of its campaign."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from simulation.clock import DAY_S
from simulation.engine import Engine, Source
from simulation.engine.losses import CLASSES, REACTOR_LOSS, ElementLosses
from simulation.engine.network import Complexes
from simulation.errors import InfeasibleError, NotConvergedError
from simulation.scenario.regulation import Guess, Positions, apply, settle
from simulation.scenario.world import World
from simulation.states.day import Day, powers
from simulation.states.resistances import Factors, Temperatures
from simulation.states.state import Losses, Solution, State
from switchyard.identity import ScenarioId

KIND = "state"
"""Kind in the scenario identifiers; the index counts the campaign's days."""

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
        self._guess = world.guesses.fallback
        self._day: Day | None = None
        self._restart()
        self.design_shares = self._design_shares()
        self._line_ohm = {
            name: engine.lossy().line_ohm(name)
            for name in (
                *(infeed.line for infeed in world.substation.infeeds),
                *(feeder.line for feeder in world.substation.feeders if feeder.line is not None),
            )
        }

    def states(self, stride: int) -> Iterator[State]:
        """Every `stride`-th quarter of the campaign; the engine is in each state while it is looked at."""
        for quarter in range(0, self.world.loads.t.size, stride):
            yield self.solve(quarter)

    def solve(self, quarter: int) -> State:
        """Settle the station in one quarter, its regulators coming from where they stood before."""
        world, engine = self.world, self.engine
        day = self._day_of(quarter)
        s_va = powers(world.loads, quarter, day.shares, len(engine.loads))
        factors = self._temperatures.factors(world, quarter, day.mixes)
        metered_va = self._temperatures.s_va[quarter] * day.gains
        state = State(
            day.scenario,
            quarter,
            s_va,
            metered_va,
            day.gain_v,
            self._nameplate_w(metered_va),
            factors,
            solution=None,
        )
        engine.lossy().heat(factors.hot)
        hour = world.hour_like(int(world.loads.t[quarter]))
        try:
            settled = settle(
                engine, world.regulators, hour, s_va, offsets_pu=day.offsets_pu, guess=self._guess
            )
        except (InfeasibleError, NotConvergedError) as error:
            self._restart()
            return replace(state, reason=error.message)
        self._guess = Guess(settled.positions, settled.extra_va)
        return replace(state, solution=self._solution(quarter, s_va, settled.positions, factors))

    def resume(self, state: State, solution: Solution) -> None:
        """Put the engine back into a state that it was in."""
        self.engine.compile()
        self.engine.lossy().energise()
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
        self._restart()
        return resistive, reactive, core

    def _restart(self) -> None:
        self.engine.compile()
        self.engine.lossy().energise()
        self._guess = self.world.guesses.fallback

    def _day_of(self, quarter: int) -> Day:
        world = self.world
        index = int((int(world.loads.t[quarter]) - world.midnight) // DAY_S)
        scenario = ScenarioId(world.substation.name, self._campaign, self._seed, KIND, index)
        if self._day is None or self._day.scenario != scenario:
            self._day = Day.drawn(world, scenario)
        return self._day

    def _nameplate_w(self, s_va: Complexes) -> float:
        branches, substation = self._temperatures.branches, self.world.substation
        total = 0.0
        for transformer, apparent in zip(substation.transformers, branches.transformer_va(s_va), strict=True):
            load = float(apparent) / (transformer.windings[0].rated_mva * 1e6)
            total += 1e3 * (transformer.no_load_loss_kw + transformer.load_loss_kw * load * load)
        total += sum(1e6 * REACTOR_LOSS * reactor.mvar for reactor in substation.reactors)
        lines = [infeed.line for infeed in substation.infeeds]
        amperes = [float(a) for a in branches.infeed_current_a(s_va)]
        for feeder, ampere in zip(substation.feeders, branches.feeder_current_a(s_va), strict=True):
            if feeder.line is not None:
                lines.append(feeder.line)
                amperes.append(float(ampere))
        return total + sum(3.0 * a * a * self._line_ohm[line] for line, a in zip(lines, amperes, strict=True))

    def _solution(self, quarter: int, s_va: Complexes, positions: Positions, factors: Factors) -> Solution:
        engine, substation = self.engine, self.world.substation
        v = engine.solve(s_va[None])
        found = engine.lossy().read()
        residual = engine.network().residual(v, np.array([engine.emf_v]), s_va[None])
        nodes = engine.layout.bus_nodes(substation.infeeds[0].bus)
        places = [engine.lossy().place(transformer.element) for transformer in substation.transformers]
        rated = np.array([transformer.rated_mva * 1e6 for transformer in substation.transformers])
        return Solution(
            positions,
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
        added = sum(
            float(found.total_w[k] - found.core_w[k]) * (1.0 - factors.undistorted[name] / hot)
            for name, hot in factors.hot.items()
            for k in (lossy.place(name),)
        )
        transformer_w, line_w, shunt_w = (
            float(found.total_w[lossy.classes == k].sum()) for k in range(len(CLASSES))
        )
        return Losses(
            float(found.resistive_w.sum()),
            float(found.reactive_w.sum()),
            float(found.core_w.sum()),
            (transformer_w, line_w, shunt_w),
            added,
        )
