"""What identifies a step: enough to run it, and to look up whether it is done without running it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from switchyard.home import Home
from switchyard.steps import StepRecord, Work, read_record, run_step, step_key


@dataclass(frozen=True, slots=True)
class Step:
    """A step of `switchyard.steps` before its work.

    Attributes:
        name: Names the record's folder.
        parameters: JSON values that the outcome depends on.
        inputs: Digests of what it reads, by name.
        rooms: Packages whose source the outcome depends on.
    """

    name: str
    parameters: Mapping[str, Any]
    inputs: Mapping[str, str]
    rooms: tuple[str, ...]

    @property
    def key(self) -> str:
        """The step's key."""
        return step_key(self.name, self.parameters, self.inputs, self.rooms)

    def record_path(self, home: Home) -> Path:
        """Where its record is kept."""
        return home.state / self.name / f"{self.key}.json"

    def record(self, home: Home) -> StepRecord | None:
        """Its record; None where it is not done or its outputs are gone."""
        return read_record(home, self.record_path(home))

    def run(self, home: Home, work: Callable[[str], Work]) -> StepRecord:
        """Run `work` unless the step is done."""
        return run_step(
            home, self.name, parameters=self.parameters, inputs=self.inputs, rooms=self.rooms, work=work
        )
