"""Lines of captures whose phasors are known, at any frequency of the grid."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.spectrum import between, fit, strongest, transform

COUNT, RATE_HZ, ORDERS = 1280, 6400.0, 40
OFFSETS_HZ = (49.2, 49.5, 49.87, 50.0, 50.05, 50.5, 50.8)
SHARES = {3: 0.01, 5: 0.03, 7: 0.02, 11: 0.008, 13: 0.005, 25: 0.004, 40: 0.001}


def frequency(samples):
    """Frequency of one capture near 50 Hz."""
    count = samples.shape[1]
    position, _ = strongest(transform(samples[None]), np.array([50.0 * count / RATE_HZ]), 0.15)
    return position[0] * RATE_HZ / count


def found(samples):
    """Frequency, RMS of the orders [3, 40], and RMS between them [3] of one capture."""
    count, f_hz = samples.shape[1], frequency(samples)
    spectra, position = transform(samples[None]), np.array([f_hz * count / RATE_HZ])
    lines = fit(spectra, count, position, ORDERS)
    return f_hz, lines.rms[0], between(spectra, count, position, lines)[0]


@pytest.mark.parametrize("f_hz", OFFSETS_HZ)
def test_strongest__pure_sinusoid__is_its_frequency(make_wave, f_hz):
    # What is left is the image of the line at the negative frequency, 20 bins away.
    assert frequency(make_wave(f_hz)) == pytest.approx(f_hz, abs=2e-6)


@pytest.mark.parametrize("f_hz", OFFSETS_HZ)
def test_strongest__noise_of_one_per_mille__is_within_a_millihertz(make_wave, rng, f_hz):
    errors = [frequency(make_wave(f_hz, SHARES, noise=1e-3, rng=rng, start=k)) - f_hz for k in range(20)]
    assert np.abs(errors).max() < 1e-3


def test_strongest__line_outside_the_range_or_none__is_nan(make_wave):
    assert frequency(make_wave(43.0)) == pytest.approx(43.0, abs=1e-4)
    assert np.isnan([frequency(make_wave(f_hz)) for f_hz in (30.0, 42.0, 58.0, 70.0)]).all()


@pytest.mark.parametrize("f_hz", OFFSETS_HZ)
def test_fit__known_phasors__are_right_to_parts_per_million(make_wave, f_hz):
    _, rms, _ = found(make_wave(f_hz, SHARES))
    np.testing.assert_allclose(rms[:, 0], 1.0, rtol=1e-6)
    for order, share in SHARES.items():
        np.testing.assert_allclose(rms[:, order - 1], share, rtol=1e-4, atol=1e-6)
    silent = [order - 1 for order in range(2, 41) if order not in SHARES]
    assert rms[:, silent].max() < 1.5e-5


@pytest.mark.parametrize("f_hz", OFFSETS_HZ)
def test_fit__thd_off_the_bins__errs_by_less_than_a_hundredth_of_a_per_cent(make_wave, f_hz):
    _, rms, _ = found(make_wave(f_hz, SHARES))
    thd = np.sqrt((rms[:, 1:] ** 2).sum(axis=1)) / rms[:, 0]
    np.testing.assert_allclose(thd, np.sqrt(sum(x * x for x in SHARES.values())), rtol=1e-4)


def test_fit__rectangular_transform_off_the_bins__errs_a_thousand_times_as_much(make_wave):
    # What the window and the fit are for: the plain ten-cycle transform of the same capture.
    samples = make_wave(49.5, SHARES)
    thd = np.sqrt(sum(x * x for x in SHARES.values()))
    plain = np.abs(np.fft.rfft(samples))[:, 10:410:10]
    _, rms, _ = found(samples)
    by_fit, by_bins = (np.sqrt((x[:, 1:] ** 2).sum(axis=1)) / x[:, 0] for x in (rms, plain))
    assert np.abs(by_bins - thd).min() > 1e3 * np.abs(by_fit - thd).max()


@pytest.mark.parametrize("f_hz", [49.5, 50.0, 50.5])
@pytest.mark.parametrize("order", [2, 3, 40])
def test_fit__small_harmonic_beside_the_fundamental__is_seen(make_wave, f_hz, order):
    _, rms, _ = found(make_wave(f_hz, {order: 1e-3}))
    np.testing.assert_allclose(rms[:, order - 1], 1e-3, rtol=0.02)


@pytest.mark.parametrize("f_hz", [49.2, 49.5, 50.0, 50.5, 50.8])
def test_fit__line_half_way_between_orders__is_in_none(make_wave, f_hz):
    _, rms, rest = found(make_wave(f_hz, between={3.5 * f_hz: 0.01, 7.5 * f_hz: 0.01}))
    assert rms[:, 1:].max() < 4e-5
    np.testing.assert_allclose(rest, np.hypot(0.01, 0.01), rtol=0.02)


@pytest.mark.parametrize("order", [2, 5, 11])
def test_fit__line_half_way__is_in_no_iec_subgroup_but_half_in_each_group(make_wave, order):
    samples = make_wave(50.0, {order: 0.02}, between={50.0 * (order + 0.5): 0.01})
    square = (np.abs(np.fft.rfft(samples)) * np.sqrt(2.0) / COUNT) ** 2
    middle = 10 * order
    subgroup = np.sqrt(square[:, middle - 1 : middle + 2].sum(axis=1))
    group = square[:, middle - 4 : middle + 5].sum(axis=1)
    group = np.sqrt(group + 0.5 * (square[:, middle - 5] + square[:, middle + 5]))
    _, rms, _ = found(samples)
    np.testing.assert_allclose(rms[:, order - 1], subgroup, rtol=1e-9)
    np.testing.assert_allclose(group, np.hypot(0.02, 0.01 / np.sqrt(2.0)), rtol=1e-9)


@pytest.mark.parametrize("f_hz", OFFSETS_HZ)
def test_between__harmonics_only__is_next_to_nothing(make_wave, f_hz):
    assert found(make_wave(f_hz, SHARES))[2].max() < 2e-4


def test_between__white_noise__is_its_share_of_the_band(make_wave, rng):
    rest = np.array([found(make_wave(50.0, noise=0.01, rng=rng))[2] for _ in range(30)])
    # Seven of ten bins up to order 40 of the 640 that hold the noise.
    assert np.sqrt((rest**2).mean()) == pytest.approx(0.01 * np.sqrt(0.7 * 405 / 640), rel=0.05)


@settings(max_examples=60)
@given(
    f_hz=st.floats(46.0, 54.0),
    start=st.floats(0.0, 6.28),
    order=st.integers(2, 40),
    share=st.floats(2e-3, 0.2),
    count=st.sampled_from([1280, 1536, 2560]),
)
def test_fit__any_harmonic_at_any_frequency__is_found(make_wave, f_hz, start, order, share, count):
    f_found, rms, _ = found(make_wave(f_hz, {order: share}, count=count, start=start))
    assert f_found == pytest.approx(f_hz, abs=2e-3)
    np.testing.assert_allclose(rms[:, order - 1], share, rtol=0.02)
    np.testing.assert_allclose(rms[:, 0], 1.0, rtol=2e-4)
