"""Speed of the features: `python -m benchmarks.features [--quick]`.

One thread. Rates are the best of several repeats: a busy machine slows both sides, the best shows what the
code needs. Progress goes to stderr; the last line of stdout is one JSON object:

- `features`: features in the catalogue; `pandas_features` of them need no waveform and are computed by
  pandas, too, and checked to be equal to 1e-9.
- `batch_windows_per_s`: windows a second of `features.compute`.
- `batch_with_gaps_windows_per_s`: the same with 1 % of the readings missing and two channels absent.
- `online_us`: from one `Windows` to its vector, µs; `online_build_us`: from one packed request to that
  `Windows`; `online_waveform_us`: `online_us` with a 10-cycle waveform of 1,280 samples in six channels;
  `capture_us`: the harmonic features of that waveform alone.
- `captures_per_s`: harmonic features of such waveforms, many at a time.
- `readings_windows_per_s`: from arrays of readings, cutting windows included, as training does it.
- `pandas_windows_per_s`: the same windows of the same readings with `groupby(...).rolling(...)`.
- `speedup_vs_pandas`: `batch_windows_per_s` over `pandas_windows_per_s`; `speedup_from_readings`:
  `readings_windows_per_s` over it.
- `fastest_pandas_windows_per_s`, `speedup_vs_fastest_pandas`: pandas rolling over all rows as if they were
  one series, dropping the windows that cross a boundary.
- `run_s`, `stride_s`: seconds of one unbroken run of readings, and between the ends of its windows. Pandas
  computes every second and keeps what is wanted, numpy only what is wanted.
- `every_second`: the same rates at a stride of one second, where pandas wastes nothing.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from benchmarks.pandas_features import pandas_features
from data_contracts.wire.rows import CHANNELS, Rows
from features import INDEX, NAMES, PointNominals, compute
from features import channels as ch
from features.build import Readings
from features.groups.harmonics import harmonic_features
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
    """Complete readings of a 33 kV bay: noise, a slow swing and a little unbalance around a loaded state."""
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
    """The feature that differs most between the two sides, and by how much (relative above 1)."""
    worst, size = "", 0.0
    for name in theirs.columns:
        a, b = ours[:, INDEX[name]], theirs[name].to_numpy()
        difference = float(np.max(np.abs(a - b) / np.maximum(1.0, np.abs(b))))
        if math.isnan(difference):
            return name, difference
        if difference > size:
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
    rng: np.random.Generator, runs: int, seconds: int, stride_s: int, repeats: int
) -> dict[str, float]:
    """Rates from readings of both sides, checked to give the same features."""
    frame = synthetic_readings(rng, runs, 5, seconds)
    readings = Readings.of(pa.Table.from_pandas(frame, preserve_index=False))
    index = readings.index(stride_s)
    nominals = dict.fromkeys(readings.points, NOMINALS)
    ours = compute_all(readings, index, nominals)
    rates = {"readings_windows_per_s": 0.0}
    columns = 0

    def by_pandas(grouped: bool) -> pd.DataFrame:
        return pandas_features(frame, NOMINALS, stride_s, grouped=grouped)

    for name, grouped in (("pandas_windows_per_s", True), ("fastest_pandas_windows_per_s", False)):
        theirs = by_pandas(grouped)
        worst, size = largest_difference(ours, theirs)
        if not size <= TOLERANCE or len(theirs) != len(index):
            raise SystemExit(f"pandas and numpy differ in {worst} by {size:.1e}")
        columns = theirs.shape[1]
        seconds_taken = best_of(repeats, partial(by_pandas, grouped))
        rates[name] = len(index) / seconds_taken
        _say(f"  {len(index)} windows, {rates[name]:,.0f} windows/s; largest difference {size:.1e} ({worst})")
    ours_s = best_of(3 * repeats, lambda: compute_all(readings, readings.index(stride_s), nominals))
    return rates | {"readings_windows_per_s": len(index) / ours_s, "pandas_features": float(columns)}


def _batch(rng: np.random.Generator, count: int, repeats: int) -> tuple[float, float]:
    """Windows a second of `compute`: complete windows, and windows with gaps."""
    frame = synthetic_readings(rng, 1, 1, count + 9)
    readings = Readings.of(pa.Table.from_pandas(frame, preserve_index=False))
    index = readings.index(1)
    windows = readings.windows(index, {readings.points[0]: NOMINALS})
    complete = len(windows) / best_of(repeats, lambda: compute(windows))
    readings.values[:, rng.random(readings.t_ms.shape[0]) < 0.01] = np.nan
    readings.values[[ch.THD.start, ch.PST]] = np.nan
    with_gaps = readings.windows(index, {readings.points[0]: NOMINALS})
    return complete, len(windows) / best_of(repeats, lambda: compute(with_gaps))


def _online(rng: np.random.Generator, repeats: int) -> dict[str, float]:
    """Microseconds of one window: from a request to `Windows`, to its vector, and with a waveform."""
    frame = synthetic_readings(rng, 1, 1, 10)
    values = np.empty((10, ch.CHANNELS))
    for name, places in ch.CHANNEL_ROWS.items():
        source = ch.COLUMNS[places] if isinstance(places, slice) else (ch.COLUMNS[places],)
        values[:, CHANNELS[name]] = frame[list(source)].to_numpy()
    rows = Rows(values, np.zeros(10, np.int8), START_S + np.arange(10.0), np.array([0, 10], np.int64))
    window = windows_from_rows(rows, [NOMINALS])
    capture, captures = _waveforms(1, rng), _waveforms(512, rng)
    wave = replace(window, waveforms=(capture,))
    return {
        "online_us": 1e6 * best_of(repeats, lambda: compute(window), 200),
        "online_build_us": 1e6 * best_of(repeats, lambda: windows_from_rows(rows, [NOMINALS]), 200),
        "online_waveform_us": 1e6 * best_of(repeats, lambda: compute(wave), 100),
        "capture_us": 1e6 * best_of(repeats, lambda: _content(capture), 100),
        "captures_per_s": 512 / best_of(repeats // 8 + 1, lambda: _content(captures)),
    }


def _waveforms(count: int, rng: np.random.Generator) -> Waveforms:
    """Ten cycles near 50 Hz with a fifth harmonic and noise, one capture a window."""
    rate_hz, samples = 6400.0, 1280
    f_hz = 50.0 + 0.1 * rng.standard_normal((count, 1, 1))
    turn = 2.0 * np.pi * (f_hz * np.arange(samples) / rate_hz - np.arange(3)[:, None] / 3.0)
    wave = math.sqrt(2.0) * (np.sin(turn) + 0.02 * np.sin(5.0 * turn))
    wave += 1e-3 * rng.standard_normal(wave.shape)
    return Waveforms(np.arange(count), rate_hz, NOMINALS.v_nom_v * wave, 420.0 * wave)


@np.errstate(divide="ignore", invalid="ignore")
def _content(waveforms: Waveforms) -> np.ndarray:
    bases = (NOMINALS.f_nom_hz, NOMINALS.v_nom_v, NOMINALS.i_rated_a)
    return harmonic_features(waveforms, *(np.full(len(waveforms.rows), base) for base in bases))


def run(quick: bool) -> dict[str, Any]:
    """Measure everything.

    Args:
        quick: Small data and few repeats: for a check, not for figures.
    """
    rng = np.random.default_rng(SEED)
    scale, repeats = (10, 2) if quick else (1, 15)
    _say("one window")
    online = _online(rng, 8 * repeats)
    _say(f"  {online['online_us']:.0f} µs")
    _say("batches")
    complete, with_gaps = _batch(rng, 8_192 // scale, 8 * repeats)
    _say(f"  {complete:,.0f} windows/s, {with_gaps:,.0f} with gaps")
    _say("pandas, a window every ten seconds")
    sparse = _against_pandas(rng, 20 // scale, 600, 10, repeats // 3 + 1)
    _say("pandas, a window every second")
    dense = _against_pandas(rng, 1, 6_000 // scale, 1, repeats // 3 + 1)
    return {
        "features": len(NAMES),
        "pandas_features": int(sparse["pandas_features"]),
        "batch_windows_per_s": round(complete),
        "batch_with_gaps_windows_per_s": round(with_gaps),
        **{name: round(value, 1) for name, value in online.items()},
        **_rates(complete, sparse),
        "run_s": 600,
        "stride_s": 10,
        "every_second": _rates(complete, dense),
        "threads": 1,
    }


def _rates(batch: float, found: dict[str, float]) -> dict[str, float]:
    pandas_rate, fastest, readings = (
        found[f"{side}_windows_per_s"] for side in ("pandas", "fastest_pandas", "readings")
    )
    return {
        "readings_windows_per_s": round(readings),
        "pandas_windows_per_s": round(pandas_rate),
        "fastest_pandas_windows_per_s": round(fastest),
        "speedup_vs_pandas": round(batch / pandas_rate, 1),
        "speedup_vs_fastest_pandas": round(batch / fastest, 1),
        "speedup_from_readings": round(readings / pandas_rate, 1),
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark and print its figures."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.features", description="Speed of the features."
    )
    parser.add_argument("--quick", action="store_true", help="small data: a check, not a measurement")
    print(json.dumps(run(parser.parse_args(arguments).quick), allow_nan=False))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
