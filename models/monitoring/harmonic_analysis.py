"""`harmonic_analysis`: the primary voltage's distortion behind a voltage transformer that distorts it itself.

A capacitive voltage transformer passes harmonics by its own resonances, and a meter answers with the THD of
what it was given. The forest estimates the logarithm of true over measured THD; where there is a capture, the
measured one is that of its spectrum, else the meter's own. One forest answers both: a row without a capture
has missing values in the spectrum's columns.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from models import distortion_plots, forest, graphs
from models.dataset import DEFINED
from models.declaration import Bar, Output, Params, Target, Trial
from models.estimates import absolute_error, among
from models.evaluation import MODEL, Answers
from models.forest import Forest
from models.harmonic_orders import LEAST_ORDER_PCT, MOST_ORDERS, dominant, named_orders, overlap
from models.metrics import Columns, accuracy, macro_f1, mean_of, share
from models.plain import Plain, Said
from models.protocol import Compiled, Definition, Native, TruthWindows
from models.rows import Rows, concatenate
from models.subsets import spread

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CLASSES = ("low", "medium", "high")
LIMITS_PCT = (3.0, 5.0)
PHASES = ("a", "b", "c")
SPECTRUM, METER = "thd_v_wave_pct", "thd_worst_pct"
ORDERS = (3, 5, 7, 11, 13, 17, 19, 23, 25)
ORDER_FEATURES = tuple(f"h{order}_v_pct" for order in ORDERS)
WAVEFORM = (
    SPECTRUM,
    *ORDER_FEATURES,
    "thd_h2_h7_v_pct",
    "thd_h8_h13_v_pct",
    "thd_h14_h25_v_pct",
    "thd_h26_h40_v_pct",
    "interharmonic_v_pct",
)
METERED = (METER, "thd_spread_pct")
# Below it a ratio of distortions is one of noises.
LEAST_THD_PCT = 0.01
TUNED_ROWS = 2400


def class_of(thd_pct: NDArray[np.float64]) -> NDArray[np.int64]:
    """Class code of a THD in percent: low below 3, medium from 3 to 5, high above 5."""
    codes: NDArray[np.int64] = (thd_pct >= LIMITS_PCT[0]).astype(np.int64) + (thd_pct > LIMITS_PCT[1])
    return codes


class HarmonicAnalysis(Definition[Forest]):
    """Random forest on the ratio of true to measured distortion."""

    name = "harmonic_analysis"
    version = 1
    title = "Distortion of the primary voltage from a capture's spectrum or from the metered THD"
    module = "monitoring"
    algorithm = "FFT of the capture, and a random forest that corrects what the instrument did to it"
    proof = "estimator"
    tables = ("readings", "waveforms", "waveforms_truth")
    kinds = ("harmonic",)
    features = (*WAVEFORM, *METERED, "v_nom_log", "pvur_pct", "questionable_share")
    optional = (*WAVEFORM, *METERED)
    one_of = (SPECTRUM, METER)
    truth_columns = ()
    truth_captures = (
        *(f"thd_v_{phase}_pct" for phase in PHASES),
        *(f"v_{phase}_h_pct" for phase in PHASES),
    )
    target = Target(
        "solved THD of the primary voltage, orders 2 to 40, worst phase; its class: below 3, 3–5, above 5 %",
        ("thd_v_a_pct", "thd_v_b_pct", "thd_v_c_pct"),
        CLASSES,
    )
    point_kinds = ("infeed", "transformer_bay", "bus", "feeder")
    minimum_readings = 1
    outputs = (
        Output("thd_estimate", truth="solved THD of the worst phase", metric="thd_mae"),
        Output("harmonic_level", truth="class of the solved THD", metric="accuracy"),
        Output(
            "dominant_harmonics",
            truth="the three largest solved orders of the worst phase that reach 0.3 % of the fundamental",
            metric="dominant_jaccard",
            unset="without a waveform: a metered THD does not say which orders it is made of",
        ),
    )
    metrics = (
        absolute_error("thd_mae", "thd", "thd_pct", "captured"),
        among(accuracy("accuracy", len(CLASSES), "code", "code"), "captured"),
        among(macro_f1("macro_f1", len(CLASSES), "code", "code"), "captured"),
        absolute_error("thd_mae_metered", "thd_metered", "thd_pct", "metered"),
        among(accuracy("accuracy_metered", len(CLASSES), "code_metered", "code"), "metered"),
        among(macro_f1("macro_f1_metered", len(CLASSES), "code_metered", "code"), "metered"),
        share("largest_order_first", "order_counted", "order_right"),
        mean_of("dominant_jaccard", "captured", "jaccard", "higher"),
    )
    headline = "thd_mae"
    opponents = ("fft", "meter")
    bars = (
        Bar("thd_mae", None, beats=("fft",), cuts={"fft": 0.30}),
        Bar("accuracy", 0.95),
    )
    plain = Plain(
        purpose="Measures how distorted the grid's voltage is and names the harmonics behind it.",
        main="thd_mae",
        said={
            "thd_mae": Said("mean error of the distortion (THD)", "% THD", 1.0),
            "accuracy": Said("of the captures get the right level of distortion"),
        },
        rivals={"fft": "the plain spectrum of the capture", "meter": "the meter's own THD"},
    )
    family = "random_forest"
    claim = "approximate"
    defaults: ClassVar[Params] = {
        "n_estimators": 60,
        "max_leaf_nodes": 96,
        "min_samples_leaf": 4,
        "max_features": 10,
        "max_samples": 0.6,
    }
    limits = (
        "Without a waveform the estimate rests on the meter's THD alone and no order is named. Orders are "
        "ranked as the instrument passed them on, and others than "
        f"{', '.join(map(str, ORDERS))} are never named. Distortion above order 40 and between the "
        "orders does not count. A transformer whose resonance is unlike those of training is corrected "
        "wrongly."
    )

    def label(self, windows: TruthWindows) -> Mapping[str, NDArray[np.generic]]:
        """True THD and orders of the worst phase, and in which form the rows are counted."""
        thd = np.stack([windows.captures[f"thd_v_{phase}_pct"] for phase in PHASES], axis=1)
        orders = np.stack([windows.captures[f"v_{phase}_h_pct"] for phase in PHASES], axis=1)
        alive = _whole(thd) & _whole(orders.reshape(len(orders), -1))
        worst = np.argmax(np.where(np.isfinite(thd), thd, -1.0), axis=1)
        row = np.arange(len(thd))
        thd_pct = np.where(alive, thd[row, worst], 0.0)
        every = tuple(range(2, orders.shape[2] + 1))
        true = named_orders(orders[row, worst, 1:], every)
        return {
            "thd_pct": thd_pct,
            "code": class_of(thd_pct),
            "orders": true,
            "order_counted": true[:, 0] > 0,
            "captured": np.ones(thd_pct.size, dtype=bool),
            "metered": np.zeros(thd_pct.size, dtype=bool),
            DEFINED: alive,
        }

    def views(self, rows: Rows) -> Rows:
        """Each row with capture and meter, with the meter alone, and with the capture alone."""
        capture = np.isfinite(rows.column(SPECTRUM))
        meter = np.isfinite(rows.column(METER))
        return concatenate(
            [
                rows.select(capture & meter),
                _without(rows.select(meter), WAVEFORM, captured=False),
                _without(rows.select(capture), METERED, captured=True),
            ]
        )

    def suggest(self, trial: Trial) -> dict[str, float | int | str | bool]:
        """Size of the forest and of its trees, and what each of them sees."""
        return {
            "n_estimators": trial.suggest_int("n_estimators", 40, 80, step=20),
            "max_leaf_nodes": trial.suggest_int("max_leaf_nodes", 32, 128, step=16),
            "min_samples_leaf": trial.suggest_int("min_samples_leaf", 2, 16, log=True),
            "max_features": trial.suggest_int("max_features", 4, 14),
            "max_samples": trial.suggest_float("max_samples", 0.3, 0.9),
        }

    def subset(self, rows: Rows, most: int, rng: np.random.Generator) -> Rows:
        """A few rows of every episode."""
        return spread(rows, min(most, TUNED_ROWS), rng)

    def fit(self, train: Rows, params: Params, seed: int) -> Forest:
        """Grow the forest on ln(true / measured); a row weighs as much as it is distorted."""
        base = measured_pct(train.inputs(self.features))
        truth = np.maximum(np.asarray(train.truth["thd_pct"], dtype=np.float64), LEAST_THD_PCT)
        X, y = train.inputs(self.features), np.log(truth / base)
        return forest.fit(X, y, seed, weight=base, **params)

    def calibrate(self, fitted: Forest, validation: Rows) -> Forest:
        """Nothing is set on validation rows."""
        del validation
        return fitted

    def score(self, fitted: Forest, rows: Rows) -> float:
        """Mean absolute error of the THD over rows of every form, negative."""
        thd = self._thd(fitted, rows)
        return -float(np.abs(thd - np.asarray(rows.truth["thd_pct"], dtype=np.float64)).mean())

    def answer(self, fitted: Forest, rows: Rows) -> Columns:
        """THD and class of every row, and whether the orders that its spectrum names are the true ones."""
        thd = self._thd(fitted, rows)
        return {**_both_forms(thd), **_orders(rows)}

    def served(self, decoder: Mapping[str, Any], raw: NDArray[np.float64], rows: Rows) -> Columns:
        """THD, class and named orders of a compiled version."""
        del decoder
        thd = measured_pct(rows.inputs(self.features)) * np.exp(raw[:, 0])
        return {**_both_forms(thd), **_orders(rows)}

    def raw(self, fitted: Forest, X: NDArray[np.float64]) -> NDArray[np.float64]:
        """ln(true / measured) by the library that fitted the forest, float64 [n, 1]."""
        if fitted.native is None:
            return fitted.predict(X)[:, None]
        answered: NDArray[np.float64] = fitted.native.predict(X.astype(np.float32))[:, None]
        return answered

    def opponent(self, name: str, train: Rows, validation: Rows, rows: Rows) -> Columns:
        """THD of the capture's spectrum as it is, or of the meter as it is."""
        del train, validation
        if name == "fft":
            thd = rows.column(SPECTRUM)
            return {"thd": thd, "code": class_of(thd), **_orders(rows)}
        thd = rows.column(METER)
        return {"thd_metered": thd, "code_metered": class_of(thd)}

    def tree3(self, train: Rows, validation: Rows, rows: Rows) -> Columns:
        """The same target in one tree of depth 3."""
        del validation
        shallow = self.fit(train, {"n_estimators": 1, "bootstrap": False, "max_depth": 3}, 0)
        return self.answer(shallow, rows)

    def figures(self, answers: Answers) -> Iterator[tuple[str, Figure]]:
        """Estimates and the plain spectrum against the truth, and what is left by THD."""
        rows = answers.rows
        yield from distortion_plots.figures(
            truth=np.asarray(rows.truth["thd_pct"], dtype=np.float64),
            estimate=np.asarray(answers.by[MODEL]["thd"], dtype=np.float64),
            plain=rows.column(SPECTRUM),
            captured=np.asarray(rows.truth["captured"], dtype=bool),
        )

    def compile(self, fitted: Forest) -> Compiled:
        """One tree ensemble node in double precision."""
        onnx = graphs.forest_graph(self.name, fitted.trees, len(self.features), "ln_ratio")
        return Compiled(
            onnx,
            ("ln_ratio",),
            {
                "measured": [SPECTRUM, METER],
                "least_thd_pct": LEAST_THD_PCT,
                "levels": list(CLASSES),
                "limits_pct": list(LIMITS_PCT),
                "order_features": list(ORDER_FEATURES),
                "orders": list(ORDERS),
                "least_order_pct": LEAST_ORDER_PCT,
                "most_orders": MOST_ORDERS,
            },
        )

    def decode(
        self, decoder: Mapping[str, Any], raw: NDArray[np.float64], columns: Mapping[str, NDArray[np.float64]]
    ) -> list[dict[str, Any]]:
        """THD, level, and the orders where there is a spectrum."""
        spectrum, meter = (columns[name] for name in decoder["measured"])
        captured = np.isfinite(spectrum)
        base = np.maximum(np.where(captured, spectrum, meter), decoder["least_thd_pct"])
        thd = base * np.exp(raw[:, 0])
        orders = np.stack([columns[name] for name in decoder["order_features"]], axis=1)
        places = dominant(orders, decoder["least_order_pct"], decoder["most_orders"])
        answers: list[dict[str, Any]] = []
        for estimate, code, found, known in zip(thd, class_of(thd), places, captured, strict=True):
            answer = {"thd_estimate": float(estimate), "harmonic_level": decoder["levels"][int(code)]}
            if known:
                answer["dominant_harmonics"] = [decoder["orders"][at] for at in found if at >= 0]
            answers.append(answer)
        return answers

    def native(self, fitted: Forest, example: Rows) -> Native | None:
        """The scikit-learn forest; it answers ln(true / measured)."""
        if fitted.native is None:
            return None
        return Native(
            fitted.native,
            example.select(_whole(example.inputs(self.features))).inputs(self.features),
            ("sklearn.tree._tree.Tree",),
            {"measured": [SPECTRUM, METER], "least_thd_pct": LEAST_THD_PCT},
        )

    def _thd(self, fitted: Forest, rows: Rows) -> NDArray[np.float64]:
        X = rows.inputs(self.features)
        estimate: NDArray[np.float64] = measured_pct(X) * np.exp(fitted.predict(X))
        return estimate


def measured_pct(X: NDArray[np.float64]) -> NDArray[np.float64]:
    """THD of the spectrum, else of the meter, from the model's inputs [n, 20]; float64 [n], %."""
    names = HarmonicAnalysis.features
    spectrum, meter = X[:, names.index(SPECTRUM)], X[:, names.index(METER)]
    found: NDArray[np.float64] = np.maximum(np.where(np.isfinite(spectrum), spectrum, meter), LEAST_THD_PCT)
    return found


def _whole(values: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Rows of [n, columns] in which nothing is missing, bool [n]."""
    return np.asarray(np.isfinite(values).all(axis=1), dtype=bool)


def _without(rows: Rows, names: tuple[str, ...], *, captured: bool) -> Rows:
    """Rows whose columns `names` are missing."""
    X = rows.X.copy()
    X[:, [rows.columns.index(name) for name in names]] = np.nan
    form = np.full(len(rows), captured)
    truth = {**rows.truth, "captured": form, "metered": ~form}
    truth["order_counted"] = np.asarray(rows.truth["order_counted"], dtype=bool) & form
    return replace(rows, X=X, truth=truth)


def _both_forms(thd: NDArray[np.float64]) -> dict[str, NDArray[np.generic]]:
    code = class_of(thd)
    return {"thd": thd, "code": code, "thd_metered": thd, "code_metered": code}


def _orders(rows: Rows) -> dict[str, NDArray[np.generic]]:
    true = np.asarray(rows.truth["orders"], dtype=np.int64)
    named = named_orders(rows.inputs(ORDER_FEATURES), ORDERS)
    return {"order_right": named[:, 0] == true[:, 0], "jaccard": overlap(named, true)}


DEFINITION = HarmonicAnalysis()
