"""Unbalance by what connects: broken conductors, failing joints, poles that do not close."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from simulation.engine import Engine
from simulation.engine.network import Complexes
from substations.description import Feeder, Infeed

OPEN_OHM = 1e5
"""Resistance from which on a conductor counts as interrupted."""


@dataclass(frozen=True, slots=True)
class OpenConductor:
    """A feeder's conductor breaks or a joint in it fails: a resistance, up to an interruption."""

    feeder: Feeder
    line: str
    phase: int
    event: str = "open_conductor"
    low: float = 0.02
    high: float = OPEN_OHM

    @property
    def phases(self) -> str:
        """The broken one."""
        return "abc"[self.phase]

    def apply(self, engine: Engine, s_va: Complexes, knob: float) -> Complexes:
        """Put the resistance in."""
        _set_joint(engine, self.line, self.phase, knob)
        return s_va

    def undo(self, engine: Engine) -> None:
        """Make the conductor whole."""
        _set_joint(engine, self.line, self.phase, 0.0)

    def parameters(self, knob: float) -> dict[str, Any]:
        """Feeder, phase and resistance; null where it is interrupted."""
        return {"feeder": self.feeder.id, "phase": self.phases, "ohm": _ohm(knob)}


@dataclass(frozen=True, slots=True)
class SinglePhasing:
    """The station hangs on one infeed and a pole of it fails: a resistance, up to an interruption."""

    infeed: Infeed
    others: tuple[str, ...]
    phase: int
    event: str = "single_phasing"
    low: float = 0.05
    high: float = OPEN_OHM

    @property
    def phases(self) -> str:
        """The failing pole."""
        return "abc"[self.phase]

    def apply(self, engine: Engine, s_va: Complexes, knob: float) -> Complexes:
        """Switch the other infeeds off and put the resistance in."""
        for line in self.others:
            if line not in engine.out_of_service:
                engine.switch(line, on=False)
        _set_joint(engine, self.infeed.line, self.phase, knob)
        return s_va

    def undo(self, engine: Engine) -> None:
        """Mend the pole and switch the other infeeds on."""
        _set_joint(engine, self.infeed.line, self.phase, 0.0)
        for line in self.others:
            engine.switch(line, on=True)

    def parameters(self, knob: float) -> dict[str, Any]:
        """Infeed, phase and resistance; null where it is interrupted."""
        return {"infeed": self.infeed.id, "phase": self.phases, "ohm": _ohm(knob)}


def _ohm(knob: float) -> float | None:
    return None if knob >= OPEN_OHM else knob


def _set_joint(engine: Engine, line: str, phase: int, ohm: float) -> None:
    engine.set_open(line, phase, is_open=ohm >= OPEN_OHM)
    engine.set_series_resistance(line, phase, 0.0 if ohm >= OPEN_OHM else ohm)
