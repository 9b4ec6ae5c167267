"""What a control centre knows of the transmission grid at one instant, as the table `stability` has it."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType


def _known(unit: str, description: str, low: float, high: float) -> Meta:
    return Meta(ge=low, le=high, description=description, extra={"unit": unit})


class Grid(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Telemetry, schedules and switch positions of the whole grid, and of the substation's bus in it.

    Names, units and ranges are those of the columns of `stability` that a control centre knows.
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
