"""One way of becoming unbalanced, with one knob."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from simulation.engine import Engine
from simulation.engine.network import Complexes
from simulation.errors import NotConvergedError

_SCANNED, _BISECTIONS = 10, 9

Effect = Callable[[Complexes], float]
"""Size of an effect from node voltages of shape [n]."""


class Mechanism(Protocol):
    """One way of becoming unbalanced."""

    @property
    def event(self) -> str:
        """Its name in the truth table."""

    @property
    def phases(self) -> str:
        """Phases that it acts on."""

    @property
    def low(self) -> float:
        """Lowest setting of its knob, which is turned on a logarithmic scale; the effect rises with it."""

    @property
    def high(self) -> float:
        """Highest setting of its knob."""

    def apply(self, engine: Engine, s_va: Complexes, knob: float) -> Complexes:
        """Act on the engine and on the loads (shape [t, l]); the loads are returned changed."""

    def undo(self, engine: Engine) -> None:
        """Put the engine back."""

    def parameters(self, knob: float) -> dict[str, Any]:
        """What was drawn, JSON values."""


def turn(
    mechanism: Mechanism, engine: Engine, s_va: Complexes, effect: Effect, target: float
) -> tuple[float, float]:
    """Turn the knob until the effect on the first second is `target`, or as near as it gets.

    The knob's range is scanned on a logarithmic scale, then the interval in which the effect passes the
    target is bisected. Between a conductor that is nearly whole and one that is nearly open constant-power
    loads have no solution: such a gap is stepped over. The engine is left with the mechanism acting.

    Args:
        mechanism: What to turn.
        engine: Settled engine.
        s_va: Loads of the first second, VA, shape [1, l].
        effect: Size of the effect.
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

    below, above = None, None
    low, high = float(np.log(mechanism.low)), float(np.log(mechanism.high))
    for place in np.linspace(low, high, _SCANNED if high > low else 1):
        found = at(float(place))
        if found is not None and found >= target:
            above = float(place)
            break
        below = below if found is None else float(place)
    if below is not None and above is not None:
        for _ in range(_BISECTIONS):
            middle = 0.5 * (below + above)
            found = at(middle)
            if found is None:
                break
            below, above = (below, middle) if found >= target else (middle, above)
    if not tried:
        raise NotConvergedError(f"{mechanism.event}: no power-flow solution at any size")
    knob, reached = min(tried, key=lambda each: miss(each[1], target))
    mechanism.apply(engine, s_va, knob)
    return knob, reached


def miss(reached: float, target: float) -> float:
    """Distance of two sizes on a logarithmic scale."""
    return abs(float(np.log(max(reached, 1e-9) / max(target, 1e-9))))
