"""What the load forecast makes of its inputs, in numpy and as nodes of a graph.

Loads are counted in the level of the feeder's last week, so that all feeders look alike, and as differences:
how a quarter of an hour differs from the one before says more about the next one than how large either is.
"""

from __future__ import annotations

import numpy as np
from numpy.polynomial import chebyshev
from numpy.typing import NDArray

from features.context import ahead, load_history, load_week
from models.graphs import INPUT, Graph

Float = NDArray[np.float64]

HORIZONS = tuple(ahead.HORIZONS)
QUARTERS_AHEAD = tuple(int(seconds / load_history.QUARTER_S) for seconds in ahead.HORIZONS.values())

PLAIN = (
    "hour_sin", "hour_cos", "weekday_sin", "weekday_cos", *(feature.name for feature in ahead.FEATURES),
    "s_rated_log", "load_week_level_pu", "load_day_mean_pu",
)  # fmt: skip
"""The inputs beside the history."""

LAGS = (*(feature.name for feature in load_history.LAGS), "load_day_mean_pu", "load_week_mean_pu")
SERIES = tuple(tuple(feature.name for feature in series) for series in load_history.SERIES)
FEATURES = tuple(dict.fromkeys((*PLAIN, *LAGS, *(name for series in SERIES for name in series))))
EARLIER = tuple(feature.name for feature in load_week.FEATURES)
"""Hours of the six days before the last one, which not every form of the forecast reads."""

WEATHER = ("ambient_c", "ghi_w_m2", "wind_m_s")
"""Weather of now, which not every form of the forecast reads; NaN where it is not told."""

INDEX = {name: place for place, name in enumerate((*FEATURES, *EARLIER, *WEATHER))}
WEEK_HOURS = (*EARLIER, *SERIES[0])
"""The last week, hour by hour."""

NEAREST = ("load_quarter_0_pu", "load_quarter_0_pu", "load_like_24h_pu")
"""Known load that is nearest to each horizon's: trees forecast the change from it."""

LEAST_LEVEL_PU = 0.01
"""Smallest level that loads are counted in: a dead feeder has none."""

HARMONICS = 8
"""Terms of the daily shape: down to three hours."""

_SHORT = {name: name.removeprefix("load_").removesuffix("_pu") for name in LAGS}
# Each known load is the first column, or the first minus the second. The first seventeen are independent.
_PAIRS = (
    *((f"quarter_{lag}", f"quarter_{lag + 1}") for lag in range(7)),
    ("quarter_0", ""), ("quarter_0", "like"), ("like_15min", "like"),
    ("like_1h", "like_15min"), ("like_24h", "like"),
    ("day_before_15min", "quarter_0"), ("day_before_1h", "day_before_15min"), ("day_mean", ""),
    ("week_mean", ""), ("day_mean", "like_day_mean"),
    ("day_mean", "week_mean"), ("like_1h", "like"), ("day_before_1h", "quarter_0"),
    ("day_before_15min", "like_15min"), ("day_before_1h", "like_1h"),
)  # fmt: skip
INDEPENDENT = 17
LOADS = len(_PAIRS)
TYPES = tuple(f"{kind}_{name}" for kind in ("saturday", "free") for name in HORIZONS)
WEEKDAY = ("weekday_sin", "weekday_cos")
KNOWN = LOADS + len(TYPES) + 2 * HARMONICS + len(WEEKDAY)
"""Columns of `known`: loads, kinds of day, cosines and sines of the hour, weekday."""


def _differences() -> Float:
    places = {short: at for at, short in enumerate(_SHORT.values())}
    matrix = np.zeros((len(LAGS), LOADS))
    for column, (first, second) in enumerate(_PAIRS):
        matrix[places[first], column] += 1.0
        if second:
            matrix[places[second], column] -= 1.0
    return matrix


DIFFERENCES = _differences()


def places(names: tuple[str, ...]) -> NDArray[np.int64]:
    """Columns of the inputs by name."""
    return np.array([INDEX[name] for name in names], dtype=np.int64)


def level(X: Float) -> Float:
    """What loads are counted in, of rated power, [n, 1]."""
    found: Float = np.maximum(X[:, places(("load_week_level_pu",))], LEAST_LEVEL_PU)
    return found


def known(X: Float) -> Float:
    """What is known beside the hours, float64 [n, KNOWN], from inputs [n, FEATURES]."""
    loads = (X[:, places(LAGS)] / level(X)) @ DIFFERENCES
    turn = X[:, INDEX["hour_cos"]] + 1j * X[:, INDEX["hour_sin"]]
    powers = turn[:, None] ** np.arange(1, HARMONICS + 1)
    parts = [loads, X[:, places(TYPES)], powers.real, powers.imag, X[:, places(WEEKDAY)]]
    return np.concatenate(parts, axis=1)


def steps(X: Float) -> Float:
    """Hours of the three series side by side, float64 [n, 24, 3], from inputs [n, FEATURES]."""
    columns = places(tuple(name for hour in zip(*SERIES, strict=True) for name in hour))
    found: Float = (X[:, columns] / level(X)).reshape(len(X), load_history.HOURS, len(SERIES))
    return found


def flat(X: Float, further: tuple[str, ...] = ()) -> Float:
    """Calendar, differences of the known loads and the hours of the last day, float64 [n, columns].

    Differences, as the forecast has them: a tree cuts one column at a time.

    Args:
        X: Inputs, [n, FEATURES] or more.
        further: Inputs to append as they are.
    """
    hours = X[:, places(SERIES[0])] / level(X)
    parts = [X[:, places(PLAIN)], known(X)[:, :LOADS], hours]
    return np.concatenate([*parts, X[:, places(further)]] if further else parts, axis=1)


def add_flat(graph: Graph, unit: str, everything: str, further: tuple[str, ...]) -> str:
    """Add `flat` to a graph that has what `add_known` gave it."""
    hours = graph.add("Div", [graph.columns(INPUT, places(SERIES[0]), "last_day_pu"), unit], "last_day")
    parts = [
        graph.columns(INPUT, places(PLAIN), "plain"),
        graph.columns(everything, np.arange(LOADS), "flat_loads"),
        hours,
        graph.columns(INPUT, places(further), "further"),
    ]
    return graph.add("Concat", parts, "flat", axis=1)


def add_inputs(graph: Graph) -> tuple[str, str, str]:
    """Add `level`, `known` and `steps` to a graph; the last stays [n, 24 · 3]."""
    unit, everything = add_known(graph)
    columns = places(tuple(name for hour in zip(*SERIES, strict=True) for name in hour))
    hours = graph.add("Div", [graph.columns(INPUT, columns, "hours_pu"), unit], "hours")
    return unit, everything, hours


def add_known(graph: Graph) -> tuple[str, str]:
    """Add `level` and `known` to a graph."""
    own = graph.columns(INPUT, places(("load_week_level_pu",)), "level_pu")
    unit = graph.add("Max", [own, graph.constant("least_level", np.array(LEAST_LEVEL_PU))], "level")
    lags = graph.add("Div", [graph.columns(INPUT, places(LAGS), "lags_pu"), unit], "lags")
    loads = graph.add("MatMul", [lags, graph.constant("differences", DIFFERENCES)], "loads")
    types = graph.columns(INPUT, places(TYPES), "day_types")
    cosine = graph.columns(INPUT, places(("hour_cos",)), "hour_cosine")
    sine = graph.columns(INPUT, places(("hour_sin",)), "hour_sine")
    # cos(kx) and sin(kx)/sin(x) are polynomials of cos(x): Chebyshev's of the first and second kind.
    exponents = graph.constant("exponents", np.arange(HARMONICS + 1.0))
    powers = graph.add("Pow", [cosine, exponents], "hour_powers")
    first, second = _chebyshev()
    cosines = graph.add("MatMul", [powers, graph.constant("first_kind", first)], "hour_cosines")
    shapes = graph.add("MatMul", [powers, graph.constant("second_kind", second)], "hour_shapes")
    sines = graph.add("Mul", [shapes, sine], "hour_sines")
    weekday = graph.columns(INPUT, places(WEEKDAY), "weekday")
    everything = graph.add("Concat", [loads, types, cosines, sines, weekday], "known", axis=1)
    return unit, everything


def _chebyshev() -> tuple[Float, Float]:
    """Coefficients of T₁ … T_K and of U₀ … U_(K−1) by powers, float64 [K + 1, K] each."""
    first, second = np.zeros((2, HARMONICS + 1, HARMONICS))
    for k in range(1, HARMONICS + 1):
        polynomial = chebyshev.cheb2poly(np.eye(HARMONICS + 1)[k])
        first[: polynomial.size, k - 1] = polynomial
        # U_(k−1) = T_k' / k.
        slope = np.polynomial.polynomial.polyder(polynomial) / k
        second[: slope.size, k - 1] = slope
    return first, second
