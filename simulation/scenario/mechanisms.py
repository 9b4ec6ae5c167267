"""What makes a substation unbalanced: each mechanism with one knob that a scenario turns to the size that it drew."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from simulation.engine import Engine
from simulation.engine.network import Complexes
from simulation.errors import NotConvergedError
from substations.description import Capacitor, Feeder, Infeed, Substation

OPEN_OHM = 1e5
"""Resistance from which on a conductor counts as interrupted."""

_SCANNED, _BISECTIONS = 10, 9


class Mechanism(Protocol):
    """One way of becoming unbalanced.

    Attributes:
        event: Its name in the truth table.
        phases: Phases that it acts on.
        low, high: Range of its knob, which is turned on a logarithmic scale; the effect rises with it.
    """

    event: str
    phases: str
    low: float
    high: float

    def apply(self, engine: Engine, s_va: Complexes, knob: float) -> Complexes:
        """Act on the engine and on the loads (shape [t, l]); the loads are returned changed."""

    def undo(self, engine: Engine) -> None:
        """Put the engine back."""

    def parameters(self, knob: float) -> dict[str, Any]:
        """What was drawn, JSON values."""


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
class OpenConductor:
    """One conductor of a feeder is broken or a joint in it is failing: a resistance in series, up to an interruption."""

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
        _mend_joint(engine, self.line, self.phase)

    def parameters(self, knob: float) -> dict[str, Any]:
        """Feeder, phase and resistance; null where it is interrupted."""
        return {"feeder": self.feeder.id, "phase": self.phases, "ohm": None if knob >= OPEN_OHM else knob}


@dataclass(frozen=True, slots=True)
class SinglePhasing:
    """The station hangs on one infeed, and one pole of that fails: a resistance in series, up to an interruption."""

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
        _mend_joint(engine, self.infeed.line, self.phase)
        for line in self.others:
            engine.switch(line, on=True)

    def parameters(self, knob: float) -> dict[str, Any]:
        """Infeed, phase and resistance; null where it is interrupted."""
        return {"infeed": self.infeed.id, "phase": self.phases, "ohm": None if knob >= OPEN_OHM else knob}


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

    def apply(self, engine: Engine, s_va: Complexes, knob: float) -> Complexes:  # noqa: ARG002 - it has no knob
        """Switch the whole bank on, one unit of it without current."""
        engine.set_steps(self.bank.id, self.bank.steps, blown=self.phases)
        return s_va

    def undo(self, engine: Engine) -> None:
        """Replace the fuse."""
        engine.set_steps(self.bank.id, self.bank.steps)

    def parameters(self, knob: float) -> dict[str, Any]:  # noqa: ARG002 - it has no knob
        """Bank and phase."""
        return {"bank": self.bank.id, "phase": self.phases}


def turn(
    mechanism: Mechanism, engine: Engine, s_va: Complexes, effect: Callable[[Complexes], float], target: float
) -> tuple[float, float]:
    """Turn the knob until the effect on the first second is `target`, or as near as it gets; the engine is left so.

    The knob's range is scanned on a logarithmic scale, then the interval in which the effect passes the target is bisected.
    Between a conductor that is nearly whole and one that is nearly open constant-power loads have no solution: such a gap
    is stepped over.

    Args:
        mechanism: What to turn.
        engine: Settled engine.
        s_va: Loads of the first second, VA, shape [1, l].
        effect: Size of the effect from node voltages of shape [n].
        target: Size wanted.

    Returns:
        The knob and the effect there.

    Raises:
        NotConvergedError: No setting has a solution.
    """
    tried: list[tuple[float, float]] = []

    def at(place: float) -> float | None:
        knob = float(np.exp(place))
        try:
            found = effect(engine.solve(mechanism.apply(engine, s_va, knob))[0])
        except NotConvergedError:
            return None
        tried.append((knob, found))
        return found

    places = np.linspace(np.log(mechanism.low), np.log(mechanism.high), _SCANNED if mechanism.high > mechanism.low else 1)
    below, above = None, None
    for place in places:
        found = at(float(place))
        if found is None:
            continue
        if found >= target:
            above = float(place)
            break
        below = float(place)
    if below is not None and above is not None:
        for _ in range(_BISECTIONS):
            middle = 0.5 * (below + above)
            found = at(middle)
            if found is None:
                break
            below, above = (below, middle) if found >= target else (middle, above)
    if not tried:
        raise NotConvergedError(f"{mechanism.event}: no power-flow solution at any size")
    knob, reached = min(tried, key=lambda each: abs(np.log(max(each[1], 1e-9) / target)))
    mechanism.apply(engine, s_va, knob)
    return knob, reached


def _set_joint(engine: Engine, line: str, phase: int, ohm: float) -> None:
    engine.set_open(line, phase, is_open=ohm >= OPEN_OHM)
    engine.set_series_resistance(line, phase, 0.0 if ohm >= OPEN_OHM else ohm)


def _mend_joint(engine: Engine, line: str, phase: int) -> None:
    engine.set_open(line, phase, is_open=False)
    engine.set_series_resistance(line, phase, 0.0)
