"""Two links: a regression, and a second one of what the first missed."""

from __future__ import annotations

import numpy as np
import pytest

from federation.errors import FederationError
from federation.families.chained import Chain, Link
from federation.families.linear import Linear
from federation.message import Message
from federation.rounds import fit_here
from federation.wire import decode, encode

LINEAR = Linear()
SETTINGS = {
    "first": {"columns": 2, "targets": 1, "figures": 0, "degree": 1, "penalty": 1e-6},
    "second": {"columns": 1, "targets": 1, "figures": 0, "degree": 1, "penalty": 1e-6},
}


def first_rows(data, found):
    assert not found
    return {"X": data["X"][:, :2], "Y": data["y"][:, None], "beside": np.zeros((len(data["y"]), 0))}


def second_rows(data, found):
    assert set(found) == {"first"}
    missed = data["y"] - LINEAR.result(found["first"])[0].predict(data["X"][:, :2])[:, 0]
    return {"X": data["X"][:, 2:], "Y": missed[:, None], "beside": np.zeros((len(missed), 0))}


CHAIN = Chain((Link("first", LINEAR, first_rows), Link("second", LINEAR, second_rows, ("first",))))


def site(n, seed):
    X = np.random.default_rng(seed).normal(size=(n, 3))
    return {"X": X, "y": 1.0 + X @ [1.0, -2.0, 3.0]}


SITES = {"delhi": site(200, 1), "mumbai": site(300, 2)}


def test_chain__second_link__learns_what_the_first_missed():
    state = fit_here(CHAIN, SETTINGS, SITES)
    first, second = (LINEAR.result(CHAIN.of(state, name))[0] for name in ("first", "second"))
    X = site(50, 3)["X"]
    told = first.predict(X[:, :2]) + second.predict(X[:, 2:])
    # The links see columns one after the other, which by chance hang together a little.
    assert np.corrcoef(told[:, 0], X @ [1.0, -2.0, 3.0])[0, 1] > 0.99
    pooled = {name: np.concatenate([part[name] for part in SITES.values()]) for name in ("X", "y")}
    other = fit_here(CHAIN, SETTINGS, {"all": pooled})
    for name, array in state.arrays.items():
        np.testing.assert_allclose(array, other.array(name), atol=1e-12)


def test_chain__over_the_wire__tells_each_link_only_what_it_needs():
    state, phases, seen = CHAIN.start(SETTINGS, dict.fromkeys(SITES, 300)), [], []
    while not CHAIN.finished(state):
        phases.append(state.value("phase"))
        told = decode(encode(CHAIN.told(state)))
        seen.append({name.split(".")[0] for name in told.arrays})
        answers = {name: decode(encode(CHAIN.local_update(told, data, name))) for name, data in SITES.items()}
        for name, answer in answers.items():
            assert not CHAIN.inspect(state, answer)
            assert set(CHAIN.expects(state, name, 300)) == set(answer.arrays)
        state = CHAIN.aggregate(state, answers)
    assert phases == ["moments", "terms", "second moments", "second terms"]
    assert seen == [set(), {"first"}, {"first"}, {"first", "second"}]


def test_inspect__what_the_link_refuses__is_refused():
    state = CHAIN.start(SETTINGS, {})
    update = CHAIN.local_update(state, SITES["delhi"], "delhi")
    forged = Message(update.header, {**update.arrays, "m2": -update.array("m2")})
    assert CHAIN.inspect(state, forged) == "m2 is no cross-product of rows"


@pytest.mark.parametrize(
    "settings",
    [
        {"first": SETTINGS["first"]},
        {**SETTINGS, "third": SETTINGS["first"]},
        # Known before the first link has run.
        {**SETTINGS, "second": {**SETTINGS["second"], "degree": 9}},
    ],
)
def test_start__wrong_settings_of_any_link__is_an_error(settings):
    with pytest.raises(FederationError, match="settings"):
        CHAIN.start(settings, {})
