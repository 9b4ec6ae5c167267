"""The transmission grid around the substations, solved by pandapower."""

from simulation.grid.boundary import BoundaryHour, BoundaryHours, solve_boundary

__all__ = ["BoundaryHour", "BoundaryHours", "solve_boundary"]
