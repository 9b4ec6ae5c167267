"""Parts of the kind `frequency`: from scenario identifiers to files, without an engine."""

from __future__ import annotations

from pathlib import Path

from data_contracts.tables.frequency import FREQUENCY
from data_contracts.tables.scenarios import SCENARIOS
from simulation.frequency.play import play
from simulation.parts import Part, PartResult
from simulation.tables.frequency import frequency_columns
from simulation.tables.parquet import write_table
from simulation.tables.scenarios import scenario_columns
from substations.description import Substation
from switchyard.profiles import Profile


def solve_part(substation: Substation, profile: Profile, part: Part, folder: Path) -> PartResult:
    """Solve a part and write its rows of `frequency` and `scenarios` below `folder`."""
    played = play(substation, profile, part.scenarios, part.seconds)
    rows = {
        "frequency": write_table(folder / "frequency" / part.file, FREQUENCY, frequency_columns(played)),
        "scenarios": write_table(
            folder / "scenarios" / part.file,
            SCENARIOS,
            scenario_columns(list(played.episodes), substation.digest),
        ),
    }
    return PartResult(part, rows, {"ok": len(played.episodes)})
