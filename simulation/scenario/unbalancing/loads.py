"""Unbalance by what is connected: uneven feeders, trains, capacitor banks that lost a phase."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from simulation.engine import Engine
from simulation.engine.network import Complexes
from substations.description import Capacitor, Feeder, Substation


@dataclass(frozen=True, slots=True)
class UnevenLoad:
    """One phase of some feeders draws more, the other two less, at the same total.

    The knob is the excess of the loaded phase as a share of its even load.
    """

    feeders: tuple[Feeder, ...]
    rows: tuple[int, ...]
    phase: int
    event: str = "unbalance"
    low: float = 0.02
    high: float = 1.6

    @property
    def phases(self) -> str:
        """The loaded phase."""
        return "abc"[self.phase]

    def apply(self, engine: Engine, s_va: Complexes, knob: float) -> Complexes:  # noqa: ARG002 - loads only
        """Move load between the phases."""
        factors = np.full(3, 1.0 - knob / 2.0)
        factors[self.phase] = 1.0 + knob
        changed = s_va.copy()
        for row in self.rows:
            changed[:, 3 * row : 3 * row + 3] *= factors
        return changed

    def undo(self, engine: Engine) -> None:
        """Nothing in the engine was changed."""

    def parameters(self, knob: float) -> dict[str, Any]:
        """Feeders, phase and excess."""
        return {"feeders": [feeder.id for feeder in self.feeders], "phase": self.phases, "excess": knob}


@dataclass(frozen=True, slots=True)
class Traction:
    """A railway supply draws power between two phases; the knob is its active power in pu of its rating."""

    substation: Substation
    supply: int
    event: str = "traction"
    low: float = 0.02
    high: float = 1.3

    @property
    def phases(self) -> str:
        """The two phases that feed it."""
        return self.substation.traction[self.supply].phases

    def apply(self, engine: Engine, s_va: Complexes, knob: float) -> Complexes:  # noqa: ARG002 - loads only
        """Let the trains draw."""
        supply = self.substation.traction[self.supply]
        power = knob * supply.rated_mw * 1e6
        changed = s_va.copy()
        changed[:, 3 * len(self.substation.feeders) + self.supply] = power * (
            1.0 + 1j * np.tan(np.arccos(supply.power_factor))
        )
        return changed

    def undo(self, engine: Engine) -> None:
        """Nothing in the engine was changed."""

    def parameters(self, knob: float) -> dict[str, Any]:
        """Supply and power."""
        supply = self.substation.traction[self.supply]
        return {"supply": supply.id, "mw": knob * supply.rated_mw}


@dataclass(frozen=True, slots=True)
class BlownCapacitorFuse:
    """The fuse of one phase of a capacitor bank has blown; the knob does nothing."""

    bank: Capacitor
    phase: int
    event: str = "capacitor_fuse"
    low: float = 1.0
    high: float = 1.0

    @property
    def phases(self) -> str:
        """The phase without its unit."""
        return "abc"[self.phase]

    def apply(self, engine: Engine, s_va: Complexes, knob: float) -> Complexes:  # noqa: ARG002 - no knob
        """Switch the whole bank on, one unit of it without current."""
        engine.set_steps(self.bank.id, self.bank.steps, blown=self.phases)
        return s_va

    def undo(self, engine: Engine) -> None:
        """Replace the fuse."""
        engine.set_steps(self.bank.id, self.bank.steps)

    def parameters(self, knob: float) -> dict[str, Any]:  # noqa: ARG002 - no knob
        """Bank and phase."""
        return {"bank": self.bank.id, "phase": self.phases}
