"""`phase_imbalance`: which class of voltage unbalance a point sees, from magnitudes alone.

The target is the true voltage unbalance factor |V2|/|V1| of the solved phasors. A meter without phase angles
only has magnitudes with instrument errors, of which PVUR and LVUR use some and the tree uses all.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from data_contracts.dataset import Dataset
from models import decision_tree, graphs
from models.dataset import DEFINED, Built
from models.decision_tree import ClassTree
from models.declaration import Bar, Output, Params, Target, Trial
from models.errors import DataError
from models.metrics import Columns, accuracy, calibration_error, macro_f1, share
from models.plain import Plain, Said
from models.protocol import Compiled, Definition, Native, TruthWindows
from models.rows import Rows
from models.subsets import spread
from models.time_splits import TimeSplit

CLASSES = ("balanced", "minor", "moderate", "severe")
LIMITS_PCT = (2.0, 5.0, 10.0)
PHASES = ("A", "B", "C")
DEVIATIONS = ("v_dev_a_pu", "v_dev_b_pu", "v_dev_c_pu")
# Of the windows below this true unbalance one in thirty is kept: they are nearly all there are, any rule gets
# them right, and with all of them accuracy would say nothing about the others.
PLAIN_PCT, PLAIN_SHARE = 1.0, 1.0 / 30.0


def class_of(vuf_pct: NDArray[np.float64]) -> NDArray[np.int64]:
    """Class code of an unbalance in percent: a limit itself belongs to the class above it."""
    codes: NDArray[np.int64] = np.searchsorted(LIMITS_PCT, vuf_pct, side="right").astype(np.int64)
    return codes


def line_vuf_pct(v_ll: NDArray[np.float64]) -> NDArray[np.float64]:
    """|V2|/|V1| in percent from the three line voltages' magnitudes [..., 3].

    β = Σ V⁴ / (Σ V²)², VUF = √((1 − √(3 − 6β)) / (1 + √(3 − 6β))); CIGRE WG 36.05 (1986), IEC 61000-4-30.
    It is exact, since line voltages have no zero sequence and close a triangle.
    """
    squares = v_ll**2
    total = squares.sum(axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        beta = (squares**2).sum(axis=-1) / total**2
        root = np.sqrt(np.maximum(3.0 - 6.0 * beta, 0.0))
        vuf: NDArray[np.float64] = 100.0 * np.sqrt(np.maximum(1.0 - root, 0.0) / (1.0 + root))
    return vuf


def phase_of(v: NDArray[np.float64]) -> NDArray[np.int64]:
    """Phase whose voltage departs most from the mean of the three, int64 [n], from [n, 3]."""
    phases: NDArray[np.int64] = np.argmax(np.abs(v - v.mean(axis=1, keepdims=True)), axis=1)
    return phases


class PhaseImbalance(Definition[ClassTree]):
    """Decision tree over twelve magnitude features."""

    name = "phase_imbalance"
    version = 1
    title = "Class of voltage unbalance from phase and line magnitudes"
    module = "monitoring"
    algorithm = "decision tree"
    proof = "estimator"
    tables = ("readings", "readings_truth")
    kinds = ("normal", "fault", "sag", "swell", "unbalance", "harmonic", "instrument")
    features: ClassVar[tuple[str, ...]] = (
        *DEVIATIONS,
        "v_ab_pu",
        "v_bc_pu",
        "v_ca_pu",
        "v_mean_pu",
        "pvur_pct",
        "lvur_pct",
        "vuf_line_pct",
        "v0_proxy_pct",
        "vuf_joint_pct",
    )
    truth_columns = ("vuf_pct", "v_a_v", "v_b_v", "v_c_v", "v_ab_v", "v_bc_v", "v_ca_v")
    target = Target(
        "class of the mean true |V2|/|V1| over the window: < 2 %, 2–5 %, 5–10 %, > 10 %",
        ("vuf_pct",),
        CLASSES,
    )
    point_kinds = ("infeed", "transformer_bay", "bus", "feeder")
    minimum_readings = 1
    outputs = (
        Output("imbalance_class", truth="class of the mean true VUF", metric="accuracy"),
        Output("confidence", truth="whether the class is the true one", metric="calibration_error"),
        Output(
            "critical_phase",
            truth="phase with the largest true deviation from the mean of the three",
            metric="critical_phase_accuracy",
        ),
    )
    metrics = (
        accuracy("accuracy", len(CLASSES), "code", "code"),
        macro_f1("macro_f1", len(CLASSES), "code", "code"),
        calibration_error("calibration_error", "confidence", "code", "code"),
        share("critical_phase_accuracy", "unbalanced", "phase_right"),
    )
    headline = "macro_f1"
    opponents: ClassVar[tuple[str, ...]] = ("pvur", "lvur")
    references: ClassVar[tuple[str, ...]] = ("line_formula",)
    oracle = "line-voltage formula on the true magnitudes of the window"
    bars = (
        Bar("accuracy", 0.96, beats=("pvur",), exceeds=("lvur",)),
        Bar("macro_f1", 0.93, beats=("pvur",), exceeds=("lvur",)),
    )
    plain = Plain(
        purpose="Tells how unbalanced the three phases are, and which of them is to blame.",
        main="accuracy",
        said={
            "accuracy": Said("of the windows get the right class of unbalance"),
            "macro_f1": Said("hits without false calls, every class counted alike (macro F1)"),
        },
        rivals={"pvur": "the rule on phase voltages (PVUR)", "lvur": "the rule on line voltages (LVUR)"},
    )
    family = "decision_tree"
    claim = "exact"
    defaults: ClassVar[Params] = {
        "max_depth": 8,
        "min_samples_leaf": 100,
        "criterion": "gini",
        "max_leaf_nodes": 16,
    }
    limits = (
        "Needs line voltages; a point whose meter has none gets no answer. Unbalance within the instrument's "
        "own error of a class limit is told by chance. The critical phase of a balanced window means "
        "nothing. Of the windows below 1 % of true unbalance, figures count one in thirty."
    )

    def label(self, windows: TruthWindows) -> Mapping[str, NDArray[np.generic]]:
        """Mean true VUF and its class, the truly critical phase, and the oracle's VUF."""
        v = np.stack([windows.values[name].mean(axis=1) for name in ("v_a_v", "v_b_v", "v_c_v")], axis=1)
        v_ll = np.stack(
            [windows.values[name].mean(axis=1) for name in ("v_ab_v", "v_bc_v", "v_ca_v")], axis=1
        )
        vuf_pct = windows.values["vuf_pct"].mean(axis=1)
        alive = np.isfinite(vuf_pct)
        code = class_of(np.where(alive, vuf_pct, 0.0))
        return {
            "vuf_pct": vuf_pct,
            "code": code,
            "unbalanced": code > 0,
            "phase": phase_of(v),
            "vuf_of_magnitudes_pct": line_vuf_pct(v_ll),
            DEFINED: alive,
        }

    def check_observed(self, dataset: Dataset) -> None:
        """Refuse: what a meter's line voltages say of the unbalance is what this model reads.

        Raises:
            DataError: Always.
        """
        raise DataError(
            f"{self.name} reads line voltages, and in dataset {dataset.name} these are all that tells the "
            "unbalance: with them the formula of IEC 61000-4-30 is the answer (feature vuf_line_pct)",
            "learn it from phase voltages alone, for meters without the others: --algorithm phase_voltages",
        )

    def observed_rows(self, dataset: Dataset, split: TimeSplit) -> Built:
        """Refuse likewise."""
        self.check_observed(dataset)
        return super().observed_rows(dataset, split)

    def chosen(self, rows: Rows, rng: np.random.Generator) -> NDArray[np.bool_]:
        """All windows from 1 % of true unbalance on, and one in thirty of the others."""
        plain = np.asarray(rows.truth["vuf_pct"]) < PLAIN_PCT
        return ~plain | (rng.random(len(rows)) < PLAIN_SHARE)

    def suggest(self, trial: Trial) -> dict[str, float | int | str | bool]:
        """Depth, leaf size, impurity and number of leaves."""
        return {
            "max_depth": trial.suggest_int("max_depth", 4, 14),
            "min_samples_leaf": trial.suggest_int("min_samples_leaf", 10, 300, log=True),
            "criterion": trial.suggest_categorical("criterion", ("gini", "entropy")),
            "max_leaf_nodes": trial.suggest_int("max_leaf_nodes", 8, 64, log=True),
        }

    def scaled(self, params: Params, tuned_rows: int, rows: int) -> dict[str, float | int | str | bool]:
        """The leaf size keeps its share of the rows."""
        size = round(float(params["min_samples_leaf"]) * rows / tuned_rows)
        return {**params, "min_samples_leaf": max(size, 1)}

    def subset(self, rows: Rows, most: int, rng: np.random.Generator) -> Rows:
        """A few windows of every episode."""
        return spread(rows, most, rng)

    def fit(self, train: Rows, params: Params, seed: int) -> ClassTree:
        """Grow the tree."""
        code = np.asarray(train.truth["code"], dtype=np.int64)
        return decision_tree.fit(train.inputs(self.features), code, len(CLASSES), seed, **params)

    def calibrate(self, fitted: ClassTree, validation: Rows) -> ClassTree:
        """Nothing is set on validation rows: leaf shares are the confidence."""
        del validation
        return fitted

    def score(self, fitted: ClassTree, rows: Rows) -> float:
        """Macro-F1."""
        return self.metric("macro_f1").of(self.answer(fitted, rows), rows)

    def answer(self, fitted: ClassTree, rows: Rows) -> Columns:
        """Class by the largest leaf share, that share, and whether the phase is the true one."""
        shares = fitted.probabilities(rows.inputs(self.features))
        phase = np.argmax(np.abs(rows.inputs(DEVIATIONS)), axis=1)
        return {
            "code": np.argmax(shares, axis=1),
            "confidence": shares.max(axis=1),
            "phase_right": phase == rows.truth["phase"],
        }

    def served(self, decoder: Mapping[str, Any], raw: NDArray[np.float64], rows: Rows) -> Columns:
        """Class, its share and the phase of a compiled version."""
        phase = np.argmax(np.abs(rows.inputs(decoder["critical_phase_features"])), axis=1)
        return {
            "code": np.argmax(raw, axis=1),
            "confidence": raw.max(axis=1),
            "phase_right": phase == rows.truth["phase"],
        }

    def raw(self, fitted: ClassTree, X: NDArray[np.float64]) -> NDArray[np.float64]:
        """Class shares by the library that fitted the tree, float64 [n, 4]."""
        if fitted.native is None:
            return fitted.probabilities(X)
        shares = np.zeros((len(X), len(CLASSES)))
        shares[:, fitted.native.classes_.astype(np.int64)] = fitted.native.predict_proba(X.astype(np.float32))
        return shares

    def opponent(self, name: str, train: Rows, validation: Rows, rows: Rows) -> Columns:
        """PVUR, LVUR (IEEE, NEMA) or the line formula on the instrument's values, cut at 2, 5 and 10 %."""
        del train, validation
        index = {"pvur": "pvur_pct", "lvur": "lvur_pct", "line_formula": "vuf_line_pct"}[name]
        return {"code": class_of(rows.column(index))}

    def tree3(self, train: Rows, validation: Rows, rows: Rows) -> Columns:
        """The same inputs in a tree of depth 3."""
        del validation
        code = np.asarray(train.truth["code"], dtype=np.int64)
        shallow = decision_tree.fit(train.inputs(self.features), code, len(CLASSES), 0, max_depth=3)
        return self.answer(shallow, rows)

    def oracle_answer(self, rows: Rows) -> Columns | None:
        """Class by the line formula on the window's true line voltages; None where nobody knows them."""
        vuf_pct = np.asarray(rows.truth["vuf_of_magnitudes_pct"], dtype=np.float64)
        return None if np.isnan(vuf_pct).all() else {"code": class_of(vuf_pct)}

    def compile(self, fitted: ClassTree) -> Compiled:
        """One tree ensemble node."""
        onnx = graphs.tree_graph(self.name, fitted.tree, len(self.features), "probabilities")
        return Compiled(
            onnx,
            ("probabilities",),
            {"classes": list(CLASSES), "critical_phase_features": list(DEVIATIONS)},
        )

    def decode(
        self, decoder: Mapping[str, Any], raw: NDArray[np.float64], columns: Mapping[str, NDArray[np.float64]]
    ) -> list[dict[str, Any]]:
        """Class names, confidence and phase letters."""
        deviation = np.stack([columns[name] for name in decoder["critical_phase_features"]], axis=1)
        phase = np.argmax(np.abs(deviation), axis=1)
        return [
            {
                "imbalance_class": decoder["classes"][int(code)],
                "confidence": float(sure),
                "critical_phase": PHASES[int(at)],
            }
            for code, sure, at in zip(np.argmax(raw, axis=1), raw.max(axis=1), phase, strict=True)
        ]

    def native(self, fitted: ClassTree, example: Rows) -> Native | None:
        """The scikit-learn tree."""
        if fitted.native is None:
            return None
        return Native(fitted.native, example.inputs(self.features), ("sklearn.tree._tree.Tree",))


DEFINITION = PhaseImbalance()
