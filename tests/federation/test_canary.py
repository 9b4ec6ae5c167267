"""Rows with values found nowhere else are planted at one site; none of them may be in what leaves it."""

from __future__ import annotations

import json
import re
import shutil
import struct

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchmarks.federation_attacks.made_up import short_settings, site_rows, walk
from federation.message import Message
from federation.plans import PLANS, plan
from federation.wire import decode, encode
from models.anomalies import forest_columns

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


def unpacked(wire: bytes) -> bytes:
    """A message as it was sent, and behind it what its arrays unpack to."""
    return wire + b"".join(array.tobytes() for array in decode(wire).arrays.values())


def written_in(wire: bytes, values: np.ndarray) -> set[float]:
    """Which of `values` are written out in decimals, to six digits or more, anywhere in a message."""
    text = json.dumps(decode(wire).header).encode() + unpacked(wire)
    written = re.findall(rb"-?[0-9]+[.][0-9]{4,}(?:e[+-]?[0-9]{1,3})?", text)
    tokens = np.array([float(token) for token in written if len(token.lstrip(b"-0.")) >= 7])
    if not tokens.size:
        return set()
    place = np.clip(np.searchsorted(values, tokens), 1, values.size - 1)
    nearest = np.where(
        np.abs(values[place] - tokens) < np.abs(values[place - 1] - tokens), values[place], values[place - 1]
    )
    return set(nearest[np.abs(nearest - tokens) <= 1e-5 * np.abs(tokens)].tolist())


def most_of_a_row(wire: bytes, rows: np.ndarray) -> int:
    """Most values of a row of float32 whose four bytes stand anywhere in a message, in either order.

    One or two do by chance: among a million places there are as many of the four thousand million patterns.
    """
    windows = np.lib.stride_tricks.sliding_window_view(np.frombuffer(unpacked(wire), np.uint8), 4)
    fours = np.unique(np.ascontiguousarray(windows).view("<u4"))
    single = np.ascontiguousarray(rows, dtype="<f4")
    telling = np.isfinite(single) & (single != np.rint(single))
    found = np.isin(single.view("<u4"), fours) | np.isin(single.view("<u4").byteswap(), fours)
    return int((found & telling).sum(axis=1).max())


def test_written_in__decimals_in_header_or_bytes__finds_them():
    values = np.sort(np.asarray([1.23456789012345, -2.34567890123456e-3, 7.0]))
    assert written_in(encode(Message({"text": f"it was {values[1]:.7g}"}, {})), values) == {values[1]}
    csv = np.frombuffer(f"a,{values[0]!r},b".encode(), dtype=np.uint8)
    assert written_in(encode(Message({}, {"bytes": csv})), values) == {values[0]}
    assert written_in(encode(Message({"text": "1.2399999 and 7.000"}, {})), values) == set()


def test_most_of_a_row__single_precision_at_any_place__is_found():
    rows = np.random.default_rng(3).normal(size=(50, 6)).astype(np.float32)
    for order in "<>":
        hidden = np.frombuffer(b"x" + rows[7].astype(f"{order}f4").tobytes(), dtype=np.uint8)
        assert most_of_a_row(encode(Message({}, {"bytes": hidden})), rows) == 6
    # So many zeros that the wire deflates them.
    padded = np.concatenate([np.zeros(4096, dtype=np.float32), rows[7]])
    assert most_of_a_row(encode(Message({}, {"bytes": padded})), rows) == 6
    assert most_of_a_row(encode(Message({}, {"mean": rows.mean(axis=0)})), rows) == 0


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


def made_up(model: str) -> dict[str, np.ndarray]:
    """A site's rows of any federated model, without what is a whole number, as marks and classes are."""
    return dict(site_rows(model, 400, 13))


def measured(data: dict[str, np.ndarray]) -> np.ndarray:
    """All values of a site's rows that could tell one of them."""
    values = np.unique(np.concatenate([rows.ravel() for rows in data.values() if rows.dtype.kind == "f"]))
    return values[np.isfinite(values) & (values != np.rint(values))]


@pytest.mark.parametrize("model", sorted(PLANS))
def test_federation__rows_of_any_model__do_not_leave_the_site(model):
    data, phases = made_up(model), set()
    values, learner = measured(data), plan(model)
    rows = data["X"].reshape(len(data["X"]), -1).astype(np.float32)
    assert values.size > 1000
    for state in walk(learner, short_settings(model), {"delhi": data}):
        update = learner.family.local_update(learner.family.told(state), data, "delhi")
        wire = encode(update)
        if "w00" in update.arrays:
            assert most_shared(update, rows) <= 2
        else:
            assert found_in(wire, values) == set()
        assert written_in(wire, values) == set()
        assert most_of_a_row(wire, rows) <= 2
        phases.add(str(state.value("phase")))
    assert len(phases) >= 2
