"""The point process of voltage events: its times against its stated intensity."""

from datetime import date

import numpy as np
import pytest
from scipy import stats

import substations
from simulation.demand import FeederLoads, simulate_load
from simulation.events.intensity import Campaign
from simulation.events.process import INCIPIENT_SHARE, MEMORY_H, OFFSPRING, Arrivals, draw_arrivals
from simulation.events.streams import CAUSES, Stream
from substations.description import Substation

START = date(2025, 1, 1)


@pytest.fixture(scope="module")
def loads(mumbai: Substation) -> FeederLoads:
    return simulate_load(mumbai, START, 365, "year", 5)


@pytest.fixture(scope="module")
def year(mumbai: Substation, loads: FeederLoads) -> Campaign:
    return Campaign.of(mumbai, loads, "year", 5)


def rescaled(arrivals: Arrivals, baseline: np.ndarray, offspring: float = OFFSPRING) -> np.ndarray:
    """Differences of the compensator ∫λ between events, from the formula of the intensity."""
    steps = np.concatenate([[0.0], np.cumsum(baseline.sum(axis=1))])
    at = np.interp(arrivals.hours, np.arange(steps.size), steps)
    for t in arrivals.hours[arrivals.incipient]:
        passed = np.maximum(arrivals.hours - t, 0.0)
        at += offspring * -np.expm1(-passed / MEMORY_H)
    return np.diff(np.concatenate([[0.0], at]))


def test_draw_arrivals__a_year__is_a_unit_poisson_process_in_rescaled_time(year: Campaign) -> None:
    gaps = rescaled(year.arrivals, year.baseline_per_h)

    assert gaps.size > 250
    assert stats.kstest(gaps, "expon").pvalue > 0.05


def test_draw_arrivals__one_feeder_for_long__remembers_its_incipient_faults() -> None:
    baseline = np.full((40_000, 1), 0.05)

    arrivals = draw_arrivals(np.random.default_rng(1), (Stream("fault", "line", 0),), baseline)

    expected = baseline.sum() / (1.0 - INCIPIENT_SHARE * OFFSPRING)
    assert arrivals.hours.size == pytest.approx(expected, rel=0.06)
    assert arrivals.incipient.mean() == pytest.approx(INCIPIENT_SHARE, abs=0.03)
    assert stats.kstest(rescaled(arrivals, baseline), "expon").pvalue > 0.05
    assert stats.kstest(rescaled(arrivals, baseline, offspring=0.0), "expon").pvalue < 1e-6


def test_draw_arrivals__stored_intensity__is_that_of_the_history_before(year: Campaign) -> None:
    arrivals = year.arrivals
    last = int(np.flatnonzero(arrivals.incipient)[-1])
    assert last + 1 < arrivals.hours.size
    t, k = arrivals.hours[last + 1], arrivals.stream[last]
    earlier = arrivals.incipient & (arrivals.stream == k) & (arrivals.hours < t)

    passed = t - arrivals.hours[earlier]
    expected = year.baseline_per_h[int(t), k] + OFFSPRING / MEMORY_H * np.exp(-passed / MEMORY_H).sum()

    assert arrivals.intensity_per_h[last + 1, k] == pytest.approx(expected, rel=1e-9)


def test_hourly_intensity__summed_over_the_year__is_the_number_of_events(year: Campaign) -> None:
    intensity = year.hourly_intensity()

    assert tuple(intensity) == CAUSES
    for cause, rate in intensity.items():
        of = np.array([year.streams[k].cause == cause for k in year.arrivals.stream])
        # Offspring of an hour's own faults are not in it: a tenth of those of faults.
        assert rate.shape == year.hourly.t.shape
        assert of.sum() == pytest.approx(rate.sum(), abs=4.0 * np.sqrt(rate.sum()))


def test_hourly_intensity__after_an_incipient_fault__is_higher_than_its_baseline(year: Campaign) -> None:
    first = int(year.arrivals.hours[year.arrivals.incipient][0])
    above = year.hourly_intensity()["fault"] - year.by_cause(year.baseline_per_h)[:, CAUSES.index("fault")]

    assert np.all(above[: first + 1] == 0.0)
    assert above[first + 1] > 0.05


def test_baseline__drivers__raise_the_rates_that_they_should(year: Campaign) -> None:
    hourly, rates = year.hourly, year.by_cause(year.baseline_per_h)
    stormy = hourly.lightning_per_h > np.quantile(hourly.lightning_per_h, 0.98)
    shift = hourly.working & (np.floor(hourly.when.hour) == 6.0)
    night = np.floor(hourly.when.hour) == 3.0

    assert rates[stormy, 0].mean() > 3.0 * rates[:, 0].mean()
    assert rates[shift, 1].mean() > 5.0 * rates[night, 1].mean()
    assert rates[hourly.ramp_pu_h > 0.08, 2].mean() > 2.0 * rates[night, 2].mean()


@pytest.mark.parametrize("name", ["mumbai", "delhi", "bangalore", "chennai"])
def test_campaign__a_year_of_each_substation__has_some_hundred_events(name: str) -> None:
    substation = substations.read(name)
    loads = simulate_load(substation, START, 365, "year", 5)

    one, other = (Campaign.of(substation, loads, "year", 5) for _ in range(2))

    assert 250 <= one.arrivals.hours.size <= 600
    assert np.array_equal(one.arrivals.hours, other.arrivals.hours)
    assert set(CAUSES) == {one.streams[k].cause for k in one.arrivals.stream}
