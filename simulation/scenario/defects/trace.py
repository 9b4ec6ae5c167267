"""The physical trace that a defect leaves in twenty seconds of readings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from simulation.engine import Engine
from simulation.instruments.malfunction import Malfunction


class Trace(Protocol):
    """What a defect changes.

    Attributes:
        defect: Its name, the scenario's cause.
        phases: Phases that it acts on, as text.
    """

    @property
    def defect(self) -> str:
        """Name of the defect."""

    @property
    def phases(self) -> str:
        """Phases that it acts on."""

    def apply(self, engine: Engine) -> None:
        """Change the circuit."""

    def undo(self, engine: Engine) -> None:
        """Put the circuit back."""

    def malfunctions(self, seconds: int) -> tuple[Malfunction, ...]:
        """What instruments of the defective piece say instead of the truth."""

    def parameters(self) -> dict[str, Any]:
        """Its size, JSON values."""


@dataclass(frozen=True, slots=True)
class NoTrace:
    """A defect that RMS values of seconds do not show, or none."""

    defect: str
    phases: str = ""

    def apply(self, engine: Engine) -> None:
        """Nothing in the circuit changes."""

    def undo(self, engine: Engine) -> None:
        """Nothing was changed."""

    def malfunctions(self, seconds: int) -> tuple[Malfunction, ...]:  # noqa: ARG002 - none at any length
        """None."""
        return ()

    def parameters(self) -> dict[str, Any]:
        """Nothing."""
        return {}


@dataclass(frozen=True, slots=True)
class LineContact(NoTrace):
    """A contact or joint in one phase of a line: a resistance in series."""

    line: str = ""
    ohm: float = 0.0

    def apply(self, engine: Engine) -> None:
        """Put the resistance in."""
        engine.set_series_resistance(self.line, "abc".index(self.phases), self.ohm)

    def undo(self, engine: Engine) -> None:
        """Take it out."""
        engine.set_series_resistance(self.line, "abc".index(self.phases), 0.0)

    def parameters(self) -> dict[str, Any]:
        """The resistance."""
        return {"ohm": self.ohm}


@dataclass(frozen=True, slots=True)
class WindingContact(NoTrace):
    """Contacts in series with a transformer's winding, alike in its phases."""

    transformer: str = ""
    winding: int = 1
    ohm: float = 0.0

    def apply(self, engine: Engine) -> None:
        """Put the resistance in."""
        engine.wear().set_winding_resistance(self.transformer, self.winding, self.ohm)

    def undo(self, engine: Engine) -> None:
        """Take it out."""
        engine.wear().set_winding_resistance(self.transformer, self.winding, 0.0)

    def parameters(self) -> dict[str, Any]:
        """The resistance."""
        return {"ohm": self.ohm}


@dataclass(frozen=True, slots=True)
class LostElements(NoTrace):
    """Internal fuses of a capacitor unit have blown: a share of its capacitance is gone."""

    capacitor: str = ""
    share: float = 0.0

    def apply(self, engine: Engine) -> None:
        """Take the share out."""
        engine.wear().set_lost_share(self.capacitor, self.share)

    def undo(self, engine: Engine) -> None:
        """Put it back."""
        engine.wear().set_lost_share(self.capacitor, 0.0)

    def parameters(self) -> dict[str, Any]:
        """The share."""
        return {"lost_share": self.share}


@dataclass(frozen=True, slots=True)
class RatioError(NoTrace):
    """An instrument transformer's ratio is off in one phase at the points that it serves."""

    points: tuple[int, ...] = ()
    voltage: float = 0.0
    current: complex = 0.0j

    def malfunctions(self, seconds: int) -> tuple[Malfunction, ...]:
        """The same factor in every second, on voltage or on current."""
        phase = "abc".index(self.phases)
        gain = np.ones((seconds, 3))
        gain[:, phase] += self.voltage
        a, b, c = (1.0 + self.current * (k == phase) for k in range(3))
        return tuple(Malfunction(point, gain, current_gain=(a, b, c)) for point in self.points)

    def parameters(self) -> dict[str, Any]:
        """The relative error of voltage, or of the magnitude of current."""
        if self.current:
            return {"current_error": abs(1.0 + self.current) - 1.0}
        return {"voltage_error": self.voltage}
