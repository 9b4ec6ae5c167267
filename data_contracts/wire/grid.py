"""What a control centre knows of the transmission grid at one instant, as the table `stability` has it."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from data_contracts.transmission import PARKS, PLANTS
from data_contracts.transmission_ac import BRANCH_NAMES, BUS_NAMES

MAPS = ("branches", "stations", "parks_mw", "buses")
"""Fields of `Grid` that hold a value for every element, by its name."""

Megawatts = Annotated[float, Meta(ge=-1e4, le=1e4, extra={"unit": "MW"})]
Megavars = Annotated[float, Meta(ge=-1e4, le=1e4, extra={"unit": "Mvar"})]


class Branch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A line or transformer, metered at its first bus.

    Attributes:
        in_service: Whether it is switched in at both ends.
        p_mw: Active power into it, MW; 0 where it is out.
        q_mvar: Reactive power into it, Mvar.
    """

    in_service: bool
    p_mw: Megawatts
    q_mvar: Megavars


class Generation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A power station, or the interconnection.

    Attributes:
        p_mw: Output, MW.
        q_mvar: Reactive power that it gives, Mvar.
        units_in_service: Its units that run.
        v_set_pu: Voltage that it is told to hold at its bus, pu.
    """

    p_mw: Megawatts
    q_mvar: Megavars
    units_in_service: Annotated[int, Meta(ge=0, le=100)]
    v_set_pu: Annotated[float, Meta(ge=0.5, le=1.5, extra={"unit": "pu"})]


class Bus(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A bus: its voltage, pu, and the load that hangs on it, MW and Mvar."""

    v_pu: Annotated[float, Meta(ge=0, le=2, extra={"unit": "pu"})]
    load_mw: Megawatts
    load_mvar: Megavars


def _known(unit: str, description: str, low: float, high: float) -> Meta:
    return Meta(ge=low, le=high, description=description, extra={"unit": unit})


class Grid(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Telemetry, schedules and switch positions of the whole grid, and of the substation's bus in it.

    Names, units and ranges are those of the columns of `stability` that a control centre knows. A map that is
    sent names every element of the grid of `data_contracts.transmission` and no other.

    Attributes:
        branches: Lines and transformers, such as `line-b02-b03`.
        stations: Power stations, such as `b30-hydro`.
        parks_mw: Output of parks, such as `b08-wind`, MW.
        buses: Buses, such as `b03`.
    """

    load_metered_mw: Annotated[float, _known("MW", "Load of the grid", 0, 1e5)] | UnsetType = UNSET
    load_metered_mvar: Annotated[float, _known("Mvar", "Its reactive part", -1e5, 1e5)] | UnsetType = UNSET
    generation_metered_mw: (
        Annotated[float, _known("MW", "Output of all plants and parks", 0, 1e5)] | UnsetType
    ) = UNSET
    renewable_share_metered: Annotated[float, _known("", "Wind and sun, of the load", 0, 5)] | UnsetType = (
        UNSET
    )
    solar_metered_mw: Annotated[float, _known("MW", "Output of solar parks", 0, 1e5)] | UnsetType = UNSET
    wind_metered_mw: Annotated[float, _known("MW", "Output of wind parks", 0, 1e5)] | UnsetType = UNSET
    hydro_metered_mw: Annotated[float, _known("MW", "Output of hydro plants", 0, 1e5)] | UnsetType = UNSET
    gas_metered_mw: Annotated[float, _known("MW", "Output of gas plants", 0, 1e5)] | UnsetType = UNSET
    coal_metered_mw: Annotated[float, _known("MW", "Output of coal plants", 0, 1e5)] | UnsetType = UNSET
    nuclear_metered_mw: Annotated[float, _known("MW", "Output of nuclear plants", 0, 1e5)] | UnsetType = UNSET
    import_metered_mw: (
        Annotated[float, _known("MW", "Import over the interconnection", -1e5, 1e5)] | UnsetType
    ) = UNSET
    neighbour_load_metered_mw: (
        Annotated[float, _known("MW", "Load of the neighbour behind it, as the neighbour says", 0, 1e5)]
        | UnsetType
    ) = UNSET
    inertia_estimate_s: (
        Annotated[float, _known("s", "Inertia constant on the load of both, of scheduled units", 0, 50)]
        | UnsetType
    ) = UNSET
    primary_reserve_declared_mw: (
        Annotated[float, _known("MW", "Primary reserve of running units if all governors answered", 0, 1e5)]
        | UnsetType
    ) = UNSET
    spinning_reserve_metered_mw: (
        Annotated[float, _known("MW", "Rated power of running units less their output", 0, 1e5)] | UnsetType
    ) = UNSET
    largest_infeed_metered_mw: (
        Annotated[float, _known("MW", "Output of the unit, or half of the park, that gives most", 0, 1e5)]
        | UnsetType
    ) = UNSET
    units_running: Annotated[float, _known("", "Units that run", 0, 1000)] | UnsetType = UNSET
    units_out: Annotated[float, _known("", "Units that are out", 0, 1000)] | UnsetType = UNSET
    reactive_output_metered_mvar: (
        Annotated[float, _known("Mvar", "Reactive power of all stations", -1e5, 1e5)] | UnsetType
    ) = UNSET
    reactive_reserve_declared_mvar: (
        Annotated[float, _known("Mvar", "What they can give more by nameplate", -1e5, 1e5)] | UnsetType
    ) = UNSET
    stations_near_limit: (
        Annotated[
            float, _known("", "Stations above 85 % of their largest reactive power by nameplate", 0, 1000)
        ]
        | UnsetType
    ) = UNSET
    v_bus_metered_pu: Annotated[float, _known("pu", "Voltage of the substation's bus", 0, 2)] | UnsetType = (
        UNSET
    )
    v_min_metered_pu: Annotated[float, _known("pu", "Lowest voltage of the grid", 0, 2)] | UnsetType = UNSET
    v_mean_metered_pu: Annotated[float, _known("pu", "Mean voltage of the grid", 0, 2)] | UnsetType = UNSET
    v_set_mean_pu: (
        Annotated[float, _known("pu", "Mean of the voltages that stations are told to hold", 0, 2)]
        | UnsetType
    ) = UNSET
    angle_spread_metered_deg: (
        Annotated[float, _known("°", "Largest difference of two buses' angles", 0, 720)] | UnsetType
    ) = UNSET
    angle_bus_metered_deg: (
        Annotated[float, _known("°", "Angle of the substation's bus to the interconnection", -360, 360)]
        | UnsetType
    ) = UNSET
    bus_load_metered_mw: Annotated[float, _known("MW", "Load of the substation", 0, 1e5)] | UnsetType = UNSET
    bus_load_metered_mvar: Annotated[float, _known("Mvar", "Its reactive part", -1e5, 1e5)] | UnsetType = (
        UNSET
    )
    loading_max_metered_pct: (
        Annotated[float, _known("%", "Current of the most loaded line, of its rating", 0, 1e4)] | UnsetType
    ) = UNSET
    loading_third_metered_pct: (
        Annotated[float, _known("%", "Current of the third most loaded line", 0, 1e4)] | UnsetType
    ) = UNSET
    loading_mean_metered_pct: (
        Annotated[float, _known("%", "Mean over the lines in service", 0, 1e4)] | UnsetType
    ) = UNSET
    lines_heavy: Annotated[float, _known("", "Lines above 80 % of their rating", 0, 1000)] | UnsetType = UNSET
    loss_metered_mw: Annotated[float, _known("MW", "Losses of the grid", 0, 1e5)] | UnsetType = UNSET
    lines_out: Annotated[float, _known("", "Lines and transformers that are out", 0, 1000)] | UnsetType = (
        UNSET
    )
    branches_at_bus: (
        Annotated[float, _known("", "Branches in service at the substation's bus", 0, 1000)] | UnsetType
    ) = UNSET
    loops: Annotated[float, _known("", "Independent loops of the grid", 0, 1000)] | UnsetType = UNSET
    out_near_hops: (
        Annotated[float, _known("", "Branches from the bus to the nearest that is out; 10 for none", 0, 40)]
        | UnsetType
    ) = UNSET
    branches: dict[str, Branch] | UnsetType = UNSET
    stations: dict[str, Generation] | UnsetType = UNSET
    parks_mw: dict[str, Megawatts] | UnsetType = UNSET
    buses: dict[str, Bus] | UnsetType = UNSET

    def __post_init__(self) -> None:
        """Refuse a map that lacks an element or names an unknown one.

        Raises:
            ValueError: A map that was sent is not of this grid.
        """
        for name in MAPS:
            sent = getattr(self, name)
            if sent is not UNSET:
                _whole(name, sent, _ELEMENTS[name])


_ELEMENTS: dict[str, frozenset[str]] = {
    "branches": frozenset(BRANCH_NAMES),
    "stations": frozenset(plant.name for plant in PLANTS),
    "parks_mw": frozenset(park.name for park in PARKS),
    "buses": frozenset(BUS_NAMES),
}
_LISTED = 5


def _whole(name: str, sent: dict[str, object], elements: frozenset[str]) -> None:
    for word, names in (("unknown", sent.keys() - elements), ("missing", elements - sent.keys())):
        if names:
            listed = ", ".join(sorted(names)[:_LISTED])
            more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
            raise ValueError(f"{name}: {word} {listed}{more}; it names all {len(elements)} of the grid")
