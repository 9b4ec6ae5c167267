"""Features of windows whose answer is known without computing."""

from datetime import UTC, datetime

import numpy as np
import pytest

from features import INDEX, compute

K = np.arange(10.0)
LEVEL = np.ones((10, 3))


def one(windows):
    row = compute(windows)[0]
    return lambda name: row[INDEX[name]]


def noisy(rng, scale=1e-4):
    """Three phases that move on their own a little, around 1 pu, [10, 3]."""
    return 1.0 + scale * rng.standard_normal((10, 3))


def test_trends__straight_lines__are_their_slopes(make_windows, rng):
    ramp = (1.0 + 0.01 * K)[:, None] * LEVEL
    get = one(make_windows(rng, 1, v=ramp, i=2.0 * ramp, p=-ramp, q=-0.5 * ramp, f=50.0 + 0.02 * K))
    assert get("v_ramp_pu_s") == pytest.approx(0.01)
    assert get("i_ramp_pu_s") == pytest.approx(0.02)
    assert get("p_ramp_pu_s") == pytest.approx(-0.01)
    assert get("q_ramp_pu_s") == pytest.approx(-0.005)
    assert get("rocof_hz_s") == pytest.approx(0.02)
    assert get("f_roll_trend_hz_s") == pytest.approx(0.02)
    assert get("v_roll_mean_pu") == pytest.approx(1.07)
    assert get("v_roll_min_pu") == pytest.approx(1.05)
    assert get("v_roll_max_pu") == pytest.approx(1.09)
    assert get("f_step_max_hz") == pytest.approx(0.02)
    assert get("v_drift_pu") == pytest.approx(0.0, abs=1e-12)


def test_trends__gaps__change_nothing_on_a_straight_line(make_windows, rng):
    ramp = (1.0 + 0.01 * K)[:, None] * LEVEL
    ramp[[0, 3, 7]] = np.nan
    get = one(make_windows(rng, 1, v=ramp))
    assert get("v_ramp_pu_s") == pytest.approx(0.01)
    assert get("v_roll_trend_pu_s") == pytest.approx(0.01)
    assert get("v_step_max_pu") == pytest.approx(0.01)


def test_shape__stuck_phase__has_no_spread(make_windows, rng):
    v = noisy(rng)
    v[:, 1] = 0.9987
    get = one(make_windows(rng, 1, v=v))
    assert get("v_stuck_log") == -9.0
    assert get("v_std_ratio_log") < -4.5


def test_shape__drifting_phase__is_seen_against_the_others(make_windows, rng):
    v = noisy(rng, 0.0)
    v[:, 2] += 0.003 * K
    # The drifting phase moves by 0.003, the three-phase mean by a third of it.
    assert one(make_windows(rng, 1, v=v))("v_drift_pu") == pytest.approx(9 * 0.002)


def test_shape__common_step__is_no_step_apart(make_windows, rng):
    v = noisy(rng, 0.0)
    v[5:] -= 0.04
    get = one(make_windows(rng, 1, v=v))
    assert get("v_step_max_pu") == pytest.approx(0.04)
    assert get("v_step_common_pu") == pytest.approx(0.04)
    assert get("v_step_diff_pu") == pytest.approx(0.0, abs=1e-12)
    assert get("v_range_pu") == pytest.approx(0.04)
    assert get("v_spike_pu") == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize("size", [0.06, -0.06])
def test_shape__spike__is_told_from_a_step(make_windows, rng, size):
    spiked, stepped = noisy(rng, 0.0), noisy(rng, 0.0)
    spiked[4, 0] += size
    stepped[4:, 0] += size
    # Against the mean, which takes a third of it.
    assert one(make_windows(rng, 1, v=spiked))("v_spike_pu") == pytest.approx(0.04)
    assert one(make_windows(rng, 1, v=stepped))("v_spike_pu") == pytest.approx(0.0, abs=1e-12)
    assert one(make_windows(rng, 1, v=stepped))("v_step_diff_pu") == pytest.approx(0.04)


def test_quality__dip_within_a_second__is_its_depth(make_windows, rng):
    low, high = LEVEL.copy(), LEVEL.copy()
    low[3, 1], high[6, 2] = 0.667, 1.12
    get = one(make_windows(rng, 1, v=LEVEL, v_min=low, v_max=high))
    assert get("v_min_dip_pu") == pytest.approx(0.333)
    assert get("v_max_rise_pu") == pytest.approx(0.12)


def test_power__known_triangle__gives_its_factors(make_windows, rng):
    get = one(make_windows(rng, 1, p=-0.6, q=0.8, i=1.0))
    assert get("pf_total") == pytest.approx(-0.6)
    assert get("reactive_factor") == pytest.approx(0.8)
    assert get("s_total_pu") == pytest.approx(1.0)
    assert get("utilisation_mva_pu") == pytest.approx(1.0)
    assert get("load_factor") == pytest.approx(1.0)
    assert get("pf_spread") == pytest.approx(0.0, abs=1e-12)


def test_consistency__swapped_currents__spread_the_power_factor(make_windows, rng):
    # Currents of a and b exchanged against balanced voltages turn their angles by ±120°.
    angle = 0.3 + np.array([2.0, -2.0, 0.0]) * np.pi / 3.0
    swapped = one(make_windows(rng, 1, p=np.cos(angle), q=np.sin(angle)))
    straight = one(make_windows(rng, 1, p=np.cos(0.3), q=np.sin(0.3)))
    assert swapped("pf_spread") > 1.0 > straight("pf_spread")


def test_consistency__voltage_reads_low__leaves_a_power_residual(make_windows, rng, nominals):
    base = 3.0 * nominals.v_nom_v * nominals.i_rated_a / nominals.s_rated_va
    get = one(make_windows(rng, 1, v=np.array([0.9, 1.0, 1.0]), i=0.5, p=0.5 * base, q=0.0))
    assert get("s_vi_residual_a_pu") == pytest.approx(0.05 * base)
    assert get("s_vi_residual_b_pu") == pytest.approx(0.0, abs=1e-12)


def test_loading__one_loaded_phase__loses_three_times_as_much(make_windows, rng):
    get = one(make_windows(rng, 1, i=np.array([0.9, 0.0, 0.0])))
    assert get("loss_unbalance_ratio") == pytest.approx(3.0)
    assert get("loss_proxy_pu2") == pytest.approx(0.27)
    assert get("utilisation_i_pu") == pytest.approx(0.9)
    assert get("i_unbalance_pct") == pytest.approx(200.0)


@pytest.mark.parametrize(
    ("local", "weekend"),
    [
        ((2026, 1, 5, 6, 0), 0.0),
        ((2026, 1, 10, 0, 0), 1.0),
        ((2026, 1, 11, 23, 59), 1.0),
        ((2026, 1, 12, 0, 0), 0.0),
    ],
)
def test_calendar__local_time__decides(make_windows, rng, nominals, local, weekend):
    moment = datetime(*local, tzinfo=UTC)
    get = one(make_windows(rng, 1, t_end=[moment.timestamp() - nominals.utc_offset_s]))
    hour, day = local[3] + local[4] / 60.0, moment.weekday()
    assert get("weekend") == weekend
    assert (get("hour_sin"), get("hour_cos")) == pytest.approx(
        (np.sin(np.pi * hour / 12.0), np.cos(np.pi * hour / 12.0)), abs=1e-10
    )
    assert (get("weekday_sin"), get("weekday_cos")) == pytest.approx(
        (np.sin(2.0 * np.pi * day / 7.0), np.cos(2.0 * np.pi * day / 7.0))
    )
