"""The true hazard of failure: proportional hazards on a Weibull base (D. R. Cox, 1972).

    λ(t) = (k/η)·(t/η)^(k−1)·exp(Σ β_j·x_j + β_d·s),

t being age, x the stressors of `Condition`, s the severity of a growing defect. Coefficients are chosen, not
measured: a sound piece of equipment hardly ever fails, one with a full-grown defect within weeks.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulation.noise import Floats

YEAR_D = 365.25

MOISTURE_PCT, AGEING_REFERENCE = 1.5, 0.01
"""Water in paper and relative ageing rate at which neither raises nor lowers the hazard."""


@dataclass(frozen=True, slots=True)
class Coefficients:
    """What each stressor does to the logarithm of the hazard.

    Attributes:
        ageing: By the logarithm of the mean ageing rate of the last weeks.
        moisture: By percent of water in the paper.
        faults: By ln(1 + 20·x), x the I²t of through-faults in the last years over the rated withstand.
        maintenance: By ln(1 + years since maintenance).
        wear: By ln(1 + operations since maintenance over the kind's usual number).
        harmonic: By the harmonic loss factor less one.
        defect: By the severity of a defect, 0 to 1.
    """

    ageing: float = 0.12
    moisture: float = 0.35
    faults: float = 0.40
    maintenance: float = 0.35
    wear: float = 0.25
    harmonic: float = 0.08
    defect: float = 9.0


@dataclass(frozen=True, slots=True)
class Condition:
    """Condition of a pieces of equipment at one instant, shape [a] each.

    Attributes:
        age_d: Age, d.
        ageing: Mean relative ageing rate of the last weeks.
        moisture_pct: Water in paper, % of mass; the neutral value where there is no paper.
        faults_pu: I²t of through-faults over the rated withstand, with a memory of years.
        idle_y: Years since maintenance.
        wear: Operations since maintenance over the usual number.
        harmonic: Harmonic loss factor.
        severity: Severity of its defect, 0 for none, 1 full-grown.
    """

    age_d: Floats
    ageing: Floats
    moisture_pct: Floats
    faults_pu: Floats
    idle_y: Floats
    wear: Floats
    harmonic: Floats
    severity: Floats


def log_stress(condition: Condition, by: Coefficients) -> Floats:
    """Sum of all stressors but the defect, Σ β_j·x_j, shape [a]."""
    ageing = np.clip(np.log(np.maximum(condition.ageing, 1e-12) / AGEING_REFERENCE), -5.0, 7.0)
    return np.asarray(
        by.ageing * ageing
        + by.moisture * (condition.moisture_pct - MOISTURE_PCT)
        + by.faults * np.log1p(20.0 * condition.faults_pu)
        + by.maintenance * np.log1p(condition.idle_y)
        + by.wear * np.log1p(condition.wear)
        + by.harmonic * (condition.harmonic - 1.0)
    )


def weibull_hazard(age_d: Floats, scale_y: Floats, shape: Floats) -> Floats:
    """Hazard of the Weibull law at an age, 1/d: (k/η)·(t/η)^(k−1)."""
    scale_d = scale_y * YEAR_D
    return np.asarray(shape / scale_d * (np.maximum(age_d, 0.0) / scale_d) ** (shape - 1.0))


def hazard_per_day(condition: Condition, scale_y: Floats, shape: Floats, by: Coefficients) -> Floats:
    """True hazard of failure, 1/d, shape [a]."""
    base = weibull_hazard(condition.age_d, scale_y, shape)
    return np.asarray(base * np.exp(log_stress(condition, by) + by.defect * condition.severity))


def risk_within(
    hazard: Floats, severity: Floats, growth_per_d: Floats, by: Coefficients, days: int = 30
) -> Floats:
    """Probability of failure within `days` if the defect grows on as it does and nothing else changes.

    1 − exp(−Σ λ·exp(β_d·(s_j − s))) with s_j = min(s·exp(g·j), 1) at the begin of day j.
    """
    together = np.zeros_like(hazard)
    for day in range(days):
        later = np.minimum(severity * np.exp(growth_per_d * day), 1.0)
        together += hazard * np.exp(by.defect * (later - severity))
    return np.asarray(-np.expm1(-together))
