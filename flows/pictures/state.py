"""One state of the station to draw: the means of an episode's readings, and its switching."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from math import sqrt

import numpy as np

from data_contracts.ranges import INVALID
from flows.pictures.source import LOOKED_THROUGH, Source
from models import columns
from substations.description import Point, Substation

KIND = "normal"
_MEANS = {"v_{}_v": 3.0, "i_{}_a": 3.0, "p_{}_w": 1e6, "q_{}_var": 1e6}


@dataclass(frozen=True, slots=True)
class Measured:
    """Means at one point over the episode: of the three phases, or their sum for powers."""

    v_kv: float
    i_a: float
    p_mw: float
    q_mvar: float


@dataclass(frozen=True, slots=True)
class State:
    """A normal episode as one state.

    Attributes:
        scenario_id: The episode.
        start: When it begins, by the station's clock.
        seconds: How long it is.
        at: Means by measurement point.
        taps: Position of each tap changer by transformer.
        steps: Steps in service by capacitor bank.
    """

    scenario_id: str
    start: datetime
    seconds: int
    at: Mapping[str, Measured]
    taps: Mapping[str, int]
    steps: Mapping[str, int]


def rated_current_a(substation: Substation, point: Point) -> float:
    """Rated current of what a point watches: of a transformer's winding at that bus, or of the bay."""
    for transformer in substation.transformers:
        if transformer.element == point.element:
            winding = transformer.windings[point.terminal - 1]
            return 1000.0 * winding.rated_mva / (sqrt(3.0) * winding.nominal_kv)
    return point.rated_a


def heaviest(source: Source) -> State | None:
    """The normal episode whose feeders carry most, by the mean of their loadings; None without readings."""
    rated = {
        point.id: rated_current_a(source.substation, point)
        for point in source.substation.points
        if point.kind == "feeder"
    }
    best, found, place = -1.0, None, ""
    for file in source.dataset.files("readings", [KIND])[:LOOKED_THROUGH] if source.has("readings") else ():
        for scenario_id, at in _means(source, file.name).items():
            shares = [at[point].i_a / amps for point, amps in rated.items() if point in at]
            share = float(np.mean(shares)) if shares else -1.0
            if share > best and source.scenarios.get(scenario_id, {}).get("status") == "ok":
                best, found, place = share, (scenario_id, at), file.name
    return None if found is None else _state(source, place, *found)


def _means(source: Source, file: str) -> dict[str, dict[str, Measured]]:
    """Means of every episode of a part, by point."""
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    values = [pattern.format(phase) for pattern in _MEANS for phase in "abc"]
    rows = pq.read_table(
        source.dataset.path / "readings" / file,
        columns=["scenario_id", "point", *values],
        filters=pc.field("quality") != INVALID,
        partitioning=None,
    )
    part = rows.group_by(["scenario_id", "point"], use_threads=False).aggregate(
        [(name, "mean") for name in values]
    )
    sums = {
        pattern: np.sum([columns.floats(part, f"{pattern.format(phase)}_mean") for phase in "abc"], axis=0)
        / divisor
        for pattern, divisor in _MEANS.items()
    }
    found: dict[str, dict[str, Measured]] = {}
    names = zip(part["scenario_id"].to_pylist(), part["point"].to_pylist(), strict=True)
    for at, (scenario_id, point) in enumerate(names):
        v, i, p, q = (float(sums[pattern][at]) for pattern in _MEANS)
        if np.isfinite([v, i, p, q]).all():
            found.setdefault(str(scenario_id), {})[str(point)] = Measured(sqrt(3.0) * v / 1000.0, i, p, q)
    return found


def _state(source: Source, file: str, scenario_id: str, at: Mapping[str, Measured]) -> State:
    row = source.scenarios[scenario_id]
    taps, steps = "", ""
    if source.has("readings_truth"):
        last = source.episode_rows("readings_truth", file, scenario_id).slice(0, 1).to_pylist()
        taps, steps = (str(last[0][name] or "") for name in ("taps", "capacitor_steps")) if last else ("", "")
    return State(
        scenario_id=scenario_id,
        start=source.local(row["t_start"]),
        seconds=int(row["seconds"]),
        at=at,
        taps=_positions(taps),
        steps=_positions(steps),
    )


def _positions(text: str) -> dict[str, int]:
    """`AT1:8,AT2:9` as a mapping."""
    pairs = (entry.rpartition(":") for entry in text.split(",") if ":" in entry)
    return {name: int(position) for name, _, position in pairs}
