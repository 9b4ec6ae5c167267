"""The three-phase substation: OpenDSS through its batch interface, and the linear network that it solves."""

from simulation.engine.harmonics import ORDERS, Emission
from simulation.engine.network import Network
from simulation.engine.opendss import Engine, Source

__all__ = ["ORDERS", "Emission", "Engine", "Network", "Source"]
