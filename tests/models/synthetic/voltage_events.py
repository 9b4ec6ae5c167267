"""Voltage events at their hours of the day: the table `sag_events`."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa

import substations
from switchyard.profiles import Profile
from tests.models.synthetic.parts import write_part


def write_voltage_events(folder: Path, substation: str, profile: Profile, rng: np.random.Generator) -> None:
    """The table `sag_events`: some three events a day, many of them at their hours, at some points each."""
    site = substations.read(substation)
    hours = 24 * profile.simulation.load_days
    first = datetime.combine(profile.simulation.start, datetime.min.time(), UTC).timestamp()
    begin = first - site.utc_offset_s
    local = np.arange(hours) % 24
    per_h = np.stack([0.05 + 0.2 * (local == 15), 0.8 * (local == 8), 0.4 * np.isin(local, (7, 18))])
    cause, hour = np.nonzero(rng.poisson(per_h))
    names = ("fault", "motor_starting", "capacitor_switching")
    points = sorted(point.id for point in site.points if point.kind in {"bus", "feeder"})
    counted = rng.random((len(points), hour.size)) < 0.5
    t = np.round((begin + 3600.0 * (hour + rng.random(hour.size))) * 1000)
    order = np.argsort(t)
    place, which = np.nonzero(counted[:, order])
    at = order[which]
    deep = np.where(cause == 0, rng.uniform(11, 60, hour.size), rng.uniform(3, 6, hour.size))[at]
    lasts = np.array([80.0, 6000.0, 60.0])[cause] * rng.uniform(0.3, 2, hour.size)
    sag_events = {
        "event_id": [f"{substation}.event.{k:05d}" for k in at],
        "point": np.array(points)[place],
        "t": pa.array(t[at].astype(np.int64), pa.timestamp("ms", tz="UTC")),
        "kind": np.where(deep > 10, "sag", "rapid_voltage_change"),
        "depth_pct": deep,
        "duration_ms": lasts[at],
        "cause": np.array(names)[cause[at]],
        "intensity_per_h": per_h[cause, hour][at],
        "total_intensity_per_h": per_h.sum(axis=0)[hour][at],
    }
    write_part(folder, "sag_events", "sag_events", sag_events)
