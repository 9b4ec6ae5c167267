"""The condition of a station's equipment, and how it changes from one day to the next."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulation.ageing.gases import SAMPLE_D, Samples, generated_ppm
from simulation.ageing.hazard import MOISTURE_PCT, YEAR_D, Condition
from simulation.ageing.kinds import Fleet
from simulation.noise import Floats

Flags = NDArray[np.bool_]

# Days that the mean ageing rate and the memory of through-faults look back.
_AGEING_D, _FAULTS_D = 30.0, 1000.0
# Operations between two overhauls that wear out nothing more than usual: tap changers, breakers.
_OLTC_USUAL, _BREAKER_USUAL = 12000.0, 200.0
# Tap changes a day, and those that a pu of daily swing adds; switchings of a breaker, and of a bank's.
_OLTC_PER_D, _OLTC_PER_SWING, _BREAKER_PER_D, _BANK_PER_D = 4.0, 60.0, 0.04, 2.0
# Water in new and in renewed paper, its rise with the ageing rate, % a year, and the most that paper holds.
_DRY_PCT, _WETTER_PER_Y, _WETTEST_PCT = 0.7, 0.07, 6.0
# Severity at which a defect begins; spread of the logarithm of the rate at which it grows.
_FIRST_SEVERITY, _GROWTH_SPREAD = 0.05, 0.35
# Share of the days on which corona, radio or insects are counted too, and how many.
_DISTURBED, _DISTURBANCE = 0.025, 8.0
# Planned maintenance finds and removes a defect of severity s with probability s^0.5 times this; oil is
# treated: what is left of water above dryness, and of gas.
_FOUND, _LEFT_WATER, _LEFT_GAS = 0.85, 0.6, 0.15


@dataclass(slots=True)
class State:
    """Condition at the end of a day; arrays have shape [a] unless said otherwise.

    Attributes:
        age_d: Age, d.
        idle_d: Days since maintenance.
        ageing: Mean relative ageing rate of the last weeks.
        insulation_d: Life of the insulation that is used up, in days at rate 1.
        moisture_pct: Water in paper, %.
        faults_pu: I²t of through-faults over the withstand, with a memory of years.
        faults: Number of through-faults since it was put up.
        i2t_ka2s: Their I²t, kA²s.
        oltc: Operations of its tap changer.
        switchings: Operations of the breaker.
        since: Operations since maintenance.
        severity: Severity of the defect.
        growth_per_d: Rate at which it grows.
        thermal: Share of it that is thermal.
        harmonic: Harmonic loss factor of the day.
        ppm: Dissolved gases, shape [5, a].
        samples: What the laboratory said.
    """

    age_d: Floats
    idle_d: Floats
    ageing: Floats
    insulation_d: Floats
    moisture_pct: Floats
    faults_pu: Floats
    faults: Floats
    i2t_ka2s: Floats
    oltc: Floats
    switchings: Floats
    since: Floats
    severity: Floats
    growth_per_d: Floats
    thermal: Floats
    harmonic: Floats
    ppm: Floats
    samples: Samples

    @classmethod
    def first(cls, rng: np.random.Generator, fleet: Fleet, ageing: Floats, harmonic: Floats) -> State:
        """Condition on the day before the first, as years of the first day's stress would leave it."""
        count, years = fleet.age_d.size, fleet.age_d / YEAR_D
        draw = rng.random((5, count))
        since = draw[0] * fleet.interval_d
        ppm = generated_ppm(ageing, np.zeros(count), np.ones(count)) * (365.25 * (0.5 + draw[1]))
        usual = _BREAKER_PER_D + _BANK_PER_D * fleet.switched
        oltc = np.where(fleet.oltc, np.round(9.0 * fleet.age_d), 0.0)
        switchings = np.where(fleet.breaker, np.round(usual * fleet.age_d), 0.0)
        water = np.minimum(_DRY_PCT + _WETTER_PER_Y * years * (0.6 + 0.8 * draw[2]), _WETTEST_PCT)
        return cls(
            age_d=fleet.age_d.copy(),
            idle_d=np.minimum(np.floor(since), np.floor(fleet.age_d)),
            ageing=ageing.copy(),
            insulation_d=ageing * fleet.age_d,
            moisture_pct=np.where(fleet.oil, water, MOISTURE_PCT),
            faults_pu=np.zeros(count),
            faults=np.zeros(count),
            i2t_ka2s=np.zeros(count),
            oltc=oltc,
            switchings=switchings,
            since=np.where(fleet.oltc, 9.0 * since, np.where(fleet.breaker, usual * since, 0.0)),
            severity=np.zeros(count),
            growth_per_d=np.zeros(count),
            thermal=np.zeros(count),
            harmonic=harmonic.copy(),
            ppm=ppm,
            samples=Samples(ppm.copy(), np.floor(draw[3] * SAMPLE_D), fleet.gases),
        )

    def condition(self, fleet: Fleet) -> Condition:
        """What the hazard depends on."""
        usual = np.where(fleet.oltc, _OLTC_USUAL, np.where(fleet.switched, 10.0, 1.0) * _BREAKER_USUAL)
        return Condition(
            age_d=self.age_d,
            ageing=self.ageing,
            moisture_pct=self.moisture_pct,
            faults_pu=self.faults_pu,
            idle_y=self.idle_d / YEAR_D,
            wear=self.since / usual,
            harmonic=self.harmonic,
            severity=self.severity,
        )

    def strain(
        self, fleet: Fleet, ageing: Floats, harmonic: Floats, faults: tuple[Floats, Floats, Floats], on: Flags
    ) -> None:
        """A day's stress on what is in service: `faults` are their number, I²t in kA²s and over withstand."""
        self.age_d[on] += 1.0
        self.idle_d += 1.0
        self.ageing = np.where(on, self.ageing + (ageing - self.ageing) / _AGEING_D, self.ageing)
        self.insulation_d += np.where(on, ageing, 0.0)
        self.harmonic = harmonic
        wetter = _WETTER_PER_Y / YEAR_D * (0.5 + np.minimum(ageing / 0.02, 4.0))
        wet = np.minimum(self.moisture_pct + np.where(on, wetter, 0.0), _WETTEST_PCT)
        self.moisture_pct = np.where(fleet.oil, wet, self.moisture_pct)
        number, i2t, relative = faults
        self.faults += np.where(on, number, 0.0)
        self.i2t_ka2s += np.where(on, i2t, 0.0)
        self.faults_pu = self.faults_pu * np.exp(-1.0 / _FAULTS_D) + np.where(on, relative, 0.0)
        self.ppm += np.where(on & fleet.gases, generated_ppm(ageing, self.severity, self.thermal), 0.0)

    def operate(
        self, rng: np.random.Generator, fleet: Fleet, swing: Floats, faults: Floats, on: Flags
    ) -> None:
        """A day's operations of tap changers and breakers."""
        rate = np.where(fleet.oltc, _OLTC_PER_D + _OLTC_PER_SWING * swing, 0.0)
        rate += np.where(fleet.breaker, _BREAKER_PER_D + _BANK_PER_D * fleet.switched, 0.0)
        done = np.where(on, rng.poisson(rate) + np.where(fleet.breaker, faults, 0.0), 0.0)
        self.oltc += np.where(fleet.oltc, done, 0.0)
        self.switchings += np.where(fleet.breaker, done, 0.0)
        self.since += done

    def defects(self, rng: np.random.Generator, fleet: Fleet, stress: Floats, on: Flags) -> None:
        """Defects begin, the likelier the higher the stress `exp(Σ β·x / 2)`, and grow."""
        count = self.severity.size
        drawn, pace, share = rng.random(count), rng.standard_normal(count), rng.random(count)
        begin = on & (self.severity == 0.0) & (drawn < fleet.defects_per_y / YEAR_D * np.exp(0.5 * stress))
        grown = np.minimum(self.severity * np.exp(self.growth_per_d), 1.0)
        self.severity = np.where(begin, _FIRST_SEVERITY, np.where(on, grown, self.severity))
        self.growth_per_d = np.where(
            begin, fleet.growth_per_d * np.exp(_GROWTH_SPREAD * pace), self.growth_per_d
        )
        self.thermal = np.where(begin, share, self.thermal)

    def maintain(self, rng: np.random.Generator, fleet: Fleet, late: Floats, on: Flags) -> Flags:
        """Planned maintenance where the interval times `late` is over; true where it was done."""
        luck = rng.random(self.severity.size)
        done: Flags = on & (self.idle_d >= fleet.interval_d * late)
        found = done & (luck < _FOUND * np.sqrt(self.severity))
        self._heal(found)
        self.idle_d[done] = 0.0
        self.since[done] = 0.0
        treated = done & fleet.oil
        dry = _DRY_PCT + _LEFT_WATER * (self.moisture_pct - _DRY_PCT)
        self.moisture_pct = np.where(treated, np.minimum(dry, self.moisture_pct), self.moisture_pct)
        self.ppm[:, done] *= _LEFT_GAS
        return done

    def restore(self, repaired: Flags, replaced: Flags) -> None:
        """After a failure: repaired ones lose their defect, replaced ones are new."""
        both = repaired | replaced
        self._heal(both)
        self.idle_d[both] = 0.0
        self.since[both] = 0.0
        self.ppm[:, both] *= _LEFT_GAS
        for values in (self.age_d, self.insulation_d, self.faults_pu, self.faults, self.i2t_ka2s):
            values[replaced] = 0.0
        self.oltc[replaced] = 0.0
        self.switchings[replaced] = 0.0
        self.moisture_pct[replaced] = np.minimum(self.moisture_pct[replaced], _DRY_PCT)
        self.ppm[:, replaced] = 0.0

    def anomalies(self, rng: np.random.Generator, fleet: Fleet, on: Flags) -> Floats:
        """Anomalies of the day: pulses of partial discharge, hot spots in the camera, odd operating times."""
        disturbed = rng.random(self.severity.size) < _DISTURBED
        rate = fleet.quiet_per_d + fleet.full_per_d * self.severity**2 + _DISTURBANCE * disturbed
        return np.asarray(np.where(on, rng.poisson(rate), 0), dtype=np.float64)

    def _heal(self, which: Flags) -> None:
        for values in (self.severity, self.growth_per_d, self.thermal):
            values[which] = 0.0
