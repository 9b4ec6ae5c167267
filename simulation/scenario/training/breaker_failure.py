"""A fault on a line of the station whose breaker fails: the whole section trips."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from simulation.faults.clearing import draw_failure
from simulation.faults.hit import Hit, draw_kind, draw_resistance
from simulation.faults.places import Site, draw_site
from simulation.scenario.episode import Episode
from simulation.scenario.fault import Later, play_fault
from simulation.scenario.operation import operate
from simulation.scenario.recording import Recording
from simulation.scenario.short_circuit import Ready
from simulation.scenario.stage import Stage

# No regulator acts before: none has been waiting for as long as its delay.
_START_S = (6.0, 18.0)


def simulate_breaker_failure(stage: Stage) -> Episode:
    """Play a short circuit on a line that its own breaker does not clear, until the section's others do.

    What is left is regulated to the episode's end; tap changers stand still on a dead busbar.
    """
    rng = stage.rng
    start, site = float(rng.uniform(*_START_S)), _line(stage)
    kind, phases = draw_kind(rng)
    resistance = draw_resistance(rng)
    hit = Hit(site, kind, phases, resistance, draw_failure(rng, stage.world.substation, site), start)
    calm = stage.engine.solve(stage.conditions.s_va[: int(np.ceil(hit.end_s))])
    ready = Ready.at(stage.engine, calm[int(start)], stage.conditions.s_va[int(start)])
    return play_fault(stage, calm, ready, hit, {"situation": "breaker_failure"}, afterwards=_regulated)


def _line(stage: Stage) -> Site:
    """A place on a line: a fault of a busbar has no breaker of its own to fail."""
    while True:
        site = draw_site(stage.rng, stage.world.substation)
        if site.line:
            return site


def _regulated(stage: Stage, hit: Hit, quiet: NDArray[np.int64], recording: Recording) -> Later:
    del quiet
    engine, regulators, first = stage.engine, stage.world.regulators, int(hit.end_s)
    tripped = [name for name in hit.clearing.trips if name not in engine.out_of_service]
    waited = np.zeros(len(regulators.groups) + len(regulators.banks))
    try:
        for name in tripped:
            engine.switch(name, on=False)
        operation = operate(
            engine, regulators, stage.conditions.s_va[first:], stage.positions, waited, recording=recording
        )
    finally:
        for name in tripped:
            engine.switch(name, on=True)
    before = (stage.positions,) * first
    return [(hit.end_s, float(stage.seconds), operation.states)], before + operation.positions
