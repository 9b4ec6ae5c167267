"""Minutes of regulated operation in which the grid's voltage or the load changes at given seconds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from simulation.engine.network import Complexes
from simulation.scenario.episode import Labels
from simulation.scenario.normal import mark_moves
from simulation.scenario.operation import Move, Operation, operate
from simulation.scenario.recording import Recording
from simulation.scenario.regulation import Positions
from simulation.scenario.stage import Stage

Spells = tuple[tuple[int, complex], ...]
"""Second behind the last of each spell, and the grid's internal voltage in it, pu."""


def run(stage: Stage, s_va: Complexes, spells: Spells, recording: Recording) -> Operation:
    """Operate the station through spells that follow each other; the grid is left as it was settled.

    Args:
        stage: The settled station; its regulators have not been waiting.
        s_va: Power of each load in each second, VA, shape [t, l].
        spells: The last one ends with the episode.
        recording: Takes the states.
    """
    regulators, positions = stage.world.regulators, stage.positions
    waited = np.zeros(len(regulators.groups) + len(regulators.banks))
    states: list[NDArray[np.int64]] = []
    where: list[Positions] = []
    moves: list[Move] = []
    first = 0
    try:
        for stop, emf_pu in spells:
            stage.engine.set_emf(emf_pu)
            part = operate(stage.engine, regulators, s_va[first:stop], positions, waited, recording=recording)
            states.append(part.states)
            where += part.positions
            moves += [replace(move, second=move.second + first) for move in part.moves]
            positions, waited, first = part.positions[-1], part.waited_s, stop
    finally:
        stage.engine.set_emf(stage.emf_pu)
    return Operation(np.concatenate(states), tuple(where), tuple(moves), waited)


def mark_quiet_moves(
    stage: Stage, recording: Recording, operation: Operation, labels: Labels, event: tuple[int, int]
) -> None:
    """Label the regulators' moves before and after an event; what they do in it is in its own shadow.

    Args:
        stage: The settled station.
        recording: Its states.
        operation: What was done.
        labels: Labels, to be written into.
        event: The event's first second, and the one behind its last.
    """
    start, stop = event
    outside = tuple(move for move in operation.moves if not start <= move.second <= stop)
    mark_moves(stage.world, recording.states(), replace(operation, moves=outside), labels)


def described(moves: tuple[Move, ...]) -> list[list[object]]:
    """The moves as JSON values."""
    return [[move.second, move.event] for move in moves]
