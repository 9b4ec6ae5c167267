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
        assets={"AT1": "transformer", "BC33.CB": "breaker", "DTX1": "transformer"},
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


def power_quality_columns():
    """Columns of `power_quality`: four intervals at one point, well within the limits of 33 kV."""
    rows, t = 4, START_MS - START_MS % 600_000
    indicators = {
        "vuf_pct": 0.6, "thd_pct": 2.0, "harmonic_pct": 1.5, "pst": 0.45, "event_severity": 0.0,
        "f_dev_max_hz": 0.05,
    }  # fmt: skip
    limits = {
        "v_min_limit_pu": 0.9, "v_max_limit_pu": 1.1, "vuf_limit_pct": 3.0, "thd_limit_pct": 5.0,
        "harmonic_limit_pct": 3.0, "pst_limit": 0.9, "f_dev_limit_hz": 0.5,
    }  # fmt: skip
    ratios = {"voltage": 0.2, "unbalance": 0.2, "harmonics": 0.5, "flicker": 0.5, "events": 0.0}
    numbers = {
        **indicators, **limits, **{f"{name}_ratio": value for name, value in ratios.items()},
        "frequency_ratio": 0.1, "unified": 0.5, "index": 85.0, "u_a_pu": 1.0, "u_b_pu": 1.02, "u_c_pu": 1.01,
        "u_min_pu": 0.99, "u_max_pu": 1.03, "event_s": 0.0, "f_dev_mean_hz": 0.02, "metered_u_a_pu": 1.001,
        "metered_u_b_pu": 1.021, "metered_u_c_pu": 1.009, "metered_vuf_pct": 0.7, "metered_thd_pct": 2.1,
        "metered_pst": 0.46, "metered_index": 84.0,
    }  # fmt: skip
    counts = {"harmonic_order": 5, "sags": 0, "swells": 0, "rapid_changes": 1}
    return {
        "scenario_id": [f"mumbai.test.1.quality.{k:06d}" for k in range(rows)],
        "point": ["DTX1.LV"] * rows,
        "t": [t + 600_000 * k for k in range(rows)],
        **{name: [value] * rows for name, value in {**numbers, **counts}.items()},
        "flagged": [False] * rows,
        "grade": ["good"] * rows,
        "worst": ["harmonics"] * rows,
    }


def thermal_columns(minutes=90):
    """Columns of `thermal`: two transformers, one of them loaded beyond its rating for a while."""
    k = np.arange(minutes)
    hump = np.exp(-(((k - 40.0) / 15.0) ** 2))
    load = np.concatenate([0.6 + 0.8 * hump, 0.5 + 0.1 * hump])
    oil = np.concatenate([60.0 + 40.0 * hump, 50.0 + hump])
    hot = oil + 25.0 * load
    rate = 2.0 ** ((hot - 98.0) / 6.0)
    ahead = [hot[r + 1 : r + 61].max() if r % minutes < minutes - 60 else None for r in range(2 * minutes)]
    return {
        "scenario_id": ["mumbai.test.1.thermal.000000"] * (2 * minutes),
        "asset": np.repeat(np.array(["AT1", "DTX1"], dtype=object), minutes),
        "t": np.tile(START_MS + 60_000 * k, 2),
        "load_pu": load,
        "load_metered_pu": np.round(load, 3),
        "ambient_c": np.full(2 * minutes, 31.0),
        "cooling_stage": ["ONAF"] * (2 * minutes),
        "event": np.array(["load_growth"] * minutes + ["none"] * minutes, dtype=object),
        "top_oil_measured_c": np.round(oil),
        "top_oil_c": oil,
        "hot_spot_c": hot,
        "hot_spot_ieee_c": hot - 1.0,
        "ageing_rate": rate,
        "ageing_acceleration": np.exp(15000 / 383 - 15000 / (hot + 273)),
        "loss_of_life_h": np.cumsum(rate.reshape(2, -1), axis=1).ravel() / 60.0,
        "loading_regime": np.where(hot > 120.0, "long_emergency", "normal_cyclic").astype(object),
        "hot_spot_next_60min_max_c": np.array(ahead, dtype=object),
    }


def customers_columns(count=4):
    """Columns of `customers`: days with one hump each, and the figures that they say."""
    hours = (np.arange(96) + 0.5) / 4.0
    shape = np.array([1.0 + 0.5 * k * np.exp(-(((hours - 19.0) / 2.0) ** 2)) for k in range(1, count + 1)])
    working, weekend = 1e4 * shape, 9e3 * shape
    mean, peak = (5 * working.mean(axis=1) + 2 * weekend.mean(axis=1)) / 7, working.max(axis=1)
    return {
        "customer": [f"mumbai-{k:06d}" for k in range(count)],
        "substation": ["mumbai"] * count,
        "point": ["F331"] * count,
        "sector": ["commercial"] * count,
        "working_w": list(working),
        "weekend_w": list(weekend),
        "mean_w": mean,
        "peak_w": peak,
        "load_factor": mean / peak,
        "night_share": working[:, :24].sum(axis=1) / working.sum(axis=1),
        "peak_hours_share": working[:, 72:88].sum(axis=1) / working.sum(axis=1),
        "weekend_ratio": weekend.sum(axis=1) / working.sum(axis=1),
        "ramp_pu": np.full(count, 0.2),
        "price_response_pct": np.full(count, 20.0),
        "temperature_pct_per_k": np.full(count, 1.5),
        "variability_pct": np.full(count, 8.0),
        "standby_pct": np.full(count, 25.0),
        "flexible_w": np.full(count, 2e3),
        "true_class": ["base_load", "peak_shaver", "flexible", "critical"][:count],
    }


def losses_columns(count=4):
    """Columns of `losses`: states a quarter apart, the last of them without a solution."""
    steps = np.arange(count)
    resistive, reactive, core = 8e5 + 1e5 * steps, 1e5 + 1e4 * steps, np.full(count, 4e5)
    total, served = resistive + reactive + core, 2e8 + 1e7 * steps
    solved = {
        "taps": ["AT1:9,DTX1:10"] * count,
        "capacitor_steps": ["C1:1"] * count,
        "v_infeed_pu": np.full(count, 1.01),
        "v_metered_pu": np.full(count, 1.012),
        "loading_max_pct": np.full(count, 60.0),
        "winding_max_c": np.full(count, 70.0),
        "p_supplied_w": served + total,
        "q_supplied_var": np.full(count, 3e7),
        "total_w": total,
        "resistive_w": resistive,
        "reactive_w": reactive,
        "core_w": core,
        "transformers_w": 0.4 * total,
        "lines_w": 0.5 * total,
        "shunts_w": 0.1 * total,
        "harmonic_w": np.full(count, 5e3),
        "residual_p_pu": np.full(count, 1e-9),
        "residual_q_pu": np.full(count, -1e-9),
    }
    return {
        "scenario_id": [f"mumbai.test.1.state.{k // 2:06d}" for k in range(count)],
        "t": START_MS - START_MS % 900_000 + 900_000 * steps,
        "status": ["ok"] * (count - 1) + ["unsolved"],
        "reason": [""] * (count - 1) + ["no power-flow solution"],
        "p_served_w": served,
        "q_served_var": np.full(count, 5e7),
        "p_metered_w": 1.001 * served,
        "q_metered_var": np.full(count, 5.1e7),
        "p_metered_low_w": 0.2 * served,
        "ambient_c": np.full(count, 28.0),
        "ghi_w_m2": np.zeros(count),
        "wind_m_s": np.full(count, 3.0),
        "thd_i_pct": np.full(count, 3.5),
        **{name: [*list(values)[:-1], None] for name, values in solved.items()},
        "nameplate_w": 0.95 * total,
        "design_resistive": np.full(count, 0.6),
        "design_reactive": np.full(count, 0.1),
        "design_core": np.full(count, 0.3),
    }


def stability_columns(count=4):
    """Columns of `stability`: the third state has a failure without a solution, the last none itself."""
    table = TABLES["stability"]
    numbers = [column for column in table.columns if column.dtype == "float64"]
    solved = {column.name: [1.0] * count for column in numbers}
    lists = [column for column in table.columns if column.is_list]
    solved.update({column.name: [[1.0] * column.length] * count for column in lists})
    scores = {"voltage": [90.0, 65.0, 0.0, 0.0], "outages": [85.0, 70.0, 0.0, 0.0], "frequency": [95.0] * 4}
    solved.update({f"score_{name}": values for name, values in scores.items()})
    solved.update(
        load_mw=[5000.0] * count,
        generation_mw=[5050.0] * count,
        loss_mw=[50.0] * count,
        nadir_hz=[49.6] * count,
        nose_after_pct=[15.0, 6.0, 0.0, 0.0],
        severity=[0.86, 0.95, None, None],
        unsolved=[0.0, 0.0, 2.0, 0.0],
        score=[85.0, 65.0, 0.0, 0.0],
        residual_p_pu=[1e-10] * count,
        residual_q_pu=[-1e-10] * count,
        limiting_contingency=["line-b01-b02"] * count,
        worst_contingency=["line-b15-b16"] * count,
        largest_infeed=["unit-b34-coal"] * count,
        stability_class=["stable", "marginal", "unstable", "unstable"],
        limited_by=["outages", "voltage", "voltage", "voltage"],
    )
    hour = START_MS - START_MS % 3_600_000
    return {
        "scenario_id": [f"mumbai.test.1.contingency.{k:06d}" for k in range(count)],
        "t": [hour + 3_600_000 * k for k in range(count)],
        "status": ["ok"] * (count - 1) + ["islanded"],
        "reason": [""] * (count - 1) + ["2 buses are cut off"],
        **{name: [*values[:-1], None] for name, values in solved.items()},
    }


def controls_columns(states=2, settings=3):
    """Columns of `controls`: the second setting is the present one, the last of all has no solution."""
    count = states * settings
    setting = np.tile(np.arange(settings), states)
    solved = {
        "loss_w": 1.5e6 + 1e4 * setting,
        "q_supplied_var": 3e7 - 1e6 * setting,
        "v_min_pu": 0.97 + 0.01 * setting,
        "v_max_pu": 1.01 + 0.01 * setting,
        "violations": np.zeros(count, dtype=np.int64),
        "overloads": np.zeros(count, dtype=np.int64),
        "loading_pct": [[40.0, 40.0, 65.0, 52.0]] * count,
    }
    return {
        "scenario_id": [f"mumbai.test.1.state.{k // settings:06d}" for k in range(count)],
        "setting": setting,
        "t": START_MS - START_MS % 900_000 + 900_000 * (np.arange(count) // settings),
        "present": setting == 1,
        "status": ["ok"] * (count - 1) + ["unsolved"],
        "taps": [f"AT1:{k}" for k in setting],
        "capacitor_steps": ["C1:1"] * count,
        "p_served_w": 2e8 + 1e7 * (np.arange(count) // settings),
        **{name: [*list(values)[:-1], None] for name, values in solved.items()},
    }


def compensation_columns(states=2):
    """Columns of `compensation`: two banks a state, the last of all without a result."""
    count = 2 * states
    solved = {
        "p_fed_metered_w": np.full(count, 2.5e7),
        "q_fed_metered_var": np.full(count, 3e6),
        "v_metered_pu": np.full(count, 1.02),
        "p_feeders_metered_w": [[4e7, 2.5e7]] * count,
        "q_feeders_metered_var": [[1e7, 8e6]] * count,
        "optimal_var": np.full(count, 9e6),
        "limited_by": ["none", "power_factor", "voltage", "size"] * (count // 4),
        "power_factor": np.full(count, 0.97),
        "saved_w": np.full(count, 5e3),
        "metered_optimal_var": np.full(count, 9.1e6),
        "steps_loss_w": [[1.52e6, 1.51e6]] * count,
    }
    return {
        "scenario_id": [f"mumbai.test.1.state.{k // 2:06d}" for k in range(count)],
        "t": START_MS - START_MS % 900_000 + 900_000 * (np.arange(count) // 2),
        "bank": ["C1", "C2"] * states,
        "point": ["DTX1.LV", "F331"] * states,
        "status": ["ok"] * (count - 1) + ["unsolved"],
        "steps": np.ones(count, dtype=np.int64),
        "v_infeed_metered_pu": np.full(count, 1.0),
        "taps": ["AT1:9"] * count,
        "capacitor_steps": ["C1:1,C2:1"] * count,
        "ambient_c": np.full(count, 28.0),
        **{name: [*list(values)[:-1], None] for name, values in solved.items()},
    }


def transfers_columns(states=2, arrangements=3):
    """Columns of `transfers`: the first arrangement is the present one, the last of all has no solution."""
    count = states * arrangements
    transfer = np.tile(np.arange(arrangements), states)
    present = (transfer == 0).tolist()
    solved = {
        "taps": ["AT1:9"] * count,
        "capacitor_steps": ["C1:1"] * count,
        "loss_w": 1.5e6 + 1e4 * transfer,
        "cost": 2e4 + 2e3 * transfer,
        "loading_pct": [[40.0, 40.0, 65.0, 52.0]] * count,
        "loading_max_pct": np.full(count, 65.0),
        "phase_loading_pct": [[40.0] * 6 + [65.0, 60.0, 70.0, 52.0, 50.0, 54.0]] * count,
        "loading_imbalance_pct": np.full(count, 11.1),
        "imbalance_pct": 20.0 - 4.0 * transfer,
        "reduction_pct": 20.0 * transfer,
        "vuf_pct": [[0.2, 0.2, 0.6, 0.6, 1.1, 0.4]] * count,
        "vuf_max_pct": np.full(count, 1.1),
        "v_min_pu": np.full(count, 0.95),
        "v_max_pu": np.full(count, 1.03),
        "violations": np.zeros(count, dtype=np.int64),
        "overloads": np.zeros(count, dtype=np.int64),
        "unbalanced": np.zeros(count, dtype=np.int64),
        "permitted": [True] * count,
        "residual_p_pu": np.full(count, 1e-8),
        "residual_q_pu": np.full(count, -1e-8),
    }
    metered = {
        "v_metered_v": [19e3, 19.1e3, 18.9e3],
        "p_metered_w": [4e6, 4.1e6, 3.9e6],
        "q_metered_var": [1e6, 1.1e6, 0.9e6],
        "p_traction_metered_w": [8e6],
        "q_traction_metered_var": [4e6],
    }
    return {
        "scenario_id": [f"mumbai.test.1.transfer.{k // arrangements:06d}" for k in range(count)],
        "transfer": transfer,
        "t": START_MS - START_MS % 900_000 + 900_000 * (np.arange(count) // arrangements),
        "present": present,
        "status": ["ok"] * (count - 1) + ["unsolved"],
        "reason": [""] * (count - 1) + ["no power-flow solution"],
        "moves": ["" if now else "F331:lv1>lv2" for now in present],
        "sections": ["F331:lv1" if now else "F331:lv2" for now in present],
        "traction": ["TR1:bc"] * count,
        "running": ["TR1"] * count,
        "feeders_moved": (transfer > 0).astype(np.int64),
        "supplies_moved": np.zeros(count, dtype=np.int64),
        "operations": 4 * (transfer > 0),
        "p_served_w": 2e8 + 1e7 * (np.arange(count) // arrangements),
        "price_per_mwh": np.full(count, 3000.0),
        **{name: [*list(values)[:-1], None] for name, values in solved.items()},
        **{name: [values if now else None for now in present] for name, values in metered.items()},
    }


def assets_columns(facts, days=40):
    """Columns of `assets`: a breaker that fails after ten days and comes back, a transformer that lives."""
    first = START_MS - (START_MS + facts.utc_offset_s * 1000) % 86_400_000
    day, rows = np.arange(days, dtype=float), 2 * days
    on = np.concatenate([(day < 10) | (day >= 15), np.ones(days, dtype=bool)])
    spell = np.concatenate([(day >= 15).astype(int), np.zeros(days, dtype=int)])
    time = np.concatenate([np.where(day < 10, 9.5 - day, days - 1 - day), days - 1 - day])
    failed = np.concatenate([day < 10, np.zeros(days, dtype=bool)])
    known = on & (failed | (time >= 30))
    oil = np.arange(rows) >= days

    def where(mask, values):
        return [
            value if shown else None for shown, value in zip(mask, np.asarray(values).tolist(), strict=True)
        ]

    def everywhere(**values):
        return {name: np.full(rows, value) for name, value in values.items()}

    return {
        "substation": ["mumbai"] * rows,
        "asset": ["BC33.CB"] * days + ["DTX1"] * days,
        "t": [int(first + 86_400_000 * k) for k in range(days)] * 2,
        "kind": ["breaker"] * days + ["transformer"] * days,
        "bay": ["BC33"] * days + ["DTX1.HV"] * days,
        "in_service": on,
        "forced_outage": ~on,
        "spell": spell,
        **everywhere(age_years=12.0, maintenance_age_d=90.0, maintained=False, ambient_c=27.0),
        **everywhere(load_pu=0.4, peak_load_pu=0.6, hot_spot_c=65.0, ageing_rate=0.02),
        **everywhere(insulation_age_d=80.0, harmonic_factor=2.2, through_faults=1, through_faults_total=9),
        **everywhere(i2t_ka2s=1.5, i2t_total_ka2s=14.0),
        "moisture_pct": where(oil, np.full(rows, 1.8)),
        "oltc_operations": where(oil, np.full(rows, 50_000)),
        "breaker_operations": where(~oil, np.full(rows, 120)),
        **{
            f"{gas}_ppm": where(oil, np.full(rows, ppm))
            for gas, ppm in (("h2", 40.0), ("ch4", 20.0), ("c2h2", 0.5), ("c2h4", 15.0), ("co", 300.0))
        },
        "dga_age_d": where(oil, np.full(rows, 30.0)),
        **everywhere(anomalies_24h=1, anomalies_7d=2, anomalies_30d=4, defect_severity=0.1),
        "hazard_per_d": np.where(on, 1e-4, 0.0),
        "risk_30d": np.where(on, 0.004, 0.0),
        "time_to_event_d": where(on, time),
        "failed": where(on, failed),
        "failed_within_30d": where(known, failed),
    }


def dispatch_columns(hours):
    """Columns of `dispatch`: a park, a cheap and a dear station; no AC optimum in the last hour."""
    count = len(hours)
    wind = 100.0 + 5.0 * np.arange(count)
    load = np.full(count, 1000.0)
    merit, lossless = np.full(count, 700.0), np.full(count, 650.0)
    outputs = {
        "merit_order_mw": np.stack([wind, merit, 1010.0 - wind - merit], axis=1),
        "lossless_mw": np.stack([wind, lossless, 1010.0 - wind - lossless], axis=1),
        "ac_opf_mw": np.stack([wind, np.full(count, 660.0), 1012.0 - wind - 660.0], axis=1),
    }
    outputs["ac_opf_mw"][-1] = np.nan
    linear, quadratic = np.array([0.0, 2000.0, 4000.0]), np.array([0.0, 0.1, 0.3])
    costs = {name: (linear * p + quadratic * p**2).sum(axis=1) for name, p in outputs.items()}

    def with_nulls(values):
        return [None if np.isnan(value) else float(value) for value in values]

    def hourly(values):
        return with_nulls(np.repeat(values, 3))

    solved = np.where(np.arange(count) < count - 1, 1.0, np.nan)
    return {
        "t": [int(t) for t in hours for _ in range(3)],
        "unit": ["b08-wind", "b30-hydro", "b31-gas"] * count,
        "bus": [8, 30, 31] * count,
        "renewable": [True, False, False] * count,
        "minimum_mw": [0.0, 100.0, 50.0] * count,
        "available_mw": np.stack([wind, merit, np.full(count, 600.0)], axis=1).ravel(),
        "cost_per_mwh": np.tile(linear, count),
        "quadratic_per_mw2h": np.tile(quadratic, count),
        **{name: with_nulls(p.ravel()) for name, p in outputs.items()},
        "status": ["ok"] * (3 * count - 3) + ["not_converged"] * 3,
        "system_load_mw": hourly(load),
        "loss_estimate_mw": hourly(0.01 * load),
        "shed_mw": hourly(0.0 * load),
        "merit_cost": hourly(costs["merit_order_mw"]),
        "lossless_cost": hourly(costs["lossless_mw"]),
        "congested": [True] * (3 * count),
        "limiting_branch": ["line-b02-b03"] * (3 * count),
        "ac_opf_cost": hourly(costs["ac_opf_mw"]),
        "ac_loss_mw": hourly(12.0 * solved),
        "ac_loading_pct": hourly(100.0 * solved),
        "ac_v_min_pu": hourly(0.99 * solved),
        "ac_v_max_pu": hourly(1.05 * solved),
        "ac_limiting_branch": ["line-b02-b03"] * (3 * count - 3) + [None] * 3,
        "bus_load_mw": [np.full(39, 1000.0 / 39.0)] * (3 * count),
        "bus_load_mvar": [np.full(39, 5.0)] * (3 * count),
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
        "customers": customers_columns(),
        "assets": assets_columns(facts),
        "thermal": thermal_columns(),
        "power_quality": power_quality_columns(),
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
            "lightning_per_h": np.zeros(96),
            "holiday": np.zeros(96, dtype=bool),
            "hour_local": (local % day) / 3_600_000,
            "day_of_week": ((local // day + 3) % 7).astype(np.int8),
            "p_noise_free_w": np.full(96, 12e6),
        },
        "losses": losses_columns(),
        "stability": stability_columns(),
        "controls": controls_columns(),
        "compensation": compensation_columns(),
        "transfers": transfers_columns(),
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
        "dispatch": dispatch_columns(hours),
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
