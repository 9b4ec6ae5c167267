"""The law by which equipment fails: its hazard, the risk of thirty days, and lives drawn from it."""

import numpy as np
import pytest

from simulation.ageing.hazard import (
    YEAR_D,
    Coefficients,
    Condition,
    hazard_per_day,
    risk_within,
    weibull_hazard,
)
from simulation.ageing.lives import live
from tests.simulation.ageing_pieces import fleet, stress

AGE_ONLY = Coefficients(*[0.0] * 7)


def condition(**more: float) -> Condition:
    usual = {
        "age_d": 20.0 * YEAR_D, "ageing": 0.01, "moisture_pct": 1.5, "faults_pu": 0.1, "idle_y": 1.0,
        "wear": 0.5, "harmonic": 2.0, "severity": 0.2,
    }  # fmt: skip
    return Condition(**{name: np.atleast_1d(value) for name, value in {**usual, **more}.items()})


@pytest.mark.parametrize(
    ("stressor", "values"),
    [
        ("age_d", np.linspace(1.0, 20000.0, 9)),
        ("ageing", np.geomspace(1e-3, 10.0, 9)),
        ("moisture_pct", np.linspace(0.5, 6.0, 9)),
        ("faults_pu", np.linspace(0.0, 3.0, 9)),
        ("idle_y", np.linspace(0.0, 6.0, 9)),
        ("wear", np.linspace(0.0, 4.0, 9)),
        ("harmonic", np.linspace(1.0, 8.0, 9)),
        ("severity", np.linspace(0.0, 1.0, 9)),
    ],
)
def test_hazard__one_stressor_rises__rises(stressor: str, values: np.ndarray) -> None:
    hazard = hazard_per_day(condition(**{stressor: values}), np.array(50.0), np.array(2.5), Coefficients())

    assert (np.diff(hazard) > 0.0).all()


def test_hazard__without_stress__is_weibull_s() -> None:
    age = np.linspace(0.0, 60.0, 6001) * YEAR_D

    hazard = weibull_hazard(age, np.array(40.0), np.array(2.5))

    together = np.concatenate([[0.0], np.cumsum(0.5 * (hazard[1:] + hazard[:-1]) * np.diff(age))])
    assert together == pytest.approx((age / YEAR_D / 40.0) ** 2.5, abs=1e-5)


def test_risk__without_a_defect__is_that_of_a_constant_hazard() -> None:
    hazard = np.array([1e-5, 1e-3, 0.05])

    risk = risk_within(hazard, np.zeros(3), np.zeros(3), Coefficients())

    assert risk == pytest.approx(1.0 - np.exp(-30.0 * hazard))


def test_risk__defect_that_grows__is_larger_than_with_one_that_rests() -> None:
    hazard, severity = np.array([1e-3]), np.array([0.5])

    growing = risk_within(hazard, severity, np.array([0.02]), Coefficients())

    assert growing > risk_within(hazard, severity, np.array([0.0]), Coefficients())


def test_live__age_alone__survival_is_weibull_s() -> None:
    """Kaplan and Meier's estimate of first failures beside exp(−((t/η)^k − (t₀/η)^k)) within 4 σ."""
    count, days, scale_y, shape = 1000, 1000, 12.0, 3.0
    pieces = fleet(
        count,
        age_y=6.0,
        scale_y=np.full(count, scale_y),
        shape=np.full(count, shape),
        defects_per_y=np.zeros(count),
    )

    lives = live(np.random.default_rng(5), pieces, stress(days, count), AGE_ONLY)

    first = lives.time_to_event_d[0] + 1.0
    died = lives.failed[0]
    t = np.arange(100.0, days, 100.0)
    survival = []
    alive = 1.0
    for k, end in enumerate(t):
        begin = t[k - 1] if k else 1.0
        at_risk = (first >= begin).sum()
        alive *= 1.0 - (died & (first >= begin) & (first < end)).sum() / at_risk
        survival.append(alive)
    age, age0 = (6.0 + t / YEAR_D) / scale_y, (6.0 + 1.0 / YEAR_D) / scale_y
    exact = np.exp(-(age**shape - age0**shape))
    assert np.abs(np.array(survival) - exact) == pytest.approx(0.0, abs=4.0 * np.sqrt(0.25 / count))
    assert died.mean() > 0.2


def test_live__uncensored_times_rescaled__pass_kolmogorov_s_test() -> None:
    """So high a hazard that every spell begun early ends: the test needs no correction for censoring."""
    from scipy.stats import kstest

    count = 400
    pieces = fleet(count, scale_y=np.full(count, 0.3), shape=np.ones(count), defects_per_y=np.zeros(count))
    lives = live(np.random.default_rng(4), pieces, stress(1300, count), AGE_ONLY)

    totals = []
    for a in range(count):
        rows = np.flatnonzero((lives.spell[:, a] == 0) & lives.in_service[:, a])
        assert lives.failed[rows[-1], a]
        totals.append(
            lives.hazard[rows[:-1], a].sum() + lives.hazard[rows[-1], a] * lives.time_to_event_d[rows[-1], a]
        )

    assert kstest(totals, "expon").pvalue > 0.01
