"""The lives of a station's equipment, day by day, to failure, repair or the end of observation.

A failure comes when the cumulative hazard of a spell in service reaches a unit exponential value drawn at the
spell's begin (inversion; equivalently, cumulative hazards at failure are exponential with mean 1). The hazard
is held constant over each day.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulation.ageing.hazard import Coefficients, hazard_per_day, log_stress, risk_within
from simulation.ageing.kinds import Fleet
from simulation.ageing.state import State
from simulation.ageing.stress import Stress
from simulation.noise import Floats

REPLACED = 0.35
"""Share of failures after which a new piece is put up; the others are repaired."""

_REPLACED_D, _REPAIRED_D = (4, 40), (1, 12)
# How much sooner or later than planned maintenance comes.
_LATE = (0.85, 1.3)

RISK_D = 30
WEEK_D, ANOMALIES_D = 7, 30

RECORDED = (
    "age_d", "idle_d", "ageing", "insulation_d", "moisture_pct", "faults", "i2t_ka2s", "oltc", "switchings",
    "severity",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Lives:
    """Rows of a pieces of equipment on d days, each at the day's end; arrays have shape [d, a].

    Attributes:
        recorded: The attributes of `State` named in RECORDED.
        ppm: Last samples of dissolved gas, shape [5, d, a].
        sample_age_d: Days since they were taken.
        anomalies: Anomalies of the day.
        anomalies_week: Anomalies of the last seven days of the spell.
        anomalies_sum: Anomalies of its last thirty days.
        maintained: Whether planned maintenance was done on the day.
        in_service: Whether it is in service at the end of the day.
        spell: Number of the spell in service, from 0; one outage ends a spell.
        hazard: True hazard over the next day, 1/d; 0 out of service.
        risk: True probability of failure within 30 days if a defect goes on growing as it does.
        time_to_event_d: Days to failure or to the end of observation; NaN out of service.
        failed: Whether it is a failure that ends the spell.
    """

    recorded: dict[str, Floats]
    ppm: Floats
    sample_age_d: Floats
    anomalies: Floats
    anomalies_week: Floats
    anomalies_sum: Floats
    maintained: NDArray[np.bool_]
    in_service: NDArray[np.bool_]
    spell: NDArray[np.int32]
    hazard: Floats
    risk: Floats
    time_to_event_d: Floats
    failed: NDArray[np.bool_]

    @property
    def failures(self) -> int:
        """Number of failures."""
        return int((self.in_service[:-1] & ~self.in_service[1:]).sum())


def live(rng: np.random.Generator, fleet: Fleet, stress: Stress, by: Coefficients | None = None) -> Lives:
    """Let a station's equipment live through days of stress.

    Args:
        rng: Source of randomness.
        fleet: The equipment, a pieces.
        stress: What it goes through, d days.
        by: Coefficients of the hazard; the usual ones by default.

    Returns:
        One row for each day and piece.
    """
    by = by or Coefficients()
    days, count = (int(size) for size in stress.load_pu.shape)
    state = State.first(rng, fleet, stress.ageing.mean(axis=0), stress.harmonic[0])
    late: Floats = _LATE[0] + rng.random(count) * (_LATE[1] - _LATE[0])
    threshold: Floats = rng.standard_exponential(count)
    reached, hazard, out_d = np.zeros(count), np.zeros(count), np.zeros(count, dtype=np.int64)
    spell = np.zeros(count, dtype=np.int32)
    recorded = {name: np.empty((days, count)) for name in RECORDED}
    ppm, sample_age = np.empty((5, days, count)), np.empty((days, count))
    anomalies, growth = np.empty((days, count)), np.empty((days, count))
    hazards, maintained = np.zeros((days, count)), np.zeros((days, count), dtype=bool)
    service, spells = np.empty((days, count), dtype=bool), np.empty((days, count), dtype=np.int32)
    ends = np.full((days, count), np.nan)
    for day in range(days):
        back = out_d == 1
        out_d = np.maximum(out_d - 1, 0)
        draws = rng.random((3, count))
        renewed = rng.standard_exponential(count)
        # What comes back begins a new spell; what is in service may fail by the hazard of yesterday's end.
        spell[back] += 1
        threshold, reached = np.where(back, renewed, threshold), np.where(back, 0.0, reached)
        was_on = (out_d == 0) & ~back
        fails = was_on & (reached + hazard >= threshold)
        if fails.any():
            ends[day, fails] = day + (threshold - reached)[fails] / hazard[fails]
            replaced = fails & (draws[0] < REPLACED)
            bounds = (
                np.where(replaced, _REPLACED_D[0], _REPAIRED_D[0]),
                np.where(replaced, _REPLACED_D[1], _REPAIRED_D[1]),
            )
            out_d[fails] = 1 + (bounds[0] + draws[1] * (bounds[1] - bounds[0])).astype(np.int64)[fails]
            state.restore(fails & ~replaced, replaced)
        reached = reached + hazard
        on = out_d == 0
        faults = (stress.faults[day], stress.i2t_ka2s[day], stress.i2t_pu[day])
        state.strain(fleet, stress.ageing[day], stress.harmonic[day], faults, on)
        state.operate(rng, fleet, stress.swing_pu[day], faults[0], on)
        state.defects(rng, fleet, log_stress(state.condition(fleet), by), on)
        maintained[day] = state.maintain(rng, fleet, late, on)
        late = np.where(maintained[day], _LATE[0] + draws[2] * (_LATE[1] - _LATE[0]), late)
        anomalies[day] = state.anomalies(rng, fleet, on)
        state.samples.take(rng, state.ppm, on)
        hazard = np.where(on, hazard_per_day(state.condition(fleet), fleet.scale_y, fleet.shape, by), 0.0)
        hazards[day], service[day], spells[day], growth[day] = hazard, on, spell, state.growth_per_d
        ppm[:, day], sample_age[day] = state.samples.ppm, state.samples.age_d
        for name, values in recorded.items():
            values[day] = getattr(state, name)
    time_to_event, failed = _until_event(ends, service)
    return Lives(
        recorded=recorded,
        ppm=ppm,
        sample_age_d=sample_age,
        anomalies=anomalies,
        anomalies_week=_running_sum(anomalies, spells, WEEK_D),
        anomalies_sum=_running_sum(anomalies, spells, ANOMALIES_D),
        maintained=maintained,
        in_service=service,
        spell=spells,
        hazard=hazards,
        risk=risk_within(hazards, recorded["severity"], growth, by, RISK_D),
        time_to_event_d=time_to_event,
        failed=failed,
    )


def _until_event(ends: Floats, service: NDArray[np.bool_]) -> tuple[Floats, NDArray[np.bool_]]:
    """Days from the end of each day to the next failure, or to the end of observation, and which it is."""
    days, count = ends.shape
    time, failed = np.full((days, count), np.nan), np.zeros((days, count), dtype=bool)
    coming, known = np.full(count, float(days)), np.zeros(count, dtype=bool)
    for day in range(days - 1, -1, -1):
        time[day] = np.where(service[day], coming - (day + 1.0), np.nan)
        failed[day] = known & service[day]
        here = ~np.isnan(ends[day])
        coming, known = np.where(here, ends[day], coming), known | here
    return time, failed


def _running_sum(values: Floats, spells: NDArray[np.int32], window: int) -> Floats:
    """Sum over the last `window` days of the same spell, shape [d, a]."""
    found = np.zeros_like(values)
    for back in range(min(window, values.shape[0])):
        earlier = values.shape[0] - back
        found[back:] += np.where(spells[back:] == spells[:earlier], values[:earlier], 0.0)
    return found
