"""`grid_stability` as a chain: forest, boosted trees, logistic regression, and a regression that weighs them.

Level two is fitted to what forest and boosted trees say of days that they were not grown on. Validation rows
would do as well where there are enough of them; there are six of a substation in a small campaign. A day is
left out by a digest of its name, the same wherever its rows lie. The logistic regression has few coefficients
and is fitted once, on all rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from data_contracts.tables.stability import CLASSES, MARGINS
from features.context.screening import FAILURES
from federation.families.boosted_regressions import BoostedRegressions
from federation.families.chained import Chain, Link
from federation.families.linear import Linear
from federation.families.logistic import LogisticSums
from federation.families.weighted_forests import WeightedForests
from federation.family import LocalData
from federation.message import State
from federation.plans.plan import Plan, as_compiled, chosen
from models.boosting import Boosted
from models.decision.grid_stability import DEFINITION
from models.declaration import Params
from models.forest import Forest
from models.logistic import Logistic
from models.rows import Rows
from models.splits import TRAIN
from models.stability_stack import FOLDS, JUDGES, USUAL, Learners, Stack
from switchyard.identity import generator

Float = NDArray[np.float64]

DRIVERS = (
    "screened_voltage_score", "screened_outages_score", "screened_score", "ramped_nadir_hz",
    "proportional_nadir_hz", "reserve_to_loss", "inertia_left_s", "infeed_lost_pu", "infeed_rocof_hz_s",
    "steam_reserve_pu", "hydro_reserve_pu", "steam_gain_pu", "hydro_gain_pu", "severity_worst",
    "severity_second", "screened_nose_pct", "reactive_left_mvar", "neighbour_share", "lodf_worst_pct",
    "loading_max_metered_pct", "v_min_metered_pu", "primary_reserve_pu", "units_out", "failures_violating",
)  # fmt: skip
"""What the trees are told of a state, of 120 features: the others say it again or name single failures."""
CLASS_DRIVERS = DRIVERS[:10]
"""What the classes are told by: a regression on more columns would need more rows of every site."""
AFTER = tuple(f"score_after_{name.replace('-', '_')}" for name in FAILURES)
"""The score that each failure leaves, by its power flow."""

TREES, RATE, PENALTY, LEAST_ROWS = 40, 0.2, 1.0, 8
"""Fewer and larger steps than the pooled model's: each tree costs as many rounds as it is deep."""
DEEPEST = 2
FOREST_TREES, FOREST_DEPTH, FOREST_TRIED = 24, 5, 0.4
RIDGE = 1.0
"""Weight of the squared departures from the usual weights, as a share of the rows."""
_INPUTS = len(DEFINITION.features)
_PLACES, _CLASS_PLACES, _AFTER_PLACES = (
    np.array([DEFINITION.features.index(name) for name in names]) for names in (DRIVERS, CLASS_DRIVERS, AFTER)
)


def forest_rows(data: LocalData, found: Mapping[str, State]) -> LocalData:
    """The score, and once for each fold the score of the other folds' rows."""
    del found
    score, fold = data["score"], data["fold"]
    without = [np.where(fold == one, np.nan, score) for one in range(FOLDS)]
    return {
        "X": data["X"],
        "target": np.stack([score, *without], axis=1),
        "weight": np.ones(score.size),
        "outcome": data["unstable"],
    }


def margin_rows(data: LocalData, found: Mapping[str, State]) -> LocalData:
    """The margins."""
    del found
    return {
        "X": data["X"],
        "target": data["margins"],
        "fold": data["fold"],
        "outcome": data["unstable"],
    }


def class_rows(data: LocalData, found: Mapping[str, State]) -> LocalData:
    """The classes."""
    del found
    return {"X": data["X_all"][:, _CLASS_PLACES], "y": data["code"]}


def weight_rows(data: LocalData, found: Mapping[str, State]) -> LocalData:
    """What learners that did not see a row say of it, and what the usual weights of that miss."""
    X, score, fold = data["X_all"], data["score"], data["fold"]
    judged = np.zeros((score.size, JUDGES))
    for one, learners in enumerate(_learners(found)[1:]):
        judged[fold == one] = learners.judge(X[fold == one])
    return {
        "X": judged,
        "Y": (score - judged @ USUAL)[:, None],
        "beside": np.zeros((score.size, 0)),
    }


FOREST, BOOSTED, LOGISTIC, WEIGHTS = WeightedForests(), BoostedRegressions(), LogisticSums(), Linear()


class GridStabilityPlan(Plan):
    """All learners from the training days of all sites, and one set of weights."""

    definition = DEFINITION
    family: ClassVar[Chain] = Chain(
        (
            Link("forest", FOREST, forest_rows),
            Link("margins", BOOSTED, margin_rows),
            Link("classes", LOGISTIC, class_rows),
            Link("weights", WEIGHTS, weight_rows, ("forest", "margins", "classes")),
        )
    )
    metric = DEFINITION.headline
    inputs = DRIVERS
    fine_tuning = "trees are not adjusted after they are grown; grown anew at a site they are the local model"

    def settings(self, params: Params, seed: str) -> dict[str, Any]:
        """The learners' hyper-parameters, within what sums of three substations can carry."""
        taken = chosen(params, self.definition.defaults)
        forest = {
            "columns": list(range(len(DRIVERS))),
            "trees": FOREST_TREES,
            "max_features": max(1, int(FOREST_TRIED * len(DRIVERS))),
            "max_samples": 1.0,
            "max_depth": FOREST_DEPTH,
            "min_samples_leaf": max(int(taken["min_samples_leaf"]), LEAST_ROWS),
        }
        return {
            "forest": {
                "seed": seed,
                "columns": len(DRIVERS),
                "forests": [forest] * (1 + FOLDS),
                "scaled": 0,
                "scales": [1.0, 1.0],
            },
            "margins": {
                "columns": len(DRIVERS),
                "targets": len(MARGINS),
                "folds": FOLDS,
                "trees": TREES,
                "depth": min(int(taken["max_depth"]), DEEPEST),
                "rate": RATE,
                "penalty": PENALTY,
                "least_rows": LEAST_ROWS,
            },
            "classes": {"columns": len(CLASS_DRIVERS), "classes": len(CLASSES), "C": taken["C"]},
            "weights": {"columns": JUDGES, "targets": 1, "figures": 0, "degree": 1, "penalty": RIDGE},
        }

    def local_data(self, rows: Rows) -> LocalData:
        """Features, scores of 1 and folds of training days."""
        train = rows.select(rows.split == TRAIN)
        X = train.inputs(self.definition.features)
        code = np.asarray(train.truth["code"], dtype=np.int64)
        drawn = [int(generator(self.definition.name, day).integers(FOLDS)) for day in train.episode.texts]
        return {
            "X": as_compiled(X[:, _PLACES]),
            "X_all": X,
            "score": np.asarray(train.truth["score"], dtype=np.float64) / 100.0,
            "margins": np.asarray(train.truth["margins"], dtype=np.float64) / 100.0,
            "code": code,
            "unstable": (code == len(CLASSES) - 1).astype(np.float64),
            "fold": np.array(drawn, dtype=np.int64)[train.episode.codes],
        }

    def probes(self, state: State, count: int, rng: np.random.Generator) -> Float:
        """States whose figures lie near shared edges, each by itself; scores after failures anywhere."""
        inner = self.family.of(state, "margins")
        edges, offsets = inner.array("edges"), inner.array("offsets")
        X: Float = np.ones((count, _INPUTS))
        X[:, _AFTER_PLACES] = rng.uniform(0.0, 100.0, (count, _AFTER_PLACES.size))
        for column, place in enumerate(_PLACES.tolist()):
            own = edges[offsets[column] : offsets[column + 1]]
            if own.size:
                X[:, place] = rng.choice(own, count) + rng.normal(0.0, np.ptp(own) / own.size, count)
        return X

    def fitted(self, state: State) -> Stack:
        """The learners of all days, their weights, and failures in the order of the score that each leaves.

        The contingency analysis names the failure that limits; a regression on it had nothing to add, and its
        sums would be those of single rows, since most failures limit few states.
        """
        found = {name: self.family.of(state, name) for name in ("forest", "margins", "classes")}
        regression, _ = WEIGHTS.result(self.family.of(state, "weights"))
        moved = regression.coefficients[:, 0] / regression.scale
        bias = float(regression.intercept[0] - regression.centre @ moved)
        return Stack(_learners(found)[0], USUAL + moved, bias, _failures())


def _learners(found: Mapping[str, State]) -> tuple[Learners, ...]:
    """Learners of all days, then those without each fold, on all features."""
    (whole, *without), _ = FOREST.result(found["forest"])
    boosted = BOOSTED.result(found["margins"])
    classes = _classes(found["classes"])
    return tuple(
        Learners(_wide_forest(forest), tuple(_wide_boosted(one) for one in margins), classes)
        for forest, margins in zip((whole, *without), (boosted.whole, *boosted.without), strict=True)
    )


def _wide(feature: NDArray[np.int64]) -> NDArray[np.int64]:
    """Places among all features of places among the drivers; leaves stay -1."""
    return np.where(feature < 0, -1, _PLACES[feature])


def _wide_forest(forest: Forest) -> Forest:
    return Forest(tuple(replace(one, feature=_wide(one.feature)) for one in forest.trees))


def _wide_boosted(boosted: Boosted) -> Boosted:
    return replace(boosted, trees=tuple(replace(one, feature=_wide(one.feature)) for one in boosted.trees))


def _classes(state: State) -> Logistic:
    """The regression of the classes on all features."""
    present, own = LOGISTIC.result(state)
    centre, scale = np.zeros(_INPUTS), np.ones(_INPUTS)
    centre[_CLASS_PLACES], scale[_CLASS_PLACES] = own.centre, own.scale
    weights = np.zeros((_INPUTS, own.weights.shape[1]))
    weights[_CLASS_PLACES] = own.weights
    names = tuple(CLASSES[code] for code in present.tolist())
    return Logistic(names, centre, scale, weights, own.bias)


def _failures() -> Logistic:
    """Failures by the score that each leaves, the least first."""
    weights = np.zeros((_INPUTS, len(FAILURES)))
    weights[_AFTER_PLACES, np.arange(len(FAILURES))] = -1.0
    return Logistic(tuple(FAILURES), np.zeros(_INPUTS), np.ones(_INPUTS), weights, np.zeros(len(FAILURES)))


PLAN = GridStabilityPlan()
