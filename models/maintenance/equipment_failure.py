"""`equipment_failure`: whether a piece of equipment fails or is forced out within thirty days.

One boosted ensemble gives the probability, another the time; the first one's leaves hold what each group of
inputs contributed, so that serving names the factors from the pass that gives the risk.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from data_contracts.dataset import Dataset
from models import asset_rows, boosting, failure_rivals, failure_trees, observed, observed_assets
from models.dataset import Built
from models.declaration import Bar, Output, Params, Shown, Target, Trial
from models.failure_factors import (
    CONDITION,
    FACTORS,
    LEAST,
    MOST_FACTORS,
    READINGS,
    TRACES,
    largest,
    place_of,
)
from models.failure_outlook import CUTS, HORIZON_D, LEVELS, MOST_H, level_of, risk_and_hours
from models.failure_trees import TIME_SCALE, FailureTrees
from models.metrics import Columns
from models.plain import Plain, Said
from models.protocol import Compiled, Definition, Native
from models.ranking import (
    FAILS,
    RANK,
    RISK,
    TIME_D,
    TRUE_RANK,
    TRUE_RISK,
    WEIGHT,
    base_rate,
    brier_skill,
    brier_skill_share,
    calibration_slope_error,
    concordance,
    concordance_share,
    median_error,
    rarest,
    roc_auc,
    roc_auc_share,
    weighted_share,
)
from models.rows import Rows, concatenate
from models.subsets import spread
from models.time_splits import TimeSplit

Float = NDArray[np.float64]

FITTED_ROWS = 120_000


class EquipmentFailure(Definition[FailureTrees]):
    """Boosted trees on the condition of a piece of equipment and on readings where they are there."""

    name = "equipment_failure"
    version = 1
    title = "Failure or forced outage of a piece of equipment within thirty days"
    module = "maintenance"
    algorithm = "gradient-boosted trees (XGBoost)"
    proof = "forecast"
    tables = ("assets", "scenarios", "features")
    source = "table"
    kinds = (asset_rows.KIND,)
    features = (*CONDITION, *READINGS)
    optional = (
        "ambient_c",
        *(
            name
            for name in CONDITION
            if name.startswith("asset_") and name not in {"asset_kind_code", "asset_age_y"}
            if "anomal" not in name
        ),
        *READINGS,
    )
    truth_columns = ()
    target = Target("failure within thirty days", ("failed_within_30d", "time_to_event_d", "failed"))
    point_kinds = ("infeed", "transformer_bay", "bus", "feeder")
    minimum_readings = 1
    outputs = (
        Output("failure_risk", truth="whether it fails within thirty days", metric="brier_skill"),
        Output("risk_level", formula="low below a failure_risk of 0.3, medium to 0.7, high above"),
        Output(
            "time_to_failure",
            truth="time to failure, of those that fail within thirty days",
            metric="time_median_error_h",
            formula="median of piecewise constant hazards: with the failure_risk p and the Weibull median m "
            "of the second ensemble, 30 d · ln 2/−ln(1 − p) where p ≥ ½, "
            "else 30 d + m·(ln 2 + ln(1 − p))/ln 2",
            magnitude=1e4,
        ),
        Output(
            "contributing_factors",
            truth="the factor named first is a mark of the defect where one has grown to half or more",
            metric="defect_named_first",
        ),
    )
    metrics = (
        brier_skill("brier_skill"),
        brier_skill_share("brier_skill_share"),
        roc_auc("roc_auc"),
        roc_auc_share("roc_auc_share"),
        concordance("c_index"),
        concordance_share("c_index_share"),
        calibration_slope_error("calibration_slope_error"),
        rarest("rarest_level", len(LEVELS), "level"),
        base_rate("base_rate"),
        median_error("time_median_error_h", "hours", "time_h", FAILS, np.arange(0.0, 1444.0, 4.0)),
        weighted_share("defect_named_first", "grown", "first_is_trace"),
    )
    headline = "brier_skill"
    opponents = ("age_weibull", "health_index")
    references = ("anomaly_count",)
    oracle = "the simulator's risk of the next thirty days if a defect grows on as it does"
    bars = (
        Bar("brier_skill", None, beats=("age_weibull", "health_index", "tree3")),
        Bar("brier_skill_share", 0.80),
        Bar("roc_auc_share", 0.97),
        Bar("c_index_share", 0.97),
        Bar("calibration_slope_error", 0.1),
        Bar("rarest_level", 0.005),
    )
    shown = (Shown("chance", RISK, FAILS, weight=WEIGHT),)
    plain = Plain(
        purpose="Tells how likely equipment fails within thirty days, so that the worst is mended first.",
        main="brier_skill_share",
        said={
            "brier_skill": Said("better than the average risk of all equipment (Brier skill)"),
            "brier_skill_share": Said("of what can be known about the coming failures is known"),
            "roc_auc_share": Said("of the best possible ranking of what fails and what does not"),
            "c_index_share": Said("of the best possible ranking by time to failure"),
            "calibration_slope_error": Said(
                "error of the stated risks' slope; 0 is a risk that comes true", "", 1.0
            ),
            "rarest_level": Said("of the rows are of the rarest level: every level is in use"),
        },
        rivals={"age_weibull": "age alone (Weibull)", "health_index": "points for condition (health index)"},
    )
    family = "boosted_trees"
    claim = "exact"
    defaults: ClassVar[Params] = {
        "max_depth": 3, "eta": 0.08, "min_child_weight": 10.0, "reg_lambda": 2.0, "subsample": 0.8,
        "colsample_bytree": 0.6,
    }  # fmt: skip
    limits = (
        "Defects come about ten times as often in the simulator as in a real station: the base rate of its "
        "rows is stated, and the risk must be calibrated anew on real failures. Knows a new defect only by "
        "what monitoring counts. The air temperature of training rows is the day's mean. Factors are "
        "contributions along the trees' paths (Saabas; XGBoost's approximate contributions, not Shapley "
        "values) added up by group of inputs, and no causes."
    )

    def rows(self, dataset: Dataset, start: date) -> Built:
        """Days of the table `assets`, some of them with readings."""
        return _in_hours(asset_rows.build(dataset, self, start))

    def observed_rows(self, dataset: Dataset, split: TimeSplit) -> Built:
        """Rows of an ingested table `assets` whose next thirty days its failure records tell."""
        observed.check(self, dataset, {observed_assets.TABLE: ("age_years",)})
        return _in_hours(observed_assets.build(dataset, self, split))

    def suggest(self, trial: Trial) -> dict[str, float | int | str | bool]:
        """Size of the trees, step, and what keeps them simple."""
        return {
            "max_depth": trial.suggest_int("max_depth", 2, 5),
            "eta": trial.suggest_float("eta", 0.04, 0.2, log=True),
            "min_child_weight": trial.suggest_float("min_child_weight", 3.0, 60.0, log=True),
            "reg_lambda": trial.suggest_float("reg_lambda", 0.5, 20.0, log=True),
            "subsample": trial.suggest_float("subsample", 0.6, 1.0),
            "colsample_bytree": trial.suggest_float("colsample_bytree", 0.4, 1.0),
        }

    def subset(self, rows: Rows, most: int, rng: np.random.Generator) -> Rows:
        """Failing rows first, at most a third of all; weights keep the base rate."""
        if len(rows) <= most:
            return rows
        fails = np.asarray(rows.truth[FAILS], dtype=bool)
        parts = [rows.select(fails), rows.select(~fails)]
        failing = _thinned(parts[0], most // 3, rng)
        return concatenate([failing, _thinned(parts[1], most - len(failing), rng)])

    def fit(self, train: Rows, params: Params, seed: int) -> FailureTrees:
        """Fit both ensembles; inner folds of whole spells find the number of rounds of the first."""
        some = self.subset(train, FITTED_ROWS, np.random.default_rng(seed))
        return failure_trees.fit(
            some, some.inputs(self.features), groups=self.factor_of_input, params=params, seed=seed
        )

    def calibrate(self, fitted: FailureTrees, validation: Rows) -> FailureTrees:
        """The logistic curve, from validation rows and from training rows left out of inner folds."""
        known = np.stack(
            [
                fitted.risk.margin(validation.inputs(self.features)),
                np.asarray(validation.truth[FAILS], dtype=np.float64),
                np.asarray(validation.truth[WEIGHT], dtype=np.float64),
            ],
            axis=1,
        )
        margin, outcome, weight = np.concatenate([fitted.apart, known]).T
        return replace(fitted, curve=boosting.logistic_curve(margin, outcome, weight))

    def score(self, fitted: FailureTrees, rows: Rows) -> float:
        """Mean log-likelihood of what came."""
        margin, outcome, weight = fitted.apart.T
        slope, level = boosting.logistic_curve(margin, outcome, weight)
        risk = boosting.probability(slope * fitted.risk.margin(rows.inputs(self.features)) + level)
        risk = np.clip(risk, 1e-9, 1.0 - 1e-9)
        likely = np.where(np.asarray(rows.truth[FAILS], dtype=bool), np.log(risk), np.log1p(-risk))
        return float(np.average(likely, weights=np.asarray(rows.truth[WEIGHT], dtype=np.float64)))

    def answer(self, fitted: FailureTrees, rows: Rows) -> Columns:
        """Risk, level, time, its order, and whether a mark of a defect is named first."""
        return self.served(self._decoder(fitted), self.raw(fitted, rows.inputs(self.features)), rows)

    def served(self, decoder: Mapping[str, Any], raw: Float, rows: Rows) -> Columns:
        """The same of a compiled version."""
        del rows
        risk, hours = risk_and_hours(decoder, raw)
        factors, named = largest(raw[:, :-1])
        traces = np.array([FACTORS.index(name) for name in TRACES])
        return {
            RISK: risk,
            RANK: -hours,
            "level": level_of(risk),
            "hours": hours,
            "first_is_trace": np.isin(factors[:, 0], traces) & (named > 0),
        }

    def raw(self, fitted: FailureTrees, X: Float) -> Float:
        """Contributions by factor, and ln of the time less its start, float64 [n, factors + 1].

        The library finds the leaf of every tree. Their constants are added in double precision and rounded to
        float32 once: its own sums, rounded at each tree, would reorder factors that are nearly alike.
        """
        parts = [fitted.risk.contributions(X), fitted.time.contributions(X)]
        return np.concatenate(parts, axis=1).astype(np.float32).astype(np.float64)

    def opponent(self, name: str, train: Rows, validation: Rows, rows: Rows) -> Columns:
        """The Weibull law of age alone, points for condition, or the count of thirty days alone."""
        del validation
        return {**failure_rivals.RIVALS[name](train, rows)}

    def tree3(self, train: Rows, validation: Rows, rows: Rows) -> Columns:
        """Outcome and time in trees of depth 3."""
        del validation
        return failure_rivals.shallow_trees(train, rows, self.features)

    def oracle_answer(self, rows: Rows) -> Columns | None:
        """The true risk of the next thirty days; None where it is not known, as of measured rows."""
        risk = np.asarray(rows.truth[TRUE_RISK], dtype=np.float64)
        if not np.isfinite(risk).all():
            return None
        return {RISK: risk, RANK: rows.truth[TRUE_RANK], "level": level_of(risk)}

    def compile(self, fitted: FailureTrees) -> Compiled:
        """One ensemble: contributions of the first trees and, as its last output, the sum of the second."""
        onnx = failure_trees.graph(fitted, self.name, len(self.features))
        return Compiled(onnx, (failure_trees.OUTPUT,), self._decoder(fitted))

    def decode(
        self, decoder: Mapping[str, Any], raw: Float, columns: Mapping[str, Float]
    ) -> list[dict[str, Any]]:
        """Risk, level, hours, and the names of the factors that raise the risk most."""
        del columns
        risk, hours = risk_and_hours(decoder, raw)
        order, kept = largest(raw[:, :-1])
        return [
            {
                "failure_risk": probability,
                "risk_level": decoder["levels"][code],
                "time_to_failure": until,
                "contributing_factors": [
                    decoder["factors"][k] for k in factors[: min(count, decoder["most_factors"])]
                ],
            }
            for probability, code, until, factors, count in zip(
                risk.tolist(), level_of(risk).tolist(), hours.tolist(), order.tolist(), kept.tolist(),
                strict=True,
            )
        ]  # fmt: skip

    def native(self, fitted: FailureTrees, example: Rows) -> Native | None:
        """The booster of the risk; that of the time is kept beside it as JSON."""
        if fitted.risk.booster is None:
            return None
        import json

        from xgboost import XGBClassifier

        estimator = XGBClassifier()
        estimator.load_model(bytearray(fitted.risk.booster.save_raw("ubj")))
        return Native(
            estimator,
            example.inputs(self.features),
            parameters={
                "curve": list(fitted.curve),
                "time_scale": TIME_SCALE,
                "time_booster": json.loads(fitted.time.booster.save_raw("json")),
            },
            flavour="xgboost",
        )

    @property
    def factor_of_input(self) -> tuple[int, ...]:
        """Place in `FACTORS` of each input."""
        return tuple(place_of(name) for name in self.features)

    def shuffled(self) -> Mapping[str, tuple[str, ...]]:
        """Inputs of one factor are shuffled together."""
        named = zip(self.features, self.factor_of_input, strict=True)
        of: dict[str, tuple[str, ...]] = {}
        for name, factor in named:
            of[FACTORS[factor]] = (*of.get(FACTORS[factor], ()), name)
        return of

    def _decoder(self, fitted: FailureTrees) -> dict[str, Any]:
        return {
            "factors": list(FACTORS),
            "levels": list(LEVELS),
            "cuts": list(CUTS),
            "start": fitted.risk.start,
            "curve": list(fitted.curve),
            "time_start_d": fitted.time.start,
            "time_scale": TIME_SCALE,
            "horizon_d": HORIZON_D,
            "most_h": MOST_H,
            "most_factors": MOST_FACTORS,
            "least_contribution": LEAST,
        }


def _in_hours(built: Built) -> Built:
    """Rows with the time to failure in hours too."""
    truth = {**built.rows.truth, "time_h": 24.0 * np.asarray(built.rows.truth[TIME_D], dtype=np.float64)}
    return replace(built, rows=replace(built.rows, truth=truth))


def _thinned(rows: Rows, most: int, rng: np.random.Generator) -> Rows:
    """At most `most` rows of all spells, with the weight of those that are left out."""
    if len(rows) <= most:
        return rows
    chosen = spread(rows, most, rng)
    weight = np.asarray(rows.truth[WEIGHT], dtype=np.float64)
    own = np.asarray(chosen.truth[WEIGHT], dtype=np.float64)
    return replace(chosen, truth={**chosen.truth, WEIGHT: own * weight.sum() / own.sum()})


DEFINITION = EquipmentFailure()
