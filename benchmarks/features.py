"""Speed of the features: `python -m benchmarks.features [--quick]`.

Progress goes to stderr; the last line of stdout is one JSON object:

- `features`: features in the catalogue; `pandas_features` of them are computed by both sides.
- `batch_windows_per_s`: windows a second of `features.compute` on one core, best of several repeats.
- `batch_with_gaps_windows_per_s`: the same where 1 % of the readings are missing and two channels are absent.
- `online_us`: from one `Windows` to its vector, µs, best of several repeats; `online_build_us`: from one packed
  request to that `Windows`; `online_waveform_us`: with a 10-cycle waveform.
- `readings_windows_per_s`: from arrays of readings (cutting windows included), as training does it.
- `pandas_windows_per_s`: the same windows of the same readings with pandas rolling windows, best of several
  repeats; the results are checked to be equal to 1e-9.
- `speedup_vs_pandas`: `batch_windows_per_s` over `pandas_windows_per_s`; `speedup_from_readings` is
  `readings_windows_per_s` over it.
- `episode_s`, `stride_s`: seconds of one episode at one point, and between the ends of its windows.
- `dense`: readings and pandas rates where nothing favours the vectorised side: long episodes, a window every second.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

# One core: set before numpy is imported.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"

import numpy as np
import pandas as pd
import pyarrow as pa

from benchmarks.pandas_features import pandas_features
from data_contracts.wire.rows import Rows
from features import INDEX, NAMES, PointNominals, Windows, compute
from features.build import Readings
from features.channels import COLUMNS
from features.online import windows_from_rows
from features.table import compute_all
from features.windows import Waveforms

NOMINALS = PointNominals(
    v_nom_v=33e3 / math.sqrt(3.0), i_rated_a=875.0, s_rated_va=50e6, f_nom_hz=50.0, utc_offset_s=19_800.0
)
START_S = 1_767_600_000
SEED = 20260105
TOLERANCE = 1e-9


def synthetic_readings(rng: np.random.Generator, episodes: int, points: int, seconds: int) -> pd.DataFrame:
    """Complete readings of a 33 kV bay: noise, slow drift and a little unbalance around a loaded state."""
    rows = episodes * points * seconds
    second = np.tile(np.arange(seconds), episodes * points)
    columns: dict[str, Any] = {
        "scenario_id": np.repeat(
            [f"bench.quick.1.normal.{index:06d}" for index in range(episodes)], points * seconds
        ),
        "point": np.tile(np.repeat([f"F{331 + index}" for index in range(points)], seconds), episodes),
    }
    episode = np.repeat(np.arange(episodes), points * seconds)
    columns["t"] = pd.to_datetime((START_S + 900 * episode + second) * 1000, unit="ms", utc=True).astype(
        "datetime64[ms, UTC]"
    )
    angle = 0.32 + 0.02 * rng.standard_normal(rows)
    for phase, level in zip("abc", (1.0, 0.993, 1.004), strict=True):
        v = NOMINALS.v_nom_v * level * (1.0 + 2e-3 * rng.standard_normal(rows) + 2e-3 * np.sin(second / 60.0))
        i = 420.0 / level * (1.0 + 1e-2 * rng.standard_normal(rows))
        columns[f"v_{phase}_v"], columns[f"i_{phase}_a"] = v, i
        columns[f"p_{phase}_w"], columns[f"q_{phase}_var"] = -v * i * np.cos(angle), -v * i * np.sin(angle)
        columns[f"v_min_{phase}_v"] = v * (1.0 - 1e-3 * rng.random(rows))
        columns[f"v_max_{phase}_v"] = v * (1.0 + 1e-3 * rng.random(rows))
        columns[f"thd_{phase}_pct"] = 1.0 + rng.random(rows)
    for pair, level in zip(("ab", "bc", "ca"), (0.997, 0.998, 1.003), strict=True):
        columns[f"v_{pair}_v"] = 33e3 * level * (1.0 + 2e-3 * rng.standard_normal(rows))
    columns["f_hz"] = 50.0 + 0.01 * rng.standard_normal(rows)
    columns["pst"] = 0.3 + 0.1 * rng.random(rows)
    columns["quality"] = np.zeros(rows, np.int8)
    return pd.DataFrame(columns)


def largest_difference(ours: np.ndarray, theirs: pd.DataFrame) -> tuple[str, float]:
    """The feature that differs most between the two sides, and by how much (absolute, or relative above 1)."""
    worst, size = "", 0.0
    for name in theirs.columns:
        a, b = ours[:, INDEX[name]], theirs[name].to_numpy()
        difference = float(np.max(np.abs(a - b) / np.maximum(1.0, np.abs(b))))
        if not difference <= size:
            worst, size = name, difference
    return worst, size


def best_of(repeats: int, work: Callable[[], object], loops: int = 1) -> float:
    """Seconds of one call of `work`, the best of `repeats` runs of `loops` calls."""
    best = math.inf
    for _ in range(repeats):
        start = time.perf_counter()
        for _ in range(loops):
            work()
        best = min(best, (time.perf_counter() - start) / loops)
    return best


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def _against_pandas(
    rng: np.random.Generator, episodes: int, seconds: int, stride_s: int, repeats: int
) -> dict[str, float]:
    """Rates from readings of both sides, checked to give the same features."""
    frame = synthetic_readings(rng, episodes, 10, seconds)
    readings = Readings.of(pa.Table.from_pandas(frame, preserve_index=False))
    index = readings.index(stride_s)
    nominals = dict.fromkeys(readings.points, NOMINALS)
    theirs = pandas_features(frame, NOMINALS, stride_s)
    worst, size = largest_difference(compute_all(readings, index, nominals), theirs)
    _say(f"  {len(index)} windows; largest difference {size:.1e} ({worst})")
    if not size <= TOLERANCE or len(theirs) != len(index):
        raise SystemExit(f"pandas and numpy differ in {worst} by {size:.1e}")
    pandas_s = best_of(repeats, lambda: pandas_features(frame, NOMINALS, stride_s))
    ours_s = best_of(3 * repeats, lambda: compute_all(readings, readings.index(stride_s), nominals))
    return {
        "pandas_features": float(theirs.shape[1]),
        "pandas_windows_per_s": len(index) / pandas_s,
        "readings_windows_per_s": len(index) / ours_s,
    }


def _batch(rng: np.random.Generator, count: int, repeats: int) -> tuple[float, float]:
    """Windows a second of `compute`: complete windows, and windows with gaps."""
    frame = synthetic_readings(rng, 1, 1, count + 9)
    readings = Readings.of(pa.Table.from_pandas(frame, preserve_index=False))
    index = readings.index(1)
    windows = readings.windows(index, {readings.points[0]: NOMINALS})
    complete = len(windows) / best_of(repeats, lambda: compute(windows))
    readings.values[:, rng.random(readings.t_ms.shape[0]) < 0.01] = np.nan
    readings.values[[COLUMNS.index(name) for name in ("thd_a_pct", "pst")]] = np.nan
    with_gaps = readings.windows(index, {readings.points[0]: NOMINALS})
    return complete, len(windows) / best_of(repeats, lambda: compute(with_gaps))


def _online(rng: np.random.Generator, repeats: int) -> dict[str, float]:
    """Microseconds of one window: from a request to `Windows`, to its vector, and with a waveform."""
    frame = synthetic_readings(rng, 1, 1, 10)
    wire = [*("v_a_v v_b_v v_c_v i_a_a i_b_a i_c_a p_a_w p_b_w p_c_w q_a_var q_b_var q_c_var f_hz".split())]
    wire += [*("v_ab_v v_bc_v v_ca_v v_min_a_v v_min_b_v v_min_c_v v_max_a_v v_max_b_v v_max_c_v".split())]
    wire += [*("thd_a_pct thd_b_pct thd_c_pct pst".split())]
    rows = Rows(
        frame[wire].to_numpy(),
        np.zeros(10, np.int8),
        START_S + np.arange(10.0),
        np.array([0, 10], np.int64),
    )
    window = windows_from_rows(rows, [NOMINALS])
    wave = _with_waveform(window, rng)
    return {
        "online_us": 1e6 * best_of(repeats, lambda: compute(window), 200),
        "online_build_us": 1e6 * best_of(repeats, lambda: windows_from_rows(rows, [NOMINALS]), 200),
        "online_waveform_us": 1e6 * best_of(repeats, lambda: compute(wave), 100),
    }


def _with_waveform(window: Windows, rng: np.random.Generator) -> Windows:
    rate_hz, count = 6400.0, 1280
    turn = 2.0 * np.pi * (50.01 * np.arange(count) / rate_hz - np.arange(3)[:, None] / 3.0)
    v = math.sqrt(2.0) * NOMINALS.v_nom_v * (np.sin(turn) + 0.02 * np.sin(5.0 * turn))
    noise = 1.0 + 1e-3 * rng.standard_normal((3, count))
    capture = Waveforms(np.zeros(1, np.int64), rate_hz, (v * noise)[None], (v * noise / 40.0)[None])
    columns = {name: getattr(window, name) for name in window.__slots__}
    return Windows(**(columns | {"waveforms": (capture,)}))


def run(quick: bool) -> dict[str, Any]:
    """Measure everything.

    Args:
        quick: Small data and few repeats: for a check, not for figures.
    """
    rng = np.random.default_rng(SEED)
    scale, repeats = (10, 3) if quick else (1, 15)
    _say("one window")
    online = _online(rng, 4 * repeats)
    _say(f"  {online['online_us']:.0f} µs")
    _say("batches")
    complete, with_gaps = _batch(rng, 60_000 // scale, repeats)
    _say(f"  {complete:,.0f} windows/s, {with_gaps:,.0f} with gaps")
    _say("against pandas: episodes and stride of the quick profile")
    sparse = _against_pandas(rng, 200 // scale, 20, 10, 3)
    _say(f"  pandas {sparse['pandas_windows_per_s']:,.0f} windows/s")
    _say("against pandas: long episodes, a window every second")
    dense = _against_pandas(rng, 1, 6_000 // scale, 1, 3)
    _say(f"  pandas {dense['pandas_windows_per_s']:,.0f} windows/s")
    pandas_rate = sparse["pandas_windows_per_s"]
    return {
        "features": len(NAMES),
        "pandas_features": int(sparse["pandas_features"]),
        "batch_windows_per_s": round(complete),
        "batch_with_gaps_windows_per_s": round(with_gaps),
        **{name: round(value, 1) for name, value in online.items()},
        "readings_windows_per_s": round(sparse["readings_windows_per_s"]),
        "pandas_windows_per_s": round(pandas_rate),
        "speedup_vs_pandas": round(complete / pandas_rate, 1),
        "speedup_from_readings": round(sparse["readings_windows_per_s"] / pandas_rate, 1),
        "episode_s": 20,
        "stride_s": 10,
        "dense": {
            "readings_windows_per_s": round(dense["readings_windows_per_s"]),
            "pandas_windows_per_s": round(dense["pandas_windows_per_s"]),
            "speedup_vs_pandas": round(complete / dense["pandas_windows_per_s"], 1),
            "speedup_from_readings": round(
                dense["readings_windows_per_s"] / dense["pandas_windows_per_s"], 1
            ),
        },
        "cores": 1,
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark and print its figures."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.features", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--quick", action="store_true", help="small data: a check, not a measurement")
    print(json.dumps(run(parser.parse_args(arguments).quick), allow_nan=False))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
