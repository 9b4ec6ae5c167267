"""One implementation for one window and for many: same rows, whatever is missing, without a warning."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from features import CATALOGUE, INDEX, NAMES, Windows, compute
from features import channels as ch
from features.engine import CHUNK

ALWAYS = {
    "hour_sin",
    "hour_cos",
    "weekday_sin",
    "weekday_cos",
    "weekend",
    "missing_share",
    "questionable_share",
    "v_nom_log",
}


def spoil(rng: np.random.Generator, windows: Windows, plan: dict) -> Windows:
    """Take samples, phases, channels and readings away; make others constant, zero or infinite."""
    samples, quality = windows.samples.copy(), windows.quality.copy()
    n = len(windows)
    if plan["stuck"]:
        samples[:, ch.V, rng.integers(n)] = samples[0, ch.V, 0][None, :]
    if plan["dead"]:
        samples[:, ch.POWER.start : ch.V.stop, rng.integers(n)] = 0.0
    samples[rng.random(samples.shape) < plan["samples"]] = np.nan
    if plan["infinite"]:
        samples[rng.integers(10), rng.integers(ch.CHANNELS), rng.integers(n)] = np.inf
    gone = rng.random((ch.CHANNELS, n)) < plan["channels"]
    samples[:, gone] = np.nan
    quality[rng.random(quality.shape) < plan["readings"]] = rng.integers(1, 3)
    short = rng.integers(0, 10, n) * (rng.random(n) < plan["short"])
    absent = np.arange(10)[:, None] < short
    samples[np.broadcast_to(absent[:, None, :], samples.shape)] = np.nan
    quality[absent] = ch.INVALID
    return replace(windows, samples=samples, quality=quality, length=10 - short)


plans = st.fixed_dictionaries(
    {
        "stuck": st.booleans(),
        "dead": st.booleans(),
        "infinite": st.booleans(),
        "samples": st.sampled_from([0.0, 0.02, 0.5]),
        "channels": st.sampled_from([0.0, 0.1, 0.6]),
        "readings": st.sampled_from([0.0, 0.1, 0.8]),
        "short": st.sampled_from([0.0, 0.5]),
    }
)


@settings(max_examples=80)
@given(seed=st.integers(0, 2**32), n=st.integers(1, 7), plan=plans)
def test_compute__batch_with_anything_missing__equals_one_at_a_time(make_windows, seed, n, plan):
    rng = np.random.default_rng(seed)
    windows = spoil(rng, make_windows(rng, n), plan)

    batch = compute(windows)
    single = np.concatenate([compute(windows.take([index])) for index in range(n)])

    np.testing.assert_array_equal(np.isnan(batch), np.isnan(single))
    np.testing.assert_allclose(batch, single, rtol=0.0, atol=1e-12)
    assert not np.isinf(batch).any()


def test_compute__complete_window_beside_incomplete_ones__has_the_same_bits(make_windows, rng):
    windows = make_windows(rng, CHUNK + 40)
    samples = windows.samples.copy()
    samples[3, :, ::7] = np.nan
    samples[:, ch.THD, 1::5] = np.nan
    mixed = compute(replace(windows, samples=samples))
    complete = compute(windows)

    whole = np.ones(len(windows), bool)
    whole[::7] = whole[1::5] = False
    np.testing.assert_array_equal(mixed[whole], complete[whole])


def test_compute__order_of_windows__does_not_matter(make_windows, rng):
    windows = make_windows(rng, CHUNK + 3)
    order = rng.permutation(len(windows))
    np.testing.assert_allclose(compute(windows.take(order)), compute(windows)[order], rtol=0.0, atol=1e-12)


def test_compute__no_windows__gives_no_rows(make_windows, rng):
    assert compute(make_windows(rng, 0)).shape == (0, len(NAMES))


def test_compute__nothing_there__gives_nan_but_time_and_sampling(make_windows, rng):
    windows = make_windows(rng, 3)
    gone = compute(replace(windows, samples=np.full_like(windows.samples, np.nan)))
    for feature in CATALOGUE:
        assert np.isfinite(gone[:, INDEX[feature.name]]).all() == (feature.name in ALWAYS), feature.name
    assert (gone[:, INDEX["missing_share"]] == 1.0).all()


def test_compute__everything_there__gives_every_feature_but_harmonics(make_windows, rng):
    rows = compute(make_windows(rng, 50))
    known = np.isfinite(rows).all(axis=0)
    assert {feature.name for feature, there in zip(CATALOGUE, known, strict=True) if not there} == {
        feature.name for feature in CATALOGUE if feature.group == "harmonic"
    }


def test_compute__each_channel_missing__takes_exactly_the_features_that_need_it(make_windows, rng):
    windows = make_windows(rng, 4)
    for channel, rows in ch.CHANNEL_ROWS.items():
        samples = windows.samples.copy()
        samples[:, rows] = np.nan
        found = np.isnan(compute(replace(windows, samples=samples))).all(axis=0)
        for feature in CATALOGUE:
            if feature.group not in ("harmonic", "sampling"):
                assert found[INDEX[feature.name]] == (channel in feature.needs), (channel, feature.name)


def test_compute__invalid_reading__is_as_if_every_channel_were_missing(make_windows, rng):
    windows = make_windows(rng, 5)
    quality = windows.quality.copy()
    quality[[1, 6]] = ch.INVALID
    samples = windows.samples.copy()
    samples[[1, 6]] = np.nan
    np.testing.assert_array_equal(
        compute(replace(windows, quality=quality)), compute(replace(windows, samples=samples))
    )


def test_compute__questionable_reading__is_used_and_counted(make_windows, rng):
    windows = make_windows(rng, 5)
    quality = windows.quality.copy()
    quality[[1, 6, 7]] = ch.QUESTIONABLE
    found, plain = compute(replace(windows, quality=quality)), compute(windows)
    place = INDEX["questionable_share"]
    np.testing.assert_allclose(found[:, place], 0.3)
    np.testing.assert_array_equal(np.delete(found, place, axis=1), np.delete(plain, place, axis=1))


def test_compute__infinite_sample__counts_as_missing(make_windows, rng):
    windows = make_windows(rng, 2)
    infinite, missing = windows.samples.copy(), windows.samples.copy()
    infinite[4, ch.I], missing[4, ch.I] = -np.inf, np.nan
    np.testing.assert_array_equal(
        compute(replace(windows, samples=infinite)), compute(replace(windows, samples=missing))
    )


def test_compute__dead_bus__has_no_infinite_feature(make_windows, rng):
    rows = compute(make_windows(rng, 2, v=0.0, v_ll=0.0, v_min=0.0, v_max=0.0, i=0.0, p=0.0, q=0.0))
    assert not np.isinf(rows).any()
    for name in (
        "pvur_pct",
        "lvur_pct",
        "vuf_line_pct",
        "v0_proxy_pct",
        "pf_total",
        "i_negative_pct",
        "load_factor",
    ):
        assert np.isnan(rows[:, INDEX[name]]).all(), name
    assert (rows[:, INDEX["v_stuck_log"]] == -9.0).all()


def test_compute__fewest_samples__are_as_declared(make_windows, rng):
    windows = make_windows(rng, 1)
    for feature in CATALOGUE:
        if feature.group in ("calendar", "sampling", "level", "harmonic"):
            continue
        for count in range(4):
            samples = windows.samples.copy()
            samples[: 10 - count] = np.nan
            value = compute(replace(windows, samples=samples))[0, INDEX[feature.name]]
            assert np.isfinite(value) == (count >= feature.minimum), (feature.name, count)


def test_import__features_and_online__load_nothing_slow():
    heavy = ("pandas", "pyarrow", "scipy", "sklearn", "mlflow", "onnxruntime")
    names = "features, features.online, features.build, features.table"
    code = f"import sys, {names}; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "[]"
