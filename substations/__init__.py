"""Descriptions of substations: reading them, and checking them against their circuits.

A substation is a folder with `substation.yaml` (assets, ratings, measurement points, limits) and
`circuit.dss` (the OpenDSS circuit). Reading needs no engine; checking compiles the circuit.
"""

from substations.checks import check
from substations.description import Substation
from substations.errors import SubstationError
from substations.facts import CircuitFacts
from substations.reading import folder, names, read

__all__ = ["CircuitFacts", "Substation", "SubstationError", "check", "folder", "names", "read"]
