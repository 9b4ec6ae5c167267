"""The engine alone, whole episodes up to staged files, and up to files that have passed their contract."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import substations
from benchmarks.simulation_rates.timing import SUBSTATION, rate
from data_contracts.enforcement import enforce_dataset
from data_contracts.facts import SubstationFacts
from simulation.grid import BoundaryHour
from simulation.parts import Part
from simulation.pool import Job, Workers
from simulation.scenario.conditions import draw_conditions
from simulation.solving import Bench
from switchyard.home import Home
from switchyard.identity import ScenarioId
from switchyard.profiles import Profile

_DATASET = f"bench.{SUBSTATION}"
_PART_EPISODES = 40


def engine_rate(bench: Bench, seconds: int) -> float:
    """Snapshots per second of the engine alone, on the loads of episodes."""
    episodes = []
    for index in range(0, seconds, 20):
        scenario = ScenarioId(SUBSTATION, "bench", 1, "normal", index)
        episodes.append(draw_conditions(scenario.generator("scenario"), bench.world, scenario, 20).s_va)

    def work() -> None:
        for s_va in episodes:
            bench.engine.solve(s_va)

    bench.engine.compile()
    return rate(seconds, work)


def episode_rate(bench: Bench, kind: str, episodes: int, seconds: int, folder: Path) -> float:
    """Snapshots per second from scenario identifiers to files."""
    part = Part(SUBSTATION, "bench", 1, kind, 0, 0, episodes, seconds)
    return rate(episodes * seconds, lambda: bench.solve(part, folder))


def contracted_rate(bench: Bench, episodes: int, seconds: int, folder: Path) -> float:
    """Snapshots per second of kind `normal` from scenario identifiers to the dataset.

    The same files, whose every row is asked every rule of its table before they are moved.
    """
    part = Part(SUBSTATION, "bench", 1, "normal", 0, 0, episodes, seconds)
    facts, home = SubstationFacts.of(bench.world.substation), Home(folder / "home")

    def work() -> None:
        shutil.rmtree(home.root, ignore_errors=True)
        bench.solve(part, home.staging / _DATASET)
        enforce_dataset(home, _DATASET, facts)

    return rate(episodes * seconds, work)


def process_rates(profile: Profile, hours: tuple[BoundaryHour, ...], parts: int, folder: Path) -> list[float]:
    """Staged snapshots per second by the clock of one and of two processes, both warm."""
    job = Job(substations.read(SUBSTATION), profile, hours)
    plan = [
        Part(SUBSTATION, "bench", 1, "normal", k, _PART_EPISODES * k, _PART_EPISODES * (k + 1), 20)
        for k in range(parts)
    ]
    found = []
    for count in (1, 2):
        with Workers(count) as pool:
            # Every process loads its engine and its station before the clock starts.
            list(pool.solve(job, plan[: 4 * count], folder / "warm"))
            begin = time.perf_counter()
            list(pool.solve(job, plan, folder / str(count)))
            found.append(parts * _PART_EPISODES * 20 / (time.perf_counter() - begin))
    return found
