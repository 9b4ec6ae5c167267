from datetime import date

import numpy as np
import pytest

from simulation.clock import local_midnight, local_time
from simulation.demand import expected_load, simulate_load
from simulation.demand.classes import CLASSES, COMMERCIAL
from simulation.demand.weather import clear_sky_ghi, cloud_factor
from simulation.errors import SimulationError
from substations.description import Substation

START = date(2025, 1, 1)


def test_local_time__republic_day_in_india__is_a_holiday_on_its_local_date() -> None:
    midnight = local_midnight(date(2025, 1, 26), 19800)

    when = local_time(np.array([midnight - 1, midnight, midnight + 86399, midnight + 86400]), 19800)

    assert when.holiday.tolist() == [False, True, True, False]
    assert when.day_of_week.tolist() == [5, 6, 6, 0]
    assert when.hour[1] == 0.0


def test_clear_sky_ghi__sun_overhead__is_haurwitz_at_zenith() -> None:
    # 21 March at the equator at noon: cos z = 1, so that 1098·exp(−0.057) is left.
    found = clear_sky_ghi(np.array([81.0]), np.array([12.0]), 0.0)

    assert found[0] == pytest.approx(1098.0 * np.exp(-0.057), rel=1e-3)
    assert clear_sky_ghi(np.array([81.0]), np.array([0.0]), 0.0)[0] == 0.0


def test_cloud_factor__overcast__leaves_a_quarter() -> None:
    assert cloud_factor(np.array([0.0, 1.0])).tolist() == [1.0, 0.25]


def test_expected__sunday_of_offices__is_below_a_working_day() -> None:
    monday, sunday = local_midnight(date(2025, 6, 16), 19800), local_midnight(date(2025, 6, 15), 19800)
    noon = np.array([monday + 12 * 3600, sunday + 12 * 3600])

    working, free = COMMERCIAL.expected(local_time(noon, 19800), np.array([24.0, 24.0]))

    assert free < 0.7 * working


@pytest.mark.parametrize("customers", CLASSES, ids=lambda each: each.name)
def test_expected__hotter_day__never_draws_less(customers) -> None:
    when = local_time(np.full(3, local_midnight(date(2025, 5, 6), 19800) + 15 * 3600), 19800)

    cool, warm, hot = customers.expected(when, np.array([18.0, 30.0, 42.0]))

    assert cool <= warm <= hot


def test_simulate_load__same_seed__is_the_same_and_another_seed_is_not(mumbai: Substation) -> None:
    one = simulate_load(mumbai, START, 10, "small", 1)
    again = simulate_load(mumbai, START, 10, "small", 1)
    other = simulate_load(mumbai, START, 10, "small", 2)

    assert np.array_equal(one.p_w, again.p_w)
    assert not np.allclose(one.p_w, other.p_w)


def test_simulate_load__a_month__is_plausible(mumbai: Substation) -> None:
    loads = simulate_load(mumbai, START, 30, "small", 1)

    base_w = np.array([feeder.base_mw * 1e6 for feeder in mumbai.feeders])
    dark = loads.weather.ghi_w_m2 == 0.0
    mean = loads.p_w.mean(axis=0) / base_w
    assert loads.t.size == 30 * 96
    assert np.all(loads.pv_w[dark] == 0.0)
    assert loads.pv_w.max() > 0.3 * max(feeder.pv_mw for feeder in mumbai.feeders) * 1e6
    assert np.all((mean > 0.4) & (mean < 1.2))
    # What is random is a few percent, and not a trend.
    stir = (loads.p_w - loads.p_noise_free_w) / base_w
    assert np.all(stir.std(axis=0) < 0.12)
    assert np.all(np.abs(stir.mean(axis=0)) < 0.05)


def test_at__between_quarters__is_interpolated_and_outside_is_refused(mumbai: Substation) -> None:
    loads = simulate_load(mumbai, START, 2, "small", 1)

    p_w, _ = loads.at(float(loads.t[4]) + 450.0)

    assert p_w == pytest.approx(0.5 * (loads.p_w[4] + loads.p_w[5]))
    with pytest.raises(SimulationError, match="no load is simulated"):
        loads.at(float(loads.t[-1]) + 1.0)


@pytest.mark.parametrize("ahead", [1, 4, 96])
def test_expected_load__quarters_ahead__errs_by_what_the_noise_will_do_alone(
    mumbai: Substation, ahead: int
) -> None:
    loads = simulate_load(mumbai, START, 60, "small", 11)

    expected = expected_load(mumbai, loads, "small", 11, ahead)

    gross = loads.p_noise_free_w + loads.pv_w
    error = (loads.p_w[ahead:] - expected) / gross[ahead:]
    mixes = np.array([[getattr(f.mix, cls.name) for cls in CLASSES] for f in mumbai.feeders])
    sigma = np.sqrt((mixes**2) @ np.array([cls.sigma**2 for cls in CLASSES]))
    # What is new of an autoregressive term after k steps has the variance 1 − ρ^2k.
    new = 1.0 - np.exp(-2.0 * ahead / np.array([144.0, 3.0]))
    variance = (0.36 * sigma**2 + 0.02**2) * new[0] + (0.45 * sigma) ** 2 * new[1]
    assert expected.shape == loads.p_w[ahead:].shape
    assert error.std(axis=0) == pytest.approx(np.sqrt(variance), rel=0.2)
    assert np.abs(error.mean(axis=0)).max() < 0.03
    persistence = loads.p_w[ahead:] - loads.p_w[:-ahead]
    assert (np.abs(loads.p_w[ahead:] - expected).mean(axis=0) < np.abs(persistence).mean(axis=0)).all()
