"""`reactive_power`: how much compensation a busbar with a capacitor bank wants, and which steps come nearest.

What counts is the size of bank with which the solved station loses least within its limits. A closed formula
says at which size the bay's power factor meets its limit; a network of dense layers adds what all instruments
and the rest of the station tell beyond it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from data_contracts.compensation import planned_steps, power_factor_after, to_boundary
from data_contracts.dataset import Dataset
from features.context.banks import name_of
from models import bank_rows, dense_networks
from models.dataset import Built
from models.declaration import Bar, Output, Params, Shown, Target, Trial
from models.dense_networks import DenseCourse, DenseNet
from models.estimates import absolute_error
from models.metrics import Columns, Metric, ratio, share
from models.plain import Plain, Said
from models.protocol import Compiled, Definition, Native
from models.rows import Rows
from models.subsets import spread

Float = NDArray[np.float64]

HIDDEN = (64, 32, 16)
INPUTS = (
    "bank_leading_pu",
    "bank_leading_feeders_pu",
    "bank_least_loss_pu",
    "bank_in_service",
    "bank_p_fed_pu",
    "bank_q_fed_pu",
    "bank_v_pu",
    "bank_p_feeders_pu",
    "bank_q_feeders_pu",
    "bank_ratio_pu",
    "bank_shared_loss",
    "infeed_v_pu",
    "station_ratio_pu",
    "station_tan_phi",
    "station_low_share",
    "bank_share",
    "nameplate_loss_pct",
    "ambient_c",
)
"""Columns of the network; the other features make var and a plan of its answer."""

FORMULAS = ("bank_leading_pu", "bank_leading_feeders_pu")
UNIT = 0.02
"""What one unit of the network's answer stands for, of the bank's rating."""

RATED, STEPS, NAME = "bank_rated_var", "bank_steps", "bank_name"
IN_SERVICE, FED_P, FED_Q, VOLTAGE = "bank_in_service", "bank_p_fed_pu", "bank_q_fed_pu", "bank_v_pu"


@dataclass(frozen=True, slots=True)
class Compensator:
    """The fitted model.

    Attributes:
        net: What is added to the mean of the formulas, in `UNIT`.
    """

    net: DenseNet


class ReactivePower(Definition[Compensator]):
    """Dense layers of 64, 32 and 16 units over the instruments of a busbar and of its station."""

    name = "reactive_power"
    version = 1
    title = "Compensation that a busbar with a capacitor bank wants, and the steps that come nearest"
    module = "decision"
    algorithm = "dense layers of 64, 32 and 16 units"
    proof = "estimator"
    library = "keras"
    tables = (bank_rows.TABLE,)
    source = "table"
    features = (*INPUTS, RATED, STEPS, NAME)
    truth_columns = ()
    target = Target(
        "size of the busbar's bank with which the station loses least: all else as it is, power factor of "
        "the bay at least 0.95 lagging or leading, the busbar's voltages within their limits",
        ("optimal_var", "power_factor"),
    )
    point_kinds = ("transformer_bay", "bus")
    minimum_readings = 1
    outputs = (
        Output(
            "recommended_compensation",
            truth="best size of the re-solved circuit less the steps in service",
            metric="mae_var",
            magnitude=1e7,
        ),
        Output(
            "expected_power_factor", truth="power factor of the bay with that size, re-solved",
            metric="power_factor_mae",
        ),
        Output(
            "capacitor_switching_plan",
            truth="steps nearest to that size, unless the present ones are less than 0.2 steps farther off",
            metric="plan_agrees",
        ),
    )  # fmt: skip
    metrics = (
        absolute_error("mae_var", "optimal_var", "optimal_var", "counted"),
        Metric(
            "mae_over_floor",
            "lower",
            lambda answer, rows: np.stack(
                [np.asarray(rows.truth["floor_var"], dtype=np.float64), _missed_var(answer, rows)], axis=1
            ),
            ratio,
            ("optimal_var",),
        ),
        absolute_error("power_factor_mae", "power_factor", "power_factor", "counted"),
        share("plan_agrees", "counted", "plan_right"),
        share("plan_agrees_near", "near_boundary", "plan_right"),
        share("plan_agrees_elsewhere", "clear", "plan_right"),
    )
    headline = "mae_var"
    opponents = ("target_power_factor",)
    references = ("instrument_floor", "closed_form")
    bars = (
        Bar("mae_over_floor", 1.2),
        Bar("mae_var", None, beats=("target_power_factor", "tree3")),
        Bar("plan_agrees", 0.95),
        Bar("plan_agrees_elsewhere", 1.0),
    )
    shown = (Shown("value", "optimal_var", "optimal_var", among="counted"),)
    plain = Plain(
        purpose="Recommends how much of a busbar's capacitor bank to switch in.",
        main="mae_var",
        said={
            "mae_var": Said("mean error of the compensation that is wanted", "kvar", 1e-3),
            "mae_over_floor": Said("the error that the meters alone would cause", "times", 1.0),
            "plan_agrees": Said("of the recommended steps are the best ones"),
            "plan_agrees_elsewhere": Said("of them where no two steps are about as good"),
        },
        rivals={"target_power_factor": "compensating to a power factor that is set"},
    )
    family = "fedavg"
    claim = "approximate"
    defaults: ClassVar[Params] = {"learning_rate": 3e-3, "batch": 128, "epochs": 60}
    limits = (
        "For a busbar with one switched bank and one bay that feeds it, in normal operation: couplers as "
        "described, all meters of the station's feeders and of its infeed at hand. Other banks and all taps "
        "stay as they are; after switching, tap changers may answer, and the question has to be asked again. "
        "The size is not limited to what is installed. What capacitors cost is not in it."
    )

    def rows(self, dataset: Dataset, start: date) -> Built:
        """Rows of the table `compensation`, with plans and the instruments' own error."""
        built = bank_rows.build(dataset, self, start)
        rows = built.rows
        wanted_var, said_var = (_known(rows, name) for name in ("optimal_var", "metered_optimal_var"))
        step_var = rows.column(RATED) / rows.column(STEPS)
        present, steps = _steps(rows)
        floor_var = np.abs(said_var - wanted_var)
        apart_var = step_var * to_boundary(wanted_var / step_var, present, steps)
        near = apart_var <= _sigma_var(rows, said_var - wanted_var)
        truth = {
            **rows.truth,
            "floor_var": floor_var,
            "plan": planned_steps(wanted_var / step_var, present, steps),
            "near_boundary": near,
            "clear": ~near,
            "counted": np.ones(len(rows), dtype=bool),
        }
        return replace(built, rows=replace(rows, truth=truth))

    def suggest(self, trial: Trial) -> dict[str, float | int | str | bool]:
        """Step size, batch and epochs."""
        return {
            "learning_rate": trial.suggest_float("learning_rate", 1e-3, 1e-2, log=True),
            "batch": trial.suggest_categorical("batch", (64, 128, 256)),
            "epochs": trial.suggest_int("epochs", 20, 120),
        }

    def subset(self, rows: Rows, most: int, rng: np.random.Generator) -> Rows:
        """A few states of every day."""
        return spread(rows, most, rng)

    def fit(self, train: Rows, params: Params, seed: int) -> Compensator:
        """Learn what is to be added to the formulas."""
        course = DenseCourse(
            epochs=int(params["epochs"]),
            batch=int(params["batch"]),
            learning_rate=float(params["learning_rate"]),
            dropout=(),
        )
        X = train.inputs(INPUTS)
        return Compensator(dense_networks.fit(X, to_add(train), course, seed, hidden=HIDDEN))

    def calibrate(self, fitted: Compensator, validation: Rows) -> Compensator:
        """Nothing is set on validation rows."""
        del validation
        return fitted

    def score(self, fitted: Compensator, rows: Rows) -> float:
        """Mean absolute error in var, negative."""
        return -float(_missed_var(self.answer(fitted, rows), rows).mean())

    def answer(self, fitted: Compensator, rows: Rows) -> Columns:
        """Size, power factor and plan by the fitted network in double precision."""
        X = rows.inputs(INPUTS)
        return _columns(rows, np.maximum(_formula(X) + UNIT * fitted.net.predict(X), 0.0))

    def served(self, decoder: Mapping[str, Any], raw: Float, rows: Rows) -> Columns:
        """Size, power factor and plan of a compiled version."""
        del decoder
        return _columns(rows, raw[:, 0])

    def raw(self, fitted: Compensator, X: Float) -> Float:
        """Size over the bank's rating by Keras itself, float64 [n, 1]."""
        from models import keras_dense

        inputs = X[:, : len(INPUTS)]
        added = keras_dense.predict(fitted.net.weights, fitted.net.scaled(inputs))
        return np.asarray(np.maximum(_formula(inputs) + UNIT * added, 0.0))[:, None]

    def opponent(self, name: str, train: Rows, validation: Rows, rows: Rows) -> Columns:
        """Q = P·(tan φ − tan φ_target) at the bay; its target is the one that fits the training rows best.

        The reference `instrument_floor` is the search of the true size among what instruments say,
        `closed_form` the formula that the network starts from.
        """
        del validation
        if name == "instrument_floor":
            return _columns(rows, _known(rows, "metered_optimal_var") / rows.column(RATED))

        if name == "closed_form":
            return _columns(rows, np.maximum(_formula(rows.inputs(INPUTS)), 0.0))

        def before(some: Rows) -> tuple[Float, Float]:
            return some.column(IN_SERVICE) + some.column(FED_Q), some.column(FED_P)

        q_pu, p_pu = before(train)
        tangents = (_known(train, "optimal_var") / train.column(RATED) - q_pu) / np.maximum(p_pu, 1e-6)
        q_pu, p_now = before(rows)
        return _columns(rows, np.maximum(q_pu + float(np.median(tangents)) * p_now, 0.0))

    def tree3(self, train: Rows, validation: Rows, rows: Rows) -> Columns:
        """The same inputs in a regression tree of depth 3."""
        from sklearn.tree import DecisionTreeRegressor

        del validation
        wanted = _known(train, "optimal_var") / train.column(RATED)
        tree = DecisionTreeRegressor(max_depth=3, random_state=0).fit(train.inputs(INPUTS), wanted)
        return _columns(rows, np.asarray(tree.predict(rows.inputs(INPUTS)), dtype=np.float64))

    def compile(self, fitted: Compensator) -> Compiled:
        """Formula and network as one graph in double precision."""
        from models.dense_graph import add_dense_net
        from models.graphs import INPUT, Graph
        from models.symbols import Symbol, at_least, dot

        graph = Graph()
        inputs = Symbol(graph, graph.columns(INPUT, np.arange(len(INPUTS)), "inputs"))
        added = Symbol(graph, add_dense_net(graph, inputs.name, fitted.net))
        size = at_least(dot(inputs, _WEIGHTS) + added * UNIT, 0.0)
        onnx = graph.finish(self.name, len(self.features), size.name, 1, double=True)
        decoder = {
            "rated_var": RATED,
            "steps": STEPS,
            "bank": NAME,
            "in_service": IN_SERVICE,
            "p_fed": FED_P,
            "q_fed": FED_Q,
            "voltage": VOLTAGE,
        }
        return Compiled(onnx, (size.name,), decoder)

    def decode(
        self, decoder: Mapping[str, Any], raw: Float, columns: Mapping[str, Float]
    ) -> list[dict[str, Any]]:
        """What to add, the power factor then, and the bank's steps where they are to change."""
        rated, steps, in_service = (columns[decoder[name]] for name in ("rated_var", "steps", "in_service"))
        size = raw[:, 0]
        present = np.rint(in_service * steps).astype(np.int64)
        planned = planned_steps(size * steps, present, steps.astype(np.int64))
        fed = (columns[decoder[name]] for name in ("p_fed", "q_fed", "voltage"))
        factor = power_factor_after(size - in_service, *fed)
        return [
            {
                "recommended_compensation": add_var,
                "expected_power_factor": power_factor,
                "capacitor_switching_plan": [{"bank": name_of(bank), "present": now, "target": target}]
                if now != target
                else [],
            }
            for add_var, power_factor, bank, now, target in zip(
                ((size - in_service) * rated).tolist(),
                factor.tolist(),
                columns[decoder["bank"]].tolist(),
                present.tolist(),
                planned.tolist(),
                strict=True,
            )
        ]

    def native(self, fitted: Compensator, example: Rows) -> Native | None:
        """The Keras model; its input is scaled."""
        from models import keras_dense

        return Native(
            keras_dense.loaded(fitted.net.weights),
            fitted.net.scaled(example.inputs(INPUTS)),
            flavour="keras",
            parameters={
                "inputs": list(INPUTS),
                "mean": fitted.net.mean.tolist(),
                "scale": fitted.net.scale.tolist(),
                "unit": UNIT,
                "formula": dict(zip(INPUTS, _WEIGHTS.tolist(), strict=True)),
            },
        )


# Both sets of instruments err about alike.
_WEIGHTS = np.array([0.5 if name in FORMULAS else 0.0 for name in INPUTS])


def to_add(rows: Rows) -> Float:
    """What the network is to add to the mean of the formulas, in `UNIT`, [n]."""
    wanted = _known(rows, "optimal_var") / rows.column(RATED)
    return np.asarray((wanted - _formula(rows.inputs(INPUTS))) / UNIT)


def _formula(inputs: Float) -> Float:
    """Mean of the formulas: size over the bank's rating, [n]."""
    return np.asarray((inputs * _WEIGHTS).sum(axis=1))


def _known(rows: Rows, name: str) -> Float:
    """A truth column as numbers, [n]."""
    return np.asarray(rows.truth[name], dtype=np.float64)


def _steps(rows: Rows) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Steps in service and steps of the bank, [n] each."""
    return np.asarray(rows.truth["present"], dtype=np.int64), rows.column(STEPS).astype(np.int64)


def _sigma_var(rows: Rows, error_var: Float) -> Float:
    """Standard deviation of the instruments' error at each row's point, var, [n]."""
    codes = rows.point.codes
    squares = np.bincount(codes, weights=error_var**2)
    return np.asarray(np.sqrt(squares / np.maximum(np.bincount(codes), 1))[codes])


def _missed_var(answer: Columns, rows: Rows) -> Float:
    return np.abs(np.asarray(answer["optimal_var"], dtype=np.float64) - _known(rows, "optimal_var"))


def _columns(rows: Rows, size: Float) -> Columns:
    """What metrics need, from sizes over the bank's rating, [n]."""
    present, steps = _steps(rows)
    plan = planned_steps(size * steps, present, steps)
    add = size - rows.column(IN_SERVICE)
    factor = power_factor_after(add, rows.column(FED_P), rows.column(FED_Q), rows.column(VOLTAGE))
    return {
        "optimal_var": size * rows.column(RATED),
        "power_factor": factor,
        "plan": plan,
        "plan_right": plan == np.asarray(rows.truth["plan"], dtype=np.int64),
    }


DEFINITION = ReactivePower()
