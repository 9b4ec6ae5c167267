"""What the point's meter has logged of the sags and swells of an interval of the table `power_quality`.

The table says what truly happened. A gateway sends what a meter of class S logs (IEC 61000-4-30): the extreme
within 1 % of nominal, in which the instrument transformers' errors are taken to be, the duration within a
cycle. What it takes for less than the threshold is not logged; a voltage that truly stays just above it may
be.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data_contracts.dataset import Dataset
from data_contracts.quality_index import SAG_PU, SWELL_PU
from features.context import interval_events
from models import columns
from switchyard.identity import generator

Float = NDArray[np.float64]

TABLE = "power_quality"
COLUMNS = ("scenario_id", "point", "t", "u_min_pu", "u_max_pu", "event_s", "swells")
"""What `logged` reads of the table."""

KINDS = ("sag", "swell")
"""Columns of `Logged`."""

# Errors: the extreme's, of which three standard deviations are the class, and the duration's at most.
_CLASS_PU, _CYCLE_S = 0.01, 0.02
_SPREAD_PU = _CLASS_PU / 3.0
_STEP_PCT, _STEP_MS = 0.01, 0.1


@dataclass(frozen=True, slots=True)
class Logged:
    """Events of n intervals: a sag in the first column, a swell in the second.

    Attributes:
        at_s: When each began, Unix seconds; infinite where there was none, float64 [n, 2].
        depth_pct: Departure from nominal, %, 0 where there was none, float64 [n, 2].
        duration_ms: How long it lasted, ms, likewise.
    """

    at_s: Float
    depth_pct: Float
    duration_ms: Float

    def features(self, rows: NDArray[np.int64], t_end: Float) -> Float:
        """Features of `interval_events` of windows.

        Args:
            rows: Interval of each window, [m].
            t_end: Unix second of its last reading, [m].
        """
        ended = self.at_s[rows] + self.duration_ms[rows] / 1e3
        # An event is logged when it is over; a reading's second ends one after its time.
        age = np.where(
            ended <= t_end[:, None] + 1.0, np.maximum(t_end[:, None] - self.at_s[rows], 0.0), np.inf
        )
        sag = np.broadcast_to(np.array(KINDS) == "sag", age.shape)
        return interval_events.compute(age, self.depth_pct[rows], self.duration_ms[rows], sag)

    def told(self, row: int) -> list[tuple[str, float, float, float]]:
        """Kind, Unix second, departure in % and duration in ms of what was logged in one interval."""
        return [
            (kind, float(self.at_s[row, k]), float(self.depth_pct[row, k]), float(self.duration_ms[row, k]))
            for k, kind in enumerate(KINDS)
            if np.isfinite(self.at_s[row, k])
        ]


def logged(dataset: Dataset) -> Logged:
    """Events of every interval of the table, in its order.

    The errors of one interval at one point are drawn by their names alone.
    """
    table = dataset.read(TABLE, columns=COLUMNS)
    scenario, point = columns.names(table, "scenario_id"), columns.names(table, "point")
    low, high, lasting, swells = (columns.floats(table, name) for name in COLUMNS[3:])
    start = columns.seconds(table).astype(np.float64) + _offsets(dataset, scenario.texts)[scenario.codes]
    n = low.size
    found = Logged(np.full((n, 2), np.inf), np.zeros((n, 2)), np.zeros((n, 2)))
    for row in np.flatnonzero((low < SAG_PU + _CLASS_PU) | (swells > 0)):
        rng = generator(scenario.texts[scenario.codes[row]], point.texts[point.codes[row]], "events")
        error = np.clip(_SPREAD_PU * rng.standard_normal(2), -_CLASS_PU, _CLASS_PU)
        duration_ms = 1e3 * max(lasting[row] + rng.uniform(-_CYCLE_S, _CYCLE_S), _CYCLE_S)
        extremes = (low[row] + error[0], high[row] + error[1])
        seen = (extremes[0] < SAG_PU, swells[row] > 0 and extremes[1] > SWELL_PU)
        for kind, (extreme, is_seen) in enumerate(zip(extremes, seen, strict=True)):
            if is_seen:
                found.at_s[row, kind] = start[row]
                found.depth_pct[row, kind] = _rounded(100.0 * abs(extreme - 1.0), _STEP_PCT)
                found.duration_ms[row, kind] = _rounded(duration_ms, _STEP_MS)
    return found


def _offsets(dataset: Dataset, scenarios: Sequence[str]) -> Float:
    """Seconds from each interval's beginning to what happens in it, 0 where nothing is said to."""
    import pyarrow as pa
    import pyarrow.compute as pc

    table = dataset.read("scenarios", columns=["scenario_id", "parameters"])
    wanted = table.filter(pc.is_in(table["scenario_id"], pa.array(scenarios, table["scenario_id"].type)))
    starts = {
        row["scenario_id"]: float(json.loads(row["parameters"]).get("start_s", 0.0))
        for row in wanted.to_pylist()
    }
    return np.array([starts.get(name, 0.0) for name in scenarios])


def _rounded(value: float, step: float) -> float:
    return float(np.rint(value / step) * step)
