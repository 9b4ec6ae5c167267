"""Kind `normal`: the station runs; tap changers step and capacitors switch as they do on any day."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from simulation.engine import Engine
from simulation.noise import Floats
from simulation.scenario.departure import NOTICED, departure, largest
from simulation.scenario.episode import Episode, Labels
from simulation.scenario.operation import Operation, operate
from simulation.scenario.recording import Recording, States, Timeline
from simulation.scenario.regulation import BANK_DELAY_S, TAP_DELAY_S, Positions, Regulators
from simulation.scenario.stage import Stage
from simulation.scenario.world import World
from switchyard.identity import ScenarioId

# How often an episode finds a regulator about to act: the load has just carried it past its dead band.
_TAP_SHARE, _BANK_SHARE = 0.15, 0.08
# However settled, a regulator may have been outside its dead band for up to this share of its delay.
_WAITED = 0.3


def simulate(world: World, engine: Engine, scenario: ScenarioId, seconds: int) -> Episode:
    """Live through one episode of normal operation."""
    stage = Stage.set(world, engine, scenario, seconds)
    recording = Recording()
    operation = run(stage, recording, busy=True)
    labels = stage.quiet_labels()
    if operation.moves:
        mark_moves(world, recording.states(), operation, labels)
    return stage.episode(
        recording,
        Timeline.steady(operation.states),
        labels,
        cause=operation.moves[0].event if operation.moves else "none",
        parameters={"moves": [[move.second, move.event] for move in operation.moves]},
        positions=operation.positions,
    )


def run(stage: Stage, recording: Recording, *, busy: bool) -> Operation:
    """Operate the station for the episode; `busy` lets a regulator be about to act."""
    regulators = stage.world.regulators
    span = stage.seconds if busy else 0
    positions, waited = _unsettled(stage.rng, regulators, stage.positions, span)
    return operate(stage.engine, regulators, stage.conditions.s_va, positions, waited, recording=recording)


def mark_moves(world: World, states: States, operation: Operation, labels: Labels) -> None:
    """Label the second in which each move begins to act, at the points that it is seen at."""
    for move in operation.moves:
        before = states.v[operation.states[move.second - 1]]
        after = states.v[operation.states[move.second]]
        severity = largest(departure(before, after)) / world.limit
        for point in np.flatnonzero(severity > NOTICED):
            when = slice(move.second, move.second + 1)
            labels.mark(int(point), when, move.event, "abc", float(severity[point]))


def _unsettled(
    rng: np.random.Generator, regulators: Regulators, positions: Positions, seconds: int
) -> tuple[Positions, Floats]:
    """Move a regulator one step away from rest, with its delay ending within the episode."""
    groups, banks = len(regulators.groups), len(regulators.banks)
    waited = np.concatenate(
        [rng.uniform(0.0, _WAITED * TAP_DELAY_S, groups), rng.uniform(0.0, _WAITED * BANK_DELAY_S, banks)]
    )
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
