"""One simulated episode: what truly happened at every measurement point."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_contracts.tables.readings_truth import EVENT_PHASES, EVENTS
from simulation.harmonics.distortion import Distorted
from simulation.instruments.flicker import Fluctuation
from simulation.instruments.malfunction import Malfunction
from simulation.noise import Floats
from simulation.quality.interval import Interval
from simulation.scenario.recording import States, Timeline
from switchyard.identity import ScenarioId

EVENT_CODE = {name: k for k, name in enumerate(EVENTS)}
PHASE_CODE = {name: k for k, name in enumerate(EVENT_PHASES)}


@dataclass(frozen=True, slots=True)
class Labels:
    """What acts at each point in each second.

    Attributes:
        event: Code of the event, shape [p, t].
        phase: Code of the phases it acts on, shape [p, t].
        severity: Largest departure in multiples of the instrument's error limit; NaN where there is no event,
            [p, t].
        active: Whether it acts in this second, shape [p, t].
    """

    event: NDArray[np.int8]
    phase: NDArray[np.int8]
    severity: Floats
    active: NDArray[np.bool_]

    @classmethod
    def quiet(cls, points: int, seconds: int) -> Labels:
        """Nothing happens."""
        shape = (points, seconds)
        return cls(
            np.zeros(shape, dtype=np.int8),
            np.zeros(shape, dtype=np.int8),
            np.full(shape, np.nan),
            np.zeros(shape, dtype=np.bool_),
        )

    def mark(self, point: int, seconds: slice, event: str, phases: str, severity: float) -> None:
        """Write a passing event at one point, in the seconds in which it acts."""
        self.event[point, seconds] = EVENT_CODE[event]
        self.phase[point, seconds] = PHASE_CODE[phases]
        self.severity[point, seconds] = severity
        self.active[point, seconds] = True

    def mark_all(
        self, point: int, active: slice | NDArray[np.bool_], event: str, phases: str, severity: float
    ) -> None:
        """Write the episode's event at one point in every second; it acts in those that `active` chooses."""
        self.mark(point, slice(None), event, phases, severity)
        self.active[point] = False
        self.active[point, active] = True


@dataclass(frozen=True, slots=True)
class FaultRecord:
    """One short circuit: the `faults` table beyond its key; `t_start_s` counts from the episode's start."""

    bus: str
    fault_type: str
    phases: str
    r_fault_ohm: float
    distance_pct: float
    prefault_v_pu: float
    i_fault_a: tuple[float, float, float]
    t_start_s: float
    duration_ms: float
    cleared_by: str
    fault_level_ka: float
    breaker_rating_ka: float
    dips: dict[str, list[float]]


@dataclass(frozen=True, slots=True)
class Episode:
    """What one scenario came to.

    Attributes:
        scenario: Its identifier.
        status: `ok`, `islanded`, `not_converged` or `infeasible`.
        reason: Why it is not ok.
        t_start: Unix seconds of the first second.
        seconds: Length.
        cause: The event drawn, or `none`.
        severity: Severity drawn or reached at the watched point; None without an event.
        parameters: What was drawn, JSON values.
        states: Solved states; None where there is no solution.
        timeline: Which state acts when.
        f_hz: System frequency, shape [t].
        taps: Tap positions in each second, as text.
        capacitor_steps: Capacitor steps in each second, as text.
        labels: What acts where.
        malfunctions: Instruments that do not say what their accuracy class promises.
        fault: The short circuit, if there is one.
        distorted: Its harmonics, if they were solved.
        fluctuation: What its fluctuating loads do within a second, if they were simulated.
        interval: The ten minutes that it ends, if they were simulated.
    """

    scenario: ScenarioId
    t_start: int
    seconds: int
    cause: str
    severity: float | None = None
    parameters: dict[str, Any] = field(default_factory=dict)
    status: str = "ok"
    reason: str = ""
    states: States | None = None
    timeline: Timeline | None = None
    f_hz: Floats | None = None
    taps: tuple[str, ...] = ()
    capacitor_steps: tuple[str, ...] = ()
    labels: Labels | None = None
    malfunctions: tuple[Malfunction, ...] = ()
    fault: FaultRecord | None = None
    distorted: Distorted | None = None
    fluctuation: Fluctuation | None = None
    interval: Interval | None = None
