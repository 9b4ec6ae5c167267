"""`demand_response`: what kind of consumer this is, and how much of its evening load it could move.

Nobody tells a utility a customer's class. k-means finds four groups in ten figures of the load profile, and
the groups get their names from what their own centroids say. A linear regression on the same figures tells
which share of the peak hours' load would move.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from data_contracts.dataset import Dataset
from data_contracts.tables.customers import CLASSES
from features.context import profile
from models import customer_rows, kmeans
from models.dataset import Built
from models.declaration import Bar, Output, Params, Shown, Target, Trial
from models.kmeans import Partition
from models.metrics import Columns, Metric, accuracy, mean_of, ratio
from models.partitions import adjusted_rand, silhouettes
from models.plain import Plain, Said
from models.protocol import Compiled, Definition, Native
from models.rows import Rows
from switchyard.identity import generator

Float = NDArray[np.float64]
Int = NDArray[np.int64]

PEAK_LOAD = "profile_peak_hours_w"
FIGURES = tuple(feature.name for feature in profile.FEATURES if feature.name != PEAK_LOAD)
"""The ten figures that are partitioned."""

RESPONSE = "price_response_pct"
NAMED_BY = (("critical", "standby_pct"), ("flexible", RESPONSE), ("peak_shaver", "profile_peak_hours_share"))
"""In this order, the centroid with the largest figure gets the name; the last one left is `base_load`."""

RECOMMENDATIONS = (
    "ask for little: it runs around the clock; offer a tariff for a lower base instead",
    "ask it to take the top off the evening, 18 to 22 h, by battery, generator or a later start",
    "ask it to run at night: most of what it draws from 18 to 22 h can wait",
    "do not ask it to reduce; with notice it may carry itself on its own generators",
)
# What the mean silhouette counts beside the adjusted Rand index when parameters are chosen: it decides among
# partitions that agree with the classes alike.
SILHOUETTE_COUNTS = 0.2


@dataclass(frozen=True, slots=True)
class DemandGroups:
    """The fitted model.

    Attributes:
        partition: Clusters in the order of `CLASSES`.
        coefficients: Of the share of the peak hours' load that moves, one a standardised figure, [10].
        intercept: The share of an average customer.
    """

    partition: Partition
    coefficients: Float
    intercept: float

    def standardised(self, X: Float) -> Float:
        """Figures [n, 10] in standard deviations from the average customer."""
        found: Float = (X - self.partition.space.centre) / self.partition.space.scale
        return found

    def share(self, X: Float) -> Float:
        """Share of the peak hours' load that moves, as estimated, [n], for figures `X` [n, 10]."""
        found: Float = self.standardised(X) @ self.coefficients + self.intercept
        return found


def _silhouettes(answer: Columns, rows: Rows) -> Float:
    """Silhouettes of the true partition and of the found one, [n, 2]."""
    del rows
    both = (np.asarray(answer[name], dtype=np.float64) for name in ("silhouette_true", "silhouette"))
    return np.stack(list(both), axis=1)


def _errors(answer: Columns, rows: Rows) -> Float:
    """True power and absolute error, [n, 2]."""
    true = np.asarray(rows.truth["flexible_w"], dtype=np.float64)
    return np.stack([true, np.abs(np.asarray(answer["potential_w"], dtype=np.float64) - true)], axis=1)


def _percent(sums: Float) -> Float:
    return 100.0 * ratio(sums)


class DemandResponse(Definition[DemandGroups]):
    """k-means on ten figures, centroids named by what they say."""

    name = "demand_response"
    version = 1
    title = "Kind of consumer, and the power that it could move out of the evening's peak"
    module = "energy"
    algorithm = "k-means in the principal components of ten figures"
    proof = "estimator"
    tables = ("customers",)
    source = "table"
    features = (*FIGURES, PEAK_LOAD)
    truth_columns = ()
    target = Target("class that the customer was drawn from", ("true_class", "flexible_w"), CLASSES)
    point_kinds = ("feeder",)
    minimum_readings = 1
    outputs = (
        Output("demand_cluster", truth="class that the customer was drawn from", metric="adjusted_rand"),
        Output(
            "dr_potential",
            truth="mean power that truly leaves the hours from 18 to 22 on a day of high price",
            metric="potential_error_pct",
            magnitude=1000.0,
        ),
        Output("response_recommendation", formula="one text for each demand_cluster"),
    )
    metrics = (
        adjusted_rand("adjusted_rand", len(CLASSES), "code", "code"),
        mean_of("silhouette", "counted", "silhouette", "higher"),
        Metric(
            "silhouette_of_true",
            "higher",
            _silhouettes,
            ratio,
            ("silhouette", "silhouette_true"),
        ),
        accuracy("named_right", len(CLASSES), "code", "code"),
        Metric(
            "potential_error_pct",
            "lower",
            _errors,
            _percent,
            ("potential_w",),
        ),
    )
    headline = "adjusted_rand"
    opponents = ("load_factor_quantiles", "price_response")
    oracle = "the class and the power themselves"
    bars = (
        Bar("adjusted_rand", 0.9, beats=("load_factor_quantiles",)),
        Bar("silhouette", 0.5),
        Bar("silhouette_of_true", 0.95),
        Bar("potential_error_pct", None, beats=("price_response",)),
    )
    shown = (Shown("value", "potential_w", "flexible_w", unit="W"),)
    plain = Plain(
        purpose="Tells what kind of consumer a customer is and how much of the evening's peak it could move.",
        main="potential_error_pct",
        said={
            "adjusted_rand": Said("agreement of the groups with the true kinds of consumer, above chance"),
            "silhouette": Said("how far groups lie apart, from 0 to 1 (silhouette)", "", 1.0),
            "silhouette_of_true": Said("of the distance between the true kinds"),
            "potential_error_pct": Said("error of the power that could be moved", "%", 1.0),
        },
        rivals={
            "load_factor_quantiles": "groups by load factor",
            "price_response": "the response to prices on record",
        },
    )
    family = "kmeans"
    claim = "exact"
    defaults: ClassVar[Params] = {"components": 4}
    limits = (
        "Knows four kinds of consumer; a feeder that mixes them gets the nearest. Trained on typical days of "
        "sixty days of metering: two weeks make a noisier shape, and holidays count as working days. The "
        "figures of the records come as they were estimated, and a wrong one moves the answer."
    )

    def rows(self, dataset: Dataset, start: date) -> Built:
        """Customers, with their class and what they truly move."""
        built = customer_rows.build(dataset, self, start)
        truth = {**built.rows.truth, "counted": np.ones(len(built.rows), dtype=bool)}
        return replace(built, rows=replace(built.rows, truth=truth))

    def suggest(self, trial: Trial) -> dict[str, float | int | str | bool]:
        """How many principal components count."""
        return {"components": trial.suggest_int("components", 2, len(FIGURES))}

    def subset(self, rows: Rows, most: int, rng: np.random.Generator) -> Rows:
        """Customers as they come; no class is rare."""
        return rows.select(np.sort(rng.permutation(len(rows))[:most]))

    def fit(self, train: Rows, params: Params, seed: int) -> DemandGroups:
        """Find the groups, name them, and fit the share that moves."""
        X = train.inputs(FIGURES)
        found = kmeans.fit(
            X,
            clusters=len(CLASSES),
            components=int(params["components"]),
            rng=generator(self.name, str(seed), "starts"),
        )
        bare = DemandGroups(found.reordered(named(found)), np.zeros(len(FIGURES)), 0.0)
        columns = np.concatenate([np.ones((len(train), 1)), bare.standardised(X)], axis=1)
        solved = np.linalg.lstsq(columns, moved(train), rcond=None)[0]
        return replace(bare, coefficients=solved[1:], intercept=float(solved[0]))

    def calibrate(self, fitted: DemandGroups, validation: Rows) -> DemandGroups:
        """Nothing is left to set."""
        del validation
        return fitted

    def score(self, fitted: DemandGroups, rows: Rows) -> float:
        """Adjusted Rand index; among alike ones the mean silhouette decides."""
        points = fitted.partition.space.project(rows.inputs(FIGURES))
        code = fitted.partition.apart(points).argmin(axis=1)
        agreement = self.metric("adjusted_rand").of({"code": code}, rows)
        return agreement + SILHOUETTE_COUNTS * float(silhouettes(points, code).mean())

    def answer(self, fitted: DemandGroups, rows: Rows) -> Columns:
        """Group, power, and the silhouettes of the found and of the true partition in the same space."""
        X = rows.inputs(FIGURES)
        points = fitted.partition.space.project(X)
        code = fitted.partition.apart(points).argmin(axis=1)
        return {
            "code": code,
            "potential_w": _power(fitted.share(X), rows),
            "silhouette": silhouettes(points, code),
            "silhouette_true": silhouettes(points, np.asarray(rows.truth["code"], dtype=np.int64)),
        }

    def served(self, decoder: Mapping[str, Any], raw: Float, rows: Rows) -> Columns:
        """Group and power of a compiled version, which does not hold the space that silhouettes need."""
        del decoder
        return {"code": raw[:, :-1].argmin(axis=1), "potential_w": _power(raw[:, -1], rows)}

    def raw(self, fitted: DemandGroups, X: Float) -> Float:
        """Squared distances to the centroids by scikit-learn, and the share that moves, [n, 5]."""
        figures = X[:, : len(FIGURES)]
        points = fitted.partition.space.project(figures)
        if fitted.partition.native is None:
            apart = fitted.partition.apart(points)
        else:
            apart = np.asarray(fitted.partition.native.transform(points), dtype=np.float64) ** 2
        return np.concatenate([apart, fitted.share(figures)[:, None]], axis=1)

    def opponent(self, name: str, train: Rows, validation: Rows, rows: Rows) -> Columns:
        """Cuts of the load factor at the classes' shares; or the price response as it was estimated."""
        del validation
        if name == "price_response":
            return {"potential_w": _power(rows.column(RESPONSE) / 100.0, rows)}
        code, figure = np.asarray(train.truth["code"], dtype=np.int64), train.column("profile_load_factor")
        middle = [np.median(figure[code == k]) if (code == k).any() else np.inf for k in range(len(CLASSES))]
        order = np.argsort(middle)
        shares = np.cumsum(np.bincount(code, minlength=len(CLASSES))[order] / code.size)
        cuts = np.quantile(figure, np.minimum(shares[:-1], 1.0))
        return {"code": order[np.searchsorted(cuts, rows.column("profile_load_factor"))]}

    def tree3(self, train: Rows, validation: Rows, rows: Rows) -> Columns:
        """Trees of depth 3 that were told the classes and the shares of training customers."""
        from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

        del validation
        X, own = train.inputs(FIGURES), rows.inputs(FIGURES)
        group = DecisionTreeClassifier(max_depth=3, random_state=0).fit(X, train.truth["code"])
        share = DecisionTreeRegressor(max_depth=3, random_state=0).fit(X, moved(train))
        return {"code": group.predict(own), "potential_w": _power(share.predict(own), rows)}

    def oracle_answer(self, rows: Rows) -> Columns | None:
        """What the simulator drew."""
        return {"code": rows.truth["code"], "potential_w": rows.truth["flexible_w"]}

    def compile(self, fitted: DemandGroups) -> Compiled:
        """Standardise, project, measure, and the regression, in double precision."""
        from models.graphs import INPUT, Graph

        graph, space = Graph(), fitted.partition.space
        figures = graph.columns(INPUT, np.arange(len(FIGURES)), "figures")
        centred = graph.add("Sub", [figures, graph.constant("centre", space.centre)], "centred")
        scaled = graph.add("Div", [centred, graph.constant("scale", space.scale)], "scaled")
        apart = fitted.partition.add_to(graph, scaled, "apart")
        weighted = graph.add(
            "MatMul", [scaled, graph.constant("coefficients", fitted.coefficients[:, None])], "weighted"
        )
        share = graph.add("Add", [weighted, graph.constant("intercept", np.array(fitted.intercept))], "share")
        graph.add("Concat", [apart, share], "groups", axis=1)
        onnx = graph.finish(self.name, len(self.features), "groups", len(CLASSES) + 1, double=True)
        return Compiled(
            onnx,
            ("groups",),
            {
                "clusters": list(CLASSES),
                "recommendations": list(RECOMMENDATIONS),
                "load": PEAK_LOAD,
            },
        )

    def decode(
        self, decoder: Mapping[str, Any], raw: Float, columns: Mapping[str, Float]
    ) -> list[dict[str, Any]]:
        """The nearest centroid's name and text, and the share that moves times the load at the peak."""
        code = raw[:, :-1].argmin(axis=1)
        power = np.clip(raw[:, -1], 0.0, 1.0) * np.maximum(columns[decoder["load"]], 0.0) / 1e3
        return [
            {
                "demand_cluster": decoder["clusters"][k],
                "dr_potential": kw,
                "response_recommendation": decoder["recommendations"][k],
            }
            for k, kw in zip(code.tolist(), power.tolist(), strict=True)
        ]

    def native(self, fitted: DemandGroups, example: Rows) -> Native | None:
        """The estimator of the clusters; it reads figures that were standardised and projected."""
        if fitted.partition.native is None:
            return None
        space = fitted.partition.space
        return Native(
            fitted.partition.native,
            space.project(example.inputs(FIGURES)),
            parameters={
                "centre": space.centre.tolist(),
                "scale": space.scale.tolist(),
                "axes": space.axes.tolist(),
                "share": [fitted.intercept, *fitted.coefficients.tolist()],
            },
        )


def named(partition: Partition) -> list[int]:
    """Which cluster each of `CLASSES` is, by what the centroids alone say (`NAMED_BY`)."""
    figures = partition.space.figures(partition.centroids)
    left, place = list(range(len(figures))), {}
    for name, figure in NAMED_BY:
        place[name] = max(left, key=lambda k: float(figures[k, FIGURES.index(figure)]))
        left.remove(place[name])
    (place["base_load"],) = left
    return [place[name] for name in CLASSES]


def moved(rows: Rows) -> Float:
    """Share of the peak hours' load that truly moves, [n]."""
    load = np.maximum(rows.column(PEAK_LOAD), 1e-9)
    found: Float = np.asarray(rows.truth["flexible_w"], dtype=np.float64) / load
    return found


def _power(share: Float, rows: Rows) -> Float:
    """Power that moves, W, [n]."""
    found: Float = np.clip(share, 0.0, 1.0) * np.maximum(rows.column(PEAK_LOAD), 0.0)
    return found


DEFINITION = DemandResponse()
