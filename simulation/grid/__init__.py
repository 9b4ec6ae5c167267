"""The transmission grid around the substations, solved by pandapower."""

from simulation.grid.block import GridBlock, solve_block
from simulation.grid.boundary import solve_boundary, solve_grid
from simulation.grid.records import BoundaryHour, BoundaryHours, DispatchHour, GridHours

__all__ = [
    "BoundaryHour",
    "BoundaryHours",
    "DispatchHour",
    "GridBlock",
    "GridHours",
    "solve_block",
    "solve_boundary",
    "solve_grid",
]
