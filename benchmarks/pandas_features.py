"""The features that need no waveform, by pandas rolling windows: the opponent of `benchmarks.features`.

Written with care, to be a fair one: one frame for all episodes and points, built-in aggregations only (no
Python function per window; least-squares slopes come from rolling sums), each computed once. Needs complete
readings. Columns and units are those of the table `readings`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features import ROLLING, WINDOW, PointNominals
from features.sequence import DEADBAND_HZ

PHASES = ("a", "b", "c")
PAIRS = ("ab", "bc", "ca")
ALPHA = np.exp(2j * np.pi / 3.0)
TOTALS = ("v", "i", "p", "q")


Columns = dict[str, Any]
Roll = Callable[[pd.DataFrame, int, str], pd.DataFrame]


@dataclass(frozen=True)
class Ends:
    """Rolling statistics at the windows' ends: one frame a statistic, one row a window, one column a channel.

    `apart` and `spike` are of the phase voltages against the three-phase mean, `square` the means of squared
    currents, `now` what the last three readings say.
    """

    now: pd.DataFrame
    mean: pd.DataFrame
    low: pd.DataFrame
    high: pd.DataFrame
    std: pd.DataFrame
    square: pd.DataFrame
    slope: pd.DataFrame
    step: pd.DataFrame
    apart: pd.DataFrame
    spike: pd.DataFrame


def pandas_features(
    readings: pd.DataFrame, nominals: PointNominals, stride_s: int, *, grouped: bool = True
) -> pd.DataFrame:
    """Features of every full window whose end is `stride_s` after the one before, in the readings' order.

    Args:
        readings: Complete readings, one second apart within each (scenario_id, point), sorted by these and t.
        nominals: Of all points.
        stride_s: Seconds between the ends of successive windows.
        grouped: Roll within each (scenario_id, point) by `groupby(...).rolling(...)`, the usual way. Without,
            roll over all rows as if they were one series and drop the windows that cross a boundary: not
            what one would write, but the fastest that pandas can do.
    """
    unit = _per_unit(readings, nominals)
    groups = readings.groupby(["scenario_id", "point"], sort=False)
    position, group = groups.cumcount(), groups.ngroup().to_numpy()
    ends = ((position >= WINDOW - 1) & ((position - (WINDOW - 1)) % stride_s == 0)).to_numpy()

    def roll(frame: pd.DataFrame, length: int, how: str) -> pd.DataFrame:
        series: Any = frame.groupby(group, sort=False) if grouped else frame
        result = getattr(series.rolling(length), how)()
        return pd.DataFrame(result.to_numpy(), columns=frame.columns)

    def at_ends(frame: pd.DataFrame) -> pd.DataFrame:
        return frame[ends]

    moving = [f"{name}_{phase}" for name in "vi" for phase in PHASES] + ["f", *TOTALS]
    step, apart, spike = (at_ends(part) for part in _steps(unit, roll))
    ends_of = Ends(
        now=at_ends(unit[["rise"]]),
        mean=at_ends(roll(unit, WINDOW, "mean")),
        low=at_ends(roll(unit, WINDOW, "min")),
        high=at_ends(roll(unit, WINDOW, "max")),
        std=at_ends(roll(unit[moving], WINDOW, "std")),
        square=at_ends(roll(unit[["i_a", "i_b", "i_c"]].pow(2), WINDOW, "mean")),
        slope=at_ends(_slopes(unit[moving], position, WINDOW, roll)),
        step=step,
        apart=apart,
        spike=spike,
    )
    out: Columns = {}
    _levels(out, ends_of, nominals)
    _power(out, ends_of)
    signals = unit[["f", *TOTALS]]
    recent = {how: at_ends(roll(signals, ROLLING, how)) for how in ("mean", "std", "min", "max")}
    recent["trend"] = at_ends(_slopes(signals, position, ROLLING, roll))
    for statistic, frame in recent.items():
        for signal in ("f", *TOTALS):
            suffix = ("hz" if signal == "f" else "pu") + ("_s" if statistic == "trend" else "")
            out[f"{signal}_roll_{statistic}_{suffix}"] = frame[signal]
    _sequences(out, ends_of.mean)
    _loading(out, ends_of)
    _shape(out, ends_of)
    _consistency(out, ends_of.mean, nominals)
    _calendar(out, readings["t"][ends], nominals)
    out["missing_share"] = np.zeros(int(ends.sum()))
    out["questionable_share"] = np.zeros(int(ends.sum()))
    return pd.DataFrame({name: np.asarray(column) for name, column in out.items()})


def _per_unit(readings: pd.DataFrame, nominals: PointNominals) -> pd.DataFrame:
    v, i, s = nominals.v_nom_v, nominals.i_rated_a, nominals.s_rated_va
    columns: Columns = {"f": readings["f_hz"], "pst": readings["pst"]}
    for phase in PHASES:
        columns[f"v_{phase}"] = readings[f"v_{phase}_v"] / v
        columns[f"i_{phase}"] = readings[f"i_{phase}_a"] / i
        columns[f"p_{phase}"] = readings[f"p_{phase}_w"] / (s / 3.0)
        columns[f"q_{phase}"] = readings[f"q_{phase}_var"] / (s / 3.0)
        columns[f"thd_{phase}"] = readings[f"thd_{phase}_pct"]
        columns[f"dip_{phase}"] = (readings[f"v_{phase}_v"] - readings[f"v_min_{phase}_v"]) / v
        columns[f"rise_{phase}"] = (readings[f"v_max_{phase}_v"] - readings[f"v_{phase}_v"]) / v
    for pair in PAIRS:
        columns[f"v_{pair}"] = readings[f"v_{pair}_v"] / (v * np.sqrt(3.0))
    for name in TOTALS:
        columns[name] = (columns[f"{name}_a"] + columns[f"{name}_b"] + columns[f"{name}_c"]) / 3.0
    columns["outside"] = ((columns["f"] - nominals.f_nom_hz).abs() - DEADBAND_HZ).clip(lower=0.0)
    columns["rise"] = columns["f"].diff(2) / 2.0
    columns["s"] = np.sqrt(columns["p"] ** 2 + columns["q"] ** 2)
    return pd.DataFrame(columns)


def _slopes(series: pd.DataFrame, position: pd.Series, length: int, roll: Roll) -> pd.DataFrame:
    """Least-squares slopes by rolling sums: Σ(t − t̄)x / Σ(t − t̄)²."""
    weighted = roll(series.mul(position, axis=0), length, "sum")
    plain = roll(series, length, "sum")
    middle = position - (length - 1) / 2.0
    return (weighted - plain.mul(middle, axis=0)) / (length * (length**2 - 1) / 12.0)


def _steps(unit: pd.DataFrame, roll: Roll) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Largest first differences, those against the three-phase mean, and spikes."""
    phases = [f"v_{phase}" for phase in PHASES]
    currents = [f"i_{phase}" for phase in PHASES]
    # The first difference of a run reaches into the run before; no full window holds it.
    difference = unit[[*phases, *currents, "f", *TOTALS]].diff()
    apart = difference[phases].sub(difference["v"], axis=0)
    before = apart.shift(1)
    there, back = before.to_numpy(), -apart.to_numpy()
    spike = np.maximum(np.minimum(there, back), np.minimum(-there, -back))
    return (
        roll(difference.abs(), WINDOW - 1, "max"),
        roll(apart.abs(), WINDOW - 1, "max"),
        roll(pd.DataFrame(spike, columns=phases), WINDOW - 2, "max"),
    )


def _rate(three: pd.DataFrame) -> Any:
    middle = three.mean(axis=1)
    return 100.0 * three.sub(middle, axis=0).abs().max(axis=1) / middle


def _vuf(a: Any, b: Any, c: Any) -> Any:
    beta = (a**4 + b**4 + c**4) / (a**2 + b**2 + c**2) ** 2
    root = np.sqrt((3.0 - 6.0 * beta).clip(0.0, 1.0))
    return 100.0 * np.sqrt((1.0 - root) / (1.0 + root))


def _levels(out: Columns, ends: Ends, nominals: PointNominals) -> None:
    mean, low, high, step = ends.mean, ends.low, ends.high, ends.step
    for name in "vi":
        phases = [f"{name}_{phase}" for phase in PHASES]
        for column in phases:
            out[f"{column}_pu"] = mean[column]
        out[f"{name}_mean_pu"] = mean[phases].mean(axis=1)
        out[f"{name}_min_pu"] = low[phases].min(axis=1)
        out[f"{name}_max_pu"] = high[phases].max(axis=1)
        out[f"{name}_std_pu"] = ends.std[name]
        out[f"{name}_range_pu"] = (high[phases] - low[phases]).max(axis=1)
        out[f"{name}_step_max_pu"] = step[phases].max(axis=1)
    for pair in PAIRS:
        out[f"v_{pair}_pu"] = mean[f"v_{pair}"]
    out["f_mean_hz"], out["f_dev_hz"] = mean["f"], mean["f"] - nominals.f_nom_hz
    out["f_min_hz"], out["f_max_hz"], out["f_std_hz"] = low["f"], high["f"], ends.std["f"]
    out["rocof_3s_hz_s"], out["f_outside_hz"] = ends.now["rise"], mean["outside"]
    out["v_nom_log"] = np.full(len(mean), np.log10(nominals.v_nom_v * np.sqrt(3.0) / 1e3))
    out["pvur_pct"] = _rate(mean[["v_a", "v_b", "v_c"]])
    out["lvur_pct"] = _rate(mean[["v_ab", "v_bc", "v_ca"]])
    out["vuf_line_pct"] = _vuf(mean["v_ab"], mean["v_bc"], mean["v_ca"])
    out["i_unbalance_pct"] = _rate(mean[["i_a", "i_b", "i_c"]])
    thd = [f"thd_{phase}" for phase in PHASES]
    out["thd_mean_pct"], out["thd_max_pct"] = mean[thd].mean(axis=1), high[thd].max(axis=1)
    out["thd_worst_pct"] = mean[thd].max(axis=1)
    out["thd_spread_pct"] = out["thd_worst_pct"] - mean[thd].min(axis=1)
    out["pst"] = mean["pst"]
    out["v_min_dip_pu"] = high[[f"dip_{phase}" for phase in PHASES]].max(axis=1)
    out["v_max_rise_pu"] = high[[f"rise_{phase}" for phase in PHASES]].max(axis=1)


def _power(out: Columns, ends: Ends) -> None:
    mean, high = ends.mean, ends.high
    for name in "pq":
        for phase in PHASES:
            out[f"{name}_{phase}_pu"] = mean[f"{name}_{phase}"]
        out[f"{name}_total_pu"] = mean[name]
    factors = pd.DataFrame({phase: mean[f"p_{phase}"] / _apparent(mean, phase) for phase in PHASES})
    for phase in PHASES:
        out[f"pf_{phase}"] = factors[phase]
    out["pf_spread"] = factors.max(axis=1) - factors.min(axis=1)
    out["s_total_pu"] = np.sqrt(mean["p"] ** 2 + mean["q"] ** 2)
    out["pf_total"] = mean["p"] / out["s_total_pu"]
    out["reactive_factor"] = mean["q"] / out["s_total_pu"]
    out["load_factor"] = mean["s"] / high["s"]
    out["utilisation_mva_pu"], out["utilisation_mva_max_pu"] = mean["s"], high["s"]


def _apparent(mean: pd.DataFrame, phase: str) -> Any:
    return np.sqrt(mean[f"p_{phase}"] ** 2 + mean[f"q_{phase}"] ** 2)


def _w(three: pd.DataFrame) -> NDArray[np.complex128]:
    squares = three.to_numpy() ** 2
    return np.asarray(squares @ np.array([1.0, ALPHA, ALPHA**2]) / squares.sum(axis=1))


def _sequences(out: Columns, mean: pd.DataFrame) -> None:
    phases, lines = mean[["v_a", "v_b", "v_c"]], mean[["v_ab", "v_bc", "v_ca"]]
    middle = phases.mean(axis=1)
    for phase in PHASES:
        out[f"v_dev_{phase}_pu"] = mean[f"v_{phase}"] - middle
    out["vuf_phase_pct"] = _vuf(mean["v_a"], mean["v_b"], mean["v_c"])
    by_phase, by_line = _w(phases), _w(lines[["v_bc", "v_ca", "v_ab"]])
    joint = np.abs(by_phase - by_line) / 2.0
    out["vuf_joint_pct"] = 200.0 * joint / (1.0 + np.sqrt(1.0 - 4.0 * joint**2))
    out["v0_phasor_pct"] = 100.0 * np.abs(by_phase + by_line)
    vuf = out["vuf_line_pct"] / 100.0
    line_sum = (lines**2).sum(axis=1)
    zero = ((phases**2).sum(axis=1) - line_sum).clip(lower=0.0) / 3.0
    out["v0_proxy_pct"] = 100.0 * np.sqrt(zero / (line_sum / 3.0 / (1.0 + vuf**2)))
    x, y, z = (mean[f"v_{phase}"] ** 2 for phase in PHASES)
    ab, bc, ca = (3.0 * mean[f"v_{pair}"] ** 2 for pair in PAIRS)
    g_ab, g_bc, g_ca = (x + y - ab) / 2.0, (y + z - bc) / 2.0, (z + x - ca) / 2.0
    determinant = x * y * z + 2.0 * g_ab * g_bc * g_ca - x * g_bc**2 - y * g_ca**2 - z * g_ab**2
    trace = np.maximum(x + y + z, line_sum)
    out["v_line_phase_residual_pu"] = 2.0 * determinant / (3.0 * trace**2 * np.sqrt(trace / 3.0))
    turned = []
    for phase, turn in zip(PHASES, (1.0, ALPHA**2, ALPHA), strict=True):
        power = mean[f"p_{phase}"].to_numpy() - 1j * mean[f"q_{phase}"].to_numpy()
        turned.append(mean[f"i_{phase}"].to_numpy() * power / np.abs(power) * turn)
    a, b, c = turned
    positive = np.abs(a + ALPHA * b + ALPHA**2 * c)
    out["i_n_est_pu"] = np.abs(a + b + c)
    out["i_zero_pct"] = 100.0 * out["i_n_est_pu"] / positive
    out["i_negative_pct"] = 100.0 * np.abs(a + ALPHA**2 * b + ALPHA * c) / positive


def _loading(out: Columns, ends: Ends) -> None:
    square, slope, step = ends.square, ends.slope, ends.step
    currents = ends.mean[["i_a", "i_b", "i_c"]]
    out["loss_proxy_pu2"] = square.mean(axis=1)
    out["i_rms_pu"] = np.sqrt(square.mean(axis=1))
    out["utilisation_i_pu"] = np.sqrt(square.max(axis=1))
    out["loss_unbalance_ratio"] = 3.0 * (currents**2).sum(axis=1) / currents.sum(axis=1) ** 2
    out["rocof_hz_s"] = slope["f"]
    for name in TOTALS:
        out[f"{name}_ramp_pu_s"] = slope[name]
    out["f_step_max_hz"] = step["f"]
    out["p_step_max_pu"], out["q_step_max_pu"] = step["p"], step["q"]


def _shape(out: Columns, ends: Ends) -> None:
    std, slope = ends.std, ends.slope
    phases = [f"v_{phase}" for phase in PHASES]
    for phase in PHASES:
        out[f"v_std_{phase}_pu"] = std[f"v_{phase}"]
    least = np.log10(std[phases].min(axis=1).clip(lower=1e-9))
    out["v_step_common_pu"] = ends.step["v"]
    out["v_step_diff_pu"] = ends.apart.max(axis=1)
    out["v_stuck_log"] = least
    out["v_std_ratio_log"] = least - np.log10(std[phases].max(axis=1).clip(lower=1e-9))
    out["v_drift_pu"] = (WINDOW - 1) * slope[phases].sub(slope["v"], axis=0).abs().max(axis=1)
    out["v_spike_pu"] = ends.spike.max(axis=1).clip(lower=0.0)


def _consistency(out: Columns, mean: pd.DataFrame, nominals: PointNominals) -> None:
    base = 3.0 * nominals.v_nom_v * nominals.i_rated_a / nominals.s_rated_va
    for phase in PHASES:
        product = mean[f"v_{phase}"] * mean[f"i_{phase}"] * base
        out[f"s_vi_residual_{phase}_pu"] = _apparent(mean, phase) - product


def _calendar(out: Columns, t: pd.Series, nominals: PointNominals) -> None:
    local = t + pd.to_timedelta(nominals.utc_offset_s, unit="s")
    day = (local - local.dt.normalize()).dt.total_seconds() / 86_400.0
    weekday = local.dt.dayofweek
    out["hour_sin"], out["hour_cos"] = np.sin(2.0 * np.pi * day), np.cos(2.0 * np.pi * day)
    out["weekday_sin"] = np.sin(2.0 * np.pi * weekday / 7.0)
    out["weekday_cos"] = np.cos(2.0 * np.pi * weekday / 7.0)
    out["weekend"] = (weekday >= 5).astype(float)
