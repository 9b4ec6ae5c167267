"""Harmonic content of synthesised waveforms whose spectrum is known."""

from dataclasses import replace

import numpy as np
import pytest

from features import INDEX, FeatureError, Waveforms, compute
from features.groups.harmonics import FEATURES

NAMES = [feature.name for feature in FEATURES]
SHARES = {3: 0.01, 5: 0.03, 7: 0.02, 11: 0.008, 13: 0.005}
THD = 100.0 * np.sqrt(sum(share**2 for share in SHARES.values()))


def capture(nominals, rows=(0,), f_hz=50.0, rate_hz=6400.0, count=1280, shares=SHARES, level=1.0, phases=1.0):
    """The same harmonics in volts and amperes of all phases, phase-shifted, [k, 3, count]."""
    t = np.arange(count) / rate_hz
    lag = np.array([0.0, 1.0, 2.0])[:, None] / 3.0
    wave = np.sin(2.0 * np.pi * (f_hz * t - lag))
    for order, share in shares.items():
        wave = wave + share * np.sin(2.0 * np.pi * order * (f_hz * t - lag) + 0.3 * order)
    wave = np.sqrt(2.0) * level * wave * np.reshape(phases, (-1, 1))
    stack = np.repeat(wave[None], len(rows), axis=0)
    return Waveforms(np.array(rows, np.int64), rate_hz, nominals.v_nom_v * stack, nominals.i_rated_a * stack)


def content(windows, *groups):
    return compute(replace(windows, waveforms=groups))[:, [INDEX[name] for name in NAMES]]


@pytest.mark.parametrize("f_hz", [50.0, 49.9, 50.3])
def test_harmonics__known_waveform__are_its_shares(make_windows, rng, nominals, f_hz):
    found = content(make_windows(rng, 1, f=f_hz), capture(nominals, f_hz=f_hz))[0]
    expected = [THD, *(100.0 * share for share in SHARES.values())] * 2
    np.testing.assert_allclose(found, expected, rtol=0.01)


def test_harmonics__on_the_bin__are_exact(make_windows, rng, nominals):
    found = content(make_windows(rng, 1, f=50.0), capture(nominals))[0]
    np.testing.assert_allclose(found, [THD, 1.0, 3.0, 2.0, 0.8, 0.5] * 2, rtol=1e-9)


def test_harmonics__worst_phase__is_taken_and_dead_ones_left_out(make_windows, rng, nominals):
    windows = make_windows(rng, 1, f=50.0)
    clean, wave = capture(nominals, shares={}), capture(nominals)
    v = clean.v.copy()
    v[:, 1] = wave.v[:, 1]
    v[:, 2] *= 1e-6
    found = content(windows, replace(clean, v=v))[0]
    np.testing.assert_allclose(found[:6], [THD, 1.0, 3.0, 2.0, 0.8, 0.5], rtol=1e-6)
    np.testing.assert_allclose(found[6:], 0.0, atol=1e-6)


def test_harmonics__several_groups__land_in_their_rows(make_windows, rng, nominals):
    windows = make_windows(rng, 6, f=50.0)
    found = content(
        windows,
        capture(nominals, rows=(4, 1)),
        capture(nominals, rows=(2,), rate_hz=3200.0, count=640, shares={}),
    )
    assert np.isnan(found[[0, 3, 5]]).all()
    np.testing.assert_allclose(found[[1, 4], 0], THD)
    np.testing.assert_allclose(found[2], 0.0, atol=1e-6)


def test_harmonics__many_and_one__are_the_same(make_windows, rng, nominals):
    windows = make_windows(rng, 5, f=50.02)
    group = capture(nominals, rows=range(5), f_hz=50.02)
    noisy = replace(group, v=group.v * (1.0 + 1e-3 * rng.standard_normal(group.v.shape)))
    together = replace(windows, waveforms=(noisy,))
    alone = np.concatenate([compute(together.take([row])) for row in range(5)])
    np.testing.assert_allclose(compute(together), alone, rtol=0.0, atol=1e-12)


@pytest.mark.parametrize(
    "wave",
    [{"count": 512}, {"level": 1e-5}],
    ids=["four cycles", "dead"],
)
def test_harmonics__capture_of_no_use__are_nan(make_windows, rng, nominals, wave):
    assert np.isnan(content(make_windows(rng, 1, f=50.0), capture(nominals, **wave))).all()


def test_harmonics__slow_sampling__gives_only_the_orders_in_reach(make_windows, rng, nominals):
    found = content(
        make_windows(rng, 1, f=50.0), capture(nominals, rate_hz=1000.0, count=200, shares={3: 0.01, 5: 0.03})
    )
    np.testing.assert_allclose(found[0, 1:4], [1.0, 3.0, 0.0], atol=1e-6)
    assert np.isnan(found[0, [0, 4, 5]]).all()


def test_harmonics__frequency_missing__uses_the_nominal(make_windows, rng, nominals):
    np.testing.assert_allclose(content(make_windows(rng, 1, f=np.nan), capture(nominals))[0, 0], THD)


def test_waveforms__wrong_shape_or_rate__are_refused(nominals):
    good = capture(nominals)
    with pytest.raises(FeatureError, match="must both be"):
        replace(good, i=good.i[:, :2])
    with pytest.raises(FeatureError, match="rate_hz is 0"):
        replace(good, rate_hz=0)
