"""Where a piece of equipment stands among the measurement points."""

from __future__ import annotations

from substations.description import Point, Substation
from substations.site import Asset


def nearest_point(substation: Substation, asset: Asset) -> Point:
    """The measurement point whose readings belong to a piece: that of its bay, else of its busbar.

    Couplers, banks and reactors have no point of their own: theirs is a bus point of their busbar, else the
    first of its other points; the station's first point of the same voltage where the busbar has none.
    """
    points = [point for point in substation.points if point.kind != "system"]
    own = [point for point in points if point.id == asset.bay]
    on_bus = sorted((point for point in points if point.bus == asset.bus), key=lambda p: p.kind != "bus")
    kv = substation.bus(asset.bus).nominal_kv
    alike = [point for point in points if point.nominal_kv == kv]
    return (own or on_bus or alike or points)[0]


def served_by_voltage(substation: Substation, asset: Asset) -> tuple[int, ...]:
    """Rows of the points whose voltage a voltage transformer measures.

    One in a bay with a point is that point's. One on a busbar serves the points there whose bays have none.
    """
    points = substation.points
    own = tuple(row for row, point in enumerate(points) if point.id == asset.bay)
    equipped = {each.bay for each in substation.assets if each.kind in ("vt", "cvt")}
    with_own = equipped.intersection(point.id for point in points if point.kind != "bus")
    if own and points[own[0]].kind != "bus":
        return own
    return tuple(
        row
        for row, point in enumerate(points)
        if point.bus == asset.bus and point.kind != "system" and point.id not in with_own
    )


def served_by_current(substation: Substation, asset: Asset) -> tuple[int, ...]:
    """Rows of the points whose current a current transformer measures: its bay's and the bus'."""
    own = [point for point in substation.points if point.id == asset.bay]
    if not own:
        return ()
    measured = {(point.element, point.terminal) for point in own}
    return tuple(
        row for row, point in enumerate(substation.points) if (point.element, point.terminal) in measured
    )


def in_series(substation: Substation, asset: Asset) -> tuple[str, int, float] | None:
    """Element in whose current a piece stands, its terminal, rated current in A; None where there is none.

    Switchgear of a bay stands in the current of the bay's point; that of a closed coupler in the coupler's,
    which no point measures. What switches a bank or a reactor is left out.
    """
    for point in substation.points:
        if point.id == asset.bay and point.element.startswith(("line.", "transformer.")):
            return point.element, point.terminal, point.rated_a
    for coupler in substation.couplers:
        if coupler.id == asset.bay and coupler.closed:
            return coupler.element, 1, asset.ratings.get("a", 1250.0)
    return None
