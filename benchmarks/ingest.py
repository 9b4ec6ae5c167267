"""How fast a long CSV file becomes a dataset, and how much memory that takes.

`python -m benchmarks.ingest [--megabytes 256] [--folder <folder>]` writes the load of a feeder, one row a
second, with a few faults, and a file of a quarter of its length, and runs `switchyard ingest` on both as a
user does, each in a process of its own. Progress goes to standard error; the last line of stdout is one JSON
object:

- `megabytes`, `rows`: of the file; `rejected`: rows with a fault, by the rule that found them. Where rows,
  rejected rows or rows of the dataset are not what was written, the exit code is 1.
- `seconds`, `cpu_s`, `mb_per_s`, `rows_per_s`: of the whole command, by the clock but for `cpu_s`.
- `peak_mb`, `quarter_peak_mb`: largest memory of the process, and of the one that read a quarter.
- `plain_seconds`, `plain_cpu_s`, `plain_mb_per_s`: PyArrow reads the same file block by block on one thread,
  and does nothing else with it; `times_plain_cpu`: processor time of the command in multiples of that.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pc

from data_contracts.dataset import Dataset
from ingestion.files import BLOCK_BYTES
from switchyard.home import Home

BATCH_ROWS = 200_000
START_S = 1_704_067_200
FAULT_EVERY = 100_003
"""One row of so many holds a fault; a prime, so that faults fall on all places of a block."""

FAULTS = ("not a number", "beyond the rating", "the time of the row before")
RULES = ("p_w.unreadable", "load_range", "unique_key")
SEED = 20240101
MEGABYTE = 1_000_000
DATASET = "measured"

MAPPING = """\
table: load
substation: bench
time_zone: Europe/Berlin
time: {columns: [time], zone: offset, step_s: 1}
points:
  feeder:
    rated_mva: 10
    columns:
      p_w: {from: load_kw, unit: kW}
      q_var: {from: reactive_kvar, unit: kvar}
columns:
  ambient_c: {from: temperature_c, unit: °C}
"""


@dataclass(frozen=True, slots=True)
class Written:
    """A file: its rows, and how many of them break each rule."""

    path: Path
    rows: int
    rejected: dict[str, int]

    @property
    def megabytes(self) -> float:
        """Its length."""
        return self.path.stat().st_size / MEGABYTE


@dataclass(frozen=True, slots=True)
class Taken:
    """What a command took, and what it printed."""

    seconds: float
    cpu_s: float
    peak_mb: float
    printed: dict[str, Any]


def say(text: str) -> None:
    """A line of progress."""
    print(text, file=sys.stderr, flush=True)


def write(path: Path, megabytes: float) -> Written:
    """Write a file of about so many megabytes."""
    rng = np.random.default_rng(SEED)
    rejected = dict.fromkeys(RULES, 0)
    rows = faults = 0
    with path.open("wb") as handle:
        while handle.tell() < megabytes * MEGABYTE:
            at = rows + np.arange(BATCH_ROWS)
            second = START_S + at
            load = np.round(5_000.0 + 2_000.0 * np.sin(at / 7_200.0) + 50.0 * rng.standard_normal(at.size), 2)
            written = load.astype(str).astype(object)
            for place in np.flatnonzero(at % FAULT_EVERY == FAULT_EVERY - 1).tolist():
                kind = faults % len(FAULTS)
                if kind == 0:
                    written[place] = "fault"
                elif kind == 1:
                    written[place] = "123456.78"
                else:
                    second[place] -= 1
                rejected[RULES[kind]] += 1
                faults += 1
            table = pa.table(
                {
                    "time": pa.array(second).cast(pa.timestamp("s", tz="UTC")).cast(pa.string()),
                    "load_kw": pa.array(written, pa.string()),
                    "reactive_kvar": pa.array(np.round(0.3 * load, 1)),
                    "temperature_c": pa.array(np.round(10.0 + 8.0 * np.sin(at / 13_751.0), 1)),
                }
            )
            options = pc.WriteOptions(include_header=rows == 0, quoting_style="none")
            pc.write_csv(table, handle, options)
            rows += at.size
    return Written(path, rows, rejected)


def command(arguments: list[str], home: Path) -> Taken:
    """Run `switchyard` in a process of its own.

    Raises:
        SystemExit: It failed.
    """
    printed = home.with_suffix(".json")
    program = [sys.executable, "-c", "from switchyard.cli import main; main()", *arguments, "--json"]
    environment = {**os.environ, "SWITCHYARD_HOME": str(home), "OMP_NUM_THREADS": "1"}
    begin = time.perf_counter()
    with printed.open("wb") as handle:
        child = os.posix_spawn(
            sys.executable, program, environment, file_actions=[(os.POSIX_SPAWN_DUP2, handle.fileno(), 1)]
        )
        _, status, used = os.wait4(child, 0)
    seconds = time.perf_counter() - begin
    if code := os.waitstatus_to_exitcode(status):
        raise SystemExit(f"switchyard {' '.join(arguments)} ended with {code}")
    # Linux counts kilobytes, macOS bytes.
    unit = 1.0 if sys.platform == "darwin" else 1_024.0
    return Taken(
        seconds,
        used.ru_utime + used.ru_stime,
        used.ru_maxrss * unit / MEGABYTE,
        json.loads(printed.read_bytes()),
    )


def ingest(file: Written, mapping: Path, home: Path) -> Taken:
    """Ingest a file and see that every row is where it belongs.

    Raises:
        SystemExit: The command failed, or rows are not what was written.
    """
    say(f"ingesting {file.megabytes:,.0f} MB, {file.rows:,} rows")
    taken = command(
        ["ingest", str(file.path), "--table", "load", "--mapping", str(mapping), "--dataset", DATASET], home
    )
    found = taken.printed
    told = {
        "rows": found["rows"],
        "rejected": {one["rule"]: one["rows"] for one in found["rejected"]},
        "dataset": Dataset.open(Home(home).dataset(DATASET)).manifest.tables["load"].rows,
    }
    right = {
        "rows": file.rows,
        "rejected": {rule: rows for rule, rows in file.rejected.items() if rows},
        "dataset": file.rows - sum(file.rejected.values()),
    }
    if told != right:
        raise SystemExit(f"{file.path.name}: {right} was written, and {told} was found")
    say(f"  {taken.seconds:.1f} s, {taken.cpu_s:.1f} s of processor time, {taken.peak_mb:.0f} MB at most")
    return taken


def plain(file: Written) -> tuple[float, float]:
    """Seconds and processor seconds in which PyArrow reads a file block by block on one thread."""
    say("reading it and doing nothing else")
    begin, cpu = time.perf_counter(), time.process_time()
    reader = pc.open_csv(
        file.path,
        read_options=pc.ReadOptions(use_threads=False, block_size=BLOCK_BYTES),
        convert_options=pc.ConvertOptions(column_types={"load_kw": pa.string()}),
    )
    rows = sum(batch.num_rows for batch in reader)
    seconds, cpu_s = time.perf_counter() - begin, time.process_time() - cpu
    if rows != file.rows:
        raise SystemExit(f"{file.path.name}: {file.rows} rows were written, and PyArrow reads {rows}")
    return seconds, cpu_s


def measure(megabytes: float, folder: Path) -> dict[str, Any]:
    """Measure once.

    Args:
        megabytes: Length of the file.
        folder: Where files and datasets are made; they stay there.
    """
    mapping = folder / "bench.yaml"
    mapping.write_text(MAPPING, encoding="utf-8")
    say("writing the files")
    quarter = write(folder / "quarter.csv", megabytes / 4.0)
    less = ingest(quarter, mapping, folder / "quarter")
    quarter.path.unlink()
    whole = write(folder / "whole.csv", megabytes)
    taken = ingest(whole, mapping, folder / "whole")
    plain_seconds, plain_cpu_s = plain(whole)
    return {
        "megabytes": round(whole.megabytes, 1),
        "rows": whole.rows,
        "rejected": whole.rejected,
        "seconds": round(taken.seconds, 2),
        "cpu_s": round(taken.cpu_s, 2),
        "mb_per_s": round(whole.megabytes / taken.seconds, 2),
        "rows_per_s": round(whole.rows / taken.seconds),
        "peak_mb": round(taken.peak_mb, 1),
        "quarter_peak_mb": round(less.peak_mb, 1),
        "plain_seconds": round(plain_seconds, 2),
        "plain_cpu_s": round(plain_cpu_s, 2),
        "plain_mb_per_s": round(whole.megabytes / plain_seconds, 2),
        "times_plain_cpu": round(taken.cpu_s / plain_cpu_s, 1),
    }


def main() -> None:
    """Measure and print the JSON line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.ingest", description=str(__doc__).partition("\n")[0]
    )
    parser.add_argument("--megabytes", type=float, default=256.0, help="length of the file")
    parser.add_argument("--folder", type=Path, help="where to work; three times the file's length is needed")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=asked.folder) as name:
        print(json.dumps(measure(asked.megabytes, Path(name)), allow_nan=False, sort_keys=True))


if __name__ == "__main__":
    main()
