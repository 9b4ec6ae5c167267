"""Requests for the benchmarks of serving: a quiet minute at transformer bays, and all that can be carried."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

import substations
from substations.description import Point

BODIES = 16
RATE_HZ, SAMPLES = 6400.0, 1280
EXAMPLES = Path(__file__).parents[1] / "examples"

# Which examples' context and load history are told at a point of each kind.
_TOLD = {
    "DTX1.LV": ("sag", "quality", "power_flow", "balancing", "failure", "overload", "reactive"),
    "F221": ("sag", "quality", "power_flow", "balancing", "forecast", "demand"),
    "SYSTEM": ("power_flow", "balancing", "dispatch", "stability"),
}


def readings_only(points: dict[str, dict[str, str]]) -> list[bytes]:
    """Requests of ten readings each at transformer bays, with the noise of a quiet minute.

    Args:
        points: Kind of each point, by substation and point.
    """
    return [_encode(item) for item in _items(points)]


def with_waveform(points: dict[str, dict[str, str]]) -> list[bytes]:
    """The same, each with a capture of ten cycles."""
    rng = np.random.default_rng(2)
    found = []
    for item in _items(points):
        point = substations.read(item["substation"]).point(item["point"])
        found.append(_encode(item | {"waveform": _waveform(point, rng)}))
    return found


def everything() -> list[bytes]:
    """Requests at a transformer bay, a feeder and the system point of `mumbai` with all the examples tell.

    Together they carry what each of the 16 models needs, but for the waveform, which is measured apart.
    """
    found = []
    for point, names in _TOLD.items():
        told = {name: json.loads((EXAMPLES / f"{name}.json").read_bytes()) for name in names}
        own = next((one for one in told.values() if one["point"] == point), None)
        item = own or json.loads((EXAMPLES / "harmonic.json").read_bytes())
        readings = [reading | {"thd": [1.2, 1.3, 1.2], "pst": 0.4} for reading in item["readings"]]
        end = readings[-1]["t"]
        context: dict[str, Any] = {}
        for one in told.values():
            context = _merged(context, one.get("context", {}))
        context.pop("asset", None)
        _end_now(context, end)
        item = {"substation": "mumbai", "point": point, "readings": readings, "context": context}
        for name in ("forecast", "demand"):
            if name in told:
                item["load_history"] = told[name]["load_history"] | {"end": end}
        found.append(_encode(item))
    return found


def batch(bodies: Sequence[bytes], items: int) -> bytes:
    """One request of many items, from bodies in turn."""
    return b'{"items":[' + b",".join(bodies[k % len(bodies)] for k in range(items)) + b"]}"


def _merged(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """Both, with what both tell merged field by field."""
    found = dict(one)
    for name, value in other.items():
        both = isinstance(value, dict) and isinstance(found.get(name), dict)
        found[name] = _merged(found[name], value) if both else value
    return found


def _end_now(context: dict[str, Any], end: str) -> None:
    if "loading_history" in context:
        context["loading_history"] = context["loading_history"] | {"end": end}


def _items(points: dict[str, dict[str, str]]) -> list[dict[str, Any]]:
    rng = np.random.default_rng(1)
    bays = [
        (name, substations.read(name).point(point))
        for name, kinds in points.items()
        for point, kind in kinds.items()
        if kind == "transformer_bay"
    ]
    return [_item(*bays[k % len(bays)], rng) for k in range(BODIES)]


def _waveform(point: Point, rng: np.random.Generator) -> dict[str, Any]:
    """Ten cycles with 2 % of the fifth and 1 % of the seventh order."""
    turns = 2 * np.pi * (50.01 * np.arange(SAMPLES)[None] / RATE_HZ - np.arange(3)[:, None] / 3)
    shape = math.sqrt(2) * (np.cos(turns) + 0.02 * np.cos(5 * turns) + 0.01 * np.cos(7 * turns))
    noisy = shape + 1e-4 * rng.standard_normal((2, 3, SAMPLES))
    nominal = point.nominal_kv * 1e3 / math.sqrt(3)
    v, i = nominal * noisy[0], 0.4 * point.rated_a * noisy[1]
    return {"rate_hz": RATE_HZ, "v": [_rounded(x) for x in v], "i": [_rounded(x) for x in i]}


def _item(substation: str, point: Point, rng: np.random.Generator) -> dict[str, Any]:
    """One item at 40 % of the point's rated current and power factor 0.95."""
    nominal = point.nominal_kv * 1e3 / math.sqrt(3)
    start = datetime(2026, 1, 5, 8, tzinfo=UTC)
    readings = []
    for second in range(10):
        v = nominal * (1 + 1e-3 * rng.standard_normal(3))
        i = 0.4 * point.rated_a * (1 + 1e-3 * rng.standard_normal(3))
        line = math.sqrt(3) * nominal * (1 + 1e-3 * rng.standard_normal(3))
        readings.append(
            {
                "t": (start + timedelta(seconds=second)).isoformat(),
                "v": _rounded(v),
                "i": _rounded(i),
                "p": _rounded(-0.95 * v * i),
                "q": _rounded(-0.31 * v * i),
                "f": round(50 + 0.01 * float(rng.standard_normal()), 4),
                "v_ll": _rounded(line),
                "v_min": _rounded(0.999 * v),
                "v_max": _rounded(1.001 * v),
                "thd": [1.2, 1.3, 1.2],
                "pst": 0.4,
            }
        )
    return {"substation": substation, "point": point.id, "readings": readings}


def _rounded(values: np.ndarray[Any, np.dtype[np.float64]]) -> list[float]:
    return [round(float(value), 2) for value in values]


def _encode(item: dict[str, Any]) -> bytes:
    return json.dumps(item, separators=(",", ":")).encode()
