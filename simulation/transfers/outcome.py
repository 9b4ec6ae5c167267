"""What came of a situation in every arrangement within reach."""

from __future__ import annotations

from dataclasses import dataclass

from simulation.engine import Source
from simulation.engine.network import Complexes, Ints
from simulation.noise import Floats
from simulation.scenario.regulation import Positions
from simulation.transfers.arrangement import Arrangement
from simulation.transfers.situation import Situation


@dataclass(frozen=True, slots=True)
class Transfers:
    """A situation in k arrangements, the present one first. What was not solved is NaN.

    Attributes:
        situation: The situation.
        arrangements: Where feeders and supplies are.
        positions: Where the regulators stand in all of them; None without a solution.
        source: The grid behind the station in all of them; None without a solution.
        reason: Why the situation or an arrangement has no solution, "" where it has.
        loss_w: Loss between the grid and the loads, shape [k].
        v_min_pu: Lowest phase voltage of a bus that counts, shape [k].
        v_max_pu: Highest, shape [k].
        violations: Buses with a phase outside of their level's limits, shape [k].
        vuf_pct: Unbalance of the sections, shape [k, s].
        loading_pct: Load of the transformers, shape [k, m].
        phases_pct: Current of each phase of their second windings, shape [k, m, 3].
        residual_pu: Active and reactive power-balance residual, shape [k, 2].
        metered_v: Voltages of the points in the present arrangement as metered, V, shape [p, 3].
        metered_va: Powers of the points there, VA, shape [p, 3].
        metered_traction_va: Powers of the traction supplies there, VA, shape [supplies].
    """

    situation: Situation
    arrangements: tuple[Arrangement, ...]
    positions: Positions | None
    source: Source | None
    reason: tuple[str, ...]
    loss_w: Floats
    v_min_pu: Floats
    v_max_pu: Floats
    violations: Ints
    vuf_pct: Floats
    loading_pct: Floats
    phases_pct: Floats
    residual_pu: Floats
    metered_v: Complexes
    metered_va: Complexes
    metered_traction_va: Complexes
