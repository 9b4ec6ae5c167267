"""The transmission grid in the hours of a campaign: which hours, with which loads, solved by whom."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np

from simulation.clock import local_midnight
from simulation.demand import FeederLoads, simulate_load
from simulation.errors import SimulationError
from simulation.grid.block import GridBlock, solve_block
from simulation.grid.hours import SystemHours, choose_hours, simulate_hours
from simulation.grid.plants import PLANTS
from simulation.grid.records import BoundaryHours, GridHours
from substations.description import Substation
from switchyard.identity import generator
from switchyard.profiles import Profile

# Share of its load's reactive power that a substation's own banks do not compensate.
_UNCOMPENSATED = 0.6
# Hours in one block, which one process solves.
_BLOCK = 24

SolveBlocks = Callable[[Callable[[GridBlock], GridHours], Sequence[GridBlock]], Iterable[GridHours]]
"""Applies a function to blocks and gives what came of them in their order, as the built-in `map` does."""


def solve_boundary(profile: Profile, substations: Sequence[Substation]) -> BoundaryHours:
    """Dispatch the grid in the profile's representative hours and read it at every substation's bus.

    For each hour: an economic dispatch within the lines' limits, then an AC power flow with it (the slack
    takes what the dispatch misjudges of the losses), then IEC 60909 with the units that the dispatch needs. A
    substation's own load replaces the case's load at its bus.

    Args:
        profile: Days, number of hours, seed.
        substations: All substations of the campaign; two may not share a bus.

    Raises:
        SimulationError: A bus of the grid cannot be a substation's, or an hour has no solution.
    """
    return _solve(profile, substations, False, map).boundary


def solve_grid(
    profile: Profile, substations: Sequence[Substation], solve_blocks: SolveBlocks = map
) -> GridHours:
    """As `solve_boundary`, and the same hours also by merit order and by the AC optimal power flow.

    Args:
        profile: Days, number of hours, seed.
        substations: All substations of the campaign; two may not share a bus.
        solve_blocks: Who solves the blocks of hours; worker processes, for instance.

    Raises:
        SimulationError: As `solve_boundary`. An hour without an AC optimum is kept and says so.
    """
    return _solve(profile, substations, True, solve_blocks)


def _solve(
    profile: Profile, substations: Sequence[Substation], optimum: bool, solve_blocks: SolveBlocks
) -> GridHours:
    _check_buses(substations)
    plan = profile.simulation
    start = local_midnight(plan.start, substations[0].utc_offset_s)
    t = choose_hours(start, plan.load_days, plan.grid_hours)
    rng = generator("grid", profile.name, str(profile.seed))
    hours = simulate_hours(rng, t, substations[0].utc_offset_s)
    loads = {
        sub.name: simulate_load(sub, plan.start, plan.load_days, profile.name, profile.seed)
        for sub in substations
    }
    whole = grid_block(hours, substations, loads, optimum)
    blocks = [
        GridBlock(hours[rows], whole.substations, whole.p_mw[rows], whole.q_mvar[rows], optimum)
        for rows in (slice(first, first + _BLOCK) for first in range(0, t.size, _BLOCK))
    ]
    found = list(solve_blocks(solve_block, blocks))
    return GridHours(
        {sub.name: tuple(hour for part in found for hour in part.boundary[sub.name]) for sub in substations},
        tuple(hour for part in found for hour in part.dispatch),
    )


def grid_block(
    hours: SystemHours, substations: Sequence[Substation], loads: Mapping[str, FeederLoads], optimum: bool
) -> GridBlock:
    """All `hours` with the substations' own loads in them, by substation name."""
    p_mw, q_mvar = np.empty((2, hours.t.size, len(substations)))
    for k, t in enumerate(hours.t):
        for j, sub in enumerate(substations):
            p_w, q_var = loads[sub.name].at(float(t))
            p_mw[k, j], q_mvar[k, j] = p_w.sum() / 1e6, _UNCOMPENSATED * q_var.sum() / 1e6
    return GridBlock(hours, tuple(substations), p_mw, q_mvar, optimum)


def _check_buses(substations: Sequence[Substation]) -> None:
    taken: dict[int, str] = {}
    special = {plant.bus for plant in PLANTS}
    for sub in substations:
        if sub.grid_bus in taken:
            raise SimulationError(
                f"{sub.name} and {taken[sub.grid_bus]} both have grid_bus {sub.grid_bus}",
                "give each substation its own bus of the 39-bus grid",
            )
        if sub.grid_bus in special:
            raise SimulationError(
                f"{sub.name}: grid_bus {sub.grid_bus} is a power station's",
                "choose a load bus, such as 2 or 15",
            )
        taken[sub.grid_bus] = sub.name
