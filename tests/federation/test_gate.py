from __future__ import annotations

from dataclasses import replace

import msgspec
import numpy as np
import pytest

from federation.envelope import Envelope, seal
from federation.errors import RefusedUpdateError
from federation.families.decision_tree import DecisionTree
from federation.gate import Gate
from federation.message import Message
from federation.wire import encode

FAMILY = DecisionTree()
SETTINGS = {"columns": 2, "classes": 2, "max_depth": 3, "min_samples_leaf": 2, "edges": 15}
ASKED = Envelope("state", "run-1", "phase_imbalance", "decision_tree", 4, "ab" * 16, "mumbai", "s" * 64)


def rows(n: int = 200) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(1)
    X = rng.normal(size=(n, 2))
    return {"X": X, "y": (X[:, 0] + 0.2 * rng.normal(size=n) > 0).astype(np.int64)}


def state_in(phase: str) -> Message:
    state = FAMILY.start(SETTINGS, {"mumbai": 200})
    while state.header["phase"] != phase:
        told = FAMILY.told(state)
        state = FAMILY.aggregate(state, {"mumbai": FAMILY.local_update(told, rows(), "mumbai")})
    return state


def answer(state: Message, **changes: str | int) -> bytes:
    return sealed(FAMILY.local_update(FAMILY.told(state), rows(), "mumbai"), **changes)


def sealed(update: Message, **changes: str | int) -> bytes:
    envelope = msgspec.structs.replace(ASKED, kind="update", **changes)
    return encode(seal(update, envelope))


def refusal(state: Message, data: bytes, enrolled: int = 200, **options: int) -> RefusedUpdateError:
    gate = Gate(FAMILY, {"mumbai": enrolled}, **options)
    with pytest.raises(RefusedUpdateError) as caught:
        gate.admit("mumbai", data, state, ASKED)
    assert caught.value.site == "mumbai"
    return caught.value


def changed(state: Message, name: str, array: np.ndarray) -> bytes:
    update = FAMILY.local_update(FAMILY.told(state), rows(), "mumbai")
    return sealed(replace(update, arrays={**update.arrays, name: array}))


@pytest.mark.parametrize("phase", ["moments", "lattice", "grow"])
def test_gate__honest_update__is_admitted(phase):
    state = state_in(phase)
    update = Gate(FAMILY, {"mumbai": 200}).admit("mumbai", answer(state), state, ASKED)
    assert update.n == 200


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_gate__not_finite__is_refused(value):
    error = refusal(state_in("moments"), changed(state_in("moments"), "mean", np.asarray([0.0, value])))
    assert error.rule == "finiteness"
    assert "'mean'" in str(error)


@pytest.mark.parametrize("n", [201, 10**9, 0, -5])
def test_gate__n_k_beyond_enrolment__is_refused(n):
    state = state_in("moments")
    update = FAMILY.local_update(FAMILY.told(state), rows(), "mumbai")
    error = refusal(state, sealed(update.with_header(n=n)))
    assert error.rule == "count"
    assert f"n_k is {n}, 200 rows were enrolled" in str(error)


@pytest.mark.parametrize("n", [True, 20.0, "20", None])
def test_gate__n_k_of_another_type__is_refused(n):
    state = state_in("moments")
    update = FAMILY.local_update(FAMILY.told(state), rows(), "mumbai")
    assert refusal(state, sealed(update.with_header(n=n))).rule == "schema"


def test_gate__same_update_twice__is_refused_as_replay():
    state, gate = state_in("moments"), Gate(FAMILY, {"mumbai": 200})
    gate.admit("mumbai", answer(state), state, ASKED)
    with pytest.raises(RefusedUpdateError, match="answered before"):
        gate.admit("mumbai", answer(state), state, ASKED)


def test_gate__update_of_an_earlier_round__is_refused_as_replay():
    state = state_in("moments")
    assert refusal(state, answer(state, nonce="cd" * 16)).rule == "replay"
    assert refusal(state, answer(state, round=3)).rule == "replay"


@pytest.mark.parametrize(
    ("name", "value", "rule"),
    [
        ("schema", "t" * 64, "schema"),
        ("site", "delhi", "envelope"),
        ("model", "voltage_anomaly", "envelope"),
        ("family", "linear", "envelope"),
        ("federation", "run-0", "envelope"),
    ],
)
def test_gate__envelope_of_something_else__is_refused(name, value, rule):
    state = state_in("moments")
    assert refusal(state, answer(state, **{name: value})).rule == rule


@pytest.mark.parametrize("shape", [(3,), (1,), (2, 1), ()])
def test_gate__wrong_shape__is_refused(shape):
    state = state_in("moments")
    error = refusal(state, changed(state, "mean", np.zeros(shape)))
    assert error.rule == "shape"
    assert "expected (2,)" in str(error)


def test_gate__wrong_dtype__is_refused():
    state = state_in("moments")
    assert refusal(state, changed(state, "mean", np.zeros(2, dtype=np.float32))).rule == "dtype"


def test_gate__field_missing_or_added__is_refused():
    state = state_in("moments")
    update = FAMILY.local_update(FAMILY.told(state), rows(), "mumbai")
    for arrays in ({"mean": update.arrays["mean"]}, {**update.arrays, "rows": rows()["X"]}):
        assert refusal(state, sealed(replace(update, arrays=arrays))).rule == "schema"
    assert refusal(state, sealed(update.with_header(note="hello"))).rule == "schema"


def test_gate__mean_no_feature_can_have__is_refused():
    state = state_in("moments")
    assert refusal(state, changed(state, "mean", np.asarray([0.0, 1e9]))).rule == "bound"


def test_gate__more_bytes_than_the_cap__is_refused():
    state = state_in("lattice")
    assert refusal(state, answer(state), cap=500).rule == "size"


def test_gate__not_a_message__is_refused():
    assert refusal(state_in("moments"), b"nonsense" * 10).rule == "format"
    assert refusal(state_in("moments"), encode(Message({"n": 5}))).rule == "format"


def test_gate__counts_above_n_k__are_refused():
    state = state_in("lattice")
    update = FAMILY.local_update(FAMILY.told(state), rows(), "mumbai")
    assert refusal(state, changed(state, "count", update.arrays["count"] * 3)).rule == "norm"
    one = update.arrays["count"].copy()
    one[0] += 100
    error = refusal(state, changed(state, "count", one))
    assert error.rule in {"norm", "consistency"}


def test_gate__negative_counts_or_cells_out_of_order__are_refused():
    state = state_in("grow")
    update = FAMILY.local_update(FAMILY.told(state), rows(), "mumbai")
    count, cell = update.arrays["count"].copy(), update.arrays["cell"].copy()
    count[0] = -1
    assert refusal(state, changed(state, "count", count)).rule == "bound"
    assert refusal(state, changed(state, "cell", cell[::-1].copy())).rule == "consistency"
    assert refusal(state, changed(state, "cell", cell[:-1].copy())).rule == "consistency"
    cell[-1] = 10**6
    assert refusal(state, changed(state, "cell", cell)).rule == "bound"


def test_gate__columns_that_count_different_rows__are_refused():
    state = state_in("grow")
    update = FAMILY.local_update(FAMILY.told(state), rows(), "mumbai")
    count = update.arrays["count"].copy()
    taken = np.flatnonzero(count > 1)[0]
    count[taken] -= 1
    error = refusal(state, changed(state, "count", count))
    assert "count different rows" in str(error)


def test_gate__failure__points_to_the_sites_log():
    state = state_in("moments")
    envelope = msgspec.structs.replace(ASKED, kind="failure")
    error = refusal(state, encode(seal(Message({"n": 0}), envelope)))
    assert error.rule == "failure"
    assert "log of mumbai" in error.remedy
