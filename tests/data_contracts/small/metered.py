"""What is metered at points: readings, their truth, and captures of waveforms."""

import math

import numpy as np

from tests.data_contracts.small.arrow import START_MS

PAIRS = (("a", "b"), ("b", "c"), ("c", "a"))


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


def readings_truth_columns(readings):
    """Columns of `readings_truth` for those of `readings`, whose meters err nowhere."""
    rows = len(readings["t"])
    v = {pair: readings[f"v_{pair}_v"] for pair in ("ab", "bc", "ca")}
    beta = sum(x**4 for x in v.values()) / sum(x**2 for x in v.values()) ** 2
    root = np.sqrt(np.clip(3 - 6 * beta, 0, None))
    return {
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
    }
