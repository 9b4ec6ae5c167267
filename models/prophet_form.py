"""Prophet's forecast as coefficients: fitted by the library, answered by numpy and by a graph.

Prophet (Taylor and Letham, "Forecasting at Scale", The American Statistician 72, 2018) is a generalised
additive model. Here: y = m + daily Fourier terms by kind of day + yearly Fourier terms + regressors, with
a flat trend. The daily phase is that of the forecast's beginning, the kind of day (working day, Saturday,
Sunday or public holiday) that of its end. All feeders are one series in units of their own level, so that an
unknown feeder has a forecast too; what sets feeders apart comes in by the regressors. Yearly terms need two
years of data.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.context.ahead import YEAR_DAYS
from models.graphs import INPUT, Graph
from models.load_inputs import HARMONICS, HORIZONS, INDEPENDENT, INDEX, LOADS, places

Float = NDArray[np.float64]

ORDER, YEAR_ORDER = HARMONICS, 2
FEWEST_YEARS = 2.0
LEAST_SCALE = 1e-6
"""Deviation, of the level, below which a column moves by rounding alone: an hour of equal quarters."""
DAY_KINDS = ("working", "saturday", "free")
YEAR = ("year_sin", "year_cos")


@dataclass(frozen=True, slots=True)
class ProphetForm:
    """Coefficients of three forecasts; the last axis is the horizon.

    Attributes:
        mean: Mean of each regressor over the training rows, float64 [regressors].
        scale: Its standard deviation, float64 [regressors].
        constant: m, float64 [3].
        regressors: Coefficients of the standardised regressors, float64 [regressors, 3].
        daily: Coefficients of the cosines, then of the sines, by kind of day, float64 [3, 2 · ORDER, 3].
        shift: What a Saturday adds, and what a Sunday or public holiday adds, float64 [2, 3].
        yearly: Coefficients of cos, sin, cos 2, sin 2 of the year, float64 [4, 3]; 0 where it is not known.
    """

    mean: Float
    scale: Float
    constant: Float
    regressors: Float
    daily: Float
    shift: Float
    yearly: Float

    def predict(self, X: Float, known: Float) -> Float:
        """Forecasts in units of the level, float64 [n, 3], from inputs and what `load_inputs.known` gives."""
        z = (known[:, :INDEPENDENT] - self.mean) / self.scale
        waves = known[:, _waves()]
        saturday, free = (X[:, places(_types(kind))] for kind in DAY_KINDS[1:])
        working = waves @ self.daily[0]
        return np.asarray(
            self.constant
            + z @ self.regressors
            + working
            + saturday * (waves @ self.daily[1] - working + self.shift[0])
            + free * (waves @ self.daily[2] - working + self.shift[1])
            + _year(X) @ self.yearly
        )

    def add_to(self, graph: Graph, known: str) -> str:
        """Add the forecasts to a graph, float64 [n, 3]."""
        loads = graph.columns(known, np.arange(INDEPENDENT), "regressors")
        # The standardisation is put into the coefficients.
        slopes = self.regressors / self.scale[:, None]
        parts = [
            graph.constant("prophet_constant", self.constant - self.mean @ slopes),
            graph.add("MatMul", [loads, graph.constant("prophet_slopes", slopes)], "prophet_regressors"),
        ]
        waves = graph.columns(known, _waves(), "prophet_waves")
        daily = graph.constant("prophet_working", self.daily[0])
        parts.append(graph.add("MatMul", [waves, daily], "prophet_daily"))
        for place, kind in enumerate(DAY_KINDS[1:]):
            more = graph.constant(f"prophet_{kind}", self.daily[place + 1] - self.daily[0])
            extra = graph.add("MatMul", [waves, more], f"prophet_{kind}_daily")
            shift = graph.constant(f"prophet_{kind}_shift", self.shift[place])
            whole = graph.add("Add", [extra, shift], f"prophet_{kind}_whole")
            which = graph.columns(INPUT, places(_types(kind)), f"is_{kind}")
            parts.append(graph.add("Mul", [whole, which], f"prophet_{kind}_part"))
        if self.yearly.any():
            parts.append(self._add_year(graph))
        return graph.add("Sum", parts, "prophet")

    def _add_year(self, graph: Graph) -> str:
        """Second harmonic from products: cos 2x = 2 cos² x − 1, sin 2x = 2 sin x cos x."""
        sine, cosine = (graph.columns(INPUT, places((name,)), f"{name}_column") for name in YEAR)
        terms = [
            cosine, sine, graph.add("Mul", [cosine, cosine], "year_square"),
            graph.add("Mul", [sine, cosine], "year_product"),
        ]  # fmt: skip
        slopes = self.yearly * np.array([1.0, 1.0, 2.0, 2.0])[:, None]
        whole = graph.add("Concat", terms, "year_terms", axis=1)
        part = graph.add("MatMul", [whole, graph.constant("prophet_year", slopes)], "prophet_year_part")
        return graph.add(
            "Sub", [part, graph.constant("prophet_year_shift", self.yearly[2])], "prophet_yearly"
        )


def _waves() -> NDArray[np.int64]:
    """Columns of `known` with the cosines and sines of the hour."""
    return LOADS + 2 * len(HORIZONS) + np.arange(2 * ORDER)


def _types(kind: str) -> tuple[str, ...]:
    return tuple(f"{kind}_{name}" for name in HORIZONS)


def _year(X: Float) -> Float:
    turn = X[:, INDEX["year_cos"]] + 1j * X[:, INDEX["year_sin"]]
    return np.stack([turn.real, turn.imag, (turn**2).real, (turn**2).imag], axis=1)


TERMS = 1 + INDEPENDENT + len(DAY_KINDS) * 2 * ORDER + len(DAY_KINDS) - 1 + 2 * YEAR_ORDER
"""Columns of `terms`."""


def terms(X: Float, known: Float, mean: Float, scale: Float, at: int) -> Float:
    """What the forecast of a horizon is linear in, float64 [n, TERMS], the yearly terms last.

    Args:
        X: Inputs, [n, FEATURES].
        known: What `load_inputs.known` makes of them.
        mean: Mean of each regressor.
        scale: Its standard deviation.
        at: Place of the horizon.
    """
    z = (known[:, :INDEPENDENT] - mean) / scale
    rest = X[:, places(tuple(f"{kind}_{HORIZONS[at]}" for kind in DAY_KINDS[1:]))]
    waves = known[:, _waves()]
    daily = [waves * of[:, None] for of in _kinds(rest)]
    return np.concatenate([np.ones((len(X), 1)), z, *daily, rest, _year(X)], axis=1)


def of_terms(mean: Float, scale: Float, coefficients: Float) -> ProphetForm:
    """The forecasts with these coefficients of `terms`, float64 [TERMS, 3]."""
    widths = (1, INDEPENDENT, len(DAY_KINDS) * 2 * ORDER, len(DAY_KINDS) - 1)
    constant, regressors, daily, shift, yearly = np.split(coefficients, np.cumsum(widths))
    shaped = daily.reshape(len(DAY_KINDS), 2 * ORDER, -1)
    return ProphetForm(mean, scale, constant[0], regressors, shaped, shift, yearly)


def fit(X: Float, known: Float, y: Float, local_s: Float) -> ProphetForm:
    """Fit one Prophet for each horizon on the rows of all feeders.

    Args:
        X: Inputs, [n, FEATURES].
        known: What `load_inputs.known` makes of them.
        y: Load at each horizon in units of the level, [n, 3].
        local_s: Local time of each row, seconds since 1970, [n].
    """
    mean, scale = known[:, :INDEPENDENT].mean(axis=0), known[:, :INDEPENDENT].std(axis=0)
    scale = np.where(scale > LEAST_SCALE, scale, 1.0)
    z = (known[:, :INDEPENDENT] - mean) / scale
    years = float(np.ptp(local_s)) / (86_400.0 * YEAR_DAYS)
    parts = [
        _fit_one(z, X[:, places((f"saturday_{name}", f"free_{name}"))], y[:, at], local_s, years)
        for at, name in enumerate(HORIZONS)
    ]
    stacked = [np.stack(of, axis=-1) for of in zip(*parts, strict=True)]
    return ProphetForm(mean, scale, *stacked)


def _fit_one(
    z: Float, rest: Float, y: Float, local_s: Float, years: float
) -> tuple[Float, Float, Float, Float, Float]:
    """Constant, regressors, daily terms, shifts and yearly terms of one forecast."""
    import pandas as pd

    prophet = quiet_prophet()
    names = [f"z{column:02d}" for column in range(z.shape[1])] + list(DAY_KINDS[1:])
    columns = np.column_stack([z, rest])
    frame = pd.DataFrame(dict(zip(names, columns.T, strict=True)))
    # A frame of both a regressor and a condition of the same name is refused.
    conditions = {f"on_{kind}": mask for kind, mask in zip(DAY_KINDS, _kinds(rest), strict=True)}
    frame = frame.assign(ds=pd.to_datetime(local_s, unit="s"), y=y, **conditions)
    for kind in DAY_KINDS:
        prophet.add_seasonality(f"daily_{kind}", period=1, fourier_order=ORDER, condition_name=f"on_{kind}")
    if years >= FEWEST_YEARS:
        prophet.add_seasonality("year", period=YEAR_DAYS, fourier_order=YEAR_ORDER)
    for name in names:
        prophet.add_regressor(name, standardize=False)
    prophet.fit(frame)
    used, beta = prophet.train_component_cols, prophet.params["beta"][0] * prophet.y_scale

    def of(name: str) -> Float:
        found: Float = beta[np.flatnonzero(used[name].to_numpy())]
        return found

    daily = np.stack([_cosines_first(of(f"daily_{kind}")) for kind in DAY_KINDS])
    year = np.zeros(2 * YEAR_ORDER)
    if years >= FEWEST_YEARS:
        # Prophet has sine, cosine, sine 2, cosine 2.
        year = of("year").reshape(YEAR_ORDER, 2)[:, ::-1].ravel()
    slopes = np.array([float(of(name)[0]) for name in names])
    regressors, shift = slopes[: z.shape[1]], slopes[z.shape[1] :]
    return np.asarray(float(prophet.params["m"][0, 0]) * prophet.y_scale), regressors, daily, shift, year


def quiet_prophet() -> Any:
    """A Prophet with a flat trend and no seasonality but what is added; says nothing."""
    _silence()
    from prophet import Prophet

    return Prophet(
        growth="flat",
        daily_seasonality=False,
        weekly_seasonality=False,
        yearly_seasonality=False,
        uncertainty_samples=0,
    )


def _silence() -> None:
    import logging

    for name in ("prophet", "prophet.plot", "cmdstanpy"):
        # A level would not do: the backend sets its own whenever it runs.
        logging.getLogger(name).disabled = True


def _kinds(rest: Float) -> tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.bool_]]:
    saturday, free = rest[:, 0] > 0.5, rest[:, 1] > 0.5
    return ~(saturday | free), saturday, free


def _cosines_first(beta: Float) -> Float:
    """Prophet's terms come as sine, cosine, sine 2, …; here the cosines come first."""
    pairs = beta.reshape(-1, 2)
    return np.concatenate([pairs[:, 1], pairs[:, 0]])
