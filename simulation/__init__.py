"""Simulation of substations: OpenDSS inside a grid solved by pandapower, read through instruments."""
