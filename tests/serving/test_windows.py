"""Windows of requests against windows laid out by hand."""

import msgspec
import numpy as np
import pytest
from msgspec import UNSET

import features
from data_contracts.wire import Item, pack
from serving.sites import Sites
from serving.windows import windows_of


@pytest.fixture(scope="module")
def sites():
    return Sites.read(["mumbai"])


def convert(item):
    return msgspec.convert(item, Item)


def test_windows_of__ten_readings__same_as_from_arrays(sites, item):
    given = convert(item())
    site = sites.find(given)
    windows = windows_of(pack([given]), [site], [UNSET])
    channels = {
        name: np.array([[getattr(reading, name) for reading in given.readings]])
        for name in ("v", "i", "p", "q", "f", "v_ll", "v_min", "v_max", "thd", "pst")
    }
    expected = features.Windows.from_arrays(
        **channels, t_end=[given.readings[-1].t.timestamp()], nominals=site.nominals
    )
    np.testing.assert_array_equal(windows.samples, expected.samples)
    np.testing.assert_array_equal(windows.quality, expected.quality)
    assert windows.v_nom_v[0] == pytest.approx(33e3 / 3**0.5)
    np.testing.assert_array_equal(features.compute(windows), features.compute(expected))


def test_windows_of__items_of_any_length__last_ten_right_aligned(sites, item):
    items = [convert(item(readings)) for readings in (1, 10, 14, 3)]
    rows = pack(items)
    windows = windows_of(rows, [sites.find(one) for one in items], [UNSET] * 4)
    assert windows.length.tolist() == [1, 10, 10, 3]
    assert (windows.quality == 2).sum(axis=0).tolist() == [9, 0, 0, 7]
    f = windows.channel("f")
    assert np.isnan(f).sum(axis=1).tolist() == [9, 0, 0, 7]
    t_last = [one.readings[-1].t.timestamp() for one in items]
    assert windows.t_end.tolist() == t_last
    v_long = np.array([reading.v for reading in items[2].readings[-10:]])
    np.testing.assert_array_equal(windows.channel("v")[2], v_long)


def test_windows_of__waveforms_of_two_rates__grouped_with_their_rows(sites, item):
    def wave(rate_hz, samples):
        return {"rate_hz": rate_hz, "v": [[1.0] * samples] * 3, "i": [[2.0] * samples] * 3}

    items = [
        convert(item(waveform=wave(6400, 128))),
        convert(item()),
        convert(item(waveform=wave(3200, 64))),
        convert(item(waveform=wave(6400, 128))),
    ]
    windows = windows_of(pack(items), [sites.find(one) for one in items], [one.waveform for one in items])
    assert [(group.rate_hz, group.rows.tolist(), group.v.shape) for group in windows.waveforms] == [
        (6400, [0, 3], (2, 3, 128)),
        (3200, [2], (1, 3, 64)),
    ]
