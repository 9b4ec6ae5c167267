"""Made-up rows of one site for every federated model, and settings that make its federation short.

What is attacked on them is the machinery, not a grid: columns are drawn, targets follow from a few of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from federation.errors import FederationError
from federation.family import FineTuning, LocalData
from federation.message import State
from federation.plans import Plan, plan

Settings = Mapping[str, Any]
Maker = Callable[[Settings, int, np.random.Generator], dict[str, NDArray[Any]]]

FAR = 50.0
"""What the first row of a site is multiplied with: a smallest or largest value would give it away."""
FEW_TREES, FEW_ROUNDS = 4, 2


def site_rows(model: str, n: int, seed: int) -> LocalData:
    """Rows of one site: `n` to learn from and a third as many to judge by, the first of each far away.

    Raises:
        FederationError: Nobody has said how rows of this family are made up.
    """
    learner, rng = plan(model), np.random.default_rng(seed)
    if model in MODELS:
        return MODELS[model](learner, n, rng)
    if learner.family.name not in FAMILIES:
        raise FederationError(
            f"{model}: nothing makes up rows for the family {learner.family.name}",
            "add it to benchmarks/federation_attacks/made_up.py",
        )
    return FAMILIES[learner.family.name](learner.settings({}, "made up"), n, rng)


def short_settings(model: str) -> dict[str, Any]:
    """A plan's settings with few trees, or few rounds of averaging."""
    return {name: _shortened(name, value) for name, value in plan(model).settings({}, "made up").items()}


def _shortened(name: str, value: Any) -> Any:
    if isinstance(value, Mapping):
        return {inner: _shortened(inner, part) for inner, part in value.items()}
    if name == "forests":
        return [_shortened("forest", one) for one in value]
    most = {"trees": FEW_TREES, "rounds": FEW_ROUNDS}.get(name)
    return value if most is None else min(int(value), most)


def walk(learner: Plan, settings: Settings, data: Mapping[str, LocalData]) -> Iterator[State]:
    """Every state of a federation of honest sites that is answered, the one of fine-tuning last."""
    family = learner.family
    state = family.start(settings, {site: len(rows["X"]) for site, rows in data.items()})
    while not family.finished(state):
        yield state
        told = family.told(state)
        state = family.aggregate(
            state, {site: family.local_update(told, rows, site) for site, rows in data.items()}
        )
    asked = family.ask_tuning(state) if isinstance(family, FineTuning) else None
    if asked is not None:
        yield asked


def first_of_each_phase(model: str, data: Mapping[str, LocalData]) -> dict[str, State]:
    """The first state of each phase, in order."""
    found: dict[str, State] = {}
    for state in walk(plan(model), short_settings(model), data):
        found.setdefault(str(state.value("phase")), state)
    return found


def _columns(n: int, p: int, rng: np.random.Generator) -> NDArray[np.float64]:
    X = rng.normal(size=(n, p))
    X[0] *= FAR
    return X


def _line(X: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    wanted: NDArray[np.float64] = X[:, 0] - 0.5 * X[:, 1] + 0.1 * rng.normal(size=len(X))
    return wanted


def _classes(X: NDArray[np.float64], classes: int, rng: np.random.Generator) -> NDArray[np.int64]:
    wanted: NDArray[np.int64] = np.clip(np.floor(_line(X, rng) + classes / 2), 0, classes - 1).astype(
        np.int64
    )
    return wanted


def _decision_tree(settings: Settings, n: int, rng: np.random.Generator) -> dict[str, NDArray[Any]]:
    X = _columns(n, settings["columns"], rng)
    return {"X": X, "y": _classes(X, settings["classes"], rng)}


def _random_forest(settings: Settings, n: int, rng: np.random.Generator) -> dict[str, NDArray[Any]]:
    X = _columns(n, settings["columns"], rng)
    y = np.clip(0.1 * _line(X, rng), -settings["largest"], settings["largest"])
    return {"X": X, "y": y, "weight": rng.uniform(0.5, 2.0, n)}


def _boosted_trees(settings: Settings, n: int, rng: np.random.Generator) -> dict[str, NDArray[Any]]:
    X, judged = (_columns(count, settings["columns"], rng) for count in (n, n // 3))
    came = (_line(X, rng) > 0.5).astype(np.float64)
    return {
        "X": X,
        "outcome": came,
        "time": rng.exponential(100.0, n),
        "seen": came,
        "weight": rng.uniform(0.5, 2.0, n),
        "X_validation": judged,
        "outcome_validation": (_line(judged, rng) > 0.5).astype(np.float64),
        "weight_validation": rng.uniform(0.5, 2.0, len(judged)),
    }


def _weighted_forests(settings: Settings, n: int, rng: np.random.Generator) -> dict[str, NDArray[Any]]:
    found = _boosted_trees(settings, n, rng)
    del found["time"], found["seen"]
    target = 1.0 + 0.1 * np.abs(_line(found["X"], rng))[:, None] + np.zeros((n, len(settings["forests"])))
    target += 0.01 * rng.normal(size=target.shape)
    return found | {"target": np.where(rng.random(target.shape) < 0.3, np.nan, target)}


def _fedavg(settings: Settings, n: int, rng: np.random.Generator) -> dict[str, NDArray[Any]]:
    found: dict[str, NDArray[Any]] = {}
    steps, p = settings.get("steps", 1), settings["columns"]
    for suffix, count in (("", n), ("_validation", n // 3)):
        X = _columns(count, steps * p, rng)
        found[f"y{suffix}"] = _line(X, rng)
        found[f"X{suffix}"] = X.reshape(count, steps, p) if steps > 1 else X
        found[f"weight{suffix}"] = np.ones(count)
    return found


def _isolation_forest(settings: Settings, n: int, rng: np.random.Generator) -> dict[str, NDArray[Any]]:
    p = len(settings["shaping"]) + 1
    found = {"X": np.abs(_columns(n, p, rng)), "X_validation": np.abs(_columns(n // 3, p, rng))}
    for X in found.values():
        X[:, -1] = 1.0 + 0.01 * rng.normal(size=len(X))
    return found


def _linear(settings: Settings, n: int, rng: np.random.Generator) -> dict[str, NDArray[Any]]:
    X = _columns(n, settings["columns"], rng)
    Y = np.stack([_line(X, rng) for _ in range(settings["targets"])], axis=1)
    return {"X": X, "Y": Y, "beside": _columns(n // 3, settings["figures"], rng)}


def _kmeans(settings: Settings, n: int, rng: np.random.Generator) -> dict[str, NDArray[Any]]:
    X = _columns(n, settings["columns"], rng) + 3.0 * rng.integers(settings["clusters"], size=n)[:, None]
    return {"X": X, "y": _line(X, rng)}


def _random_fourier(settings: Settings, n: int, rng: np.random.Generator) -> dict[str, NDArray[Any]]:
    X, judged = (_columns(count, settings["columns"], rng) for count in (n, n // 3))
    return {
        "X": X,
        "y": np.stack([_line(X, rng) for _ in range(settings["targets"])], axis=1),
        "weight": np.ones((n, settings["targets"])),
        "X_validation": judged,
        "offset_validation": 120.0 + 20.0 * rng.normal(size=len(judged)),
        "class_validation": rng.integers(settings["classes"], size=len(judged)),
        "form_validation": rng.integers(settings["forms"], size=len(judged)),
    }


def _power_quality_index(learner: Plan, n: int, rng: np.random.Generator) -> dict[str, NDArray[Any]]:
    found: dict[str, NDArray[Any]] = {}
    for suffix, count in (("", n), ("_validation", n // 3)):
        found |= {
            f"X{suffix}": _far_first(learner.probes(State({}), count, rng)),
            f"index{suffix}": rng.uniform(1.0, 99.0, count),
            f"single_share{suffix}": rng.normal(0.85, 0.03, count),
            f"flagged{suffix}": (rng.random(count) < 0.2).astype(np.float64),
            f"pst{suffix}": rng.uniform(0.2, 3.0, count),
        }
    return found


def _load_forecast(learner: Plan, n: int, rng: np.random.Generator) -> dict[str, NDArray[Any]]:
    found: dict[str, NDArray[Any]] = {"local_s": rng.uniform(0.0, 3e7, n)}
    for suffix, count in (("", n), ("_validation", n // 3)):
        found[f"X{suffix}"] = _far_first(learner.probes(State({}), count, rng))
        found[f"load{suffix}"] = rng.uniform(0.1, 0.8, (count, 3))
    return found


def _grid_stability(learner: Plan, n: int, rng: np.random.Generator) -> dict[str, NDArray[Any]]:
    settings = learner.settings({}, "made up")
    X = _columns(n, len(learner.definition.features), rng)
    wanted = _line(X, rng)
    code = _classes(X, settings["classes"]["classes"], rng)
    return {
        "X": X[:, : settings["margins"]["columns"]],
        "X_all": X,
        "score": 0.5 + 0.1 * wanted,
        "margins": np.stack([0.5 + 0.1 * wanted for _ in range(settings["margins"]["targets"])], axis=1),
        "code": code,
        "unstable": (code == code.max()).astype(np.float64),
        "fold": rng.integers(settings["margins"]["folds"], size=n),
    }


def _optimal_dispatch(learner: Plan, n: int, rng: np.random.Generator) -> dict[str, NDArray[Any]]:
    from data_contracts.transmission import LINE_NAMES
    from features.context import dispatch
    from federation.plans.dispatch_sums import FOLDS
    from flows import resolving
    from models.dispatch_limits import INPUTS
    from models.dispatch_rows import SENT, SYSTEM

    resolving.provide()
    hours = learner.probes(State({}), n, rng)
    named = {name: hours[:, at] for at, name in enumerate(learner.definition.features)}
    X, sent = (np.stack([named[name] for name in names], axis=1) for names in (INPUTS, SENT))
    lines, tried = len(LINE_NAMES), n // 8
    taught = (np.arange(lines) < 3) * np.ones((n, lines))
    return {
        "X": X,
        "loss": 0.02 * named[SYSTEM] + rng.normal(size=n),
        "above": rng.normal(size=(n, lines)),
        "teaches": taught,
        "reached": taught * (np.arange(lines) < 2),
        "fold": np.arange(n) % FOLDS,
        "X_tried": X[:tried],
        "sent_tried": sent[:tried],
        "system_tried": named[SYSTEM][:tried],
        "mvar_tried": 0.25 * dispatch.loads_of(sent[:tried], named[SYSTEM][:tried]),
        "fold_tried": np.arange(tried) % FOLDS,
    }


def _far_first(X: NDArray[np.float64]) -> NDArray[np.float64]:
    # What is at most one is a share, or a mark that is there or not.
    X[0] *= np.where(X[0] > 1.0, 3.0, 1.0)
    return X


FAMILIES: Mapping[str, Maker] = {
    "boosted_trees": _boosted_trees,
    "decision_tree": _decision_tree,
    "fedavg": _fedavg,
    "isolation_forest": _isolation_forest,
    "kmeans": _kmeans,
    "linear": _linear,
    "logistic": _decision_tree,
    "random_forest": _random_forest,
    "random_fourier": _random_fourier,
    "weighted_forests": _weighted_forests,
}
MODELS: Mapping[str, Callable[[Plan, int, np.random.Generator], dict[str, NDArray[Any]]]] = {
    "grid_stability": _grid_stability,
    "load_forecast": _load_forecast,
    "optimal_dispatch": _optimal_dispatch,
    "power_quality_index": _power_quality_index,
}
"""Models whose rows their plans document, not their families."""
