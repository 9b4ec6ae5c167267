"""One settled state of a station: what it loses and where."""

from __future__ import annotations

from dataclasses import dataclass

from simulation.engine import Source
from simulation.engine.network import Complexes
from simulation.scenario.regulation import Positions
from simulation.states.resistances import Factors
from switchyard.identity import ScenarioId


@dataclass(frozen=True, slots=True)
class Losses:
    """What one state loses, W.

    Attributes:
        resistive_w: By the active part of the current.
        reactive_w: By the reactive part.
        core_w: In cores of transformers and in reactors.
        by_class_w: All of it in transformers, lines and shunts.
        harmonic_w: What harmonics add to the first two.
    """

    resistive_w: float
    reactive_w: float
    core_w: float
    by_class_w: tuple[float, float, float]
    harmonic_w: float

    @property
    def total_w(self) -> float:
        """All of it."""
        return self.resistive_w + self.reactive_w + self.core_w


@dataclass(frozen=True, slots=True)
class Solution:
    """A solved state.

    Attributes:
        positions: Regulators.
        source: The grid behind the station.
        losses: What is lost.
        supplied_va: What the grid delivers.
        v_infeed_pu: Mean phase voltage at the first infeed's busbar.
        loading_max_pct: Largest load of a transformer, % of its strongest rating.
        winding_max_c: Largest mean winding temperature.
        residual_pu: Largest active and reactive power that does not balance at a node.
    """

    positions: Positions
    source: Source
    losses: Losses
    supplied_va: complex
    v_infeed_pu: float
    loading_max_pct: float
    winding_max_c: float
    residual_pu: tuple[float, float]


@dataclass(frozen=True, slots=True)
class State:
    """One quarter of an hour.

    Attributes:
        scenario: Its day.
        quarter: Row of the world's load.
        s_va: Power of the engine's loads, VA, shape [l].
        metered_va: Power of the feeders as their instruments have it, VA, shape [f].
        metered_v: Factor of the voltage at the first infeed as its instruments have it.
        nameplate_w: Loss of that power by nameplates: I²R at the reference temperature and nominal voltage,
            no-load loss of transformers, loss of reactors.
        factors: Resistances.
        solution: None where there is none.
        reason: Why not.
    """

    scenario: ScenarioId
    quarter: int
    s_va: Complexes
    metered_va: Complexes
    metered_v: float
    nameplate_w: float
    factors: Factors
    solution: Solution | None
    reason: str = ""

    @property
    def status(self) -> str:
        """`ok` or `unsolved`."""
        return "unsolved" if self.solution is None else "ok"
