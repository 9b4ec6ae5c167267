"""Phasors with unbalance and events, and what class 0.5 instruments say of them.

Voltages are symmetrical components with slow movement; meters have a gain error per phase and noise; line
voltages follow from the same phasors.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

SECONDS, WINDOW = 20, 10
POINTS = ("DTX1.LV", "LV1", "F331")
V_NOM = 33e3 / np.sqrt(3)
ERROR_PU = 0.005
TURN = np.exp(-2j * np.pi / 3)
INSTRUMENT = ("drift", "stuck", "spike", "dead", "swapped")


@dataclass
class Drawn:
    """Truth and readings of n windows of ten seconds, per unit: [n, 20, 3] phasors and what meters said."""

    phasor: np.ndarray
    v: np.ndarray
    v_ll: np.ndarray
    v_min: np.ndarray
    v_max: np.ndarray
    event: np.ndarray
    severity: np.ndarray
    active: np.ndarray


def components(v0, v1, v2):
    """Phase phasors [..., 3] of zero, positive and negative sequence."""
    turns = np.array([1, TURN, TURN**2])
    return v0[..., None] + v1[..., None] * turns + v2[..., None] * turns.conj()


def polar(rng, size, scale):
    return scale * np.exp(2j * np.pi * rng.random(size))


def draw(rng: np.random.Generator, kind: str, n: int) -> Drawn:
    """n series of twenty seconds in which what `kind` names may happen from the fourth second on."""
    shape = (n, SECONDS)
    slow = np.cumsum(rng.normal(0, 2e-4, shape), axis=1)
    v1 = 1.0 + rng.normal(0, 0.012, (n, 1)) + slow + 0j
    tapped = rng.random(n) < 0.15
    step = np.where(tapped, rng.choice([-0.0125, 0.0125], n), 0.0)
    v1 = v1 + step[:, None] * (np.arange(SECONDS) >= rng.integers(1, SECONDS, (n, 1)))
    v2 = np.repeat(polar(rng, (n, 1), 0.004 * np.abs(rng.normal(1, 0.4, (n, 1)))), SECONDS, axis=1)
    v0 = np.repeat(polar(rng, (n, 1), 0.003), SECONDS, axis=1)
    onset = rng.integers(3, 8, (n, 1))
    on = np.arange(SECONDS) >= onset
    event = np.full(n, "none", dtype=object)
    severity = np.full(n, np.nan)
    half_cycle = np.zeros(shape)
    if kind == "unbalance":
        size = np.exp(rng.uniform(np.log(0.008), np.log(0.2), (n, 1)))
        v2 = v2 + on * polar(rng, (n, 1), size)
        v0 = v0 + on * polar(rng, (n, 1), 0.3 * size)
        event[:] = rng.choice(["open_conductor", "traction"], n)
        severity = size[:, 0] / ERROR_PU
    if kind == "fault":
        depth = np.exp(rng.uniform(np.log(0.005), np.log(0.1), (n, 1)))
        up = rng.random((n, 1)) < 0.5
        on = on & (np.arange(SECONDS) < onset + rng.integers(1, 4, (n, 1)))
        v1 = v1 + np.where(up, depth, -depth) * on
        half_cycle = on * depth
        event[:] = np.where(up[:, 0], "swell", "sag")
        severity = depth[:, 0] / ERROR_PU
    phasor = components(v0, v1, v2)
    gain = 1 + rng.uniform(-0.6, 0.6, (n, 1, 3)) * ERROR_PU
    measured = phasor * gain * (1 + rng.normal(0, 2e-5, phasor.shape))
    line = np.abs(measured - np.roll(measured, -1, axis=2)) / np.sqrt(3)
    v = np.abs(measured)
    if kind == "instrument":
        event[:] = rng.choice(INSTRUMENT, n)
        severity = np.exp(rng.uniform(0, np.log(20), n))
        phase = rng.integers(3, size=n)
        size = severity * ERROR_PU
        passed = np.maximum(np.arange(SECONDS) - onset, 0)
        for at in range(n):
            series = v[at, :, phase[at]]
            match event[at]:
                case "drift":
                    series = series + size[at] * np.minimum(passed[at] / 6.0, 1.0)
                case "stuck":
                    series = np.where(on[at], series[onset[at, 0]], series)
                case "spike":
                    series = series + size[at] * (passed[at] % 5 == 2)
                case "dead":
                    series = np.where(on[at], 0.01, series)
                case "swapped":
                    series = np.where(on[at], series * (1 + size[at]), series)
            v[at, :, phase[at]] = series
    ripple = np.abs(rng.normal(0, 1e-4, v.shape))
    return Drawn(
        phasor=phasor,
        v=v,
        v_ll=line,
        v_min=v - ripple - half_cycle[..., None],
        v_max=v + ripple + half_cycle[..., None],
        event=event,
        severity=severity,
        active=on & (event != "none")[:, None],
    )


def true_voltages(phasor: np.ndarray) -> dict[str, np.ndarray]:
    """Columns of `readings_truth` that follow from phasors per unit, [n, seconds, 3]."""
    true = np.abs(phasor) * V_NOM
    line = np.abs(phasor - np.roll(phasor, -1, axis=2)) * V_NOM
    turns = np.array([1, TURN.conj(), TURN.conj() ** 2])
    positive = (phasor * turns).mean(axis=2)
    negative = (phasor * turns.conj()).mean(axis=2)
    return {
        **{f"v_{phase}_v": true[..., at].ravel() for at, phase in enumerate("abc")},
        **{f"v_{pair}_v": line[..., at].ravel() for at, pair in enumerate(("ab", "bc", "ca"))},
        "vuf_pct": (100 * np.abs(negative) / np.abs(positive)).ravel(),
    }
