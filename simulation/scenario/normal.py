"""Kind `normal`: the station runs; tap changers step and capacitors switch as they do on any day."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from simulation.engine import Engine
from simulation.noise import Floats
from simulation.scenario.conditions import Conditions, draw_conditions
from simulation.scenario.departure import departure, largest
from simulation.scenario.episode import Episode, Labels
from simulation.scenario.operation import Move, Operation, operate
from simulation.scenario.recording import Recording, States, Timeline
from simulation.scenario.regulation import (
    BANK_DELAY_S,
    DEADBAND_PU,
    TAP_DELAY_S,
    Positions,
    Regulators,
    apply,
    settle,
)
from simulation.scenario.world import World
from switchyard.identity import ScenarioId

# How often an episode finds a regulator about to act: the load has just carried it past the edge of its dead band.
_TAP_SHARE, _BANK_SHARE = 0.25, 0.12
# A step is labelled at the points that it moves by more than this share of the instrument's error limit.
_NOTICED = 0.2


@dataclass(frozen=True, slots=True)
class Run:
    """Seconds of normal operation, ready to be labelled.

    Attributes:
        conditions: What the episode found.
        operation: What the regulators did.
        states: Solved states.
        timeline: One state a second.
    """

    conditions: Conditions
    operation: Operation
    states: States
    timeline: Timeline


def simulate(world: World, engine: Engine, scenario: ScenarioId, seconds: int) -> Episode:
    """Live through one episode of normal operation."""
    rng = scenario.generator("scenario")
    conditions = draw_conditions(rng, world, scenario, seconds)
    done = run(rng, world, engine, conditions, busy=True)
    labels = Labels.quiet(len(world.substation.points), seconds)
    mark_moves(world, done, labels)
    return Episode(
        scenario=scenario,
        t_start=conditions.t_start,
        seconds=seconds,
        cause=done.operation.moves[0].event if done.operation.moves else "none",
        parameters={"moves": [[move.second, move.event] for move in done.operation.moves]},
        states=done.states,
        timeline=done.timeline,
        f_hz=conditions.f_hz,
        taps=taps_text(world.regulators, done.operation.positions),
        capacitor_steps=steps_text(world.regulators, done.operation.positions),
        labels=labels,
    )


def run(rng: np.random.Generator, world: World, engine: Engine, conditions: Conditions, *, busy: bool) -> Run:
    """Settle the station and operate it for the episode.

    Args:
        rng: Source of randomness.
        world: The substation and its grid.
        engine: Its engine.
        conditions: Loads, frequency, grid.
        busy: Whether a regulator may be about to act.
    """
    positions = settle_station(rng, world, engine, conditions)
    positions, waited = _unsettled(rng, world.regulators, positions, conditions.seconds if busy else 0)
    apply(engine, world.regulators, positions)
    recording = Recording()
    operation = operate(engine, world.regulators, conditions, positions, waited, recording)
    return Run(conditions, operation, recording.states(), Timeline.steady(operation.states))


def settle_station(
    rng: np.random.Generator, world: World, engine: Engine, conditions: Conditions
) -> Positions:
    """Bring taps, banks and the grid's internal voltage to where they stand at the episode's first second."""
    offsets = DEADBAND_PU * rng.uniform(-0.6, 0.6, len(world.regulators.groups))
    return settle(engine, world.regulators, conditions.hour, conditions.s_va[0], offsets)


def mark_moves(world: World, done: Run, labels: Labels) -> None:
    """Label the second in which each move begins to act, at the points that it is seen at."""
    for move in done.operation.moves:
        before = done.states.v[done.operation.states[move.second - 1]]
        after = done.states.v[done.operation.states[move.second]]
        severity = largest(departure(before, after)) / world.limit
        for point in np.flatnonzero(severity > _NOTICED):
            labels.mark(int(point), slice(move.second, move.second + 1), move.event, "abc", float(severity[point]))


def taps_text(regulators: Regulators, positions: tuple[Positions, ...]) -> tuple[str, ...]:
    """Tap positions of each second as `AT1:9,AT2:9`."""
    names = [(name, k) for k, group in enumerate(regulators.groups) for name in group.transformers]
    return tuple(",".join(f"{name}:{each.taps[k]}" for name, k in names) for each in positions)


def steps_text(regulators: Regulators, positions: tuple[Positions, ...]) -> tuple[str, ...]:
    """Capacitor steps in service in each second as `C1:1,C2:0`."""
    names = [bank.name for bank in regulators.banks]
    return tuple(
        ",".join(f"{name}:{steps}" for name, steps in zip(names, each.steps, strict=True)) for each in positions
    )


def _unsettled(
    rng: np.random.Generator, regulators: Regulators, positions: Positions, seconds: int
) -> tuple[Positions, Floats]:
    """Move a regulator one step away from rest, with its delay ending within the episode."""
    groups, banks = len(regulators.groups), len(regulators.banks)
    # However settled, a regulator may have been outside its dead band for a while.
    waited = np.concatenate([rng.uniform(0.0, 0.3 * TAP_DELAY_S, groups), rng.uniform(0.0, 0.3 * BANK_DELAY_S, banks)])
    draws = rng.random(2)
    acts = float(rng.integers(2, max(seconds - 1, 3)))
    if seconds and groups and draws[0] < _TAP_SHARE:
        k = int(rng.integers(groups))
        taps = list(positions.taps)
        taps[k] = int(np.clip(taps[k] + rng.choice([-1, 1]), 1, regulators.groups[k].steps))
        positions = replace(positions, taps=tuple(taps))
        waited[k] = TAP_DELAY_S - acts
    elif seconds and banks and draws[1] < _BANK_SHARE:
        k = int(rng.integers(banks))
        steps = list(positions.steps)
        steps[k] = steps[k] + 1 if steps[k] == 0 else steps[k] - 1
        positions = replace(positions, steps=tuple(steps))
        waited[groups + k] = BANK_DELAY_S - acts
    return positions, waited


__all__ = ["Move", "Run", "mark_moves", "run", "settle_station", "simulate", "steps_text", "taps_text"]
