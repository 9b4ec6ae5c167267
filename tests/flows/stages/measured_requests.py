"""Datasets of every measured table that can be served, with requests made of their raw rows."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from data_contracts.dataset import Dataset
from models import observed_training
from models.catalogue import definition
from models.observed_site import GRID, PIECES
from models.rows import Rows
from models.splits import TEST
from models.time_splits import TimeSplit
from switchyard.home import Home
from tests.flows.stages.measured_load import START, describe
from tests.models import measured_readings, test_observed_assets, test_observed_stability

NOTHING = {"v": [None] * 3, "i": [None] * 3, "p": [None] * 3, "q": [None] * 3, "f": None}
SECONDS = 36_000
"""Ten hours of readings."""


@dataclass(frozen=True)
class Case:
    """A model, its dataset, some rows that training makes of it, and a request for each of these rows."""

    model: str
    algorithm: str
    dataset: Dataset
    table: str
    split: TimeSplit
    rows: Rows
    chosen: Rows
    bodies: list[dict[str, Any]]

    @property
    def declared(self):
        return definition(self.model, self.algorithm)


def iso(t):
    return datetime.fromtimestamp(float(t), UTC).isoformat()


def reading(t, **known):
    return {"t": iso(t)} | NOTHING | known


def some(rows, n=40):
    return rows.select(np.unique(np.linspace(0, len(rows) - 1, n).astype(int)))


def _case(model, dataset, table, body, algorithm="", among=lambda rows: np.ones(len(rows), dtype=bool)):
    split = observed_training.split_of(dataset, table)
    rows = definition(model, algorithm).observed_rows(dataset, split).rows
    chosen = some(rows.select(among(rows)))
    bodies = [
        {"substation": dataset.name} | body(t, point)
        for t, point in zip(chosen.t.tolist(), chosen.point.array().tolist(), strict=True)
    ]
    return Case(model, algorithm, dataset, table, split, rows, chosen, bodies)


def frequency(home: Home) -> Case:
    """An hour and a half of frequency; ten readings of nothing else."""
    rng = np.random.default_rng(1)
    f_hz = 50.0 + 0.002 * np.convolve(rng.normal(size=5400 + 29), np.ones(30), "valid")
    t = START + np.arange(f_hz.size)
    folder = home.dataset("grid")
    (folder / "frequency").mkdir(parents=True)
    columns = {
        "scenario_id": ["grid.ingested.0.observed.000000"] * f_hz.size,
        "t": pa.array((1000 * t).astype(np.int64), pa.timestamp("ms", tz="UTC")),
        "f_hz": f_hz,
        "quality": np.zeros(f_hz.size, dtype=np.int8),
    }
    pq.write_table(pa.table(columns), folder / "frequency" / f"grid-{0:012d}.parquet")
    dataset = describe(folder, "frequency", (), t, 1.0, ("f_hz",))

    def body(now, _):
        at = int(now - START)
        return {
            "point": GRID,
            "readings": [reading(t[k], f=float(f_hz[k])) for k in range(at - 9, at + 1)],
        }

    return _case("frequency_stability", dataset, "frequency", body)


def readings(home: Home, monkeypatch: Any) -> Case:
    """Phase voltages, a reading a second."""
    monkeypatch.setattr(measured_readings, "ROWS", SECONDS)
    v, _ = measured_readings.voltages()
    columns = measured_readings.of_phases(v)
    dataset = measured_readings.write(home, "plant", columns, step_s=1.0)

    def body(now, point):
        at = round(now - measured_readings.START)
        seconds = range(at - 9, at + 1)
        return {
            "point": point,
            "readings": [reading(measured_readings.START + k, v=v[k].tolist()) for k in seconds],
        }

    # Every window comes a second time with a disturbance that nobody measured.
    return _case(
        "voltage_anomaly",
        dataset,
        "readings",
        body,
        "phase_voltages",
        lambda rows: ~np.asarray(rows.truth["anomaly"], dtype=bool),
    )


def stability(home: Home) -> Case:
    """States of a grid every hour, as its control centre knows them."""
    states = test_observed_stability
    lines = states.states()
    dataset = states.ingested(home, lines, states.KNOWN | states.ASSESSED)
    told = [line.split(",") for line in lines]

    def body(now, _):
        values = dict(zip(states.FIELDS, told[int((now - states.BEGIN.timestamp()) / 3600)], strict=True))
        sent = {name: float(values[field]) for name, field in states.KNOWN.items()}
        return {"point": GRID, "readings": [reading(now)], "context": {"grid": sent}}

    return _case("grid_stability", dataset, "stability", body)


def assets(home: Home) -> Case:
    """Condition of the pieces of a fleet; only test rows, since training hides some inputs of others."""
    dataset = test_observed_assets.ingested(home, test_observed_assets.fleet(pieces=120, visits=60))
    known = {(one["asset"], one["t"].timestamp()): one for one in dataset.read("assets").to_pylist()}

    def body(now, piece):
        told = known[piece, now]
        condition = {
            "asset_kind": told["kind"], "age_years": told["age_years"], "moisture_pct": told["moisture_pct"],
            "hot_spot_c": told["hot_spot_c"], "dga": {"h2_ppm": told["h2_ppm"]},
        }  # fmt: skip
        context = {"hours_since_maintenance": 24.0 * told["maintenance_age_d"], "condition": condition}
        return {"point": PIECES, "readings": [reading(now)], "context": context}

    return _case("equipment_failure", dataset, "assets", body, among=lambda rows: rows.split == TEST)
