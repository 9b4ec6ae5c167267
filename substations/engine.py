"""An OpenDSS engine of one's own, and what it says when a circuit does not compile."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from substations.errors import SubstationError

_PLACE = re.compile(r'\[file: "(?P<file>[^"]*)", line: (?P<line>\d+)\]')


@contextmanager
def compiled(circuit_file: Path) -> Iterator[Any]:
    """Compile a circuit in a fresh engine context and yield that context; it is emptied afterwards.

    The context neither opens windows nor changes the process's working directory.

    Raises:
        SubstationError: The engine refuses the circuit; file and line are the engine's own.
    """
    from dss import DSS, DSSException

    context = DSS.NewContext()
    context.AllowForms = False
    context.AllowEditor = False
    context.AllowChangeDir = False
    try:
        context.Text.Command = f'redirect "{circuit_file}"'
        if context.NumCircuits != 1:
            raise SubstationError(
                circuit_file,
                "",
                f"{context.NumCircuits} circuits are defined",
                "define one with `new circuit.…`",
            )
        yield context
    except DSSException as error:
        raise _explained(circuit_file, str(error.args[-1])) from error
    finally:
        context.Text.Command = "clearall"


def _explained(circuit_file: Path, text: str) -> SubstationError:
    place = _PLACE.search(text)
    problem = _PLACE.sub("", text).strip()
    if place is None:
        return SubstationError(circuit_file, "", f"OpenDSS: {problem}", "correct the circuit")
    return SubstationError(
        Path(place["file"]),
        f"line {place['line']}",
        f"OpenDSS: {problem}",
        "correct that line of the circuit",
    )
