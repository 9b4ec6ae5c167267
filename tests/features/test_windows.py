"""The struct of windows: shapes are checked, subsets keep what belongs to them."""

from dataclasses import replace

import numpy as np
import pytest

from features import FeatureError, PointNominals, Waveforms, Windows


def test_from_arrays__channels__come_back_as_given(make_windows, rng, nominals):
    v, f = rng.random((4, 10, 3)), rng.random((4, 10))
    windows = make_windows(rng, 4, v=v, f=f)
    np.testing.assert_allclose(windows.channel("v"), v * nominals.v_nom_v)
    np.testing.assert_array_equal(windows.channel("f"), f)
    assert len(windows) == 4


def test_from_arrays__wrong_shape__names_the_channel(nominals):
    good = np.ones((2, 10, 3))
    with pytest.raises(FeatureError, match=r"q has shape \(2, 9, 3\), must be \(2, 10, 3\)"):
        Windows.from_arrays(
            v=good, i=good, p=good, q=good[:, :9], f=np.ones((2, 10)), t_end=[0.0, 1.0], nominals=nominals
        )
    with pytest.raises(FeatureError, match="3 nominals for 2 windows"):
        Windows.from_arrays(
            v=good, i=good, p=good, q=good, f=np.ones((2, 10)), t_end=[0.0, 1.0], nominals=[nominals] * 3
        )


def test_windows__samples_of_another_shape__are_refused(make_windows, rng):
    windows = make_windows(rng, 2)
    with pytest.raises(FeatureError, match="must be"):
        replace(windows, samples=windows.samples[:, :, :1])


def test_take__windows_with_waveforms__keeps_theirs(make_windows, rng):
    wave = rng.random((2, 3, 64))
    windows = replace(make_windows(rng, 5), waveforms=(Waveforms(np.array([1, 3]), 3200.0, wave, wave),))
    taken = windows.take([3, 0, 3])
    np.testing.assert_array_equal(taken.waveforms[0].rows, [0, 2])
    np.testing.assert_array_equal(taken.waveforms[0].v, wave[[1, 1]])
    np.testing.assert_array_equal(taken.t_end, windows.t_end[[3, 0, 3]])
    assert windows.take([0, 2]).waveforms == ()


@pytest.mark.parametrize("field", ["v_nom_v", "i_rated_a", "s_rated_va", "f_nom_hz"])
@pytest.mark.parametrize("value", [0.0, -1.0, float("nan"), float("inf")])
def test_nominals__not_positive__are_refused(nominals, field, value):
    values = {name: getattr(nominals, name) for name in nominals.__slots__}
    with pytest.raises(FeatureError, match=field):
        PointNominals(**(values | {field: value}))
