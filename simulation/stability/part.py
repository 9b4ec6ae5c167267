"""Parts of the kind `contingency`: from scenario identifiers to files, without an engine."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from data_contracts.tables.scenarios import SCENARIOS
from data_contracts.tables.stability import STABILITY
from simulation.demand import FeederLoads, simulate_load
from simulation.parts import Part, PartResult
from simulation.scenario.episode import Episode
from simulation.stability.play import Outcome, play
from simulation.tables.parquet import write_table
from simulation.tables.scenarios import scenario_columns
from simulation.tables.stability import stability_columns
from substations.description import Substation
from switchyard.profiles import Profile

# The load of the substation that this process had a part of last.
_loads: dict[str, FeederLoads] = {}


def solve_part(substation: Substation, profile: Profile, part: Part, folder: Path) -> PartResult:
    """Solve a part and write its rows of `stability` and `scenarios` below `folder`."""
    outcomes = play(substation, profile, part.scenarios, _loads_of(substation, profile))
    rows = {
        "stability": write_table(folder / "stability" / part.file, STABILITY, stability_columns(outcomes)),
        "scenarios": write_table(
            folder / "scenarios" / part.file,
            SCENARIOS,
            scenario_columns([_episode(each, part.seconds) for each in outcomes], substation.digest),
        ),
    }
    return PartResult(part, rows, dict(Counter(each.status for each in outcomes)))


def _loads_of(substation: Substation, profile: Profile) -> FeederLoads:
    key = f"{substation.digest}.{profile.digest}"
    if key not in _loads:
        _loads.clear()
        plan = profile.simulation
        _loads[key] = simulate_load(substation, plan.start, plan.load_days, profile.name, profile.seed)
    return _loads[key]


def _episode(outcome: Outcome, seconds: int) -> Episode:
    return Episode(
        scenario=outcome.scenario,
        t_start=outcome.t,
        seconds=seconds,
        cause=f"n-{len(outcome.out)}" if outcome.out else "none",
        status=outcome.status,
        reason=outcome.reason,
        parameters={"out": list(outcome.out)},
    )
