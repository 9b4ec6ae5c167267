"""An OpenDSS script, written line by line."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

# What the engine reads as the end of a name, or as a quotation.
_NOT_IN_A_NAME = re.compile(r"""[\s.,=:;!"'()\[\]{}|/\\~@$^*]+""")

Value = float | int | str | bool | Sequence[float] | Sequence[str]


class Names:
    """Names that the engine accepts: no blanks, no points, and none twice in a class, whatever its case."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def of(self, kind: str, wanted: str) -> str:
        """A name like `wanted`, for an element of class `kind` or for a bus.

        Returns:
            The name in lower case, as the engine reports it.
        """
        base = _NOT_IN_A_NAME.sub("_", wanted.strip()).lower().strip("_") or kind
        name, k = base, 1
        while f"{kind}.{name}" in self._taken:
            k += 1
            name = f"{base}_{k}"
        self._taken.add(f"{kind}.{name}")
        return name


class Script:
    """The lines of a circuit."""

    def __init__(self, frequency_hz: float) -> None:
        self._lines = ["Clear", f"Set DefaultBaseFrequency={frequency_hz!r}"]

    def new(self, element: str, **properties: Value) -> None:
        """Define an element; a property that starts with `pct_` is one that the engine writes with %."""
        written = [
            f"{name.replace('pct_', '%', 1) if name.startswith('pct_') else name}={_text(value)}"
            for name, value in properties.items()
        ]
        self._lines.append(" ".join(["New", element, *written]))

    def say(self, line: str) -> None:
        """Add a command."""
        self._lines.append(line)

    def write(self, file: Path) -> None:
        """Write the script."""
        file.write_text("\n".join([*self._lines, ""]), encoding="utf-8")


def _text(value: Value) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return repr(float(value)) if isinstance(value, float) else str(value)
    if isinstance(value, str):
        return value
    return "[" + " ".join(_text(one) for one in value) + "]"
