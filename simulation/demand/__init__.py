"""What feeders draw: weather, customer classes, photovoltaics, and their sum every 15 minutes."""

from simulation.demand.feeders import FeederLoads, simulate_load

__all__ = ["FeederLoads", "simulate_load"]
