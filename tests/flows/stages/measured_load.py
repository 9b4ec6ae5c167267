"""Datasets of measured load as `switchyard ingest` leaves them."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from data_contracts.dataset import MANIFEST, SCHEMA, Dataset, Manifest, content_digest, scan
from data_contracts.facts import PointFacts
from data_contracts.observed import Observed, ObservedTable
from data_contracts.version import CONTRACT_VERSION
from switchyard.files import write_json_atomic

ZONE = "Europe/Amsterdam"
START = datetime(2021, 1, 4, tzinfo=UTC).timestamp()


def load(days, step_s, seed=0):
    """Times and loads of a feeder whose daily shape follows local time, W; it feeds in at noon."""
    rng = np.random.default_rng(seed)
    t = START + step_s * np.arange(int(days * 86_400 / step_s))
    offset = np.array([datetime.fromtimestamp(one, ZoneInfo(ZONE)).utcoffset().total_seconds() for one in t])
    local = (t + offset) / 86_400.0
    free = np.isin(np.floor(local).astype(int) % 7, (2, 3))
    shape = 3.0 * np.sin(2 * np.pi * (local - 0.4)) + 1.5 * np.sin(4 * np.pi * local) - 2.0 * free
    slow = np.cumsum(rng.normal(0, 1, t.size))
    slow = 0.3 * (slow - np.convolve(slow, np.ones(48) / 48, "same"))
    return t, 1e6 * (2.0 + shape + np.clip(slow, -1, 1) + 0.1 * rng.normal(size=t.size))


def write(home, name, feeders, step_s, holiday=None):
    """A dataset with the table `load`.

    Args:
        home: Its home.
        name: Its name.
        feeders: Times and loads by point.
        step_s: Length of the steps, s.
        holiday: Says of a time whether it is on a public holiday; None where nobody tells.
    """
    folder = home.dataset(name)
    for point, (t, p_w) in feeders.items():
        n = t.size
        free = [None] * n if holiday is None else [bool(holiday(one)) for one in t]
        columns = {
            "substation": ["town"] * n,
            "point": [point] * n,
            "t": pa.array((1000 * t).astype(np.int64), pa.timestamp("ms", tz="UTC")),
            "p_w": p_w,
            "holiday": pa.array(free, pa.bool_()),
        }
        (folder / "load").mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.table(columns), folder / "load" / f"{point}-{0:012d}.parquet")
    filled = ("p_w",) if holiday is None else ("p_w", "holiday")
    first = next(iter(feeders.values()))[0]
    return describe(folder, "load", tuple(feeders), first, step_s, filled)


def describe(folder, table, points, t, step_s, columns):
    """Write the manifest of a dataset with one table and open it."""
    first, last = (datetime.fromtimestamp(one, UTC).isoformat() for one in (t.min(), t.max()))
    known = ObservedTable(
        step_s=step_s, first=first, last=last, columns=columns, sources=(), quarantined=0, gaps=0,
        missing_steps=0, mapping_sha256="",
    )  # fmt: skip
    unknown = PointFacts(nominal_kv=0.0, rated_a=0.0, rated_mva=0.0)
    parts = {table: scan(folder / table)}
    manifest = Manifest(
        schema=SCHEMA, dataset=folder.name, substation="town", profile="ingested", seed=0, circuit_digest="",
        contract_version=CONTRACT_VERSION, tables=parts, digest=content_digest(parts), origin="ingested",
        observed=Observed(
            frequency_hz=50.0, time_zone=ZONE, points=dict.fromkeys(points, unknown), tables={table: known}
        ),
    )  # fmt: skip
    write_json_atomic(folder / MANIFEST, msgspec.to_builtins(manifest))
    return Dataset.open(folder)
