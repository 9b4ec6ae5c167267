"""The load forecast around its network, from sums over all sites' rows: Prophet's terms, and the intervals.

Prophet with a flat trend is linear in its terms: the daily phase and the kind of day come from the clock and
the calendar, which all sites share, and loads count in the level of each feeder's last week, which a site
takes from the feeder's own history. Its priors are wide (a standard deviation of ten times the largest load),
so that a ridge regression with a small penalty stands in for it; by Σφφᵀ and Σφy of all sites it is that of
pooled rows, exactly. Intervals are split conformal, as in `models.load_intervals`, from a histogram of
scores.

Local data: `X` float64 [n, FEATURES]; `load` float64 [n, 3], of rated power; `local_s` float64 [n];
`X_validation` and `load_validation` likewise.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from features.context.ahead import YEAR_DAYS
from features.context.load_history import HOURS
from federation.families.averaging import weights_of
from federation.family import MINIMUM_ROWS, Expected, LocalData
from federation.message import Arrays, Message, Update
from models import load_inputs, load_intervals, load_model, prophet_form
from models.load_inputs import HORIZONS, INDEPENDENT
from models.load_intervals import Intervals
from models.load_model import LoadModel
from models.load_scores import COVERAGE
from models.prophet_form import FEWEST_YEARS, TERMS, ProphetForm

Float = NDArray[np.float64]

PENALTY = 1e-8
"""Weight of the squared coefficients, as a share of the number of rows."""

MONTHS, MONTH_S = 1200, 86_400.0 * YEAR_DAYS / 12.0
"""Months since 1970 in which rows are counted."""

SCORE, SCORES = 0.01, 1500
"""Width and number of the bins of errors over half widths."""

LARGEST_VALUE = 1e4
"""Loads are of the level of a week: a regressor or an error beyond this is none."""

_HORIZONS = len(HORIZONS)


class ProphetSums:
    """Rounds: scales of the regressors, normal equations, size of what they leave over."""

    phases: ClassVar[tuple[str, ...]] = ("regressors", "equations", "rest")

    def rows(self, known: Arrays, data: LocalData) -> LocalData:
        """What the network reads and what it is to forecast: the rest in its unit."""
        form, found = prophet(known), {}
        for suffix in ("", "_validation"):
            X = data[f"X{suffix}"]
            inputs, level = load_inputs.known(X), load_inputs.level(X)
            rest = data[f"load{suffix}"] / level - form.predict(X, inputs)
            found[f"X{suffix}"] = load_model.unscaled(X, inputs)
            found[f"y{suffix}"] = rest / known["unit"]
            # An error counts in rated power.
            found[f"weight{suffix}"] = level[:, 0] / known["mean_level"]
        return found

    def local(self, phase: str, known: Arrays, data: LocalData) -> Update:
        """Sums of the regressors and their squares; of terms and loads; of what is left over."""
        X = data["X"]
        n, inputs, level = {"n": len(X)}, load_inputs.known(X), load_inputs.level(X)
        y = data["load"] / level
        if phase == "regressors":
            loads = inputs[:, :INDEPENDENT]
            month = np.clip(data["local_s"] // MONTH_S, 0, MONTHS - 1).astype(np.int64)
            return Message(
                n,
                {
                    "sums": np.stack([loads.sum(axis=0), (loads**2).sum(axis=0)]),
                    "level": np.array([level.sum()]),
                    "months": np.bincount(month, minlength=MONTHS).astype(np.int64),
                },
            )
        if phase == "rest":
            return Message(n, {"rest": np.abs(y - prophet(known).predict(X, inputs)).sum(axis=0)})
        gram, moment = np.empty((_HORIZONS, TERMS, TERMS)), np.empty((_HORIZONS, TERMS))
        for at in range(_HORIZONS):
            terms = prophet_form.terms(X, inputs, known["load_mean"], known["load_scale"], at)
            # Products of matrices are symmetric to the last bit only by chance.
            product = terms.T @ terms
            gram[at], moment[at] = (product + product.T) / 2.0, terms.T @ y[:, at]
        return Message(n, {"gram": gram, "moment": moment})

    def expects(self, phase: str, most: int) -> Mapping[str, Expected]:
        """Sums of at most all rows."""
        largest = most * LARGEST_VALUE
        square = largest * LARGEST_VALUE
        if phase == "regressors":
            return {
                "sums": Expected("<f8", (2, INDEPENDENT), -largest, square),
                "level": Expected("<f8", (1,), 0.0, largest),
                "months": Expected("<i8", (MONTHS,), 0, most, total=float(most)),
            }
        if phase == "rest":
            return {"rest": Expected("<f8", (_HORIZONS,), 0.0, largest)}
        return {
            "gram": Expected("<f8", (_HORIZONS, TERMS, TERMS), -square, square),
            "moment": Expected("<f8", (_HORIZONS, TERMS), -square, square),
        }

    def inspect(self, phase: str, sums: Arrays) -> str:
        """Squares and cross-products must be those of some rows."""
        if phase == "regressors":
            n = int(sums["months"].sum())
            total, squares = sums["sums"]
            return "" if (squares * n * (1.0 + 1e-9) >= total**2).all() else "sums that no rows have"
        if phase == "equations":
            for gram in sums["gram"]:
                least = float(np.linalg.eigvalsh((gram + gram.T) / 2.0)[0])
                if not np.array_equal(gram, gram.T) or least < -1e-9 * float(np.trace(gram)):
                    return "gram holds no cross-products of rows"
        return ""

    def close(self, phase: str, known: Arrays, sums: Arrays) -> Arrays:
        """Scales and whether there are years enough; the coefficients; the network's unit."""
        if phase == "regressors":
            n = float(sums["months"].sum())
            mean, squares = sums["sums"] / n
            scale = np.sqrt(np.maximum(squares - mean**2, 0.0))
            months = np.flatnonzero(sums["months"])
            years = (months[-1] - months[0]) / 12.0
            return {
                "rows": np.array([n]),
                "load_mean": mean,
                "load_scale": np.where(scale > prophet_form.LEAST_SCALE, scale, 1.0),
                "mean_level": sums["level"] / n,
                "yearly": np.array([years >= FEWEST_YEARS]),
            }
        if phase == "equations":
            return {"coefficients": _solved(sums, float(known["rows"][0]), bool(known["yearly"][0]))}
        return {"unit": np.maximum(load_model.MEAN_TO_DEVIATION * sums["rest"] / known["rows"], 1e-9)}


class IntervalSums:
    """Rounds: errors by hour on training rows, scores on validation rows."""

    phases: ClassVar[tuple[str, ...]] = ("errors", "scores")

    def local(self, phase: str, known: Arrays, data: LocalData) -> Update:
        """Counts and errors by hour, of no hour with few rows; histogram of scores, errors and loads."""
        if phase == "errors":
            X, level = data["X"], load_inputs.level(data["X"])
            error = np.abs(_bare(known).predict(X) - data["load"]) / level
            count, total = load_intervals.sums_by_hour(error, X)
            told = count >= MINIMUM_ROWS
            return Message(
                {"n": len(X)},
                {
                    "count": np.where(told, count, 0),
                    "error": np.where(told, total, 0.0),
                    "rows": np.array([len(X)]),
                    "whole": error.sum(axis=0),
                },
            )
        X, load = data["X_validation"], data["load_validation"]
        fitted = _bare(known)
        error = np.abs(fitted.predict(X) - load)
        place = np.clip(error / np.maximum(fitted.half(X), 1e-12) // SCORE, 0, SCORES - 1).astype(np.int64)
        scores = np.stack([np.bincount(column, minlength=SCORES) for column in place.T])
        return Message(
            {"n": len(X)},
            {"scores": scores, "error": error.sum(axis=0), "load": np.abs(load).sum(axis=0)},
        )

    def expects(self, phase: str, most: int) -> Mapping[str, Expected]:
        """Counts of at most all rows, errors and loads of at most all rows."""
        largest = most * LARGEST_VALUE
        if phase == "errors":
            return {
                "count": Expected("<i8", (HOURS, 1), 0, most, total=float(most)),
                "error": Expected("<f8", (HOURS, _HORIZONS), 0.0, largest),
                "rows": Expected("<i8", (1,), 1, most),
                "whole": Expected("<f8", (_HORIZONS,), 0.0, largest),
            }
        return {
            "scores": Expected("<i8", (_HORIZONS, SCORES), 0, most, total=float(_HORIZONS * most)),
            "error": Expected("<f8", (_HORIZONS,), 0.0, largest),
            "load": Expected("<f8", (_HORIZONS,), 0.0, largest),
        }

    def inspect(self, phase: str, sums: Arrays) -> str:
        """Hours are parts of the whole; each horizon scores the same rows."""
        if phase == "errors":
            more = sums["error"].sum(axis=0) > sums["whole"] * (1.0 + 1e-9)
            apart = int(sums["count"].sum()) > int(sums["rows"][0])
            return "hours hold more than the whole" if apart or more.any() else ""
        counted = sums["scores"].sum(axis=1)
        return "" if (counted == counted[0]).all() else f"horizons score {counted.tolist()} rows"

    def close(self, phase: str, known: Arrays, sums: Arrays) -> Arrays:
        """Mean errors by hour; factors for the coverage, and the error that answers state."""
        del known
        if phase == "errors":
            count, whole = sums["count"], sums["whole"] / sums["rows"]
            return {"hourly": np.where(count > 0, sums["error"] / np.maximum(count, 1), whole)}
        rank = load_intervals.rank(int(sums["scores"][0].sum()), COVERAGE)
        # The edge above the score: an interval is never narrower than by sorted scores.
        place = (np.cumsum(sums["scores"], axis=1) < rank).sum(axis=1)
        share = sums["error"] / np.maximum(sums["load"], 1e-12)
        return {"factor": SCORE * (place + 1.0), "mape": 100.0 * share.mean(keepdims=True)}


def prophet(known: Arrays) -> ProphetForm:
    """Prophet's forecast from what is settled."""
    return prophet_form.of_terms(known["load_mean"], known["load_scale"], known["coefficients"])


def model(known: Arrays) -> LoadModel:
    """The finished forecast from what is settled."""
    intervals = Intervals(known["hourly"], known["factor"])
    return replace(_bare(known), intervals=intervals, mape=float(known["mape"][0]))


def _bare(known: Arrays) -> LoadModel:
    """The forecast with intervals as far as their hours are settled, without a factor."""
    weights, hourly = weights_of(Message({}, known)), known.get("hourly", np.ones((HOURS, _HORIZONS)))
    intervals = Intervals(hourly, np.ones(_HORIZONS))
    return LoadModel(prophet(known), weights, known["mean"], known["scale"], known["unit"], intervals)


def _solved(sums: Arrays, n: float, yearly: bool) -> Float:
    """Coefficients of each horizon, float64 [TERMS, 3]; of the yearly terms 0 where years are too few."""
    used = np.arange(TERMS) < TERMS - 2 * prophet_form.YEAR_ORDER
    used |= yearly
    # The constant is not drawn towards nothing.
    penalty = np.diag(np.where(np.arange(TERMS) > 0, PENALTY * n, 0.0))[np.ix_(used, used)]
    found = np.zeros((TERMS, _HORIZONS))
    for at, (gram, moment) in enumerate(zip(sums["gram"], sums["moment"], strict=True)):
        found[used, at] = np.linalg.solve(gram[np.ix_(used, used)] + penalty, moment[used])
    return found
