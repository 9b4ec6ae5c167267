"""Harmonic features of synthesised waveforms whose content is known."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features import INDEX, FeatureError, Waveforms, compute
from features.groups.harmonics import BANDS, CHUNK, FEATURES, I_ORDERS, V_ORDERS, harmonic_features

NAMES = [feature.name for feature in FEATURES]
SHARES = {2: 0.002, 3: 0.01, 5: 0.03, 7: 0.02, 11: 0.008, 13: 0.005, 25: 0.004, 37: 0.003}
THD = 100.0 * np.sqrt(sum(share**2 for share in SHARES.values()))


@pytest.fixture
def capture(make_wave, nominals):
    """The same wave in volts and amperes, [k, 3, count]."""

    def make(rows=(0,), level=1.0, rate_hz=6400.0, **about):
        about = {"shares": SHARES, "rate_hz": rate_hz} | about
        stack = np.repeat(level * make_wave(**about)[None], len(rows), axis=0)
        rows = np.array(rows, np.int64)
        return Waveforms(rows, rate_hz, nominals.v_nom_v * stack, nominals.i_rated_a * stack)

    return make


@pytest.fixture
def content(make_windows, rng):
    """Harmonic features by name of windows with these captures."""

    def make(*groups, n=1, **channels):
        rows = compute(replace(make_windows(rng, n, **channels), waveforms=groups))
        return {name: rows[:, INDEX[name]] for name in NAMES}

    return make


def part(first, last, step=1):
    return 100.0 * np.sqrt(sum(SHARES.get(order, 0.0) ** 2 for order in range(first, last + 1, step)))


@pytest.mark.parametrize("f_hz", [49.2, 49.5, 49.9, 50.0, 50.3, 50.5, 50.8])
def test_harmonics__known_waveform__are_its_content(capture, content, f_hz):
    found = {name: value[0] for name, value in content(capture(f_hz=f_hz)).items()}
    expected = {"thd_v_wave_pct": THD, "thd_i_wave_pct": THD, "tdd_i_pct": THD}
    expected |= {f"h{order}_v_pct": 100.0 * SHARES.get(order, 0.0) for order in V_ORDERS}
    expected |= {f"h{order}_i_pct": 100.0 * SHARES.get(order, 0.0) for order in I_ORDERS}
    expected |= {f"thd_h{first}_h{last}_v_pct": part(first, last) for first, last in BANDS}
    expected |= {"even_v_pct": part(2, 40, 2), "v1_wave_pu": 1.0, "f_wave_hz": f_hz}
    heating = 1.0 + sum((order * share) ** 2 for order, share in SHARES.items())
    expected["k_factor_i"] = heating / (1.0 + (THD / 100.0) ** 2)
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, rel=1e-4, abs=2e-3), name
    # Leakage is below a fiftieth of a per cent of the fundamental, a spread between equal phases far below.
    assert found["interharmonic_v_pct"] < 0.02
    assert found["thd_v_wave_spread_pct"] < 2e-4
    assert expected.keys() | {"v_crest", "i_crest", "interharmonic_v_pct", "thd_v_wave_spread_pct"} == set(
        NAMES
    )


def test_harmonics__on_the_bin__are_exact(capture, content):
    found = content(capture())
    assert found["thd_v_wave_pct"][0] == pytest.approx(THD, rel=1e-12)
    assert found["h2_v_pct"][0] == pytest.approx(0.2, rel=1e-9)
    assert found["interharmonic_v_pct"][0] < 1e-9


def test_harmonics__bands__add_up_to_the_thd(capture, content, rng):
    found = content(capture(f_hz=49.7, noise=1e-3, rng=rng))
    bands = sum(found[f"thd_h{first}_h{last}_v_pct"] ** 2 for first, last in BANDS)
    np.testing.assert_allclose(np.sqrt(bands), found["thd_v_wave_pct"], rtol=1e-12)


def test_harmonics__orders__are_all_of_the_phase_with_the_largest_thd(capture, content):
    mild, strong = capture(shares={5: 0.04}), capture(shares={3: 0.05, 7: 0.01})
    v = mild.v.copy()
    v[:, 1] = strong.v[:, 1]
    found = content(replace(mild, v=v))
    assert found["thd_v_wave_pct"][0] == pytest.approx(100.0 * np.hypot(0.05, 0.01), rel=1e-9)
    assert found["thd_v_wave_spread_pct"][0] == pytest.approx(100.0 * np.hypot(0.05, 0.01) - 4.0, rel=1e-9)
    assert [found[f"h{order}_v_pct"][0] for order in (3, 5, 7)] == pytest.approx([5.0, 0.0, 1.0], abs=1e-9)
    assert found["h5_i_pct"][0] == pytest.approx(4.0, rel=1e-9)


def test_harmonics__dead_phase__is_left_out(capture, content, rng):
    wave = capture(f_hz=49.6)
    v, i = wave.v.copy(), wave.i.copy()
    v[:, 2] = 1e-4 * rng.standard_normal(v[:, 2].shape)
    i[:, 0] = 0.0
    found = content(replace(wave, v=v, i=i))
    for name in ("thd_v_wave_pct", "thd_i_wave_pct", "tdd_i_pct"):
        assert found[name][0] == pytest.approx(THD, rel=1e-4), name
    assert all(np.isfinite(value).all() for value in found.values())


def test_harmonics__dead_voltages__leave_the_currents(capture, content):
    wave = capture(f_hz=50.4)
    found = content(replace(wave, v=1e-5 * wave.v))
    assert found["f_wave_hz"][0] == pytest.approx(50.4, abs=1e-5)
    assert found["h5_i_pct"][0] == pytest.approx(3.0, rel=1e-5)
    assert all(np.isnan(value[0]) for name, value in found.items() if "_v_" in name or name == "v_crest")


def test_harmonics__currents_at_part_load__are_of_their_fundamental_and_of_the_rating(capture, content):
    wave = capture()
    found = content(replace(wave, i=0.25 * wave.i))
    assert found["thd_i_wave_pct"][0] == pytest.approx(THD, rel=1e-9)
    assert found["tdd_i_pct"][0] == pytest.approx(THD / 4.0, rel=1e-9)


def test_crest__sine_and_peaky_wave__are_known(capture, content):
    assert content(capture(shares={}))["v_crest"][0] == pytest.approx(np.sqrt(2.0), rel=1e-3)
    wave = capture(shares={})
    t = np.arange(1280) / 6400.0
    peaky = np.cos(2.0 * np.pi * 50.0 * t) + 0.2 * np.cos(6.0 * np.pi * 50.0 * t)
    v = wave.v.copy()
    v[:] = peaky * np.abs(wave.v).max()
    found = content(replace(wave, v=v))
    assert found["v_crest"][0] == pytest.approx(1.2 * np.sqrt(2.0) / np.hypot(1.0, 0.2), rel=1e-6)


def test_harmonics__interharmonics__are_those_of_the_worst_phase(capture, content):
    wave, quiet = capture(f_hz=49.8, between={185.0: 0.004, 610.0: 0.003}), capture(f_hz=49.8)
    v = quiet.v.copy()
    v[:, 0] = wave.v[:, 0]
    # A line three bins from an order loses a few per cent of itself to the bins that count as the order's.
    assert content(replace(quiet, v=v))["interharmonic_v_pct"][0] == pytest.approx(0.5, rel=0.05)


def test_harmonics__metered_frequency__does_not_matter(capture, content):
    wave = capture(f_hz=49.4)
    right, wrong, missing = (content(wave, f=f_hz) for f_hz in (49.4, 50.6, np.nan))
    for name in NAMES:
        assert right[name][0] == wrong[name][0] == missing[name][0], name


def test_harmonics__sixty_hertz_beside_fifty__each_by_its_own_nominal(make_wave, nominals):
    wave = np.stack([make_wave(50.3, SHARES), make_wave(59.6, SHARES)])
    group = Waveforms(np.arange(2), 6400.0, nominals.v_nom_v * wave, nominals.i_rated_a * wave)
    bases = np.full(2, nominals.v_nom_v), np.full(2, nominals.i_rated_a)
    rows = harmonic_features(group, np.array([50.0, 60.0]), *bases)
    np.testing.assert_allclose(rows[:, NAMES.index("f_wave_hz")], [50.3, 59.6], atol=1e-4)
    np.testing.assert_allclose(rows[:, NAMES.index("thd_v_wave_pct")], THD, rtol=1e-4)
    wrong = harmonic_features(group, np.array([60.0, 50.0]), *bases)
    assert np.isnan(wrong).all()


def test_harmonics__several_groups__land_in_their_rows(capture, content):
    slow = capture(rows=(2,), rate_hz=3200.0, count=640, shares={})
    found = content(capture(rows=(4, 1)), slow, n=6)
    assert all(np.isnan(value[[0, 3, 5]]).all() for value in found.values())
    np.testing.assert_allclose(found["thd_v_wave_pct"][[1, 4]], THD)
    np.testing.assert_allclose(found["thd_v_wave_pct"][2], 0.0, atol=1e-6)
    # Orders 26 to 40 end above the 31 that 3,200 Hz reach.
    assert np.isnan(found["thd_h26_h40_v_pct"][2])
    assert found["thd_h14_h25_v_pct"][2] == pytest.approx(0.0, abs=1e-6)


@settings(max_examples=15)
@given(
    seed=st.integers(0, 2**32),
    n=st.integers(1, CHUNK + 3),
    dead=st.floats(0.0, 0.5),
    kind=st.sampled_from([(6400.0, 1280), (5000.0, 900), (2000.0, 512)]),
)
def test_harmonics__any_batch__equals_one_at_a_time(make_windows, make_wave, nominals, seed, n, dead, kind):
    rng = np.random.default_rng(seed)
    rate_hz, count = kind
    waves = [make_wave(f_hz, SHARES, count=count, rate_hz=rate_hz) for f_hz in rng.uniform(41.0, 59.0, n)]
    samples = np.stack(waves) * (1.0 + 1e-3 * rng.standard_normal((n, 3, count)))
    v, i = (samples * (rng.random((n, 3, 1)) >= dead) for _ in range(2))
    group = Waveforms(rng.permutation(n), rate_hz, nominals.v_nom_v * v, nominals.i_rated_a * i)
    together = replace(make_windows(rng, n), waveforms=(group,))
    alone = np.concatenate([compute(together.take([row])) for row in range(n)])
    batch = compute(together)
    np.testing.assert_array_equal(np.isnan(batch), np.isnan(alone))
    np.testing.assert_allclose(batch, alone, rtol=1e-12, atol=1e-12)
    assert not np.isinf(batch).any()


@pytest.mark.parametrize(
    "wave",
    [{"count": 512}, {"level": 1e-5}, {"f_hz": 41.0}, {"count": 64}, {"rate_hz": 100_000.0, "count": 1280}],
    ids=["four cycles", "dead", "not near nominal", "half a cycle", "fast and short"],
)
def test_harmonics__capture_of_no_use__are_nan(capture, content, wave):
    assert all(np.isnan(value[0]) for value in content(capture(**wave)).values())


def test_harmonics__slow_sampling__gives_only_the_orders_in_reach(capture, content):
    found = content(capture(rate_hz=1000.0, count=200, shares={3: 0.01, 5: 0.03}))
    assert [found[f"h{order}_v_pct"][0] for order in (3, 5, 7)] == pytest.approx([1.0, 3.0, 0.0], abs=1e-6)
    assert found["thd_h2_h7_v_pct"][0] == pytest.approx(100.0 * np.hypot(0.01, 0.03), rel=1e-9)
    for name in ("thd_v_wave_pct", "h11_v_pct", "thd_h8_h13_v_pct", "k_factor_i", "interharmonic_v_pct"):
        assert np.isnan(found[name][0]), name


def test_waveforms__wrong_shape_or_rate__are_refused(capture):
    good = capture()
    with pytest.raises(FeatureError, match="must both be"):
        replace(good, i=good.i[:, :2])
    with pytest.raises(FeatureError, match="rate_hz is 0"):
        replace(good, rate_hz=0)
