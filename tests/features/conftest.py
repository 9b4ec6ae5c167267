"""Windows to test with: a loaded 33 kV bay with noise, and the ways in which its samples go missing."""

import math
from collections.abc import Callable

import numpy as np
import pytest

from features import PointNominals, Windows

NOMINALS = PointNominals(
    v_nom_v=33e3 / math.sqrt(3.0), i_rated_a=875.0, s_rated_va=50e6, f_nom_hz=50.0, utc_offset_s=19_800.0
)


@pytest.fixture(scope="session")
def nominals() -> PointNominals:
    return NOMINALS


def make(rng: np.random.Generator, n: int, **changes) -> Windows:
    """n complete windows; `changes` replace channels, given per unit of the usual base (f in Hz)."""
    shape = (n, 10, 3)
    v = NOMINALS.v_nom_v * (1.0 + 0.01 * rng.standard_normal(shape))
    i = 420.0 * (1.0 + 0.02 * rng.standard_normal(shape))
    angle = 0.3 + 0.05 * rng.standard_normal(shape)
    channels = {
        "v": v,
        "i": i,
        "p": -v * i * np.cos(angle),
        "q": -v * i * np.sin(angle),
        "f": 50.0 + 0.01 * rng.standard_normal((n, 10)),
        "v_ll": 33e3 * (1.0 + 0.01 * rng.standard_normal(shape)),
        "v_min": v * (1.0 - 0.002 * rng.random(shape)),
        "v_max": v * (1.0 + 0.002 * rng.random(shape)),
        "thd": 1.0 + rng.random(shape),
        "pst": 0.3 + 0.1 * rng.random((n, 10)),
    }
    bases = {
        "v": NOMINALS.v_nom_v,
        "v_min": NOMINALS.v_nom_v,
        "v_max": NOMINALS.v_nom_v,
        "v_ll": 33e3,
        "i": NOMINALS.i_rated_a,
        "p": NOMINALS.s_rated_va / 3.0,
        "q": NOMINALS.s_rated_va / 3.0,
    }
    for name in set(changes) & set(channels):
        value = changes.pop(name)
        if value is None:
            channels[name] = None
        else:
            channels[name] = np.broadcast_to(np.asarray(value) * bases.get(name, 1.0), channels[name].shape)
    return Windows.from_arrays(
        **channels,
        t_end=changes.pop("t_end", 1_767_600_000.0 + 37.0 * np.arange(n)),
        nominals=changes.pop("nominals", NOMINALS),
        **changes,
    )


@pytest.fixture(scope="session")
def make_windows() -> Callable[..., Windows]:
    return make


def wave(f_hz=50.0, shares=None, between=None, count=1280, rate_hz=6400.0, noise=0.0, rng=None, start=0.4):
    """Three phases of RMS 1 with harmonics {order: share} and lines between them {Hz: share}, [3, count]."""
    t = np.arange(count) / rate_hz
    angle = 2.0 * np.pi * (f_hz * t - np.arange(3)[:, None] / 3.0) + start
    samples = np.sin(angle)
    for order, share in (shares or {}).items():
        samples = samples + share * np.sin(order * angle + 0.3 * order)
    for line_hz, share in (between or {}).items():
        samples = samples + share * np.sin(2.0 * np.pi * line_hz * t + np.arange(3)[:, None] + start)
    samples = np.sqrt(2.0) * samples
    return samples if rng is None else samples + noise * rng.standard_normal(samples.shape)


@pytest.fixture(scope="session")
def make_wave() -> Callable[..., np.ndarray]:
    return wave


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(7)
