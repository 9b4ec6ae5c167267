"""`optimal_dispatch`: what every station and park of the grid should produce in an hour.

Machines estimate what only the AC network knows, losses and how far the currents of lines are above what a
lossless flow says; the cheapest outputs within balance and limits follow by a projection. What it is worth is
judged by the AC power flow of these outputs.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from data_contracts.dataset import Dataset
from data_contracts.transmission import DIGEST, LINE_NAMES, UNITS
from features.context import dispatch
from models import dispatch_limits, dispatch_rows, support_vectors
from models.dataset import Built
from models.declaration import Bar, Output, Params, Shown, Target, Trial
from models.dispatch_limits import INPUTS, Estimator, Limits
from models.dispatch_rows import SENT, SYSTEM
from models.fourier import FourierMachine
from models.metrics import Columns, Metric, mean_of, ratio, share
from models.plain import Plain, Said
from models.protocol import Compiled, Definition, Native
from models.rows import Rows
from models.subsets import spread
from models.support_vectors import Machine

Float = NDArray[np.float64]

# Losses are tens of megawatts where a line's surplus is a few percent: errors of theirs cost less.
_LOSS_C, _LOSS_EPSILON_MW = 10.0, 0.1


def _regret(name: str, counted: str) -> Metric:
    """Cost above the AC optimum's, in % of it, over rows in which the truth `counted` holds."""

    def sums(answer: Columns, rows: Rows) -> Float:
        of = np.asarray(rows.truth[counted], dtype=bool)
        best = np.asarray(rows.truth["optimum_cost"], dtype=np.float64)
        more = 100.0 * (np.asarray(answer["cost"], dtype=np.float64) - best)
        return np.stack([np.where(of, best, 0.0), np.where(of, more, 0.0)], axis=1)

    return Metric(name, "lower", sums, ratio, ("cost",))


class OptimalDispatch(Definition[Limits]):
    """Support vector regression of the AC network, projected to balance and limits."""

    name = "optimal_dispatch"
    version = 1
    title = "Cheapest output of every station and park within the AC network's limits"
    module = "decision"
    algorithm = "support vector regression, projected to balance and limits"
    proof = "forecast"
    tables = (dispatch_rows.TABLE,)
    source = "table"
    features = (*INPUTS, *(name for name in SENT if name not in INPUTS))
    truth_columns = ()
    target = Target(
        "outputs of all units in the AC optimal power flow, by way of its losses and currents",
        ("ac_opf_mw", "ac_opf_cost"),
    )
    point_kinds = ("system",)
    minimum_readings = 1
    outputs = (
        Output(
            "dispatch_recommendation",
            truth="cost of the AC optimum of the hour",
            metric="congested_regret_pct",
            magnitude=1e4,
        ),
        Output(
            "expected_cost",
            truth="cost with what the slack station gives in the solved power flow",
            metric="cost_error_pct",
            magnitude=1e7,
        ),
        Output(
            "cost_savings",
            formula="100·(1 − cost / cost of merit order at fixed shares: parks first, then every plant at "
            "one share of what it has)",
            magnitude=100.0,
        ),
    )
    metrics = (
        _regret("congested_regret_pct", "counted_congested"),
        _regret("regret_pct", "counted"),
        share("feasible_share", "counted", "feasible"),
        share("congested_share", "counted", "congested"),
        mean_of("cost_error_pct", "counted", "cost_error_pct"),
        mean_of("slack_mw", "counted", "slack_mw"),
        mean_of("unit_error_mw", "counted", "unit_error_mw"),
    )
    headline = "congested_regret_pct"
    opponents = ("lossless",)
    shown = (Shown("value", "cost", "optimum_cost", among="counted", unit="currency/h"),)
    oracle = "AC optimum"
    bars = (
        Bar("congested_share", 0.40),
        Bar("feasible_share", 1.0),
        Bar("congested_regret_pct", None, cuts={"lossless": 0.75}),
    )
    plain = Plain(
        purpose="Tells how much each power station and park gives, so that supply is cheapest within limits.",
        main="congested_regret_pct",
        said={
            "congested_regret_pct": Said("dearer than the cheapest dispatch, where a line is full", "%", 1.0),
            "feasible_share": Said("of the dispatches keep every limit, by a solved power flow"),
            "congested_share": Said("of the judged hours have a line that is full"),
        },
        rivals={"lossless": "the cheapest dispatch without losses"},
    )
    family = "random_fourier"
    claim = "surrogate"
    defaults: ClassVar[Params] = {"C": 100.0, "gamma": 0.003, "epsilon": 0.03}
    limits = (
        "Of one grid only, that of data_contracts.transmission with all branches in service. It says how "
        "much each station gives, not at which voltage: limits are kept with the plants' voltages near "
        "1.05 pu, lowered together where a bus comes above it. Reactive limits of machines, ramps, reserves "
        "and outages of branches are not looked at; misjudged losses are left to the slack station."
    )

    def rows(self, dataset: Dataset, start: date) -> Built:
        """Hours of the table `dispatch`, with the AC power flow of a lossless dispatch."""
        return dispatch_rows.build(dataset, self, start)

    def suggest(self, trial: Trial) -> dict[str, float | int | str | bool]:
        """Price of errors, width of the kernel and of the tube."""
        return {
            "C": trial.suggest_float("C", 3.0, 300.0, log=True),
            "gamma": trial.suggest_float("gamma", 0.0005, 0.02, log=True),
            "epsilon": trial.suggest_float("epsilon", 0.01, 0.1, log=True),
        }

    def subset(self, rows: Rows, most: int, rng: np.random.Generator) -> Rows:
        """A few rows of every day."""
        return spread(rows, most, rng)

    def fit(self, train: Rows, params: Params, seed: int) -> Limits:
        """Fit losses and every watched line."""
        del seed

        def machine(X: Float, y: Float, *, loss: bool) -> Machine:
            return support_vectors.fit(
                X,
                y,
                C=float(params["C"]) * (_LOSS_C if loss else 1.0),
                gamma=float(params["gamma"]),
                epsilon=_LOSS_EPSILON_MW if loss else float(params["epsilon"]),
            )

        return dispatch_limits.learn(train, machine)

    def calibrate(self, fitted: Limits, validation: Rows) -> Limits:
        """Widen margins until no watched line is overloaded in the validation hours."""
        return dispatch_limits.widened(fitted, validation)

    def score(self, fitted: Limits, rows: Rows) -> float:
        """Error of watched lines and losses, negative."""
        return -dispatch_limits.error(fitted, rows)

    def answer(self, fitted: Limits, rows: Rows) -> Columns:
        """Cost and limits of the AC power flow of the recommended outputs."""
        p_mw, cost, _ = dispatch_limits.outputs(fitted, rows)
        return _judged(rows, p_mw, cost)

    def served(self, decoder: Mapping[str, Any], raw: Float, rows: Rows) -> Columns:
        """Cost and limits of the AC power flow of what a compiled version recommends."""
        lines = [LINE_NAMES.index(name) for name in decoder["lines"]]
        bounds = dispatch.limits_mw(raw[:, 1:], lines, decoder["margin_pct"])
        p_mw, cost, _ = dispatch.recommend(rows.inputs(SENT), rows.column(SYSTEM), raw[:, 0], bounds)
        return _judged(rows, p_mw, cost)

    def raw(self, fitted: Limits, X: Float) -> Float:
        """Losses and surpluses by the library that fitted the machines, float64 [n, 1 + lines]."""
        inputs = X[:, : len(INPUTS)]
        found = []
        for machine in _machines(fitted):
            if machine.native is None:
                found.append(machine.predict(inputs))
            else:
                found.append(np.asarray(machine.native.predict(machine.scaled(inputs)), dtype=np.float64))
        return np.stack(found, axis=1)

    def opponent(self, name: str, train: Rows, validation: Rows, rows: Rows) -> Columns:
        """Lossless economic dispatch within the lines' limits, with its own redispatch by the AC flow."""
        del name, train, validation
        p_mw = dispatch_limits.redispatched(rows)
        offers = dispatch.offers_of(rows.inputs(SENT))
        return _judged(rows, p_mw, offers.cost_per_h(p_mw))

    def tree3(self, train: Rows, validation: Rows, rows: Rows) -> Columns:
        """The same losses and surpluses in regression trees of depth 3, with margins found alike."""

        def tree(X: Float, y: Float, *, loss: bool) -> Estimator:
            from sklearn.tree import DecisionTreeRegressor

            del loss
            fitted: Estimator = DecisionTreeRegressor(max_depth=3, random_state=0).fit(X, y)
            return fitted

        return self.answer(dispatch_limits.widened(dispatch_limits.learn(train, tree), validation), rows)

    def oracle_answer(self, rows: Rows) -> Columns | None:
        """The AC optimum."""
        best = np.asarray(rows.truth["optimum_cost"], dtype=np.float64)
        every, none = np.ones(len(rows), dtype=bool), np.zeros(len(rows))
        congested = np.asarray(rows.truth["congested"], dtype=bool)
        return {"cost": best, "feasible": every, "congested": congested, "unit_error_mw": none}

    def compile(self, fitted: Limits) -> Compiled:
        """One kernel and its weighted sum for losses and each watched line, in double precision."""
        from models.graphs import INPUT, Graph

        graph = Graph()
        inputs = graph.columns(INPUT, np.arange(len(INPUTS)), "inputs")
        names = ["loss_mw", *(f"above_{LINE_NAMES[line].replace('-', '_')}" for line in fitted.lines)]
        parts = [
            machine.add_to(graph, inputs, name)
            for machine, name in zip(_machines(fitted), names, strict=True)
        ]
        output = graph.add("Concat", parts, "network", axis=1) if len(parts) > 1 else parts[0]
        onnx = graph.finish(self.name, len(self.features), output, len(parts), double=True)
        decoder = {
            "grid": DIGEST,
            "lines": [LINE_NAMES[line] for line in fitted.lines],
            "margin_pct": list(fitted.margin_pct),
            "sent": list(SENT),
            "system": SYSTEM,
        }
        return Compiled(onnx, ("network",), decoder)

    def decode(
        self, decoder: Mapping[str, Any], raw: Float, columns: Mapping[str, Float]
    ) -> list[dict[str, Any]]:
        """Outputs by name, their cost, and what they save against fixed shares."""
        sent = np.stack([columns[name] for name in decoder["sent"]], axis=1)
        lines = [LINE_NAMES.index(name) for name in decoder["lines"]]
        bounds = dispatch.limits_mw(raw[:, 1:], lines, decoder["margin_pct"])
        p_mw, cost, savings = dispatch.recommend(sent, columns[decoder["system"]], raw[:, 0], bounds)
        return [
            {
                "dispatch_recommendation": {unit.name: mw for unit, mw in zip(UNITS, outputs, strict=True)},
                "expected_cost": per_h,
                "cost_savings": pct,
            }
            for outputs, per_h, pct in zip(p_mw.tolist(), cost.tolist(), savings.tolist(), strict=True)
        ]

    def native(self, fitted: Limits, example: Rows) -> Native | None:
        """The machine of the losses; it reads standardised inputs."""
        machine = _machines(fitted)[0]
        if machine.native is None:
            return None
        return Native(
            machine.native,
            machine.scaled(example.inputs(INPUTS)),
            parameters={"centre": machine.centre.tolist(), "scale": machine.scale.tolist()},
        )


def _machines(fitted: Limits) -> list[Machine | FourierMachine]:
    """The machines in the order of the graph's output."""
    return [one for one in (fitted.loss, *fitted.above) if isinstance(one, Machine | FourierMachine)]


def _judged(rows: Rows, p_mw: Float, cost: Float) -> Columns:
    congested = np.asarray(rows.truth["congested"], dtype=bool)
    return {**dispatch_limits.judged(rows, p_mw, cost), "congested": congested}


DEFINITION = OptimalDispatch()
