"""Windows from requests are those that training would cut from the same readings."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import numpy as np
import pytest

from data_contracts.wire.request import Item, Reading
from data_contracts.wire.rows import pack
from features import INDEX, SEQUENCE_NAMES, FeatureError, compute
from features import channels as ch
from features.online import windows_from_rows
from features.sequence import sequence

START = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
OPTIONAL = ("v_ll", "v_min", "v_max", "thd")


def item(windows, row=0, keep=10, optional=True, quality=None):
    """The last `keep` readings of a window as a request's item."""
    readings = []
    for step in range(10 - keep, 10):
        fields = {
            name: tuple(float(x) for x in windows.channel(name)[row, step])
            for name in ("v", "i", "p", "q", *(OPTIONAL if optional else ()))
        }
        if optional:
            fields["pst"] = float(windows.channel("pst")[row, step])
        if quality:
            fields["quality"] = quality[step]
        moment = START + timedelta(seconds=step)
        readings.append(Reading(t=moment, f=float(windows.channel("f")[row, step]), **fields))
    return Item(substation="mumbai", point="DTX1.LV", readings=readings)


def test_windows__items_of_full_length__are_the_samples(make_windows, rng, nominals):
    wanted = make_windows(rng, 3)
    found = windows_from_rows(pack([item(wanted, row) for row in range(3)]), [nominals] * 3)
    np.testing.assert_array_equal(found.samples, wanted.samples)
    np.testing.assert_array_equal(found.t_end, [(START + timedelta(seconds=9)).timestamp()] * 3)
    np.testing.assert_array_equal(found.length, [10, 10, 10])
    assert (found.quality == 0).all()
    together = compute(found)
    alone = compute(windows_from_rows(pack([item(wanted, 1)]), [nominals]))
    np.testing.assert_allclose(alone[0], together[1], rtol=0.0, atol=1e-12)


def test_windows__more_than_ten_readings__the_last_ten_count(make_windows, rng, nominals):
    wanted = make_windows(rng, 1)
    long = item(wanted)
    early = [
        Reading(t=START - timedelta(seconds=k), v=(1,) * 3, i=(1,) * 3, p=(1,) * 3, q=(1,) * 3, f=1.0)
        for k in (2, 1)
    ]
    long = Item(substation="mumbai", point="DTX1.LV", readings=[*early, *long.readings])
    found = windows_from_rows(pack([long]), [nominals])
    np.testing.assert_array_equal(found.samples, wanted.samples)
    assert found.length[0] == 10


def test_windows__short_item_beside_a_long_one__is_right_aligned(make_windows, rng, nominals):
    wanted = make_windows(rng, 2)
    found = windows_from_rows(pack([item(wanted, 0, keep=4), item(wanted, 1)]), [nominals] * 2)
    np.testing.assert_array_equal(found.length, [4, 10])
    assert np.isnan(found.samples[:6, :, 0]).all()
    assert (found.quality[:6, 0] == ch.INVALID).all()
    np.testing.assert_array_equal(found.samples[6:, :, 0], wanted.samples[6:, :, 0])
    np.testing.assert_array_equal(found.samples[:, :, 1], wanted.samples[:, :, 1])
    assert compute(found)[0, INDEX["missing_share"]] == pytest.approx(0.6)


def test_windows__optional_channels_absent__are_missing(make_windows, rng, nominals):
    found = windows_from_rows(pack([item(make_windows(rng, 1), optional=False)]), [nominals])
    assert np.isnan(found.samples[:, : ch.POWER.start]).all()
    assert np.isfinite(found.samples[:, ch.POWER.start :]).all()


def test_sequence__readings_by_wire__are_those_of_the_series(make_windows, rng, nominals):
    series = 50.0 + 0.05 * rng.standard_normal((3, 10))
    wanted = make_windows(rng, 3, f=series)
    found = windows_from_rows(pack([item(wanted, row) for row in range(3)]), [nominals] * 3)
    steps = sequence(found.channel("f"), found.f_nom_hz)
    np.testing.assert_array_equal(steps, sequence(series, np.full(3, nominals.f_nom_hz)))
    assert steps.shape == (3, len(SEQUENCE_NAMES))
    by_name = dict(zip(SEQUENCE_NAMES, steps[1], strict=True))
    assert by_name["seq_dev_hz.0"] == series[1, 0] - 50.0
    assert by_name["seq_dev_hz.9"] == series[1, 9] - 50.0


def test_sequence__too_few_readings_by_wire__are_nan(make_windows, rng, nominals):
    found = windows_from_rows(pack([item(make_windows(rng, 1), keep=9)]), [nominals])
    assert np.isnan(sequence(found.channel("f"), found.f_nom_hz)).all()


def test_windows__qualities__become_codes(make_windows, rng, nominals):
    words = ["good", "questionable", "invalid"] + ["good"] * 7
    found = windows_from_rows(pack([item(make_windows(rng, 1), quality=words)]), [nominals])
    np.testing.assert_array_equal(found.quality[:, 0], [0, 1, 2] + [0] * 7)


def test_windows__waveforms_of_two_rates__are_grouped(make_windows, rng, nominals):
    wanted = make_windows(rng, 3)
    waves = {
        2: SimpleNamespace(rate_hz=6400.0, v=rng.random((3, 8)).tolist(), i=rng.random((3, 8)).tolist()),
        0: SimpleNamespace(rate_hz=6400.0, v=rng.random((3, 8)).tolist(), i=rng.random((3, 8)).tolist()),
        1: SimpleNamespace(rate_hz=3200.0, v=rng.random((3, 4)).tolist(), i=rng.random((3, 4)).tolist()),
    }
    found = windows_from_rows(pack([item(wanted, row) for row in range(3)]), [nominals] * 3, waves)
    groups = {group.rate_hz: group for group in found.waveforms}
    assert set(groups) == {6400.0, 3200.0}
    for place, row in enumerate(groups[6400.0].rows):
        np.testing.assert_array_equal(groups[6400.0].i[place], waves[int(row)].i)
    np.testing.assert_array_equal(groups[3200.0].rows, [1])


def test_windows__what_does_not_fit__is_refused(make_windows, rng, nominals):
    packed = pack([item(make_windows(rng, 1))])
    with pytest.raises(FeatureError, match="2 nominals for 1 items"):
        windows_from_rows(packed, [nominals] * 2)
    wave = SimpleNamespace(rate_hz=3200.0, v=[[0.0] * 4] * 3, i=[[0.0] * 5] * 3)
    with pytest.raises(FeatureError, match=r"phases have \[4, 5\] samples"):
        windows_from_rows(packed, [nominals], {0: wave})
    empty = Item(substation="mumbai", point="F331", readings=[])
    packed = pack([item(make_windows(rng, 1)), empty])
    with pytest.raises(FeatureError, match="item 1 has no reading"):
        windows_from_rows(packed, [nominals] * 2)
