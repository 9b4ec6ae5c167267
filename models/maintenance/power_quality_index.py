"""`power_quality_index`: the published index of ten minutes from ten seconds' readings and the meter's log.

The formula's own estimate comes from `models.quality_indicators`; a network of dense layers adds what it has
learnt to it: how the worst single harmonic goes with the distortion, what instruments make of it, how much
flicker is left of a Pst that a sag has spoilt.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from data_contracts.dataset import Dataset
from data_contracts.quality_index import GRADES, INDICATORS, Limits, State, grade_codes, index_of, ratios
from models import dense_networks, quality_rows
from models import quality_indicators as indicators
from models.dataset import Built
from models.declaration import Bar, Output, Params, Shown, Target, Trial
from models.dense_networks import DenseCourse, DenseNet
from models.estimates import absolute_error
from models.metrics import Columns, Metric, accuracy, determination, macro_f1
from models.plain import Plain, Said
from models.protocol import Compiled, Definition, Native
from models.quality_indicators import Readings
from models.rows import Rows
from models.subsets import spread

Float = NDArray[np.float64]

HIDDEN = (64, 32, 16)
UNIT = 0.3
"""What one unit of the network's answer stands for, in the unified index."""
SCALE = 30.0
RECOMMENDATIONS = (
    "voltage: set the tap changers and capacitor banks so that the voltage returns towards nominal",
    "unbalance: share single-phase and traction loads evenly among the phases",
    "harmonics: find the converters that feed them in; add or retune a filter",
    "flicker: find the fluctuating load; start it softly or compensate its reactive power quickly",
    "events: look into the sags and swells; clear faults faster or let sensitive loads ride through",
    "frequency: report it to the load despatch centre; nothing at the station corrects it",
)
FEWEST_EPISODES = 20
STOPPING_SHARE = 0.12


@dataclass(frozen=True, slots=True)
class QualityNet:
    """The fitted model.

    Attributes:
        known: What the indicators are reckoned with.
        net: What is added to their index, in `UNIT`.
    """

    known: Readings
    net: DenseNet

    def unified(self, X: Float) -> Float:
        """Unified index, [n]."""
        cut, _, inputs = indicators.estimate(X, self.known)
        return np.asarray(cut[:, 0] + UNIT * self.net.predict(inputs))


class PowerQualityIndex(Definition[QualityNet]):
    """Dense layers of 64, 32 and 16 units over the indicators of the published index."""

    name = "power_quality_index"
    version = 1
    title = "Index of power quality of ten minutes, its grade and what to do first"
    module = "maintenance"
    algorithm = "dense layers of 64, 32 and 16 units with dropout"
    proof = "estimator"
    library = "keras"
    tables = ("power_quality", "readings", "scenarios")
    source = "table"
    kinds = ("quality",)
    features = indicators.FEATURES
    truth_columns = ()
    target = Target(
        "index = 100 − 30·UPQI of the true ten minutes, within 0 … 100; grade by 90, 70, 50",
        ("index", "grade", "worst"),
        GRADES,
    )
    point_kinds = ("infeed", "transformer_bay", "bus", "feeder")
    minimum_readings = 5
    outputs = (
        Output("power_quality_index", truth="index of the true ten minutes", metric="mae", magnitude=100.0),
        Output("quality_grade", truth="grade of the true ten minutes", metric="grade_macro_f1"),
        Output(
            "improvement_recommendations",
            truth="largest true indicator, for the first of them",
            metric="worst_named",
            formula="one text for each indicator above its limit, the largest first; else for the largest",
        ),
    )
    metrics = (
        determination("r2", "counted", "error", "index"),
        absolute_error("mae", "index", "index", "counted"),
        Metric(
            "rmse",
            "lower",
            lambda answer, rows: np.stack(
                [np.ones(len(rows)), np.asarray(answer["error"], dtype=np.float64) ** 2], axis=1
            ),
            lambda sums: np.sqrt(sums[..., 1] / sums[..., 0]),
            ("error",),
        ),
        determination("r2_without_event", "steady", "error", "index"),
        absolute_error("mae_with_event", "index", "index", "flagged"),
        accuracy("grade_accuracy", len(GRADES), "code", "code"),
        macro_f1("grade_macro_f1", len(GRADES), "code", "code"),
        accuracy("worst_named", len(INDICATORS), "worst", "worst"),
    )
    headline = "r2"
    opponents = ("formula",)
    references = ("formula_of_ten_minutes",)
    bars = (
        Bar("r2", 0.95),
        Bar("mae", beats=("formula", "tree3"), cuts={"formula": 0.30}),
    )
    shown = (Shown("value", "index", "index", among="counted"),)
    plain = Plain(
        purpose="Grades the quality of supply at a point every ten minutes and says what to do first.",
        main="mae",
        said={
            "r2": Said("of the index's ups and downs are explained"),
            "mae": Said("mean error of the index, which goes from 0 to 100", "points", 1.0),
        },
        rivals={"formula": "the published formula on what the meter has"},
    )
    family = "fedavg"
    claim = "approximate"
    defaults: ClassVar[Params] = {"learning_rate": 1e-3, "batch": 256, "epochs": 40, "dropout": 0.3}
    limits = (
        "Needs a meter of distortion and one of flicker at the point, its log of voltage events, and a level "
        "of 33, 220 or 400 kV with the published limits of India. Of the ten minutes it sees the last ten "
        "seconds, Pst and the log; of the harmonics only their total, where the largest single one is what "
        "the index judges at most points: that carries most of the squared error."
    )

    def rows(self, dataset: Dataset, start: date) -> Built:
        """Windows of the kind `quality` with the true index of their ten minutes."""
        return quality_rows.build(dataset, self, start)

    def suggest(self, trial: Trial) -> dict[str, float | int | str | bool]:
        """Step size, batch, epochs, and dropout behind the first layer."""
        return {
            "learning_rate": trial.suggest_float("learning_rate", 5e-4, 5e-3, log=True),
            "batch": trial.suggest_categorical("batch", (128, 256, 512)),
            "epochs": trial.suggest_int("epochs", 20, 80),
            "dropout": trial.suggest_float("dropout", 0.1, 0.5),
        }

    def subset(self, rows: Rows, most: int, rng: np.random.Generator) -> Rows:
        """A few windows of every episode."""
        return spread(rows, most, rng)

    def fit(self, train: Rows, params: Params, seed: int) -> QualityNet:
        """Learn the indicators' constants, then what is to be added to their index."""
        X = train.inputs(self.features)
        known = indicators.learn(
            X,
            flagged=np.asarray(train.truth["flagged"], dtype=bool),
            pst=np.asarray(train.truth["quiet_pst"], dtype=np.float64),
            single_share=np.asarray(train.truth["single_share"], dtype=np.float64),
        )
        cut, _, inputs = indicators.estimate(X, known)
        dropout = float(params["dropout"])
        course = DenseCourse(
            epochs=int(params["epochs"]),
            batch=int(params["batch"]),
            learning_rate=float(params["learning_rate"]),
            dropout=(dropout, dropout * 2.0 / 3.0),
        )
        wanted = to_add(np.asarray(train.truth["index"], dtype=np.float64), cut[:, 0])
        net = dense_networks.fit(
            inputs, wanted, course, seed, hidden=HIDDEN, judges=_stopping_rows(train, seed)
        )
        return QualityNet(known, net)

    def calibrate(self, fitted: QualityNet, validation: Rows) -> QualityNet:
        """Nothing is set on validation rows."""
        del validation
        return fitted

    def score(self, fitted: QualityNet, rows: Rows) -> float:
        """Root of the mean squared error, negative."""
        return -self.metric("rmse").of(self.answer(fitted, rows), rows)

    def answer(self, fitted: QualityNet, rows: Rows) -> Columns:
        """Index, grade and largest indicator by the fitted network in double precision."""
        X = rows.inputs(self.features)
        _, shown, _ = indicators.estimate(X, fitted.known)
        return _columns(rows, _index(fitted.unified(X)), shown.argmax(axis=1))

    def served(self, decoder: Mapping[str, Any], raw: Float, rows: Rows) -> Columns:
        """Index, grade and largest indicator of a compiled version."""
        del decoder
        return _columns(rows, _index(raw[:, 0]), raw[:, 1:].argmax(axis=1))

    def raw(self, fitted: QualityNet, X: Float) -> Float:
        """Unified index by Keras itself, then the indicators, float64 [n, 7]."""
        from models import keras_dense

        cut, shown, inputs = indicators.estimate(X, fitted.known)
        added = keras_dense.predict(fitted.net.weights, fitted.net.scaled(inputs))
        return np.concatenate([cut + UNIT * added[:, None], shown], axis=1)

    def opponent(self, name: str, train: Rows, validation: Rows, rows: Rows) -> Columns:
        """The published formula on the window's instrument values, or on those of the whole ten minutes.

        In the former events are those of the meter's log; Pst with one among them is flagged and not used
        (IEC 61000-4-30).
        """
        del train, validation
        if name == "formula_of_ten_minutes":
            return _columns(rows, np.asarray(rows.truth["metered_index"], dtype=np.float64), None)
        found = _formula(rows)
        return _columns(rows, index_of(found), found.argmax(axis=1))

    def tree3(self, train: Rows, validation: Rows, rows: Rows) -> Columns:
        """The same inputs in a regression tree of depth 3."""
        from sklearn.tree import DecisionTreeRegressor

        del validation
        tree = DecisionTreeRegressor(max_depth=3, random_state=0)
        tree.fit(train.inputs(self.features), train.truth["index"])
        return _columns(rows, np.asarray(tree.predict(rows.inputs(self.features))), None)

    def compile(self, fitted: QualityNet) -> Compiled:
        """Indicators and network as one graph in double precision."""
        from models.dense_graph import add_dense_net
        from models.graphs import INPUT, Graph
        from models.symbols import Symbol

        graph = Graph()
        cut, shown, inputs = indicators.estimate(Symbol(graph, INPUT), fitted.known)
        unified = cut + Symbol(graph, add_dense_net(graph, inputs.name, fitted.net)) * UNIT
        graph.add("Concat", [unified.name, shown.name], "quality", axis=1)
        onnx = graph.finish(self.name, len(self.features), "quality", 1 + len(INDICATORS), double=True)
        decoder = {"scale": SCALE, "grades": list(GRADES), "recommendations": list(RECOMMENDATIONS)}
        return Compiled(onnx, ("quality",), decoder)

    def decode(
        self, decoder: Mapping[str, Any], raw: Float, columns: Mapping[str, Float]
    ) -> list[dict[str, Any]]:
        """Index, grade, and texts for what is above its limit, or for the largest indicator."""
        del columns
        index = np.clip(100.0 - decoder["scale"] * raw[:, 0], 0.0, 100.0)
        texts = decoder["recommendations"]
        return [
            {
                "power_quality_index": points,
                "quality_grade": decoder["grades"][code],
                "improvement_recommendations": [texts[k] for k in _first_things_first(shown)],
            }
            for points, code, shown in zip(
                index.tolist(), grade_codes(index).tolist(), raw[:, 1:], strict=True
            )
        ]

    def native(self, fitted: QualityNet, example: Rows) -> Native | None:
        """The Keras model; its input is scaled indicators."""
        from models import keras_dense

        _, _, inputs = indicators.estimate(example.inputs(self.features), fitted.known)
        return Native(
            keras_dense.loaded(fitted.net.weights),
            fitted.net.scaled(inputs),
            flavour="keras",
            parameters={
                "mean": fitted.net.mean.tolist(),
                "scale": fitted.net.scale.tolist(),
                "unit": UNIT,
                "readings": asdict(fitted.known),
            },
        )


def to_add(index: Float, cut: Float) -> Float:
    """What the network is to add, in `UNIT`, to the formula's unified index, for true indices, [n]."""
    wanted = (100.0 - index) / SCALE
    # Of an index of 0 the unified one is not known, but that it is above 100/30.
    start = np.where(wanted >= 100.0 / SCALE, np.minimum(cut, 100.0 / SCALE), cut)
    return np.asarray((wanted - start) / UNIT)


def _index(unified: Float) -> Float:
    return np.asarray(np.clip(100.0 - SCALE * unified, 0.0, 100.0))


def _columns(rows: Rows, index: Float, worst: NDArray[np.int64] | None) -> Columns:
    found: dict[str, NDArray[np.generic]] = {
        "index": index,
        "error": index - np.asarray(rows.truth["index"], dtype=np.float64),
        "code": grade_codes(index),
    }
    return found if worst is None else {**found, "worst": worst}


def _formula(rows: Rows) -> Float:
    """Indicators by the published formula from what the instruments say in the window, [n, 6]."""
    column = rows.column
    state = State(
        u_pu=rows.inputs(("v_a_pu", "v_b_pu", "v_c_pu")),
        vuf_pct=column("vuf_line_pct"),
        thd_pct=column("thd_worst_pct"),
        harmonic_pct=np.full(len(rows), np.nan),
        pst=np.where(column("event_severity_10min") > 0.0, np.nan, column("pst")),
        event_severity=column("event_severity_10min"),
        f_dev_hz=np.abs(column("f_dev_hz")),
    )
    permitted = Limits(
        v_min_pu=column("v_min_limit_pu"),
        v_max_pu=column("v_max_limit_pu"),
        vuf_pct=column("vuf_limit_pct"),
        thd_pct=column("thd_limit_pct"),
        harmonic_pct=column("harmonic_limit_pct"),
        pst=column("pst_limit"),
        f_dev_hz=column("f_dev_limit_hz"),
    )
    return ratios(state, permitted)


def _first_things_first(shown: Float) -> list[int]:
    """Places of the indicators above their limits, the largest first; of the largest where none is."""
    order: list[int] = np.argsort(-shown, kind="stable").tolist()
    return [k for k in order if shown[k] > 1.0] or order[:1]


def _stopping_rows(rows: Rows, seed: int) -> NDArray[np.bool_]:
    """Rows of some of the episodes, bool [n]; none where there are few episodes."""
    present = np.unique(rows.episode.codes)
    if present.size < FEWEST_EPISODES:
        return np.zeros(len(rows), dtype=bool)
    drawn = np.random.default_rng(seed).permutation(present)[: int(STOPPING_SHARE * present.size)]
    return np.isin(rows.episode.codes, drawn)


DEFINITION = PowerQualityIndex()
