"""Busbars that closed couplers join."""

from __future__ import annotations

from substations.description import Substation


def sections(substation: Substation) -> dict[str, str]:
    """The section of each bus: buses that closed couplers join share one."""
    joined = {bus.id: bus.id for bus in substation.buses}
    for coupler in substation.couplers:
        if coupler.closed:
            one, other = (joined[bus] for bus in coupler.buses)
            joined = {bus: one if root == other else root for bus, root in joined.items()}
    return joined
