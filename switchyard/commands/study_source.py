"""The file that a study is made of, in the form of the engine that solves it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from studies.conversion.converted import Converted
    from studies.conversion.to_opendss.draft import Purpose
    from studies.profile import Profile
    from studies.result import Study

OPENDSS, PANDAPOWER = "opendss", "pandapower"


@dataclass(slots=True)
class Source:
    """The file to study and what it is solved with.

    Attributes:
        file: The file given.
        solver: The engine that solves it.
        scratch: Where it is written in that engine's form, if it is not in it already.
        converted: What was written there.
    """

    file: Path
    solver: str
    scratch: Path | None = None
    converted: Converted | None = None

    @property
    def target(self) -> Path:
        """Where it is written for its solver."""
        assert self.scratch is not None
        return self.scratch / f"{self.file.stem}.{'dss' if self.solver == OPENDSS else 'json'}"

    def ready(self, purpose: Purpose | None = None, *, controls: bool = True) -> Path:
        """The file in the form that its solver reads.

        Raises:
            StudyError: It holds what the solver does not know.
        """
        if self.scratch is None:
            return self.file
        if self.solver == OPENDSS:
            from studies.conversion.to_opendss.circuit import write_circuit

            self.converted = write_circuit(self.file, self.target, *([purpose] if purpose else []))
        else:
            from studies.conversion.to_pandapower.network import write_network

            self.converted = write_network(self.file, self.target, controls=controls)
        return self.converted.file

    def buses(self, names: Sequence[str]) -> tuple[str, ...]:
        """Buses as the solver calls them; where none is named, those that the file given has."""
        from studies.conversion.renaming import buses_as_written

        if self.converted is None:
            return tuple(names)
        return buses_as_written(names, self.converted) or tuple(self.converted.buses)

    def elements(self, names: Sequence[str]) -> tuple[str, ...]:
        """Elements and their classes as the solver calls them."""
        from studies.conversion.renaming import elements_as_written

        return tuple(names) if self.converted is None else elements_as_written(names, self.converted)

    def profile(self, profile: Profile) -> Profile:
        """A profile whose columns are what the solver calls the elements."""
        from studies.conversion.renaming import profile_as_written

        return profile if self.converted is None else profile_as_written(profile, self.converted)

    def told(self, found: Study) -> Study:
        """The study in the names of the file given."""
        from studies.conversion.renaming import in_own_names

        return found if self.converted is None else in_own_names(found, self.converted)


@contextmanager
def source_of(
    study: str, circuit: Path | None, network: Path | None, solver: str | None, solvers: tuple[str, ...]
) -> Iterator[Source]:
    """The file given, for as long as the study takes.

    Args:
        study: Name of the study.
        circuit: An OpenDSS script, or None.
        network: A pandapower network, or None.
        solver: The engine; the file's own if None.
        solvers: Engines that have this study.

    Raises:
        UsageError: Not exactly one file is given, or the engine does not have this study.
    """
    from switchyard.errors import SwitchyardError, UsageError

    if (circuit is None) == (network is None):
        raise UsageError(
            "name one file: --circuit for an OpenDSS script or --network for a pandapower network",
            "switchyard study powerflow --circuit FILE.dss",
        )
    own = OPENDSS if network is None else PANDAPOWER
    solver = solver or own
    if solver not in solvers:
        raise UsageError(
            f"study {study} is calculated by {solvers[0]} only",
            f"give {'--circuit FILE.dss' if solvers[0] == OPENDSS else '--network FILE.json'}",
        )
    file = circuit if circuit is not None else network
    assert file is not None
    if solver == own:
        yield Source(file, solver)
        return
    with tempfile.TemporaryDirectory(prefix="switchyard-converted-") as scratch:
        source = Source(file, solver, Path(scratch))
        try:
            yield source
        except SwitchyardError as error:
            # Nobody knows the file that was written for the engine, and it is about to go.
            message = error.message.replace(str(source.target), f"{file}, written for {solver}")
            raise type(error)(message, error.remedy) from error
