"""What feeders draw: weather, customer classes, photovoltaics, and their sum every 15 minutes."""

from simulation.demand.feeders import FeederLoads, expected_load, simulate_load

__all__ = ["FeederLoads", "expected_load", "simulate_load"]
