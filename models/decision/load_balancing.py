"""`load_balancing`: which feeders and traction supplies to move, so that transformers and phases share load.

For each number of moves the most even arrangement by the meters is an alternative; TOPSIS chooses among them
by imbalance, utilisation, switchings and cost. What an arrangement chosen for being the most even truly is
falls a little short of what was expected of it; a factor takes that out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from data_contracts.dataset import Dataset
from features.context import transfers
from features.rearrangement.arrangements import MOST, PAIRS, moves_of
from models import transfer_rows
from models.dataset import Built
from models.declaration import Bar, Output, Params, Shown, Target, Trial
from models.estimates import absolute_error
from models.metrics import Columns, Metric, mean_of, ratio, share
from models.plain import Plain, Said
from models.protocol import Compiled, Definition, Native
from models.rows import Rows
from models.subsets import spread
from models.topsis import Topsis, TopsisEstimator

Float = NDArray[np.float64]
Int = NDArray[np.int64]

ALTERNATIVES = MOST + 1
CRITERIA = tuple(
    f"moves{moves}_{name}"
    for moves in range(ALTERNATIVES)
    for name in ("imbalance_pct", "utilisation_pct", "operations", "cost")
)
"""The twenty inputs of TOPSIS: four criteria of five alternatives."""

IMBALANCES = tuple(f"moves{moves}_imbalance_pct" for moves in range(ALTERNATIVES))
CODES = tuple(f"moves{moves}_code" for moves in range(ALTERNATIVES))
WEIGHTS = ("utilisation", "operations", "cost")
OPPONENT, MOST_EVEN = "largest_feeder", "most_even"
COUNTED = "counted"
CLOSE = 0.1
"""Share of the true reduction within which an expected one counts as right."""

# Tuning looks for weights that keep this much of what the most even alternative gains, and operate least:
# one operation counts as much as this share of the best reduction.
ENOUGH, OPERATION_WORTH = 0.995, 0.001


@dataclass(frozen=True, slots=True)
class BalancingModel:
    """The fitted model.

    Attributes:
        ranking: TOPSIS with the weights of imbalance, utilisation, operations and cost.
        factor: True reduction over the one that the meters expect.
    """

    ranking: Topsis
    factor: float


def _of(rows: Rows, name: str) -> Float:
    return np.asarray(rows.truth[name], dtype=np.float64)


def _sums(name: str, columns: tuple[str, ...], *, lower: bool = False) -> Metric:
    """Sum of |a − b|, or of a, over that of another column, in points of imbalance; in % where lower."""

    def sums(answer: Columns, rows: Rows) -> Float:
        points = _of(rows, "true_imbalance_pct") / 100.0
        value = [np.asarray(answer[column], dtype=np.float64) for column in columns]
        if lower:
            return np.stack([points * np.abs(value[1]), 100.0 * points * np.abs(value[0] - value[1])], axis=1)
        return np.stack([points * _of(rows, "best_pct"), points * value[0]], axis=1)

    return Metric(name, "lower" if lower else "higher", sums, ratio, columns)


class LoadBalancing(Definition[BalancingModel]):
    """TOPSIS over the most even arrangements that some moves lead to."""

    name = "load_balancing"
    version = 1
    title = "Feeders and traction supplies to move, and the imbalance that they take away"
    module = "decision"
    algorithm = "multi-criteria decision by TOPSIS on arrangements expected from the meters"
    proof = "estimator"
    tables = ("transfers",)
    source = "table"
    features = (*CRITERIA, *CODES, transfers.STATION)
    truth_columns = ()
    target = Target(
        "arrangement of feeders and traction supplies that is the most even, every one of them solved",
        ("imbalance_pct", "reduction_pct", "permitted"),
    )
    # Transformers and feeders come with the context: the answer is the station's whatever the point.
    point_kinds = ("infeed", "transformer_bay", "bus", "feeder", "system")
    minimum_readings = 1
    outputs = (
        Output(
            "balancing_recommendation",
            truth="of all arrangements within reach, the solved one that is the most even and permitted",
            metric="reduction_share",
        ),
        Output(
            "balance_score",
            truth="100 less the imbalance of the solved present arrangement in %, at least 0",
            metric="score_mae",
            magnitude=10.0,
        ),
        Output(
            "expected_imbalance_reduction",
            truth="share of the present imbalance that the solved recommended arrangement takes away, %",
            metric="reduction_error_pct",
            magnitude=100.0,
        ),
    )
    metrics = (
        _sums("reduction_share", ("obtained_pct",)),
        _sums("reduction_error_pct", ("expected_pct", "true_pct"), lower=True),
        share("predicted_close", COUNTED, "close"),
        share("permitted_share", COUNTED, "permitted"),
        mean_of("operations", COUNTED, "operations"),
        absolute_error("score_mae", "score", "true_score", COUNTED),
    )
    headline = "reduction_share"
    opponents = (OPPONENT,)
    references = (MOST_EVEN,)
    shown = (Shown("value", "score", "true_score", among=COUNTED),)
    oracle = "the best of all solved arrangements"
    bars = (
        Bar("reduction_share", 0.95, beats=(OPPONENT,)),
        Bar("reduction_error_pct", 10.0),
    )
    plain = Plain(
        purpose="Recommends which feeders and railway supplies to move, so that phases carry alike.",
        main="reduction_share",
        said={
            "reduction_share": Said("of the imbalance that can be taken away is, by a solved circuit"),
            "reduction_error_pct": Said("error of the foretold reduction, of the true one", "%", 1.0),
        },
        rivals={OPPONENT: "moving the largest feeder"},
    )
    family = "none"
    claim = "none"
    defaults: ClassVar[Params] = {"utilisation": 0.02, "operations": 0.04, "cost": 0.05}
    limits = (
        "About the station, not the point: it needs every transformer's second winding and every feeder by "
        "phase, the busbar that each feeder hangs on, and every traction supply. It knows the stations that "
        "were described when it was compiled, moves at most two feeders and two supplies at once, and leaves "
        "couplers, taps and banks as they are. Limits of voltage at far ends are kept by an estimate with a "
        "margin: check them before a recommendation is switched. Powers count as what they are now."
    )

    def rows(self, dataset: Dataset, start: date) -> Built:
        """States of the table `transfers`, with what the alternatives truly do."""
        built = transfer_rows.build(dataset, self, start)
        rows = built.rows
        truth = {**rows.truth, "true_score": _score(_of(rows, "true_imbalance_pct"))}
        return replace(built, rows=replace(rows, truth=truth))

    def suggest(self, trial: Trial) -> dict[str, float | int | str | bool]:
        """Weights of three criteria; that of the imbalance is 1."""
        return {name: trial.suggest_float(name, 0.003, 0.3, log=True) for name in WEIGHTS}

    def subset(self, rows: Rows, most: int, rng: np.random.Generator) -> Rows:
        """Some states."""
        return spread(rows, most, rng)

    def fit(self, train: Rows, params: Params, seed: int) -> BalancingModel:
        """Take the weights, and the factor on reductions from the training states."""
        del seed
        raw = np.array([1.0, *(float(params[name]) for name in WEIGHTS)])
        weights = tuple((raw / raw.sum()).tolist())
        ranking = Topsis((weights[0], weights[1], weights[2], weights[3]))
        chosen = ranking.closeness(train.inputs(CRITERIA)).argmax(axis=1)
        expected, true = _expected(train, chosen), _at(_of(train, "reduction_pct"), chosen)
        points = _of(train, "true_imbalance_pct")
        total = float((points * expected).sum())
        return BalancingModel(ranking, float((points * true).sum()) / total if total > 0.0 else 1.0)

    def calibrate(self, fitted: BalancingModel, validation: Rows) -> BalancingModel:
        """Nothing is set on validation rows: there is one factor, and it has been."""
        del validation
        return fitted

    def score(self, fitted: BalancingModel, rows: Rows) -> float:
        """Share of the best reduction up to what is enough, less what its operations are worth."""
        answer = self.answer(fitted, rows)
        share_of = self.metric(self.headline)
        most = share_of.of(_columns(rows, np.full(len(rows), MOST), 1.0), rows)
        gained = min(share_of.of(answer, rows), ENOUGH * most)
        operations = float(np.asarray(answer["operations"], dtype=np.float64).mean())
        return (gained if np.isfinite(gained) else 0.0) - OPERATION_WORTH * operations

    def answer(self, fitted: BalancingModel, rows: Rows) -> Columns:
        """The chosen alternative, what it is expected to do and what it truly does."""
        closeness = fitted.ranking.closeness(rows.inputs(CRITERIA))
        return _columns(rows, closeness.argmax(axis=1), fitted.factor)

    def served(self, decoder: Mapping[str, Any], raw: Float, rows: Rows) -> Columns:
        """The alternative that a compiled version chooses."""
        return _columns(rows, raw.argmax(axis=1), float(decoder["factor"]))

    def raw(self, fitted: BalancingModel, X: Float) -> Float:
        """Closeness of the alternatives by pymcdm, float64 [n, 5]."""
        return TopsisEstimator(list(fitted.ranking.weights)).predict(X[:, : len(CRITERIA)])

    def opponent(self, name: str, train: Rows, validation: Rows, rows: Rows) -> Columns:
        """The largest feeder of the fuller transformer to the emptier one; or the most even alternative."""
        del train, validation
        if name == MOST_EVEN:
            return _columns(rows, np.full(len(rows), MOST), 1.0)
        permitted = _of(rows, "largest_feeder_permitted") > 0.0
        return {
            "obtained_pct": np.where(permitted, _of(rows, "largest_feeder_pct"), 0.0),
            "permitted": permitted,
        }

    def tree3(self, train: Rows, validation: Rows, rows: Rows) -> Columns:
        """The alternative of which one regression tree of depth 3 expects the largest reduction."""
        from sklearn.tree import DecisionTreeRegressor

        del validation
        tree = DecisionTreeRegressor(max_depth=3, random_state=0)
        tree.fit(train.inputs(CRITERIA), _of(train, "reduction_pct"))
        found = np.asarray(tree.predict(rows.inputs(CRITERIA)), dtype=np.float64)
        chosen = found.argmax(axis=1)
        return {**_columns(rows, chosen, 1.0), "expected_pct": _at(found, chosen)}

    def oracle_answer(self, rows: Rows) -> Columns | None:
        """The best of all solved arrangements."""
        return {"obtained_pct": _of(rows, "best_pct")}

    def compile(self, fitted: BalancingModel) -> Compiled:
        """TOPSIS as a graph; names of what the described stations can move as parameters."""
        from models.graphs import INPUT, Graph

        graph = Graph()
        inputs = graph.columns(INPUT, np.arange(len(CRITERIA)), "criteria")
        output = fitted.ranking.add_to(graph, inputs, ALTERNATIVES, "closeness")
        onnx = graph.finish(self.name, len(self.features), output, ALTERNATIVES, double=True)
        return Compiled(
            onnx,
            ("closeness",),
            {
                "stations": transfer_rows.described(),
                "pairs": list(PAIRS),
                "factor": fitted.factor,
                "imbalances": list(IMBALANCES),
                "codes": list(CODES),
                "station": transfers.STATION,
            },
        )

    def decode(
        self, decoder: Mapping[str, Any], raw: Float, columns: Mapping[str, Float]
    ) -> list[dict[str, Any]]:
        """Moves by names, the present balance, and the share of the imbalance that goes."""
        chosen = raw.argmax(axis=1)
        imbalance = np.stack([columns[name] for name in decoder["imbalances"]], axis=1)
        code = _at(np.stack([columns[name] for name in decoder["codes"]], axis=1), chosen)
        reduction = decoder["factor"] * _reduction(imbalance, chosen)
        stations = {station["code"]: station for station in decoder["stations"]}
        return [
            {
                "balancing_recommendation": _named(stations[int(number)], own, decoder["pairs"]),
                "balance_score": score,
                "expected_imbalance_reduction": pct,
            }
            for number, own, score, pct in zip(
                columns[decoder["station"]].tolist(),
                code.tolist(),
                _score(imbalance[:, 0]).tolist(),
                reduction.tolist(),
                strict=True,
            )
        ]

    def native(self, fitted: BalancingModel, example: Rows) -> Native | None:
        """The ranking by pymcdm."""
        return Native(
            TopsisEstimator(list(fitted.ranking.weights)),
            example.inputs(CRITERIA),
            trusted=("models.topsis.TopsisEstimator",),
            parameters={"inputs": list(CRITERIA), "factor": fitted.factor},
        )


def _at(values: Float, chosen: Int) -> Float:
    """The chosen alternative's value of each row, [n]."""
    return np.asarray(values[np.arange(len(values)), chosen])


def _reduction(imbalance_pct: Float, chosen: Int) -> Float:
    """Share of the present imbalance that goes by the meters, %, [n]."""
    now = np.maximum(imbalance_pct[:, 0], np.finfo(np.float64).tiny)
    return np.asarray(100.0 * (1.0 - _at(imbalance_pct, chosen) / now))


def _expected(rows: Rows, chosen: Int) -> Float:
    return _reduction(rows.inputs(IMBALANCES), chosen)


def _score(imbalance_pct: Float) -> Float:
    return np.maximum(100.0 - imbalance_pct, 0.0)


def _columns(rows: Rows, chosen: Int, factor: float) -> Columns:
    """What metrics need of the chosen alternatives."""
    operations = rows.inputs([f"moves{moves}_operations" for moves in range(ALTERNATIVES)])
    true, permitted = _at(_of(rows, "reduction_pct"), chosen), _at(_of(rows, "permitted"), chosen) > 0.0
    expected = factor * _expected(rows, chosen)
    return {
        "chosen": chosen,
        "obtained_pct": np.where(permitted, true, 0.0),
        "true_pct": true,
        "expected_pct": expected,
        "close": np.abs(expected - true) <= CLOSE * np.abs(true),
        "permitted": permitted,
        "operations": _at(operations, chosen),
        "score": _score(rows.column(IMBALANCES[0])),
    }


def _named(station: Mapping[str, Any], code: float, pairs: list[str]) -> list[dict[str, str]]:
    """Moves of a code by the station's names."""
    found = []
    for move in moves_of(code):
        if move.supply:
            name, where = station["supplies"][move.place], pairs
        else:
            name, where = station["feeders"][move.place], station["buses"][move.place]
        found.append({"feeder": name, "origin": where[move.origin], "target": where[move.target]})
    return found


DEFINITION = LoadBalancing()
