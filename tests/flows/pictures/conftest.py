"""A small dataset made by hand: every table that pictures are drawn from, a few rows each."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import substations
from data_contracts.dataset import Dataset
from flows.pictures.source import Source
from substations.description import Substation

START = datetime(2025, 3, 4, 6, 30, tzinfo=UTC)
KINDS = {
    "normal": ("none", "none"),
    "fault": ("sag", "interruption"),
    "sag": ("sag",),
    "swell": ("swell",),
    "unbalance": ("unbalance", "open_conductor", "vt_fuse"),
    "instrument": ("drift", "spike"),
    "harmonic": ("none",),
    "overload": ("none",),
}
TABLES = ("readings", "readings_truth", "frequency", "load", "sag_events", "waveforms", "waveforms_truth")
SECONDS = 20
ORDERS = 40

Rows = list[dict[str, Any]]
Make = Callable[..., Source]


def loading(number: int, at: int) -> float:
    """Share of rated current that the feeder `number` carries in the episode `at`."""
    return 0.2 + 0.08 * number + 0.1 * at


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Writes a dataset of the given tables and kinds, and opens it as a source."""
    return partial(write, tmp_path)


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Source:
    """A dataset of all tables and kinds."""
    return write(tmp_path_factory.mktemp("whole"))


def write(root: Path, tables: Iterable[str] = TABLES, kinds: Iterable[str] = tuple(KINDS)) -> Source:
    """Write a dataset of mumbai below `root`."""
    described, folder, wanted = substations.read("mumbai"), root / "hand.mumbai", set(tables)
    rows: dict[tuple[str, str], Rows] = {}
    for kind in kinds:
        _episodes(described, kind, rows)
    _frequency(rows)
    _load(described, rows)
    _events(rows)
    for (table, kind), content in rows.items():
        if table == "scenarios" or table in wanted:
            path = folder / table / f"{kind}-00000.parquet"
            path.parent.mkdir(parents=True, exist_ok=True)
            pq.write_table(_arrow(content), path)
    dataset = Dataset.write_manifest(
        folder, substation=described.name, profile="hand", seed=1, circuit_digest=described.digest
    )
    contracts = {
        "tables": [
            {"table": name, "rejected": 3 if name == "scenarios" else 0, "rules": {"known <point>": 3}}
            for name in dataset.tables
        ]
    }
    return Source(dataset, described, contracts)


def _arrow(rows: Rows) -> pa.Table:
    table = pa.Table.from_pylist(rows)
    for at, name in enumerate(table.column_names):
        if name in {"t", "t_start"}:
            table = table.set_column(at, name, table[name].cast(pa.timestamp("ms", tz="UTC")))
        if pa.types.is_null(table[name].type):
            table = table.set_column(at, name, table[name].cast(pa.float64()))
    return table


def _episodes(substation: Substation, kind: str, rows: dict[tuple[str, str], Rows]) -> None:
    for at, event in enumerate(KINDS[kind]):
        scenario_id = f"mumbai.hand.1.{kind}.{at:06d}"
        start = START + timedelta(days=at, hours=len(kind))
        status = ("islanded", "a busbar is <dead> & dark") if event == "interruption" else ("ok", "")
        rows.setdefault(("scenarios", kind), []).append(
            {
                "scenario_id": scenario_id,
                "kind": kind,
                "status": status[0],
                "reason": status[1],
                "t_start": start,
                "seconds": SECONDS,
                "cause": event,
                "severity": None if event == "none" else 10.0,
            }
        )
        for number, point in enumerate(point for point in substation.points if point.kind != "system"):
            volts = 1000.0 * point.nominal_kv / math.sqrt(3.0)
            for second in range(SECONDS):
                acts = event != "none" and second >= 12
                key = {"scenario_id": scenario_id, "point": point.id, "t": start + timedelta(seconds=second)}
                metered, true = _second(point.rated_a, volts, loading(number, at), event, acts)
                if kind == "harmonic":
                    metered |= {f"thd_{phase}_pct": 4.0 for phase in "abc"}
                quality = 2 if second == 5 else 0
                rows.setdefault(("readings", kind), []).append({**key, **metered, "quality": quality})
                rows.setdefault(("readings_truth", kind), []).append({**key, **true})
        if kind == "harmonic":
            _capture(rows, scenario_id, start + timedelta(seconds=SECONDS - 1))


def _second(rated_a: float, volts: float, share: float, event: str, acts: bool) -> tuple[dict[str, Any], ...]:
    metered: dict[str, Any] = {}
    true: dict[str, Any] = {}
    for phase in "abc":
        fallen = 0.7 if acts and phase == "b" else 1.0
        amps = rated_a * share
        metered |= {
            f"v_{phase}_v": fallen * volts,
            f"v_min_{phase}_v": 0.99 * fallen * volts,
            f"v_max_{phase}_v": 1.01 * fallen * volts,
            f"i_{phase}_a": amps,
            f"p_{phase}_w": 0.95 * amps * volts,
            f"q_{phase}_var": 0.3 * amps * volts,
            f"thd_{phase}_pct": None,
        }
        true |= {f"v_{phase}_v": (1.0 if event in {"drift", "spike", "vt_fuse"} else fallen) * volts}
    true |= {
        "vuf_pct": 6.0 if acts else 0.4,
        "event": event,
        "severity": None if event == "none" else 10.0,
        "active": acts,
        "taps": "AT1:7,AT2:8,DTX1:9,DTX2:9",
        "capacitor_steps": "C1:0,C2:1",
    }
    return metered, true


def _capture(rows: dict[tuple[str, str], Rows], scenario_id: str, t: datetime) -> None:
    key = {"scenario_id": scenario_id, "point": "AT1.MV", "t": t}
    x = np.arange(1280) / 6400.0 * 2.0 * np.pi * 50.02
    wave = np.sqrt(2.0) * (np.cos(x) + 0.05 * np.cos(5 * x + 1.0))
    solved = [100.0, 0.0, 0.0, 0.0, 5.0, *([0.0] * (ORDERS - 5))]
    samples: dict[str, Any] = {}
    truth: dict[str, Any] = {}
    for phase in "abc":
        samples |= {f"v_{phase}_v": (1e5 * wave).tolist(), f"i_{phase}_a": (300.0 * wave).tolist()}
        truth |= {f"v_{phase}_h_pct": solved, f"i_{phase}_h_pct": solved, f"thd_v_{phase}_pct": 5.0}
    rows["waveforms", "harmonic"] = [{**key, "rate_hz": 6400.0, "quality": 0, **samples}]
    rows["waveforms_truth", "harmonic"] = [{**key, **truth}]


def _frequency(rows: dict[tuple[str, str], Rows]) -> None:
    for second in range(400):
        since = second - 100 + 0.5 if second >= 100 else None
        f = 50.0 - (0.4 * math.exp(-((second - 110) ** 2) / 400.0) if since else 0.0)
        rows.setdefault(("frequency", "frequency"), []).append(
            {
                "scenario_id": "mumbai.hand.1.frequency.000000",
                "t": START + timedelta(seconds=second),
                "f_hz": round(f, 3),
                "quality": 0,
                "f_true_hz": f,
                "inertia_s": 4.0,
                "imbalance_pu": -0.02 if since else 0.0,
                "governor_pu": 0.01 if since else 0.0,
                "agc_pu": 0.0,
                "shed_pu": 0.0,
                "event": "unit_trip" if since else "none",
                "since_onset_s": since,
            }
        )


def _load(substation: Substation, rows: dict[tuple[str, str], Rows]) -> None:
    midnight = datetime(2024, 12, 31, 18, 30, tzinfo=UTC)
    for number, feeder in enumerate(substation.feeders):
        for quarter in range(2 * 96):
            hour = quarter / 4 % 24
            rows.setdefault(("load", "load"), []).append(
                {
                    "point": feeder.point,
                    "t": midnight + timedelta(minutes=15 * quarter),
                    "p_w": 1e7 * (1 + number) * (1 - 0.5 * math.cos(hour / 24 * 2 * math.pi) + quarter // 96),
                    "pv_w": 1e6 * max(0.0, math.sin((hour - 6) / 12 * math.pi)),
                    "ambient_c": 25.0 + 5.0 * math.sin((hour - 9) / 24 * 2 * math.pi),
                    "ghi_w_m2": 0.0,
                }
            )


def _events(rows: dict[tuple[str, str], Rows]) -> None:
    found = (
        ("sag", "fault", 40.0, 90.0),
        ("interruption", "fault", 100.0, 900.0),
        ("sag", "motor_starting", 12.0, 4e3),
    )
    rows["sag_events", "sag_events"] = [
        {
            "event_id": f"mumbai.hand.1.event.{at:06d}",
            "point": point,
            "t": START + timedelta(days=40 * at),
            "kind": kind,
            "depth_pct": depth * share,
            "duration_ms": duration,
            "cause": cause,
        }
        for at, (kind, cause, depth, duration) in enumerate(found)
        for point, share in (("LV1", 1.0), ("F331", 0.9))
    ]
