"""Rows with values found nowhere else are planted at one site; none of them may be in what leaves it."""

from __future__ import annotations

import json
import shutil
import struct

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from federation.message import Message
from federation.plans import plan
from federation.wire import decode, encode
from models.anomalies import forest_columns
from models.catalogue import definition

MODELS = ("phase_imbalance", "voltage_anomaly", "harmonic_analysis", "demand_response")
PLANTED = 40


@pytest.fixture(scope="module")
def planted(campaign, tmp_path_factory):
    """Dataset folders in which delhi has canaries, and the canaries."""
    folder = tmp_path_factory.mktemp("canary") / campaign.sites["delhi"].name
    shutil.copytree(campaign.sites["delhi"], folder)
    rng = np.random.default_rng(11)
    for kind in ("normal", "harmonic"):
        plant(folder / "features" / f"{kind}-00000.parquet", rng)
    return {**campaign.sites, "delhi": folder}


def plant(file, rng: np.random.Generator) -> None:
    table = pq.read_table(file)
    columns = {}
    for name in table.column_names:
        if name in {"scenario_id", "point", "t"}:
            columns[name] = table.column(name)
            continue
        values = table.column(name).to_numpy().copy()
        # The first is far beyond all others: a smallest or largest value would give it away.
        values[:PLANTED] += rng.uniform(0.001, 0.01, PLANTED)
        values[0] *= 1.0 + 20.0 * rng.uniform()
        columns[name] = pa.array(values)
    pq.write_table(pa.table(columns), file)


def canaries(folder, campaign, model: str) -> np.ndarray:
    data = plan(model).load(folder, campaign.profile.simulation.start)
    values = np.unique(np.concatenate([data["X"], data.get("X_validation", data["X"])]).ravel())
    return values[np.isfinite(values)]


def found_in(wire: bytes, values: np.ndarray) -> set[float]:
    """Which of `values` stand in a message: in its arrays, in any array's bytes, or written out in text."""
    message = decode(wire)
    known = set(values.tolist()) | set(values.astype(np.float32).astype(float).tolist())
    found = set()
    for array in message.arrays.values():
        if array.dtype.kind == "f":
            found |= known & set(array.astype(np.float64).ravel().tolist())
    unpacked = wire + b"".join(array.tobytes() for array in message.arrays.values())
    windows = np.lib.stride_tricks.sliding_window_view(np.frombuffer(unpacked, np.uint8), 8)
    eights = set(np.ascontiguousarray(windows).view(np.uint64).ravel().tolist())
    text = json.dumps(message.header)
    for value in known:
        for order in "<>":
            if int.from_bytes(struct.pack(f"{order}d", value), "little") in eights:
                found.add(value)
        if f"{value:.9g}" in text and len(f"{value:.9g}") > 8:
            found.add(value)
    return found


def test_found_in__message_with_a_row__finds_it():
    row = np.asarray([1.23456789012345, 2.34567890123456])
    assert found_in(encode(Message({}, {"rows": row})), row) == set(row)
    assert found_in(encode(Message({}, {"rows": row.astype(np.float32)})), row) != set()
    assert found_in(encode(Message({"text": f"value {row[1]}"}, {})), row) == {row[1]}
    hidden = np.frombuffer(b"xyz" + row.tobytes(), dtype=np.uint8)
    assert found_in(encode(Message({}, {"bytes": hidden})), row) == set(row)
    assert found_in(encode(Message({}, {"mean": row + 1e-9})), row) == set()


@pytest.mark.parametrize("model", MODELS)
def test_federation__planted_rows__no_value_of_theirs_leaves_the_site(bench, campaign, planted, model):
    params = {"n_estimators": 10} if model == "harmonic_analysis" else {}
    made = bench(model, folders=planted, params=params)
    made.run()
    values = canaries(planted["delhi"], campaign, model)
    assert values.size > 1000
    assert len(made.transport.back) >= 3
    for answers in made.transport.back:
        assert found_in(answers["delhi"], values) == set()


def test_fedavg__readings_and_rows__do_not_leave_the_site(bench, campaign):
    made = bench("frequency_stability", params={"epochs": 2})
    made.run()
    folder = campaign.sites["delhi"]
    readings = pq.read_table(folder / "frequency")["f_hz"].to_numpy()
    rows = plan("frequency_stability").load(folder, campaign.profile.simulation.start)["X"]
    rows = rows.reshape(len(rows), -1).astype(np.float32)
    # Moments, two rounds, fine-tuning.
    assert len(made.transport.back) == 4
    for answers in made.transport.back:
        assert found_in(answers["delhi"], np.unique(readings)) == set()
        assert most_shared(decode(answers["delhi"]), rows) <= 2


def most_shared(update: Message, rows: np.ndarray) -> int:
    """Most values that a message of weights has in common with a row of float32.

    Among thirty thousand weights and a hundred thousand inputs one or two are equal by chance; more than two
    of one row are not. Zeros and ones are in every row and every first bias.
    """
    sent = np.unique(np.concatenate([array.astype(np.float32).ravel() for array in update.arrays.values()]))
    return int(np.isin(rows, sent[(sent != 0.0) & (sent != 1.0)]).sum(axis=1).max())


def test_isolation_forest__splits__are_no_rows_whitened_value(bench, campaign):
    made = bench("voltage_anomaly")
    outcome = made.run()
    model = plan("voltage_anomaly").fitted(outcome.state)
    for folder in campaign.sites.values():
        X = plan("voltage_anomaly").load(folder, campaign.profile.simulation.start)["X"]
        level = (model.level_centre, model.level_scale)
        Z = forest_columns(model.whitening, level, model.power, X)
        for tree in model.forest.trees:
            inner = ~tree.is_leaf
            for column, split in zip(tree.feature[inner], tree.threshold[inner], strict=True):
                assert split not in Z[:, column]


def test_random_fourier__rows__do_not_leave_the_site():
    rng = np.random.default_rng(12)
    columns, n = len(definition("overload_risk").features), 400
    data = {
        "X": rng.normal(size=(n, columns)),
        "y": rng.normal(size=(n, 2)),
        "weight": np.ones((n, 2)),
        "X_validation": rng.normal(size=(n, columns)),
        "offset_validation": 120.0 + 20.0 * rng.normal(size=n),
        "class_validation": rng.integers(4, size=n),
        "form_validation": rng.integers(2, size=n),
    }
    # The first row is far beyond all others.
    data["X"][0] *= 50.0
    values = np.unique(np.concatenate([data[name].ravel() for name in ("X", "y", "X_validation")]))
    made = plan("overload_risk")
    state, rounds = made.family.start(made.settings({}, "canary"), {"delhi": n}), 0
    while not made.family.finished(state):
        update = made.family.local_update(made.family.told(state), data, "delhi")
        assert found_in(encode(update), values) == set()
        state, rounds = made.family.aggregate(state, {"delhi": update}), rounds + 1
    assert rounds == 3


def framed_rows(model: str, n: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """A site's arrays for a network between sums; the first row is far beyond all others."""
    X = plan(model).probes(None, n, rng)
    X[0] *= np.where(X[0] > 1.0, 3.0, 1.0)
    if model == "power_quality_index":
        truth = {"index": rng.uniform(1.0, 99.0, n), "single_share": rng.normal(0.85, 0.03, n)}
        flagged = (rng.random(n) < 0.2).astype(float)
        return {"X": X, **truth, "flagged": flagged, "pst": rng.uniform(0.2, 3.0, n)}
    return {"X": X, "load": rng.uniform(0.1, 0.8, (n, 3)), "local_s": rng.uniform(0.0, 3e7, n)}


@pytest.mark.parametrize("model", ["power_quality_index", "load_forecast"])
def test_framed_fedavg__rows__do_not_leave_the_site(model):
    rng, made = np.random.default_rng(13), plan(model)
    data, judged = framed_rows(model, 400, rng), framed_rows(model, 100, rng)
    data |= {f"{name}_validation": rows for name, rows in judged.items()}
    # Marks of a kind of day are zeros and ones.
    values = np.setdiff1d(np.concatenate([rows.ravel() for rows in data.values()]), [0.0, 1.0])
    rows = data["X"].astype(np.float32)
    state, sums, trained = made.family.start(made.settings({"epochs": 4}, "canary"), {}), 0, 0
    while not made.family.finished(state):
        update = made.family.local_update(made.family.told(state), data, "delhi")
        if "w00" in update.arrays:
            assert most_shared(update, rows) <= 2
            trained += 1
        else:
            assert found_in(encode(update), values) == set()
            sums += 1
        state = made.family.aggregate(state, {"delhi": update})
    update = made.family.local_update(made.family.ask_tuning(state), data, "delhi")
    assert most_shared(update, rows) <= 2
    assert sums >= 3
    assert trained >= 2


@pytest.mark.parametrize("model", ["equipment_failure", "voltage_sag"])
def test_trees_from_sums__rows__do_not_leave_the_site(model):
    rng = np.random.default_rng(13)
    made, n = plan(model), 600
    X = rng.normal(size=(n, len(definition(model).features)))
    # The first row is far beyond all others.
    X[0] *= 50.0
    X[::3, 2] = np.nan
    came = (rng.random(n) < 0.3).astype(float)
    data = {
        "X": X.astype(np.float32).astype(np.float64),
        "outcome": came,
        "time": rng.exponential(100.0, n),
        "seen": came,
        "target": np.where(rng.random((n, 5)) < 0.5, np.nan, rng.normal(1.0, 0.2, (n, 5))),
        "weight": rng.uniform(0.5, 2.0, n),
        "X_validation": rng.normal(size=(200, X.shape[1])),
        "outcome_validation": came[:200],
        "weight_validation": rng.uniform(0.5, 2.0, 200),
    }
    named = ("X", "X_validation", "time", "weight", "weight_validation", "target")
    values = np.unique(np.concatenate([data[name].ravel() for name in named]))
    values = values[np.isfinite(values)]
    settings = made.settings({}, "canary")
    if model == "equipment_failure":
        settings["trees"] = 4
    else:
        settings["forests"] = [{**one, "trees": 4} for one in settings["forests"]]
    state, phases = made.family.start(settings, {"delhi": n}), set()
    while not made.family.finished(state):
        phases.add(state.header["phase"])
        update = made.family.local_update(made.family.told(state), data, "delhi")
        assert found_in(encode(update), values) == set()
        state = made.family.aggregate(state, {"delhi": update})
    assert {"moments", "lattice", "grow"} < phases
