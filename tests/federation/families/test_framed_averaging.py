from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest

from federation.envelope import Envelope, seal
from federation.errors import FederationError, RefusedUpdateError
from federation.families.averaging import FedAvg
from federation.families.framed_averaging import FramedFedAvg
from federation.family import Expected, FineTuning
from federation.gate import Gate
from federation.message import Message
from federation.rounds import fit_here
from federation.wire import decode, encode


@dataclass(frozen=True)
class Slope:
    """y = w·x by gradient descent on all rows at once."""

    def initial(self, options, columns, seed):
        del options, seed
        return (np.zeros(columns),)

    def train(self, weights, rows, work):
        (w,) = weights
        for _ in range(work.epochs):
            w = w - work.learning_rate * rows.X.T @ (rows.X @ w - rows.y) / len(rows.y)
        return (w,)

    def loss(self, weights, rows, options):
        del options
        return float(((rows.X @ weights[0] - rows.y) ** 2).mean())


class Offset:
    """Settles the mean target; the network learns what it leaves over."""

    phases: ClassVar[tuple[str, ...]] = ("total", "again")

    def rows(self, known, data):
        taken = {name: data[name] - known["offset"] for name in ("y", "y_validation")}
        ones = {f"weight{end}": np.ones(len(data[f"y{end}"])) for end in ("", "_validation")}
        return {"X": data["X"], "X_validation": data["X_validation"], **taken, **ones}

    def local(self, phase, known, data):
        centre = known["offset"] if phase == "again" else np.zeros(1)
        sums = {"total": np.array([(data["y"] - centre).sum()]), "count": np.array([len(data["y"])])}
        return Message({"n": len(data["y"])}, sums)

    def expects(self, phase, most):
        del phase
        return {
            "total": Expected("<f8", (1,), -100.0 * most, 100.0 * most),
            "count": Expected("<i8", (1,), 1, most),
        }

    def inspect(self, phase, sums):
        del phase
        return "an odd count" if sums["count"][0] % 2 else ""

    def close(self, phase, known, sums):
        more = sums["total"] / sums["count"]
        return {"offset": more + (known["offset"] if phase == "again" else 0.0)}


class Error:
    """Settles the mean absolute error on validation rows, with what was settled before and the weights."""

    phases: ClassVar[tuple[str, ...]] = ("error",)

    def local(self, phase, known, data):
        del phase
        X = (data["X_validation"] - known["mean"]) / known["scale"]
        error = np.abs(X @ known["w00"] + known["offset"] - data["y_validation"])
        return Message({"n": len(X)}, {"error": np.array([error.sum()]), "count": np.array([len(X)])})

    def expects(self, phase, most):
        del phase
        return {"error": Expected("<f8", (1,), 0.0, 1e3 * most), "count": Expected("<i8", (1,), 1, most)}

    def inspect(self, phase, sums):
        del phase, sums
        return ""

    def close(self, phase, known, sums):
        del phase, known
        return {"mean_error": sums["error"] / sums["count"]}


FAMILY = FramedFedAvg(FedAvg(Slope()), Offset(), Error())
SETTINGS = {
    "seed": "test", "columns": 2, "options": {}, "rounds": 30, "epochs": 2, "batch": 64,
    "learning_rate": 0.3, "momentum": 0.3, "tuning_epochs": 20, "tuning_rate": 1.0, "reach": 9.0,
}  # fmt: skip


def site(n: int, seed: int, slope: float = 1.0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    X, judged = rng.normal(size=(n, 2)), rng.normal(size=(100, 2))
    return {
        "X": X, "y": 5.0 + X @ [slope, -1.0] + 0.1 * rng.normal(size=n),
        "X_validation": judged, "y_validation": 5.0 + judged @ [slope, -1.0],
    }  # fmt: skip


SITES = {"delhi": site(400, 1), "mumbai": site(200, 2, 2.0)}


def rounds() -> tuple[list[str], Message]:
    """Phases of a federation over the wire, and its last state."""
    state, phases = FAMILY.start(SETTINGS, {}), []
    while not FAMILY.finished(state):
        phases.append(state.value("phase"))
        told = decode(encode(FAMILY.told(state)))
        assert not [name for name in told.arrays if name.startswith("velocity")]
        answers = {name: FAMILY.local_update(told, data, name) for name, data in SITES.items()}
        state = FAMILY.aggregate(state, {name: decode(encode(part)) for name, part in answers.items()})
    return phases, state


def test_framed__rounds__are_sums_then_averaging_then_sums():
    phases, state = rounds()
    assert phases == ["total", "again", "moments", *["train"] * 30, "error"]
    known, weights, mean, scale = FAMILY.result(state)
    y = np.concatenate([data["y"] for data in SITES.values()])
    assert known["offset"] == pytest.approx(y.mean(), abs=1e-12)
    np.testing.assert_allclose(weights[0] / scale, [4 / 3, -1.0], atol=0.1)
    errors = [
        np.abs((data["X_validation"] - mean) / scale @ weights[0] + y.mean() - data["y_validation"])
        for data in SITES.values()
    ]
    assert known["mean_error"] == pytest.approx(np.concatenate(errors).mean(), abs=1e-12)


def test_framed__same_calls_here_and_over_the_wire__give_the_same_state():
    here = fit_here(FAMILY, SETTINGS, SITES)
    _, there = rounds()
    assert set(here.arrays) == set(there.arrays)
    for name, array in here.arrays.items():
        assert np.array_equal(array, there.arrays[name])


def test_framed__fine_tuning__settles_what_comes_after_from_the_sites_own_rows():
    assert isinstance(FAMILY, FineTuning)
    state = fit_here(FAMILY, SETTINGS, SITES)
    known = FAMILY.result(state)[0]
    update = FAMILY.local_update(FAMILY.ask_tuning(state), SITES["mumbai"], "mumbai")
    assert set(update.arrays) == {"w00", "validation", "error.error", "error.count"}
    assert set(FAMILY.expects(FAMILY.ask_tuning(state), "mumbai", 200)) == set(update.arrays)
    tuned = FAMILY.tuned(state, update)
    own = FAMILY.result(tuned.state)[0]
    assert tuned.helped
    assert own["mean_error"] < 0.5 * known["mean_error"]
    assert own["offset"] == known["offset"]
    assert FAMILY.ask_tuning(fit_here(FAMILY, {**SETTINGS, "tuning_epochs": 0}, SITES)) is None


@pytest.mark.parametrize(
    ("phase", "name", "value", "rule"),
    [
        ("total", "count", 401, "bound"),
        ("total", "count", 399, "consistency"),
        ("total", "total", np.nan, "finiteness"),
        ("train", "w00", 500.0, "consistency"),
        ("fine_tune", "error.error", -1.0, "bound"),
        ("fine_tune", "w00", 500.0, "consistency"),
    ],
)
def test_framed__update_that_is_wrong__does_not_pass_the_gate(phase, name, value, rule):
    state = FAMILY.start(SETTINGS, {})
    while state.value("phase") != phase and not FAMILY.finished(state):
        answers = {each: FAMILY.local_update(state, data, each) for each, data in SITES.items()}
        state = FAMILY.aggregate(state, answers)
    if phase == "fine_tune":
        state = FAMILY.ask_tuning(state)
    asked = Envelope("state", "run", "model", "fedavg", 1, "ab" * 16, "delhi", "s" * 64)
    update = FAMILY.local_update(FAMILY.told(state), SITES["delhi"], "delhi")
    sent = {**update.arrays, name: np.full_like(update.arrays[name], value)}
    data = encode(seal(Message(update.header, sent), answer_to(asked)))
    with pytest.raises(RefusedUpdateError) as refused:
        Gate(FAMILY, {"delhi": 400}).admit("delhi", data, state, asked)
    assert refused.value.rule == rule
    honest = encode(seal(update, answer_to(asked)))
    assert Gate(FAMILY, {"delhi": 400}).admit("delhi", honest, state, asked).n == 400


def answer_to(asked: Envelope) -> Envelope:
    return Envelope("update", *(getattr(asked, name) for name in asked.__struct_fields__[1:]))


def test_framed__few_rows__send_no_sums():
    state = FAMILY.start(SETTINGS, {})
    with pytest.raises(FederationError, match="statistics need 32"):
        FAMILY.local_update(state, site(31, 3), "delhi")


def test_framed__setting_out_of_range__is_refused():
    with pytest.raises(FederationError, match="out of range"):
        FAMILY.start({**SETTINGS, "rounds": 0}, {})


def test_framed__without_sums_after__is_done_with_the_last_round():
    family = FramedFedAvg(FedAvg(Slope()), Offset())
    state = fit_here(family, SETTINGS, SITES)
    update = family.local_update(family.ask_tuning(state), SITES["mumbai"], "mumbai")
    assert set(update.arrays) == {"w00", "validation"}
    assert "mean_error" not in family.result(family.tuned(state, update).state)[0]
