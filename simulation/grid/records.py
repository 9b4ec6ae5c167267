"""What is known of the transmission grid in each of its hours, as a whole and at the substations' buses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from simulation.grid.dispatch import Dispatch
from simulation.grid.fleet import Fleet
from simulation.grid.network import EHV_KV
from simulation.grid.optimum import Optimum
from simulation.noise import Floats


@dataclass(frozen=True, slots=True)
class BoundaryHour:
    """One hour at one substation's bus.

    Attributes:
        t: Unix seconds of its beginning.
        v_pu: Voltage of the bus.
        angle_deg: Its angle.
        short_circuit_mva: Initial three-phase short-circuit power by IEC 60909 (c = 1.1, maximum).
        r_over_x: R/X of the impedance behind the bus.
        load_mw: The substation's load.
        price_per_mwh: Marginal price at the bus.
        system_load_mw: Load of the whole grid.
        dispatch_cost: Variable cost of the hour's dispatch, per hour.
        congested: Whether a line of the grid is at its limit.
    """

    t: int
    v_pu: float
    angle_deg: float
    short_circuit_mva: float
    r_over_x: float
    load_mw: float
    price_per_mwh: float
    system_load_mw: float
    dispatch_cost: float
    congested: bool

    def source_z1_ohm(self) -> complex:
        """Impedance of the equivalent source, Ω: |Z| = c·U_n²/S″_k (IEC 60909-0, c = 1.1), split by R/X."""
        magnitude = 1.1 * EHV_KV**2 / self.short_circuit_mva
        x = magnitude / np.hypot(1.0, self.r_over_x)
        return complex(self.r_over_x * x, x)


BoundaryHours = Mapping[str, tuple[BoundaryHour, ...]]
"""Hours by substation name, rising in time."""


@dataclass(frozen=True, slots=True)
class DispatchHour:
    """One hour of the whole grid, dispatched in three ways.

    Attributes:
        t: Unix seconds of its beginning.
        fleet: What plants and parks offer.
        p_mw: Load at each bus, shape [n].
        q_mvar: Reactive load at each bus, shape [n].
        merit: Dispatch without a network.
        lossless: Dispatch on the lossless network within the lines' limits.
        optimum: Optimum of the AC network; None where there is none.
        status: `ok`, `load_shed` where the lossless dispatch cannot serve all load, `not_converged` where the
            AC optimum was not found.
    """

    t: int
    fleet: Fleet
    p_mw: Floats
    q_mvar: Floats
    merit: Dispatch
    lossless: Dispatch
    optimum: Optimum | None
    status: str


@dataclass(frozen=True, slots=True)
class GridHours:
    """What the whole grid does and what each substation sees of it, hour by hour."""

    boundary: BoundaryHours
    dispatch: tuple[DispatchHour, ...]
