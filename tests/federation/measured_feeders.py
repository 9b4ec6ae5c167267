"""Feeders of very different size, ingested as a utility would."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from data_contracts.dataset import Dataset
from ingestion.mapping import parse_mapping
from ingestion.run import ingest
from switchyard.home import Home

ZONE, DAYS, STEP_S, LARGER = "Europe/Amsterdam", 180, 3600, 300.0

MAPPING = """\
table: {table}
substation: town
time_zone: {zone}
time: {{columns: [time], zone: offset, step_s: {step}}}
"""
LOAD = """\
points:
{points}
"""
POINT = "  {name}: {{columns: {{p_w: {{from: {name}, unit: MW}}}}}}\n"


def series(seed, days=DAYS, step_s=STEP_S):
    """Load of a feeder, MW: a daily shape that differs at weekends, slow departures and noise."""
    rng = np.random.default_rng(seed)
    t = np.arange(int(days * 86_400 / step_s)) * step_s / 86_400.0
    free = np.isin(np.floor(t).astype(int) % 7, (1, 2))
    shape = 2.0 * np.sin(2 * np.pi * (t - 0.4)) + np.sin(4 * np.pi * t + seed) - 1.0 * free
    slow = np.convolve(rng.normal(0, 1, t.size + 23), np.ones(24) / 24.0, "valid")
    return 8.0 + shape + slow + 0.1 * rng.normal(size=t.size)


def ingested(
    home: Home, folder: Path, name: str, columns: dict[str, np.ndarray], step_s: int = STEP_S
) -> Dataset:
    """A dataset of loads as `switchyard ingest` makes it, a point a column."""
    begin = datetime(2021, 1, 4, tzinfo=UTC)
    count = len(next(iter(columns.values())))
    lines = [f"time,{','.join(columns)}"]
    for at in range(count):
        values = ",".join(f"{column[at]:.6f}" for column in columns.values())
        lines.append(f"{(begin + timedelta(seconds=step_s * at)).isoformat()},{values}")
    path = folder / f"{name}.csv"
    path.write_text("\n".join(lines) + "\n")
    points = LOAD.format(points="".join(POINT.format(name=point) for point in columns))
    text = MAPPING.format(table="load", zone=ZONE, step=step_s) + points
    ingest(home, [path], parse_mapping(text), text, name)
    return Dataset.open(home.dataset(name))
