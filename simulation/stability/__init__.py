"""Stability of the transmission grid: power flow of many states at once, nose, outages, frequency, score."""
