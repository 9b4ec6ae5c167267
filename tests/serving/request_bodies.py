"""Requests that are sound, as a gateway would send them."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import Any


def make_reading(second: int, scale: tuple[float, float, float] = (1.0, 1.0, 1.0)) -> dict[str, Any]:
    """A bay that feeds a 33 kV bus with 23 MW; `scale` multiplies the phase voltages."""
    t = datetime(2026, 1, 5, 8, tzinfo=UTC) + timedelta(seconds=second)
    angles = [0.0, -2 * math.pi / 3, 2 * math.pi / 3]
    v = [19053.0 * s for s in scale]
    phasors = [m * complex(math.cos(a), math.sin(a)) for m, a in zip(v, angles, strict=True)]
    line = [abs(phasors[k] - phasors[(k + 1) % 3]) for k in range(3)]
    i = [410.0, 411.0, 409.0]
    return {
        "t": t.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "v": v,
        "i": i,
        "p": [-0.95 * a * b for a, b in zip(v, i, strict=True)],
        "q": [-0.31 * a * b for a, b in zip(v, i, strict=True)],
        "f": 50.01,
        "v_ll": line,
        "v_min": [0.999 * x for x in v],
        "v_max": [1.001 * x for x in v],
        "thd": [1.2, 1.3, 1.2],
        "pst": 0.4,
        "quality": "good",
    }


def make_item(
    readings: int = 10, scale: tuple[float, float, float] = (1.0, 1.0, 1.0), **changes: Any
) -> dict[str, Any]:
    return {
        "substation": "mumbai",
        "point": "DTX1.LV",
        "readings": [make_reading(k, scale) for k in range(readings)],
    } | changes


def make_waveform(
    harmonics_pct: dict[int, float], volts: float = 19053.0, rate_hz: float = 6400.0
) -> dict[str, Any]:
    """Ten cycles of three phases with the same harmonics, in % of the fundamental; currents without any."""
    f_hz = 50.02
    turns = [2 * math.pi * f_hz * k / rate_hz for k in range(round(0.2 * rate_hz))]

    def series(size: float, phase: int, content: dict[int, float]) -> list[float]:
        shift = -2 * math.pi / 3 * phase
        orders = [(1, 1.0), *((order, pct / 100) for order, pct in content.items())]
        return [
            round(math.sqrt(2) * size * sum(a * math.cos(h * (x + shift)) for h, a in orders), 2)
            for x in turns
        ]

    return {
        "rate_hz": rate_hz,
        "v": [series(volts, phase, harmonics_pct) for phase in range(3)],
        "i": [series(410.0, phase, {}) for phase in range(3)],
    }
