"""Harmonic cases of a settled station."""

from __future__ import annotations

from benchmarks.simulation_rates.timing import SUBSTATION, rate
from simulation.engine import Emission
from simulation.harmonics.mix import draw_background, draw_mix, emitted_by
from simulation.scenario.conditions import draw_conditions
from simulation.solving import Bench
from switchyard.identity import ScenarioId


def harmonic_rate(bench: Bench, cases: int) -> float:
    """Harmonic cases per second, the factorisation of every order among them.

    What is emitted differs from case to case, the snapshot does not.
    """
    scenario = ScenarioId(SUBSTATION, "bench", 1, "harmonic", 0)
    rng = scenario.generator("scenario")
    s_va = draw_conditions(rng, bench.world, scenario, 10).s_va[:1]
    engine, feeders = bench.engine, bench.world.substation.feeders
    drawn = [
        Emission(
            emitted_by(tuple(draw_mix(rng, feeder, 1e7) for feeder in feeders), len(engine.loads)),
            draw_background(rng),
        )
        for _ in range(cases)
    ]
    engine.compile()
    engine.solve(s_va)

    loads, sources = [each.loads for each in drawn], [each.source for each in drawn]

    def work() -> None:
        engine.harmonic_network().solve(loads, sources)

    return rate(cases, work)
