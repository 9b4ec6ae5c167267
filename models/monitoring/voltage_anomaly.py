"""`voltage_anomaly`: is the voltage of this window unlike normal operation, whether grid or instrument?

Fitted on normal operation only, tap steps and switching included; the threshold lets one normal window in a
hundred pass as an alarm.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from data_contracts.dataset import Dataset
from models import anomalies, detection, observed_readings, planted
from models.anomalies import AnomalyForest
from models.dataset import Built
from models.declaration import Bar, Output, Params, Target, Trial
from models.metrics import Columns
from models.plain import Plain, Said
from models.protocol import Compiled, Definition, Native, TruthWindows
from models.rows import Rows, concatenate
from models.subsets import spread
from models.time_splits import TimeSplit
from models.whitening import LOUDEST_PU, QUIETEST_PU, USUAL_PU

FALSE_ALARMS = 0.01
Z_LIMIT, NAMED = 3.5, 5
LEVEL = "v_mean_pu"
# Feature, and the power of the meter's own movement by which it is divided. Deviations between phases hold
# the instrument's error, which grows with its class, and the grid's own unbalance, which does not; a drift or
# a spike of one phase is seen against noise alone. The movement itself comes last.
SHAPED: tuple[tuple[str, float], ...] = (
    ("v_dev_a_pu", 0.5),
    ("v_dev_b_pu", 0.5),
    ("v_dev_c_pu", 0.5),
    ("vuf_line_pct", 0.5),
    ("v0_phasor_pct", 0.5),
    ("v_line_phase_residual_pu", 0.5),
    ("v_drift_pu", 1.0),
    ("v_spike_pu", 1.0),
    ("v_std_pu", 0.0),
    ("v_step_common_pu", 0.0),
    ("v_std_ratio_log", 0.0),
    ("v_stuck_log", 0.0),
    ("v_min_dip_pu", 0.0),
    ("v_max_rise_pu", 0.0),
    ("v_step_diff_pu", 0.0),
)
SHAPING = np.asarray([exponent for _, exponent in SHAPED])
# Statutory limits of steady operation: 2 % unbalance (EN 50160), and the band of the Indian 400 kV level,
# ±5 %, which is the narrowest in use.
BAND_PU, UNBALANCE_PCT = 0.05, 2.0


class VoltageAnomaly(Definition[AnomalyForest]):
    """Isolation forest over whitened voltage features.

    Attributes:
        shaping: Power of the meter's own movement by which each feature but the level is divided.
    """

    name = "voltage_anomaly"
    version = 1
    title = "Windows whose voltage is unlike normal operation"
    module = "monitoring"
    algorithm = "isolation forest on whitened features, fitted on normal operation"
    proof = "estimator"
    tables = ("readings", "readings_truth")
    kinds = ("normal", "fault", "sag", "swell", "unbalance", "harmonic", "instrument")
    features = (*(name for name, _ in SHAPED), LEVEL)
    shaping: ClassVar[NDArray[np.float64]] = SHAPING
    context_features: ClassVar[tuple[str, ...]] = ("v_min_pu", "v_max_pu")
    truth_columns = ("severity", "active")
    truth_texts = ("event",)
    target = Target(
        "whether an event other than a tap step or a switching acts in any second of the window",
        ("event", "active", "severity"),
        ("normal", "anomalous"),
    )
    point_kinds = ("infeed", "transformer_bay", "bus", "feeder")
    minimum_readings = 10
    outputs = (
        Output(
            "anomaly_detected", truth="an anomalous event acts in the window", metric=detection.MEAN_RECALL
        ),
        Output(
            "anomaly_score",
            formula="1 − 2·2^(−E[h]/c(ψ)): Liu, Ting, Zhou 2008, eq. 2, mapped to −1 (anomalous) … 1",
        ),
        Output(
            "outlier_features",
            truth="features in which the kind of event that acts shows itself",
            metric="outlier_feature_hit",
        ),
    )
    metrics = detection.METRICS
    headline = detection.MEAN_RECALL
    opponents = ("statutory_limits", "largest_z", "mahalanobis")
    references = ("mahalanobis_of_shaped",)
    bars = (
        *(Bar(detection.recall_name(kind), 0.85) for kind in detection.KINDS),
        Bar(detection.MEAN_RECALL, None, ("statutory_limits", "largest_z", "mahalanobis")),
    )
    plain = Plain(
        purpose="Raises an alarm when a voltage is unlike normal operation, be it grid or meter.",
        main=detection.MEAN_RECALL,
        said={
            **{
                detection.recall_name(kind): Said(f"of the plain events of kind {kind} raise an alarm")
                for kind in detection.KINDS
            },
            detection.MEAN_RECALL: Said(
                "of all anomalies, faint ones too, raise an alarm; kinds count alike"
            ),
        },
        rivals={
            "statutory_limits": "the statutory limits of voltage",
            "largest_z": "the largest single deviation",
            "mahalanobis": "the usual statistical distance (Mahalanobis)",
        },
    )
    family = "isolation_forest"
    claim = "approximate"
    defaults: ClassVar[Params] = {"trees": 100, "psi": 4096, "power": 4, "shrink": 0.001, "columns": 1.0}
    limits = (
        "Tells that something is unusual, not what. An event within five times the instrument's error limit "
        "is often missed. A state that was rare in training, such as an outage of a parallel transformer, "
        "alarms."
    )

    def label(self, windows: TruthWindows) -> Mapping[str, NDArray[np.generic]]:
        """Whether an anomalous event acts, its kind, and its severity."""
        return detection.label(windows)

    def check_observed(self, dataset: Dataset) -> None:
        """See that the table `readings` fills what the features are made of."""
        observed_readings.check(self, dataset, observed_readings.channels_of(self.columns))

    def observed_rows(self, dataset: Dataset, split: TimeSplit) -> Built:
        """Windows of an ingested table `readings`, as they were read and with planted disturbances."""
        self.check_observed(dataset)
        return planted.build(dataset, self, split)

    def outside(self, rows: Rows) -> NDArray[np.bool_]:
        """Whether the statutory limits are broken, bool [n]."""
        return outside_limits(rows)

    def suggest(self, trial: Trial) -> dict[str, float | int | str | bool]:
        """Subsample, stretching, share of columns, shrinkage; the compiled size fixes the number of trees."""
        return {
            "trees": trial.suggest_int("trees", 100, 100),
            "psi": trial.suggest_int("psi", 1024, 4096, log=True),
            "power": trial.suggest_int("power", 3, 5),
            "shrink": trial.suggest_float("shrink", 1e-4, 0.03, log=True),
            "columns": trial.suggest_float("columns", 0.6, 1.0),
        }

    def subset(self, rows: Rows, most: int, rng: np.random.Generator) -> Rows:
        """Half of them normal, the rest shared by the kinds of anomaly, of as many episodes as there are."""
        if len(rows) <= most:
            return rows
        kind = np.asarray(rows.truth["kind"], dtype=np.int64)
        share = most // (2 * len(detection.KINDS))
        parts = [spread(rows.select(kind == 0), most // 2, rng)]
        parts += [spread(rows.select(kind == code), share, rng) for code in np.unique(kind[kind > 0])]
        return concatenate(parts)

    def fit(self, train: Rows, params: Params, seed: int) -> AnomalyForest:
        """Fit on the rows without an anomaly."""
        normal = train.select(~np.asarray(train.truth["anomaly"], dtype=bool))
        return anomalies.fit(
            normal.inputs(self.features),
            self.shaping,
            shrink=float(params["shrink"]),
            power=int(params["power"]),
            trees=int(params["trees"]),
            psi=int(params["psi"]),
            columns=float(params["columns"]),
            seed=seed,
        )

    def calibrate(self, fitted: AnomalyForest, validation: Rows) -> AnomalyForest:
        """Set the threshold where one in a hundred normal validation windows alarms."""
        normal = ~np.asarray(validation.truth["anomaly"], dtype=bool)
        score = fitted.score(validation.inputs(self.features)[normal])
        return anomalies.with_threshold(fitted, anomalies.quantile_threshold(score, FALSE_ALARMS))

    def score(self, fitted: AnomalyForest, rows: Rows) -> float:
        """Recall over kinds (`detection.tuning_score`) at one false alarm in a hundred."""
        judged = self.calibrate(fitted, rows)
        return detection.tuning_score(self.answer(judged, rows), rows)

    def answer(self, fitted: AnomalyForest, rows: Rows) -> Columns:
        """Verdict, score, and whether a feature that tells of the event is named."""
        X = rows.inputs(self.features)
        score = fitted.score(X)
        named = detection.named(fitted.z(X), Z_LIMIT, NAMED)
        return {
            "detected": score < fitted.threshold,
            "score": score,
            "named_right": detection.named_right(named, self.features, rows),
        }

    def served(self, decoder: Mapping[str, Any], raw: NDArray[np.float64], rows: Rows) -> Columns:
        """Verdict, score and named features of a compiled version."""
        names = tuple(decoder["names"])
        z = (rows.inputs(names) - np.asarray(decoder["centre"])) / np.asarray(decoder["scale"])
        named = detection.named(z, decoder["z_limit"], decoder["limit"])
        return {
            "detected": raw[:, 0] < decoder["threshold"],
            "score": raw[:, 0],
            "named_right": detection.named_right(named, names, rows),
        }

    def raw(self, fitted: AnomalyForest, X: NDArray[np.float64]) -> NDArray[np.float64]:
        """Anomaly score by the library that fitted the forest, float64 [n, 1]."""
        if fitted.native is None:
            return fitted.score(X)[:, None]
        shares: NDArray[np.float64] = -fitted.native.score_samples(fitted.columns(X).astype(np.float32))
        return (1.0 - 2.0 * shares)[:, None]

    def opponent(self, name: str, train: Rows, validation: Rows, rows: Rows) -> Columns:
        """Limits as they stand; the others at the model's own rate of false alarms."""
        if name == "statutory_limits":
            return {"detected": self.outside(rows)}
        normal = train.select(~np.asarray(train.truth["anomaly"], dtype=bool)).inputs(self.features)
        measure = detection.MEASURES[name](normal, self.shaping)
        quiet = validation.select(~np.asarray(validation.truth["anomaly"], dtype=bool))
        threshold = anomalies.quantile_threshold(-measure(quiet.inputs(self.features)), FALSE_ALARMS)
        score = -measure(rows.inputs(self.features))
        return {"detected": score < threshold, "score": score}

    def tree3(self, train: Rows, validation: Rows, rows: Rows) -> Columns:
        """A tree of depth 3 that is told which training windows are anomalous."""
        return detection.supervised_tree(self.features, train, validation, rows, FALSE_ALARMS)

    def compile(self, fitted: AnomalyForest) -> Compiled:
        """Shaping, whitening, level, distance and the whole forest in one graph."""
        return Compiled(
            anomalies.graph(self.name, fitted, "anomaly_score"),
            ("anomaly_score",),
            {
                "threshold": fitted.threshold,
                "centre": fitted.centre.tolist(),
                "scale": fitted.scale.tolist(),
                "names": list(self.features),
                "z_limit": Z_LIMIT,
                "limit": NAMED,
            },
        )

    def decode(
        self, decoder: Mapping[str, Any], raw: NDArray[np.float64], columns: Mapping[str, NDArray[np.float64]]
    ) -> list[dict[str, Any]]:
        """Verdict, score and the names of the features furthest from normal."""
        names = decoder["names"]
        X = np.stack([columns[name] for name in names], axis=1)
        z = (X - np.asarray(decoder["centre"])) / np.asarray(decoder["scale"])
        named = detection.named(z, decoder["z_limit"], decoder["limit"])
        return [
            {
                "anomaly_detected": bool(score < decoder["threshold"]),
                "anomaly_score": float(score),
                "outlier_features": [names[at] for at in places if at >= 0],
            }
            for score, places in zip(raw[:, 0], named, strict=True)
        ]

    def native(self, fitted: AnomalyForest, example: Rows) -> Native | None:
        """The scikit-learn forest; it reads the columns that `native.json` says how to make."""
        if fitted.native is None:
            return None
        return Native(
            fitted.native,
            fitted.columns(example.inputs(self.features)),
            (
                "sklearn.ensemble._iforest.IsolationForest",
                "sklearn.tree._classes.ExtraTreeRegressor",
                "sklearn.tree._tree.Tree",
            ),
            {
                "features": list(self.features),
                "movement_exponent": fitted.whitening.exponent.tolist(),
                "movement_pu": [QUIETEST_PU, USUAL_PU, LOUDEST_PU],
                "centre": fitted.whitening.centre.tolist(),
                "whitening": fitted.whitening.matrix.tolist(),
                "level": [fitted.level_centre, fitted.level_scale],
                "power": fitted.power,
                "threshold": fitted.threshold,
            },
        )

    def figures(self, answers: Any) -> Any:
        """Recall by kind and severity."""
        return detection.figures(answers)


def outside_limits(rows: Rows) -> NDArray[np.bool_]:
    """Whether a phase leaves the band around nominal or the unbalance its limit, bool [n]."""
    return (
        (rows.column("v_min_pu") < 1.0 - BAND_PU)
        | (rows.column("v_max_pu") > 1.0 + BAND_PU)
        | (rows.column("vuf_line_pct") > UNBALANCE_PCT)
    )


DEFINITION = VoltageAnomaly()
