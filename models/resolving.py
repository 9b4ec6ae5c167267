"""What only the simulator's engine can say of a model's answer: the room above hands it in.

A dispatch is only as good as the power flow that it leads to. Models know no engine; whoever starts a
training hands in a `Resolver` (`flows.resolving`) before.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from models.errors import ModelError

Float = NDArray[np.float64]

V_MIN_PU, V_MAX_PU = 0.95, 1.05
_SLACK = 1e-6


@dataclass(frozen=True, slots=True)
class Flow:
    """AC power flow of one dispatch.

    Attributes:
        p_mw: Outputs, those of the slack bus with what losses made of them, MW, [units].
        current_pu: Current of each limited line, of its limit, [lines].
        v_min_pu: Lowest voltage of the grid.
        v_max_pu: Highest voltage.
        v_plants_pu: Voltages that the plants came to hold, [plants].
        loss_mw: Losses of lines and transformers.
    """

    p_mw: Float
    current_pu: Float
    v_min_pu: float
    v_max_pu: float
    v_plants_pu: Float
    loss_mw: float

    @property
    def feasible(self) -> bool:
        """Whether every current and voltage is within its limits."""
        within = float(self.current_pu.max()) <= 1.0 + _SLACK
        return within and self.v_min_pu >= V_MIN_PU - _SLACK and self.v_max_pu <= V_MAX_PU + _SLACK


class Resolver(Protocol):
    """Solves the AC power flow of the published grid; units, lines and buses as in `data_contracts`."""

    def solve(self, p_mw: Float, load_mw: Float, load_mvar: Float) -> Flow | None:
        """Power flow of the outputs [units] and of each bus's load [buses]; None where there is none."""


_handed_in: list[Resolver] = []


def hand_in(resolver: Resolver) -> None:
    """Let every model of this process ask `resolver` from now on."""
    _handed_in[:] = [resolver]


def resolver() -> Resolver:
    """The one that was handed in.

    Raises:
        ModelError: None was.
    """
    if not _handed_in:
        raise ModelError(
            "no resolver was handed in, and a dispatch cannot be judged without its power flow",
            "call models.resolving.hand_in first, as flows.resolving does",
        )
    return _handed_in[0]
