"""The settled station on which an episode is played, and the form in which it is handed on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain, groupby, repeat
from typing import Any

import numpy as np

from simulation.engine import Engine
from simulation.instruments.malfunction import Malfunction
from simulation.scenario.conditions import Conditions, draw_conditions
from simulation.scenario.episode import Episode, FaultRecord, Labels
from simulation.scenario.recording import Recording, Timeline
from simulation.scenario.regulation import DEADBAND_PU, Guess, Positions, Regulators, settle
from simulation.scenario.world import World
from switchyard.identity import ScenarioId


@dataclass(frozen=True, slots=True)
class Stage:
    """One episode's station after hours of its load.

    Attributes:
        world: The substation in its campaign.
        engine: Its engine: source, taps and banks are set for the first second.
        scenario: The episode's identifier.
        rng: The scenario's own stream.
        conditions: Loads, frequency and grid.
        positions: Where the regulators stand.
        emf_pu: Internal voltage of the grid.
    """

    world: World
    engine: Engine
    scenario: ScenarioId
    rng: np.random.Generator
    conditions: Conditions
    positions: Positions
    emf_pu: complex

    @classmethod
    def set(
        cls, world: World, engine: Engine, scenario: ScenarioId, seconds: int, *, day: int | None = None
    ) -> Stage:
        """Draw an episode's conditions, on a given day or on any, and let the station come to rest in them.

        Raises:
            InfeasibleError: The regulators do not come to rest.
            NotConvergedError: There is no power-flow solution.
        """
        rng = scenario.generator("scenario")
        conditions = draw_conditions(rng, world, scenario, seconds, day=day)
        return cls.settled(world, engine, scenario, rng, conditions)

    @classmethod
    def settled(
        cls,
        world: World,
        engine: Engine,
        scenario: ScenarioId,
        rng: np.random.Generator,
        conditions: Conditions,
        *,
        guess: Guess | None = None,
    ) -> Stage:
        """Let the station come to rest in conditions that are drawn already, beginning from a guess.

        Raises:
            InfeasibleError: The regulators do not come to rest.
            NotConvergedError: There is no power-flow solution.
        """
        offsets = DEADBAND_PU * rng.uniform(-0.6, 0.6, len(world.regulators.groups))
        first = conditions.s_va[0]
        guess = guess or world.guesses.near(first, conditions.hour)
        settled = settle(engine, world.regulators, conditions.hour, first, offsets_pu=offsets, guess=guess)
        return cls(world, engine, scenario, rng, conditions, settled.positions, engine.emf_pu)

    @property
    def seconds(self) -> int:
        """Length of the episode."""
        return self.conditions.seconds

    @property
    def points(self) -> int:
        """Number of measurement points."""
        return len(self.world.substation.points)

    def point_name(self, point: int) -> str:
        """Name of the measurement point in row `point`."""
        return self.world.substation.points[point].id

    def quiet_labels(self) -> Labels:
        """Labels of an episode in which nothing happens, to be written into."""
        return Labels.quiet(self.points, self.seconds)

    def episode(
        self,
        recording: Recording,
        timeline: Timeline,
        labels: Labels,
        *,
        cause: str,
        severity: float | None = None,
        parameters: dict[str, Any],
        positions: tuple[Positions, ...] = (),
        malfunctions: tuple[Malfunction, ...] = (),
        fault: FaultRecord | None = None,
        reason: str = "",
    ) -> Episode:
        """Put together what was played.

        Args:
            recording: Its states.
            timeline: Which acts when.
            labels: What acts where.
            cause: The event drawn.
            severity: Its severity at the watched point.
            parameters: What was drawn, JSON values.
            positions: Regulators in each second; where they stood at first if none are given.
            malfunctions: Instruments that went wrong.
            fault: The short circuit.
            reason: Why a part of the station has no supply in the end; "" where all of it has.
        """
        where = positions or (self.positions,) * self.seconds
        return Episode(
            scenario=self.scenario,
            t_start=self.conditions.t_start,
            seconds=self.seconds,
            cause=cause,
            severity=severity,
            parameters=parameters,
            status="islanded" if reason else "ok",
            reason=reason,
            states=recording.states(),
            timeline=timeline,
            f_hz=self.conditions.f_hz,
            taps=taps_text(self.world.regulators, where),
            capacitor_steps=steps_text(self.world.regulators, where),
            labels=labels,
            malfunctions=malfunctions,
            fault=fault,
        )


def taps_text(regulators: Regulators, positions: tuple[Positions, ...]) -> tuple[str, ...]:
    """Tap positions of each second as `AT1:9,AT2:9`."""
    names = [(name, k) for k, group in enumerate(regulators.groups) for name in group.transformers]
    return _texts(positions, lambda each: ",".join(f"{name}:{each.taps[k]}" for name, k in names))


def steps_text(regulators: Regulators, positions: tuple[Positions, ...]) -> tuple[str, ...]:
    """Capacitor steps in service in each second as `C1:1,C2:0`."""
    names = [bank.name for bank in regulators.banks]
    return _texts(
        positions,
        lambda each: ",".join(f"{name}:{steps}" for name, steps in zip(names, each.steps, strict=True)),
    )


def _texts(positions: tuple[Positions, ...], text: Callable[[Positions], str]) -> tuple[str, ...]:
    # Positions are the same object until a regulator moves.
    runs = groupby(positions, key=id)
    return tuple(
        chain.from_iterable(repeat(text(run[0]), len(run)) for run in (tuple(own) for _, own in runs))
    )
