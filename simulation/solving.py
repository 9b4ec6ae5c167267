"""Solving one part: from scenario identifiers to files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from data_contracts.contract import Table
from data_contracts.tables.faults import FAULTS
from data_contracts.tables.power_quality import POWER_QUALITY
from data_contracts.tables.readings import READINGS
from data_contracts.tables.readings_truth import READINGS_TRUTH
from data_contracts.tables.scenarios import SCENARIOS
from data_contracts.tables.waveforms import WAVEFORMS
from data_contracts.tables.waveforms_truth import WAVEFORMS_TRUTH
from simulation.demand import simulate_load
from simulation.engine import Engine
from simulation.errors import InfeasibleError, NotConvergedError
from simulation.frequency.part import solve_part as solve_frequency
from simulation.grid import BoundaryHour
from simulation.instruments.devices import Transfers
from simulation.instruments.meters import Meters
from simulation.instruments.reading import read_episode
from simulation.parts import TABLES, Part, PartResult
from simulation.scenario import (
    ageing,
    fault,
    harmonic,
    instrument,
    normal,
    operator,
    overload,
    quality,
    sag,
    swell,
    unbalance,
)
from simulation.scenario.episode import Episode
from simulation.scenario.truth import describe
from simulation.scenario.unsolved import unsolved
from simulation.scenario.world import World
from simulation.stability.part import solve_part as solve_stability
from simulation.tables.parquet import is_whole, write_table
from simulation.tables.power_quality import power_quality_columns
from simulation.tables.rows import Block, block, reading_columns, truth_columns
from simulation.tables.scenarios import fault_columns, has_solved, scenario_columns
from simulation.tables.waveforms import waveform_columns, waveform_truth_columns
from simulation.thermal.instants import Instants
from substations.description import Substation
from switchyard.identity import ScenarioId
from switchyard.profiles import Profile

if TYPE_CHECKING:
    import pyarrow as pa

Simulate = Callable[[World, Engine, ScenarioId, int], Episode]
"""Lives through one episode of so many seconds on an engine."""

SolvePart = Callable[[Substation, Profile, Part, Path], PartResult]
"""Solves and writes a part of a kind that needs no engine."""

ExtraTables = Callable[[list[Block], tuple[str, ...]], "Iterable[tuple[Table, dict[str, pa.Array[Any]]]]"]
"""Contracts and columns that the rows of a part's solved episodes give beside their readings.

The points' names are in the description's order.
"""

# Every scenario kind is in the first or in the second of these; who writes more tables is in the third.
_SIMULATE: dict[str, Simulate] = {
    "normal": normal.simulate,
    "fault": fault.simulate,
    "sag": sag.simulate,
    "swell": swell.simulate,
    "unbalance": unbalance.simulate,
    "harmonic": harmonic.simulate,
    "ageing": ageing.simulate,
    "instrument": instrument.simulate,
    "overload": overload.simulate,
    "operator": operator.simulate,
    "quality": quality.simulate,
}
WITHOUT_ENGINE: dict[str, SolvePart] = {"frequency": solve_frequency, "contingency": solve_stability}
_EXTRA: dict[str, ExtraTables] = {
    "harmonic": lambda blocks, points: (
        (WAVEFORMS, waveform_columns(blocks, points)),
        (WAVEFORMS_TRUTH, waveform_truth_columns(blocks, points)),
    ),
    "quality": lambda blocks, points: ((POWER_QUALITY, power_quality_columns(blocks, points)),),
}


def is_complete(folder: Path, part: Part) -> bool:
    """Whether a part is there: its scenarios, written last, and the rows of those that were solved."""
    scenarios = folder / "scenarios" / part.file
    if not is_whole(scenarios):
        return False
    return not has_solved(scenarios) or all(
        is_whole(folder / table / part.file) for table in TABLES[part.kind]
    )


@dataclass(frozen=True, slots=True)
class Bench:
    """What solving parts of one substation needs, kept from part to part.

    Attributes:
        world: The substation in its campaign.
        engine: Its engine.
        meters: Nameplates of its instruments.
        transfers: What they make of harmonics.
        order: Rows of the points in the order of their names.
        names: Names of the points in that order.
    """

    world: World
    engine: Engine
    meters: Meters
    transfers: Transfers
    order: NDArray[np.int64]
    names: tuple[str, ...]

    @classmethod
    def of(cls, substation: Substation, profile: Profile, hours: tuple[BoundaryHour, ...]) -> Bench:
        """Start an engine for the substation and simulate its load."""
        plan = profile.simulation
        engine = Engine(substation)
        loads = simulate_load(substation, plan.start, plan.load_days, profile.name, profile.seed)
        stressed = plan.episodes.get("overload")
        world = World.of(
            engine,
            loads,
            hours,
            plan.start,
            plan.load_days,
            asset_years=plan.asset_years,
            instants=Instants(substation, profile, loads, stressed.count) if stressed else None,
        )
        points = [point.id for point in substation.points]
        order = np.argsort(np.array(points))
        meters, transfers = Meters.of(substation), Transfers.of(substation)
        return cls(world, engine, meters, transfers, order, tuple(points[k] for k in order))

    def episode(self, scenario: ScenarioId, seconds: int) -> Episode:
        """Live through one scenario; one without a solution is kept with its reason."""
        try:
            return _SIMULATE[scenario.kind](self.world, self.engine, scenario, seconds)
        except (NotConvergedError, InfeasibleError) as error:
            return unsolved(self.world, self.engine, scenario, seconds, error)

    def rows(self, episode: Episode) -> Block | None:
        """An episode's rows; None without a solution."""
        if episode.states is None or episode.timeline is None:
            return None
        truth = describe(episode.states, episode.timeline, self.meters.nominal_v, episode.distorted)
        readings, captured = read_episode(episode, self.meters, self.transfers)
        return block(episode, truth, readings, self.order, captured)

    def solve(self, part: Part, folder: Path) -> PartResult:
        """Solve a part from a fresh compile and write it below `folder`."""
        self.engine.compile()
        episodes = [self.episode(scenario, part.seconds) for scenario in part.scenarios]
        blocks = [found for episode in episodes if (found := self.rows(episode)) is not None]
        rows = {}
        if blocks:
            rows["readings"] = write_table(
                folder / "readings" / part.file, READINGS, reading_columns(blocks, self.names)
            )
            rows["readings_truth"] = write_table(
                folder / "readings_truth" / part.file, READINGS_TRUTH, truth_columns(blocks, self.names)
            )
        if blocks and part.kind in _EXTRA:
            points = tuple(point.id for point in self.world.substation.points)
            for table, columns in _EXTRA[part.kind](blocks, points):
                rows[table.name] = write_table(folder / table.name / part.file, table, columns)
        if any(episode.fault is not None for episode in episodes):
            rows["faults"] = write_table(folder / "faults" / part.file, FAULTS, fault_columns(episodes))
        rows["scenarios"] = write_table(
            folder / "scenarios" / part.file,
            SCENARIOS,
            scenario_columns(episodes, self.world.substation.digest),
        )
        return PartResult(part, rows, dict(Counter(episode.status for episode in episodes)))
