"""Kind `quality`: ten minutes of a station, of which the last seconds are read."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from simulation.engine import Engine
from simulation.engine.network import Complexes
from simulation.harmonics.capture import draw_interharmonics
from simulation.harmonics.distortion import Distorted
from simulation.instruments.meters import own_flicker
from simulation.noise import Floats
from simulation.quality.disturbance import by_hand, disturb, draw_levels
from simulation.quality.flicker import Source, draw_sources
from simulation.quality.happening import draw_happening
from simulation.quality.interval import INTERVAL_S, limits_of
from simulation.quality.playing import Played, block_means, edges_of, play
from simulation.quality.slots import slot_start
from simulation.quality.summing import fluctuate, sum_up, with_swings
from simulation.scenario.conditions import Conditions, conditions_at
from simulation.scenario.episode import Episode
from simulation.scenario.harmonic import draw_emission, solve_distortion
from simulation.scenario.recording import Recording
from simulation.scenario.regulation import apply
from simulation.scenario.stage import Stage
from simulation.scenario.world import World
from switchyard.identity import ScenarioId

# Distortion wanted at a drawn point in multiples of its level's limit: log-normal; no point has more than so
# many percent.
_THD_MEDIAN, _THD_SPREAD, _THD_RANGE, _HIGHEST_PCT = 0.25, 1.0, (0.03, 2.2), 14.0
# How much a level's own flicker differs from interval to interval and place to place.
_FLICKER_SPREAD = 0.3


def simulate(world: World, engine: Engine, scenario: ScenarioId, seconds: int) -> Episode:
    """Live through ten minutes, of which the last `seconds` are read.

    Raises:
        SimulationError: The campaign has fewer intervals than episodes.
        InfeasibleError: The regulators do not come to rest.
        NotConvergedError: There is no solution.
    """
    rng = scenario.generator("scenario")
    disturbed = disturb(rng, world, conditions_at(rng, world, slot_start(world, scenario), INTERVAL_S))
    whole, limits = disturbed.conditions, limits_of(world.substation)
    stage = Stage.settled(world, engine, scenario, rng, whole)
    positions = by_hand(rng, world.regulators, stage.positions)
    apply(engine, world.regulators, positions)
    sources = draw_sources(
        rng,
        world,
        engine,
        whole.s_va[-1],
        strength_va=whole.hour.short_circuit_mva * 1e6,
        seconds=INTERVAL_S,
        pst_limit=limits.pst,
    )
    edges = edges_of(seconds)
    s_va = block_means(whole.s_va, edges) + _drawn_by(sources, edges)
    happening = draw_happening(rng, world, engine, positions.steps, INTERVAL_S).on(edges)
    read, recording = replace(stage, conditions=_last(whole, s_va, seconds)), Recording()
    played = play(read, recording, positions, s_va, edges, happening=happening)
    distortion, distorted, levels = _distort(stage, played, limits.thd_pct, seconds)
    sigma = own_flicker(world.substation)
    sigma = sigma * np.exp(_FLICKER_SPREAD * rng.standard_normal(sigma.size))
    pst, fluctuation = fluctuate(played, sources, sigma, happening.start_s, seconds)
    interval = sum_up(world, played, distorted, levels, whole.f_hz, t_start=whole.t_start, pst=pst)
    episode = read.episode(
        recording,
        played.timeline,
        played.labels,
        cause=happening.kind,
        parameters={
            "interval_start": whole.t_start,
            **disturbed.parameters,
            "sources": [source.parameters() for source in sources],
            **happening.parameters(world),
            **distortion,
        },
        positions=played.positions,
    )
    return replace(
        episode,
        distorted=distorted,
        fluctuation=fluctuation,
        interval=with_swings(interval, sources, sigma),
    )


def _last(whole: Conditions, s_va: Complexes, seconds: int) -> Conditions:
    """The conditions of the seconds that are read."""
    t_start = whole.t_start + INTERVAL_S - seconds
    return replace(whole, t_start=t_start, s_va=s_va[-seconds:], f_hz=whole.f_hz[-seconds:])


def _drawn_by(sources: tuple[Source, ...], edges: Floats) -> Complexes:
    """What the fluctuating loads draw beside their mean, VA, shape [k, l]."""
    return np.asarray(sum(source.means(edges)[:, None] * source.s_va for source in sources))


def _distort(
    stage: Stage, played: Played, limit_pct: Floats, seconds: int
) -> tuple[dict[str, Any], Distorted, Floats]:
    """Harmonics of the last second, with the drawn distortion at a drawn point, and their level since."""
    rng, world, engine = stage.rng, stage.world, stage.engine
    mixes, emission = draw_emission(rng, world, played.s_va)
    solved = solve_distortion(engine, played.states, emission)
    thd = solved.thd_v_pct.max(axis=1)
    watched = int(rng.integers(stage.points))
    share = float(np.clip(_THD_MEDIAN * np.exp(_THD_SPREAD * rng.standard_normal()), *_THD_RANGE))
    factor = min(share * float(limit_pct[watched] / thd[watched]), _HIGHEST_PCT / float(thd.max()))
    levels = draw_levels(rng, INTERVAL_S)
    distorted = Distorted(solved.scaled(factor), levels[-seconds:], draw_interharmonics(rng), ())
    drawn = {
        "watched": stage.point_name(watched),
        "thd_of_limit": share,
        "level": factor,
        "mix_pct": {mix.feeder: mix.parameters() for mix in mixes},
    }
    return drawn, distorted, levels
