"""What connects a substation to the grid and to its customers, as its description states it."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from substations.parts import BusName, Element, Name, NonNegative, Part, PhaseElements, Positive, Share


class Mix(Part, frozen=True, kw_only=True):
    """Shares of customer classes in a feeder's energy; they sum to 1."""

    residential: Share
    commercial: Share
    industrial: Share
    agricultural: Share


class Feeder(Part, frozen=True, kw_only=True):
    """One outgoing feeder and the load at its end.

    Attributes:
        id: Name, that of its bay.
        point: Measurement point in its bay.
        end_point: Measurement point at its far end, null where there is none.
        bus: Busbar that it normally hangs on.
        end_bus: Bus of its loads.
        transfer_bus: Other busbar that it can be moved to, null where it cannot.
        loads: Single-phase loads, phase to earth.
        base_mw: Three-phase load that the circuit file holds.
        power_factor: Lagging power factor of that load.
        mix: Customer classes.
        pv_mw: Installed photovoltaic power behind the feeder.
        line: Line element, null where the load hangs on the busbar.
        length_km: Route length.
        overhead_share: Share of the route that is overhead line; the rest is cable.
    """

    id: Name
    point: Name
    end_point: Name | None = None
    bus: BusName
    end_bus: BusName
    transfer_bus: BusName | None = None
    loads: PhaseElements
    base_mw: Positive
    power_factor: Annotated[float, Meta(gt=0, le=1)]
    mix: Mix
    pv_mw: NonNegative = 0.0
    line: Element | None = None
    length_km: NonNegative = 0.0
    overhead_share: Share = 1.0


class Infeed(Part, frozen=True, kw_only=True):
    """One line from the grid's equivalent source to a busbar."""

    id: Name
    point: Name
    bus: BusName
    line: Element
    length_km: Positive


class Coupler(Part, frozen=True, kw_only=True):
    """One bus coupler between two sections; `closed` in normal operation."""

    id: Name
    element: Element
    buses: tuple[BusName, BusName]
    closed: bool


class Traction(Part, frozen=True, kw_only=True):
    """One single-phase traction supply between two phases; the circuit holds it at rest (0 MW is allowed)."""

    id: Name
    element: Element
    bus: BusName
    phases: Literal["ab", "bc", "ca"]
    rated_mw: Positive
    power_factor: Annotated[float, Meta(gt=0, le=1)]
