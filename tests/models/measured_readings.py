"""Datasets of measured readings as `switchyard ingest` leaves them."""

from datetime import UTC, datetime

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from data_contracts.dataset import MANIFEST, SCHEMA, Dataset, Manifest, content_digest, scan
from data_contracts.facts import PointFacts
from data_contracts.observed import OBSERVED, Observed, ObservedTable
from data_contracts.version import CONTRACT_VERSION
from models import observed_training
from switchyard.files import write_json_atomic

START = datetime(2021, 1, 4, tzinfo=UTC).timestamp()
STEP_S, ROWS = 30.0, 2400
NOMINAL_V = 400.0 / np.sqrt(3.0)
PHASES = tuple(f"v_{phase}_v" for phase in "abc")
LINES = ("v_ab_v", "v_bc_v", "v_ca_v")
FACTS = PointFacts(nominal_kv=0.4, rated_a=1000.0, rated_mva=0.7)


def voltages(seed=0, negative=0.0):
    """Phase and line magnitudes of a low-voltage busbar whose unbalance wanders, V, [rows, 3] each.

    Args:
        seed: Of the randomness.
        negative: Largest negative sequence, pu; as much zero sequence comes beside it, at another angle.
    """
    rng = np.random.default_rng(seed)
    level = 1.01 + 0.01 * np.sin(np.arange(ROWS) / 200) + 0.002 * rng.normal(size=ROWS)
    wander = 0.5 * (1 + np.sin(np.arange(ROWS) / 37))
    angle = np.exp(1j * np.cumsum(0.05 * rng.normal(size=ROWS)))
    turn = np.exp(-2j * np.pi / 3 * np.arange(3))
    v = level[:, None] * turn + (negative * wander * angle)[:, None] * turn.conj()
    v = v + (0.5 * negative * wander * angle**2)[:, None] + 0.001 * rng.normal(size=(ROWS, 3))
    line = v - np.roll(v, -1, axis=1)
    return NOMINAL_V * np.abs(v), NOMINAL_V * np.abs(line)


def write(home, name, columns, *, step_s=STEP_S, there=None, facts=FACTS, points=("board",)):
    """A dataset with a table `readings` as `switchyard ingest` leaves it, the same rows at each point."""
    folder = home.dataset(name)
    kept = np.arange(ROWS) if there is None else np.flatnonzero(there)
    t = START + step_s * kept
    run = np.cumsum(np.concatenate([[0], np.diff(kept) > 1]))
    for point in points:
        given = {
            "scenario_id": [f"plant.ingested.0.observed.{one:06d}" for one in run],
            "point": [point] * kept.size,
            "t": pa.array((1000 * t).astype(np.int64), pa.timestamp("ms", tz="UTC")),
            "quality": np.zeros(kept.size, dtype=np.int8),
        }
        for column in OBSERVED["readings"].columns:
            if column.name in columns:
                given[column.name] = columns[column.name][kept]
            elif column.name not in given:
                given[column.name] = pa.nulls(kept.size, pa.float64())
        (folder / "readings").mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.table(given), folder / "readings" / f"{point}-{0:012d}.parquet")
    first, last = (datetime.fromtimestamp(one, UTC).isoformat() for one in (t[0], t[-1]))
    known = ObservedTable(
        step_s=step_s, first=first, last=last, columns=tuple(columns), sources=(), quarantined=0, gaps=0,
        missing_steps=0, mapping_sha256="",
    )  # fmt: skip
    parts = {"readings": scan(folder / "readings")}
    manifest = Manifest(
        schema=SCHEMA, dataset=name, substation="plant", profile="ingested", seed=0, circuit_digest="",
        contract_version=CONTRACT_VERSION, tables=parts, digest=content_digest(parts), origin="ingested",
        observed=Observed(
            frequency_hz=50.0, time_zone="UTC", points=dict.fromkeys(points, facts),
            tables={"readings": known},
        ),
    )  # fmt: skip
    write_json_atomic(folder / MANIFEST, msgspec.to_builtins(manifest))
    return Dataset.open(folder)


def of_phases(v):
    return dict(zip(PHASES, v.T, strict=True))


def of_lines(line):
    return dict(zip(LINES, line.T, strict=True))


def split_of(dataset):
    return observed_training.split_of(dataset, "readings")
