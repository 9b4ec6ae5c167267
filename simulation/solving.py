"""Solving one part: from scenario identifiers to files."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data_contracts.tables.faults import FAULTS
from data_contracts.tables.readings import READINGS
from data_contracts.tables.readings_truth import READINGS_TRUTH
from data_contracts.tables.scenarios import SCENARIOS
from simulation.demand import simulate_load
from simulation.engine import Engine
from simulation.errors import InfeasibleError, NotConvergedError
from simulation.grid import BoundaryHour
from simulation.instruments.meters import Meters
from simulation.instruments.observation import observe
from simulation.parts import Part
from simulation.scenario import fault, instrument, normal, unbalance
from simulation.scenario.conditions import draw_conditions
from simulation.scenario.episode import Episode
from simulation.scenario.truth import describe
from simulation.scenario.world import World
from simulation.tables.parquet import is_whole, write_table
from simulation.tables.rows import Block, block, reading_columns, truth_columns
from simulation.tables.scenarios import fault_columns, scenario_columns
from substations.description import Substation
from switchyard.identity import ScenarioId
from switchyard.profiles import Profile

_SIMULATE = {
    "normal": normal.simulate,
    "fault": fault.simulate,
    "unbalance": unbalance.simulate,
    "instrument": instrument.simulate,
}


@dataclass(frozen=True, slots=True)
class PartResult:
    """What came of a part: rows in each table and episodes in each status."""

    part: Part
    rows: dict[str, int] = field(default_factory=dict)
    statuses: dict[str, int] = field(default_factory=dict)


def is_complete(folder: Path, part: Part) -> bool:
    """Whether a part is there: the files of its rows and of its scenarios, written last, are whole."""
    return all(is_whole(folder / table / part.file) for table in ("scenarios", "readings", "readings_truth"))


@dataclass(frozen=True, slots=True)
class Bench:
    """What solving parts of one substation needs, kept from part to part.

    Attributes:
        world: The substation in its campaign.
        engine: Its engine.
        meters: Nameplates of its instruments.
        order: Rows of the points in the order of their names.
        names: Names of the points in that order.
    """

    world: World
    engine: Engine
    meters: Meters
    order: NDArray[np.int64]
    names: tuple[str, ...]

    @classmethod
    def of(cls, substation: Substation, profile: Profile, hours: tuple[BoundaryHour, ...]) -> Bench:
        """Start an engine for the substation and simulate its load."""
        plan = profile.simulation
        engine = Engine(substation)
        loads = simulate_load(substation, plan.start, plan.load_days, profile.name, profile.seed)
        world = World.of(engine, loads, hours, plan.start, plan.load_days)
        points = [point.id for point in substation.points]
        order = np.argsort(np.array(points))
        return cls(world, engine, Meters.of(world.substation), order, tuple(points[k] for k in order))

    def episode(self, scenario: ScenarioId, seconds: int) -> Episode:
        """Live through one scenario; one without a solution is kept with its reason."""
        try:
            return _SIMULATE[scenario.kind](self.world, self.engine, scenario, seconds)
        except (NotConvergedError, InfeasibleError) as error:
            status = "not_converged" if isinstance(error, NotConvergedError) else "infeasible"
            # Whatever was switched when it failed is put back.
            self.engine.compile()
            conditions = draw_conditions(scenario.generator("scenario"), self.world, scenario, seconds)
            return Episode(
                scenario=scenario,
                t_start=conditions.t_start,
                seconds=seconds,
                cause="none",
                status=status,
                reason=error.message,
            )

    def rows(self, episode: Episode) -> Block | None:
        """An episode's rows; None without a solution."""
        if episode.states is None or episode.timeline is None or episode.f_hz is None:
            return None
        truth = describe(episode.states, episode.timeline, self.meters.nominal_v)
        readings = observe(
            episode.scenario.generator("meters"),
            self.meters,
            episode.states,
            episode.timeline,
            episode.f_hz,
            malfunctions=episode.malfunctions,
        )
        return block(episode, truth, readings, self.order)

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
        if any(episode.fault is not None for episode in episodes):
            rows["faults"] = write_table(folder / "faults" / part.file, FAULTS, fault_columns(episodes))
        rows["scenarios"] = write_table(
            folder / "scenarios" / part.file,
            SCENARIOS,
            scenario_columns(episodes, self.world.substation.digest),
        )
        return PartResult(part, rows, dict(Counter(episode.status for episode in episodes)))
