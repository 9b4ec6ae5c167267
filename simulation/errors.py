"""What can go wrong in the simulation, with the remedy."""

from __future__ import annotations

from switchyard.errors import SwitchyardError


class SimulationError(SwitchyardError):
    """A campaign, an engine or a table of the simulation is in a state that it must not be in."""


class NotConvergedError(SimulationError):
    """A power flow found no solution; the scenario is kept with this as its reason."""


class InfeasibleError(SimulationError):
    """What was drawn cannot be operated; the scenario is kept with this as its reason."""


class WorkerLostError(SimulationError):
    """A part of a campaign lost one worker process after the other."""
