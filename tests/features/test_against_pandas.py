"""The benchmark's opponent computes the same features; the benchmark's figures are what its page says."""

import importlib
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from features import CATALOGUE
from features.build import Readings
from features.table import compute_all


@pytest.fixture
def benchmark(monkeypatch):
    """The benchmark's module; benchmarks are not packaged."""
    monkeypatch.syspath_prepend(str(Path(__file__).resolve().parents[2]))
    return importlib.import_module("benchmarks.features")


@pytest.mark.parametrize("grouped", [True, False])
def test_compute__same_readings_in_pandas__are_the_same_features(benchmark, rng, grouped):
    frame = benchmark.synthetic_readings(rng, episodes=3, points=2, seconds=25)
    readings = Readings.of(pa.Table.from_pandas(frame, preserve_index=False))
    index = readings.index(3)
    rows = compute_all(readings, index, dict.fromkeys(readings.points, benchmark.NOMINALS))
    theirs = benchmark.pandas_features(frame, benchmark.NOMINALS, 3, grouped=grouped)

    worst, size = benchmark.largest_difference(rows, theirs)
    assert size <= 1e-9, worst
    assert len(theirs) == len(index) == 6 * 6
    assert set(theirs.columns) == {feature.name for feature in CATALOGUE if feature.group != "harmonic"}


def test_largest_difference__one_value_off_or_missing__names_the_feature(benchmark, rng):
    frame = benchmark.synthetic_readings(rng, episodes=1, points=1, seconds=12)
    theirs = benchmark.pandas_features(frame, benchmark.NOMINALS, 1)
    readings = Readings.of(pa.Table.from_pandas(frame, preserve_index=False))
    rows = compute_all(readings, readings.index(1), dict.fromkeys(readings.points, benchmark.NOMINALS))
    for value in (1e-3, np.nan):
        changed = theirs.assign(lvur_pct=theirs["lvur_pct"] + value)
        worst, size = benchmark.largest_difference(rows, changed)
        assert worst == "lvur_pct"
        assert not size <= 1e-9


def test_main__quick__prints_one_json_object(benchmark, capsys):
    assert benchmark.main(["--quick"]) == 0
    figures = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert figures["features"] >= 80
    for name in (
        "batch_windows_per_s",
        "online_us",
        "pandas_windows_per_s",
        "speedup_vs_pandas",
        "captures_per_s",
    ):
        assert figures[name] > 0
