"""Transformers, capacitor banks and reactors of a substation, as its description states them."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from substations.parts import BusName, Element, Name, NonNegative, Part, PhaseElements, Positive


class Winding(Part, frozen=True, kw_only=True):
    """One winding of a power transformer, in the circuit's order."""

    bus: BusName
    nominal_kv: Positive
    rated_mva: Positive
    connection: Literal["wye", "delta"]


class Taps(Part, frozen=True, kw_only=True):
    """An on-load tap changer.

    Attributes:
        winding: Winding that carries it, from 1.
        min_pu: Turns ratio at position 1.
        max_pu: Turns ratio at the last position.
        steps: Number of positions.
    """

    winding: Annotated[int, Meta(ge=1, le=3)]
    min_pu: Positive
    max_pu: Positive
    steps: Annotated[int, Meta(ge=2)]

    @property
    def step_pu(self) -> float:
        """Change of the turns ratio by one position."""
        return (self.max_pu - self.min_pu) / (self.steps - 1)

    def ratio(self, position: int) -> float:
        """Turns ratio in pu at `position`, 1 … steps."""
        return self.min_pu + (position - 1) * self.step_pu

    def position(self, ratio_pu: float) -> int:
        """Position, 1 … steps, nearest to the turns ratio `ratio_pu`."""
        return min(max(round((ratio_pu - self.min_pu) / self.step_pu) + 1, 1), self.steps)


class Cooling(Part, frozen=True, kw_only=True):
    """Rated power of a transformer in one cooling stage (IEC 60076-2)."""

    stage: Literal["ONAN", "ONAF", "OFAF"]
    rated_mva: Positive


class Transformer(Part, frozen=True, kw_only=True):
    """One power transformer.

    Attributes:
        id: Name.
        element: Three-phase transformer of the circuit, without a magnetising branch.
        vector_group: As on its nameplate, for example `YNa0d1`.
        windings: Two or three windings in the circuit's order.
        x_hl_pct: Reactance between windings 1 and 2, on winding 1's rating.
        x_ht_pct: Reactance between windings 1 and 3, same base; null with two windings.
        x_lt_pct: Reactance between windings 2 and 3, same base; null with two windings.
        load_loss_kw: Loss of windings 1 and 2 at rated current of winding 1's rating.
        no_load_loss_kw: Core loss at nominal voltage; not in the circuit.
        taps: On-load tap changer, null where there is none.
        cooling: Rated power per cooling stage, rising.
    """

    id: Name
    element: Element
    vector_group: str
    windings: Annotated[tuple[Winding, ...], Meta(min_length=2, max_length=3)]
    x_hl_pct: Positive
    x_ht_pct: Positive | None = None
    x_lt_pct: Positive | None = None
    load_loss_kw: Positive
    no_load_loss_kw: NonNegative
    taps: Taps | None = None
    cooling: Annotated[tuple[Cooling, ...], Meta(min_length=1)]

    @property
    def rated_mva(self) -> float:
        """Rated power in the strongest cooling stage."""
        return max(stage.rated_mva for stage in self.cooling)


class Capacitor(Part, frozen=True, kw_only=True):
    """One switched capacitor bank of three single-phase units, phase to earth.

    Attributes:
        id: Name.
        bus: Busbar.
        elements: The single-phase units.
        mvar: Three-phase power of the whole bank at nominal voltage.
        steps: Number of equal steps that can be switched.
    """

    id: Name
    bus: BusName
    elements: PhaseElements
    mvar: Positive
    steps: Annotated[int, Meta(ge=1)]


class Reactor(Part, frozen=True, kw_only=True):
    """One three-phase shunt reactor; `mvar` at nominal voltage."""

    id: Name
    bus: BusName
    element: Element
    mvar: Positive


class Earthing(Part, frozen=True, kw_only=True):
    """One zigzag earthing transformer on a system that a delta winding leaves unearthed.

    Attributes:
        id: Name.
        bus: Busbar.
        element: Reactor of the circuit that models it by its sequence impedances.
        z0_ohm: Magnitude of the zero-sequence impedance per phase.
    """

    id: Name
    bus: BusName
    element: Element
    z0_ohm: Positive
