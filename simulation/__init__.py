"""Simulation of substations: OpenDSS inside a transmission grid solved by pandapower, read through instruments."""
