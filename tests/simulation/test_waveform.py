import numpy as np
import pytest

from simulation.engine import ORDERS
from simulation.harmonics.capture import Interharmonics
from simulation.instruments.waveform import RATE_HZ, Recorder, sample_times, started, synthesise, tones


@pytest.fixture
def phasors() -> np.ndarray:
    rng = np.random.default_rng(2)
    found = rng.standard_normal((3, ORDERS)) + 1j * rng.standard_normal((3, ORDERS))
    found[:, 0] = 100.0
    return found


def spectrum(wave: np.ndarray) -> np.ndarray:
    """RMS phasors of the orders of ten whole cycles, [..., 40]."""
    bins = np.fft.rfft(wave, axis=-1) / wave.shape[-1]
    return np.sqrt(2.0) * bins[..., 10 : 10 * ORDERS + 1 : 10]


def test_sample_times__fifty_hertz__are_1280_samples_of_ten_cycles() -> None:
    times = sample_times(50.0)

    assert times.size == 1280
    assert times[-1] + 1.0 / RATE_HZ == pytest.approx(0.2)


def test_synthesise__ten_whole_cycles__give_the_phasors_back(phasors: np.ndarray) -> None:
    found = spectrum(synthesise(phasors, 50.0, sample_times(50.0)))

    assert np.abs(found - phasors).max() < 1e-9 * 100.0


def test_synthesise__ten_whole_cycles__have_the_rms_of_all_orders(phasors: np.ndarray) -> None:
    wave = synthesise(phasors, 50.0, sample_times(50.0))

    expected = np.sqrt((np.abs(phasors) ** 2).sum(axis=1))
    assert np.sqrt((wave**2).mean(axis=1)) == pytest.approx(expected, rel=1e-12)


def test_synthesise__another_frequency__leaks_into_the_bins_beside(phasors: np.ndarray) -> None:
    times = sample_times(50.0)
    clean = np.abs(np.fft.rfft(synthesise(phasors, 50.0, times)[0]))
    leaking = np.abs(np.fft.rfft(synthesise(phasors, 50.04, times)[0]))

    assert leaking[11] > 1e3 * clean[11]
    # A sample is √2·Re of the phasors' sum, turned by the true frequency.
    turned = phasors[0] * np.exp(2j * np.pi * 50.04 * np.arange(1, ORDERS + 1) * times[77])
    assert synthesise(phasors, 50.04, times)[0, 77] == pytest.approx(np.sqrt(2.0) * turned.sum().real)


def test_started__by_an_angle__is_the_same_wave_later(phasors: np.ndarray) -> None:
    times, shift = sample_times(50.0), 0.003
    later = started(phasors[None], np.array([[2.0 * np.pi * 50.0 * shift]]))[0]

    assert synthesise(later, 50.0, times) == pytest.approx(synthesise(phasors, 50.0, times + shift))


def test_tones__between_orders__have_their_share_of_the_fundamental() -> None:
    between = Interharmonics(np.array([2.5, 7.5]), np.array([0.003, 0.004]), np.zeros((3, 2)))
    fundamental = np.full(3, 200.0 + 0j)

    wave = tones(
        between.share, between, fundamental, np.ones((3, 2), dtype=complex), 50.0 * sample_times(50.0)
    )

    assert between.rms_pct == pytest.approx(0.5)
    assert np.sqrt((wave**2).mean(axis=1)) == pytest.approx(1.0, rel=1e-9)
    assert np.abs(spectrum(wave)).max() < 1e-9


def test_digitise__sixteen_bits__adds_noise_of_a_few_steps_and_saturates() -> None:
    recorder = Recorder.of(nominal_v=100.0, rated_a=10.0)
    step = recorder.v_range / 2**15
    wave = np.tile(150.0 * np.sin(np.linspace(0.0, 60.0, 4000)), (3, 1))

    v, i = recorder.digitise(np.random.default_rng(1), wave, 10.0 * wave)

    assert v.dtype == np.float32
    counts = v.astype(np.float64) / step
    assert np.abs(counts - np.rint(counts)).max() < 2e-3
    assert 0.5 < (v - wave).std() / step < 3.0
    assert i.max() == pytest.approx(recorder.i_range, rel=1e-4)
