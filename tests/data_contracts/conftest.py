"""Small, physically consistent tables and a substation's facts for the tests of the contracts."""

import copy
import json
import math
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data_contracts.arrow import schema
from data_contracts.facts import BusFacts, PointFacts, SubstationFacts
from data_contracts.inspection import inspect
from data_contracts.tables import TABLES
from switchyard.home import Home

START_MS = int(datetime(2025, 3, 3, 4, 0, tzinfo=UTC).timestamp() * 1000)
PAIRS = (("a", "b"), ("b", "c"), ("c", "a"))


@pytest.fixture(scope="session")
def facts():
    return SubstationFacts(
        substation="mumbai",
        frequency_hz=50.0,
        utc_offset_s=19_800,
        points={
            "DTX1.LV": PointFacts(nominal_kv=33.0, rated_a=1000.0, rated_mva=50.0),
            "F331": PointFacts(nominal_kv=33.0, rated_a=400.0, rated_mva=22.9),
            "INF1": PointFacts(
                nominal_kv=400.0, rated_a=1600.0, rated_mva=1108.5, ct_class=0.2, vt_class=0.2
            ),
        },
        buses={
            "hv1": BusFacts(nominal_kv=400.0, breaker_ka=40.0),
            "lv1": BusFacts(nominal_kv=33.0, breaker_ka=31.5),
            "lv1_t": BusFacts(nominal_kv=33.0, breaker_ka=None),
        },
    )


@pytest.fixture
def home(tmp_path):
    return Home(tmp_path / "home")


def readings_columns(facts, kind="normal", scenarios=2, seconds=10, first=0, seed=5):
    """Columns of `readings` as numpy arrays, sorted by key; all channels come from one set of phasors."""
    draw = np.random.default_rng(seed)
    points = sorted(facts.points)
    names = [f"mumbai.test.1.{kind}.{first + k:06d}" for k in range(scenarios)]
    rows = scenarios * len(points) * seconds
    second = np.tile(np.arange(seconds), scenarios * len(points))
    scenario = np.repeat(np.arange(scenarios), len(points) * seconds)
    point = np.tile(np.repeat(np.arange(len(points)), seconds), scenarios)
    nominal = np.array([facts.points[name].nominal_v for name in points])[point]
    rated = np.array([facts.points[name].rated_a for name in points])[point]
    columns = {
        "scenario_id": np.array(names, dtype=object)[scenario],
        "point": np.array(points, dtype=object)[point],
        "t": START_MS + 3_600_000 * (first + scenario) + 1000 * second,
    }
    level = 1.0 + 0.02 * draw.standard_normal((scenarios, len(points), 1, 3)).repeat(seconds, 2).reshape(
        rows, 3
    )
    angles = np.array([0.0, -2.0, 2.0]) * math.pi / 3.0 + 0.01 * draw.standard_normal((rows, 3))
    v = nominal[:, None] * level * np.exp(1j * angles)
    i = rated[:, None] * (0.4 + 0.1 * draw.random((rows, 3))) * np.exp(1j * (angles - 0.3))
    s = v * i.conj()
    for k, phase in enumerate("abc"):
        columns[f"v_{phase}_v"] = np.abs(v[:, k])
        columns[f"i_{phase}_a"] = np.abs(i[:, k])
        columns[f"p_{phase}_w"] = s[:, k].real
        columns[f"q_{phase}_var"] = s[:, k].imag
        columns[f"v_min_{phase}_v"] = 0.999 * np.abs(v[:, k])
        columns[f"v_max_{phase}_v"] = 1.001 * np.abs(v[:, k])
        columns[f"thd_{phase}_pct"] = 1.0 + draw.random(rows)
    for one, two in PAIRS:
        columns[f"v_{one}{two}_v"] = np.abs(v[:, "abc".index(one)] - v[:, "abc".index(two)])
    columns["f_hz"] = 50.0 + 0.01 * draw.standard_normal(rows)
    columns["pst"] = 0.3 + 0.1 * draw.random(rows)
    columns["quality"] = np.zeros(rows, dtype=np.int8)
    return columns


def as_table(name, columns):
    """An Arrow table of the contract's schema; None becomes null."""
    wanted = schema(TABLES[name])
    return pa.table(
        {field.name: pa.array(columns[field.name], field.type) for field in wanted}, schema=wanted
    )


@pytest.fixture
def readings(facts):
    """Factory: an Arrow table of `readings`; `change(columns)` may spoil the numpy columns first."""

    def make(change=None, **options):
        columns = readings_columns(facts, **options)
        if change is not None:
            change(columns)
        return as_table("readings", columns)

    return make


@pytest.fixture
def stage(home):
    """Factory: write an Arrow table as a staged file and give its path."""

    def write(table, data, file="normal-00000.parquet", dataset="test.mumbai"):
        path = home.staging / dataset / table / file
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(data, path)
        return path

    return write


def capture_columns(facts, captures=4, seed=6, rate_hz=6400.0):
    """Columns of `waveforms` and `waveforms_truth`: ten cycles synthesised from known harmonics."""
    draw = np.random.default_rng(seed)
    points = sorted(facts.points)
    key = {
        "scenario_id": [f"mumbai.test.1.harmonic.{k:06d}" for k in range(captures)],
        "point": [points[k % len(points)] for k in range(captures)],
        "t": [START_MS + 3_600_000 * k + 9000 for k in range(captures)],
    }
    waveforms = {**key, "rate_hz": np.full(captures, rate_hz), "quality": np.zeros(captures, dtype=np.int8)}
    truth = {
        **key,
        "f_hz": np.full(captures, facts.frequency_hz),
        "interharmonic_pct": np.full(captures, 0.1),
    }
    t = np.arange(round(10 * rate_hz / facts.frequency_hz)) / rate_hz
    orders = np.arange(1, 41)
    turns = np.exp(2j * np.pi * facts.frequency_hz * orders[:, None] * t)
    for quantity, unit in (("v", "v"), ("i", "a")):
        for k, phase in enumerate("abc"):
            nominal = [
                facts.points[name].nominal_v if quantity == "v" else 0.4 * facts.points[name].rated_a
                for name in key["point"]
            ]
            pct = draw.uniform(0.0, 4.0 / orders, (captures, 40))
            pct[:, 0] = 100.0
            degrees = draw.uniform(-180.0, 180.0, (captures, 40))
            degrees[:, 0] = -120.0 * k
            phasors = np.array(nominal)[:, None] * pct / 100.0 * np.exp(1j * np.radians(degrees))
            waveforms[f"{quantity}_{phase}_{unit}"] = list(
                (math.sqrt(2.0) * (phasors @ turns).real).astype(np.float32)
            )
            truth[f"{quantity}_{phase}_h_pct"] = list(pct)
            truth[f"{quantity}_{phase}_h_deg"] = list(degrees)
            truth[f"thd_{quantity}_{phase}_pct"] = np.sqrt((pct[:, 1:] ** 2).sum(axis=1))
            truth[f"{quantity}1_{phase}_{unit}"] = np.array(nominal)
    return waveforms, truth


def frequency_columns(facts, episodes=2, seconds=60, onset=20):
    """Columns of `frequency`: a frequency that sinks after `onset` seconds and comes back."""
    since = np.arange(seconds) - onset + 0.5
    after = np.maximum(since, 0.0)
    fall = 0.4 * (1.0 - np.exp(-after / 3.0)) - 0.01 * after
    slope = np.where(since > 0.0, 0.4 / 3.0 * np.exp(-after / 3.0) - 0.01, 0.0)
    rows = episodes * seconds
    sway = 0.02 * np.sin(np.arange(seconds) / 9.0)
    sways = 0.02 / 9.0 * np.cos(np.arange(seconds) / 9.0)
    return {
        "scenario_id": [f"mumbai.test.1.frequency.{k:06d}" for k in range(episodes) for _ in range(seconds)],
        "t": np.concatenate([START_MS + 3_600_000 * k + 1000 * np.arange(seconds) for k in range(episodes)]),
        "f_hz": np.tile(facts.frequency_hz - fall + sway, episodes).round(3),
        "quality": np.zeros(rows, dtype=np.int8),
        "f_true_hz": np.tile(facts.frequency_hz - fall + sway, episodes),
        "rocof_true_hz_s": np.tile(sways - slope, episodes),
        "inertia_s": np.full(rows, 4.5),
        "imbalance_pu": np.tile(np.where(since > 0.0, -0.06, 0.0), episodes),
        "governor_pu": np.tile(0.005 * after, episodes),
        "agc_pu": np.zeros(rows),
        "shed_pu": np.zeros(rows),
        "event": np.tile(np.where(since > 0.0, "unit_trip", "none"), episodes),
        "since_onset_s": [None if value <= 0.0 else value for value in np.tile(since, episodes)],
    }


@pytest.fixture
def broken_rules(tmp_path, facts):
    """Rejected rows by rule, of an Arrow table checked as a file."""

    def check(name, data):
        path = tmp_path / "normal-00000.parquet"
        pq.write_table(data, path)
        return inspect(TABLES[name], path, facts).counts()

    return check


@pytest.fixture
def spoilt(small_tables, broken_rules):
    """Rejected rows by rule of a good small table, after `change(columns)` has spoilt its columns."""

    def check(name, change):
        columns = copy.deepcopy(small_tables[name])
        change(columns)
        return broken_rules(name, as_table(name, columns))

    return check


@pytest.fixture(scope="session")
def small_tables(facts):
    """A good table for every contract that is not `readings`, as columns."""
    day = 86_400_000
    t = START_MS - START_MS % day + 900_000 * np.arange(96)
    local = t + facts.utc_offset_s * 1000
    hours = START_MS - START_MS % day + 3_600_000 * np.arange(24)
    readings = readings_columns(facts)
    rows = len(readings["t"])
    v = {pair: readings[f"v_{pair}_v"] for pair in ("ab", "bc", "ca")}
    beta = sum(x**4 for x in v.values()) / sum(x**2 for x in v.values()) ** 2
    root = np.sqrt(np.clip(3 - 6 * beta, 0, None))
    waveforms, waveforms_truth = capture_columns(facts)
    return {
        "readings_truth": {
            **{name: readings[name] for name in ("scenario_id", "point", "t", "f_hz")},
            **{f"v_{phase}_v": readings[f"v_{phase}_v"] for phase in "abc"},
            **{f"v_{pair}_v": values for pair, values in v.items()},
            "vuf_pct": 100 * np.sqrt((1 - root) / (1 + root)),
            "v0_pct": np.full(rows, 0.5),
            "event": ["none"] * rows,
            "event_phase": [""] * rows,
            "severity": [None] * rows,
            "active": np.zeros(rows, dtype=bool),
            "taps": ["AT1:9"] * rows,
            "capacitor_steps": ["C1:1"] * rows,
            "residual_p_pu": np.full(rows, 1e-9),
            "residual_q_pu": np.full(rows, -1e-9),
        },
        "faults": {
            "scenario_id": [f"mumbai.test.1.fault.{k:06d}" for k in range(4)],
            "bus": ["lv1"] * 4,
            "fault_type": ["LG", "LL", "LLG", "LLL"],
            "phases": ["a", "bc", "ca", "abc"],
            "r_fault_ohm": [0.0, 5.0, 10.0, 50.0],
            "distance_pct": [0.0, 10.0, 50.0, 100.0],
            "prefault_v_pu": [1.0, 1.01, 0.99, 1.0],
            "i_fault_a": [9000.0, 0.0, 2100.0, 380.0],
            "i_fault_b": [0.0, 3000.0, 0.0, 380.0],
            "i_fault_c": [0.0, 3000.0, 2000.0, 380.0],
            "t_start": [START_MS + 3_600_000 * k for k in range(4)],
            "duration_ms": [90.0, 100.0, 350.0, 120.0],
            "cleared_by": ["main", "main", "backup", "breaker_failure"],
            "fault_level_ka": [12.0] * 4,
            "breaker_rating_ka": [31.5] * 4,
            "dips": [json.dumps({"DTX1.LV": [0.1, 0.9, 0.9], "INF1": [0.95, 1.0, 1.0]})] * 4,
        },
        "waveforms": waveforms,
        "waveforms_truth": waveforms_truth,
        "frequency": frequency_columns(facts),
        "sag_events": {
            "event_id": [f"e{k}" for k in range(6)],
            "scenario_id": ["mumbai.test.1.sag.000000", None, None, None, None, "mumbai.test.1.swell.000000"],
            "point": ["DTX1.LV"] * 4 + ["F331"] * 2,
            "t": [START_MS + 60_000 * k + 417 for k in (0, 1, 2, 3, 0, 5)],
            "kind": ["sag", "interruption", "rapid_voltage_change", "sag", "sag", "swell"],
            "depth_pct": [40.0, 97.0, 1.5, 12.0, 55.0, 15.0],
            "residual_pu": [0.6, 0.03, 1.035, 0.88, 0.45, 1.15],
            "duration_ms": [90.0, 600.0, 40.0, 2400.0, 350.0, 800.0],
            "cause": [
                "fault",
                "fault",
                "capacitor_switching",
                "motor_starting",
                "fault",
                "load_rejection",
            ],
            "phases": ["a", "abc", "abc", "abc", "bc", "abc"],
            "cleared_by": ["main", "breaker_failure", "", "", "backup", ""],
            "intensity_per_h": [0.2, 0.2, 1.5, 0.4, 0.3, 0.01],
            "total_intensity_per_h": [2.1, 2.1, 2.1, 2.1, 2.3, 2.3],
        },
        "load": {
            "substation": ["mumbai"] * 96,
            "point": ["F331"] * 96,
            "t": t,
            "p_w": 12e6 + 2e6 * np.sin(np.arange(96) / 15),
            "q_var": np.full(96, 3e6),
            "pv_w": np.zeros(96),
            "ambient_c": np.full(96, 28.0),
            "ghi_w_m2": np.zeros(96),
            "wind_m_s": np.full(96, 3.0),
            "holiday": np.zeros(96, dtype=bool),
            "hour_local": (local % day) / 3_600_000,
            "day_of_week": ((local // day + 3) % 7).astype(np.int8),
            "p_noise_free_w": np.full(96, 12e6),
        },
        "scenarios": {
            "scenario_id": ["mumbai.test.1.normal.000000", "mumbai.test.1.fault.000000"],
            "kind": ["normal", "fault"],
            "status": ["ok", "not_converged"],
            "reason": ["", "iteration_limit"],
            "t_start": [START_MS, START_MS + 3_600_000],
            "seconds": [60, 30],
            "cause": ["none", "sag"],
            "severity": [None, 8.5],
            "circuit_digest": ["0" * 64, "f" * 64],
            "parameters": ["{}", '{"r_fault_ohm": 3.5}'],
        },
        "boundary": {
            "substation": ["mumbai"] * 24,
            "t": hours,
            "v_pu": np.full(24, 1.02),
            "angle_deg": np.full(24, -8.0),
            "short_circuit_mva": np.full(24, 12_000.0),
            "r_over_x": np.full(24, 0.1),
            "load_mw": np.full(24, 420.0),
            "price_per_mwh": np.full(24, 35.0),
            "system_load_mw": np.full(24, 6000.0),
            "dispatch_cost": np.full(24, 1.2e5),
            "congested": np.ones(24, dtype=bool),
        },
    }
