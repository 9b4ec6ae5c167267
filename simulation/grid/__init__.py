"""The transmission grid around the substations, solved by pandapower."""

from simulation.grid.boundary import (
    BoundaryHour,
    BoundaryHours,
    DispatchHour,
    GridHours,
    solve_boundary,
    solve_grid,
)

__all__ = ["BoundaryHour", "BoundaryHours", "DispatchHour", "GridHours", "solve_boundary", "solve_grid"]
