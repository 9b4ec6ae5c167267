"""Captures of converters' harmonics behind transformers that resonate."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

import features
from switchyard.identity import ScenarioId
from tests.models.synthetic.parts import START, write_part
from tests.models.synthetic.phasors import POINTS, TURN, V_NOM, WINDOW, draw, true_voltages

CAPTURED = 9
"""Second of a ten-second episode in which its captures lie."""
RATE_HZ, SAMPLES = 6400.0, 1280
ORDERS = np.arange(1, 41)
EMITTED = np.array([3, 5, 7, 11, 13, 17, 19, 23, 25])


@dataclass
class Spectra:
    """True harmonics of n captures and what a resonant transformer makes of them, complex [n, 3, 40]."""

    true: np.ndarray
    passed: np.ndarray
    f_hz: np.ndarray


def resonant(orders: np.ndarray, at: np.ndarray, damping: float) -> np.ndarray:
    """Response of a second-order low-pass with its resonance at the order `at`, 1 at the fundamental."""
    x = orders / at
    own = 1 / (1 - x**2 + 2j * damping * x)
    return own / own[..., :1]


def draw_spectra(rng: np.random.Generator, n: int) -> Spectra:
    """Spectra of converters of any size behind transformers that resonate near the twelfth order."""
    size = np.exp(rng.uniform(np.log(0.003), np.log(0.1), (n, 1, 1)))
    shape = (0.3 + rng.random((n, 1, EMITTED.size))) / np.sqrt(EMITTED)
    shape = shape / np.sqrt((shape**2).sum(axis=2, keepdims=True))
    true = np.zeros((n, 3, ORDERS.size), dtype=complex)
    true[:, :, 0] = np.array([1, TURN, TURN**2])
    turn = np.exp(2j * np.pi * rng.random((n, 3, EMITTED.size)))
    true[:, :, EMITTED - 1] = size * shape * (1 + 0.1 * rng.normal(size=(n, 3, 1))) * turn
    passed = true * resonant(ORDERS, rng.normal(12.0, 0.4, (n, 1, 1)), 0.35)
    return Spectra(true, passed, 50 + rng.normal(0, 0.02, n))


def distortion_pct(spectrum: np.ndarray) -> np.ndarray:
    """THD of each phase in %, [n, 3]."""
    size = np.abs(spectrum)
    return 100 * np.sqrt((size[..., 1:] ** 2).sum(axis=2)) / size[..., 0]


def sampled(spectra: Spectra, rng: np.random.Generator) -> np.ndarray:
    """Voltages of ten cycles, V, with the noise of a 16-bit converter, [n, 3, samples]."""
    t = np.arange(SAMPLES) / RATE_HZ
    turning = np.exp(2j * np.pi * spectra.f_hz[:, None, None] * ORDERS[:, None] * t)
    v = np.sqrt(2) * V_NOM * np.einsum("nph,nht->npt", spectra.passed, turning).real
    return v + rng.normal(0, 3e-5 * V_NOM, v.shape)


def write_harmonics(folder: Path, substation: str, count: int, rng: np.random.Generator) -> None:
    """Every table of `count` episodes of ten seconds with a capture at each point; samples are not kept."""
    n = count * len(POINTS)
    spectra = draw_spectra(rng, n)
    begin = START + 86400.0 * np.repeat(rng.permutation(count) % 40, len(POINTS)) + 7200.0
    t = begin + CAPTURED
    quiet = draw(rng, "normal", n)
    v = quiet.v[:, -WINDOW:] * V_NOM
    i = np.full_like(v, 400.0)
    metered = distortion_pct(spectra.passed)[:, None] * (1 + rng.normal(0, 0.03, (n, 1, 3)))
    samples = sampled(spectra, rng)
    windows = features.Windows.from_arrays(
        v=v, i=i, p=-v * i * 0.95, q=-v * i * 0.31, f=np.repeat(spectra.f_hz[:, None], WINDOW, axis=1),
        t_end=t, nominals=features.PointNominals(V_NOM, 1000.0, 50e6, 50.0, 19800.0),
        v_ll=quiet.v_ll[:, -WINDOW:] * V_NOM * np.sqrt(3), v_min=quiet.v_min[:, -WINDOW:] * V_NOM,
        v_max=quiet.v_max[:, -WINDOW:] * V_NOM, thd=metered * (1 + rng.normal(0, 0.01, v.shape)),
        waveforms=(features.Waveforms(np.arange(n), RATE_HZ, samples, np.full_like(samples, 400.0)),),
    )  # fmt: skip
    computed = features.compute(windows)
    ids = [str(ScenarioId(substation, "tiny", 7, "harmonic", index)) for index in range(count)]
    key = {
        "scenario_id": np.repeat(ids, len(POINTS)),
        "point": np.tile(sorted(POINTS), count),
        "t": pa.array((t * 1000).astype(np.int64), pa.timestamp("ms", tz="UTC")),
    }
    thd, share = distortion_pct(spectra.true), 100 * np.abs(spectra.true) / np.abs(spectra.true[..., :1])
    truth = {
        **{f"thd_v_{phase}_pct": thd[:, at] for at, phase in enumerate("abc")},
        **{
            f"v_{phase}_h_pct": pa.array(list(share[:, at]), pa.list_(pa.float64()))
            for at, phase in enumerate("abc")
        },
    }
    write_part(folder, "waveforms", "harmonic", key | {"quality": np.zeros(n, dtype=np.int8)})
    write_part(folder, "waveforms_truth", "harmonic", key | truth)
    table = key | {name: computed[:, at] for at, name in enumerate(features.NAMES)}
    write_part(folder, "features", "harmonic", table)
    second = (t[:, None] + np.arange(1 - WINDOW, 1)) * 1000
    seconds = {
        "scenario_id": np.repeat(key["scenario_id"], WINDOW),
        "point": np.repeat(key["point"], WINDOW),
        "t": pa.array(second.ravel().astype(np.int64), pa.timestamp("ms", tz="UTC")),
    }
    nothing = {
        "event": np.full(n * WINDOW, "none"),
        "severity": pa.nulls(n * WINDOW, pa.float64()),
        "active": np.zeros(n * WINDOW, dtype=bool),
    }
    write_part(
        folder, "readings_truth", "harmonic", seconds | true_voltages(quiet.phasor[:, -WINDOW:]) | nothing
    )
