"""Kind `harmonic`: customers and the grid distort the voltage, capacitor banks lift or soften that."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from simulation.engine import ORDERS, Emission, Engine
from simulation.engine.network import Complexes
from simulation.harmonics.capture import draw_captures, draw_interharmonics
from simulation.harmonics.distortion import Distorted, draw_level
from simulation.harmonics.mix import FeederMix, draw_background, draw_mix, emitted_by
from simulation.harmonics.states import HarmonicStates
from simulation.scenario.episode import Episode
from simulation.scenario.recording import Recording, States, Timeline
from simulation.scenario.regulation import Positions, apply
from simulation.scenario.stage import Stage
from simulation.scenario.world import World
from switchyard.identity import ScenarioId

# Distortion wanted at the watched point, %: log-normal about the limit between low and medium, so that half
# of the captures lie below 3 %, a quarter between 3 and 5 %, a quarter above.
_MEDIAN_PCT, _SPREAD, _WANTED = 3.1, 0.60, (0.3, 12.0)
# No captured point, and no point at all, is distorted by more, %.
_HIGHEST_PCT, _HIGHEST_ANYWHERE_PCT = 12.0, 14.0
# The grid's fifth, in multiples of `draw_background`'s 1 %, against what the station's customers emit:
# log-normal.
_GRID_MEDIAN, _GRID_SPREAD = 1.5, 0.5
# Share of the episodes whose banks stand as an operator chose, not as the regulators settled: resonances of
# all kinds.
_CHOSEN_BANKS = 0.5


def simulate(world: World, engine: Engine, scenario: ScenarioId, seconds: int) -> Episode:
    """Live through one episode; its harmonics are those of its last second.

    What is emitted is drawn at a natural level and then multiplied by one factor that gives the watched point
    the drawn distortion: with the fundamental given, the harmonic network is linear.
    """
    stage = Stage.set(world, engine, scenario, seconds)
    rng, s_va = stage.rng, stage.conditions.s_va
    positions = _banks(stage)
    apply(engine, world.regulators, positions)
    recording, v = Recording(), engine.solve(s_va)
    states = recording.add(engine.network(), v, engine.emf_v, s_va)
    mixes, emission = draw_emission(rng, world, s_va[-1])
    solved = solve_distortion(engine, recording.states(), emission)
    captures = draw_captures(rng, world.substation)
    captured = [capture.point for capture in captures]
    watched = captured[int(rng.integers(len(captured)))] if captured else 0
    wanted = float(np.clip(_MEDIAN_PCT * np.exp(_SPREAD * rng.standard_normal()), *_WANTED))
    factor = _factor(solved, watched, captured, wanted)
    distorted = Distorted(solved.scaled(factor), draw_level(rng, seconds), draw_interharmonics(rng), captures)
    parameters = {
        **_drawn(mixes, emission.source * factor, factor),
        "watched": stage.point_name(watched),
        "wanted_pct": wanted,
        "reached_pct": float(distorted.states.thd_v_pct[watched].max()),
        "captures": [stage.point_name(point) for point in captured],
    }
    episode = stage.episode(
        recording,
        Timeline.steady(states),
        stage.quiet_labels(),
        cause="distortion",
        parameters=parameters,
        positions=(positions,) * seconds,
    )
    return replace(episode, distorted=distorted)


def draw_emission(
    rng: np.random.Generator, world: World, s_va: Complexes
) -> tuple[tuple[FeederMix, ...], Emission]:
    """What customers have switched on under the loads of one second, [l], and what they and the grid emit."""
    mixes = tuple(
        draw_mix(rng, feeder, float(s_va[3 * k : 3 * k + 3].real.sum()))
        for k, feeder in enumerate(world.substation.feeders)
    )
    grid = _GRID_MEDIAN * float(np.exp(_GRID_SPREAD * rng.standard_normal()))
    return mixes, Emission(emitted_by(mixes, s_va.size), grid * draw_background(rng))


def _banks(stage: Stage) -> Positions:
    if stage.rng.random() >= _CHOSEN_BANKS:
        return stage.positions
    steps = tuple(int(stage.rng.integers(bank.steps + 1)) for bank in stage.world.regulators.banks)
    return replace(stage.positions, steps=steps)


def solve_distortion(engine: Engine, states: States, emission: Emission) -> HarmonicStates:
    """Phasors of all orders at the points; the first is that of the last of `states`, solved last."""
    nodes, i = engine.solve_harmonics(emission)
    v = np.asarray(nodes[:, engine.layout.point_nodes])
    v[0], i[0] = states.v[-1], states.i[-1]
    return HarmonicStates(_by_point(v), _by_point(i))


def _by_point(phasors: Complexes) -> Complexes:
    """Orders last: shape [p, 3, 40] from [40, p, 3]."""
    return np.ascontiguousarray(np.moveaxis(phasors, 0, -1))


def _factor(solved: HarmonicStates, watched: int, captured: list[int], wanted: float) -> float:
    found = solved.thd_v_pct.max(axis=1)
    highest = _HIGHEST_ANYWHERE_PCT / float(found.max())
    if captured:
        highest = min(highest, _HIGHEST_PCT / float(found[captured].max()))
    return min(wanted / float(found[watched]), highest)


def _drawn(mixes: tuple[FeederMix, ...], background: Complexes, factor: float) -> dict[str, Any]:
    shown = {str(k + 1): round(100.0 * float(abs(background[k])), 4) for k in range(ORDERS)}
    return {
        "mix_pct": {mix.feeder: mix.parameters() for mix in mixes},
        "background_pct": {order: pct for order, pct in shown.items() if pct > 0.0},
        "level": factor,
    }
