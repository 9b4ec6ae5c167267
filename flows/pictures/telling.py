"""Which episodes tell most: for each event of a scenario kind one episode at one point."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from data_contracts.dataset import kind_of
from data_contracts.tables.readings_truth import INSTRUMENT_EVENTS, OPERATING_EVENTS
from flows.pictures.source import LOOKED_THROUGH, Source
from flows.pictures.waveform import most_distorted

# The severity at which an event is plainest: beyond, the other phases and the time before it look flat.
PLAIN_SEVERITY = 100.0
# Events of which a part of the episode shows how it was without them are preferred.
MOSTLY = 0.85


@dataclass(frozen=True, slots=True)
class Shown:
    """An episode at a point: its place, and what the truth calls it (empty where nothing happens)."""

    kind: str
    event: str
    file: str
    scenario_id: str
    point: str
    severity: float


def plainest(source: Source, kind: str) -> list[Shown]:
    """For each event of a kind the episode and point at which it shows best; the plainest event first."""
    import pyarrow.compute as pc

    files = [file.name for file in source.dataset.files("readings", [kind])][:LOOKED_THROUGH]
    rows = source.episodes.filter(pc.field("file").isin(files))
    usable = {name for name, row in source.scenarios.items() if row["kind"] == kind and row["status"] == "ok"}
    measures = {point.id: point.measures for point in source.substation.points if point.kind != "system"}
    best: dict[str, tuple[float, Shown]] = {}
    for row in rows.to_pylist():
        if row["scenario_id"] not in usable or row["point"] not in measures:
            continue
        shown = Shown(
            kind,
            "" if row["event"] == "none" else row["event"],
            row["file"],
            row["scenario_id"],
            row["point"],
            float(row["severity"] or 0.0),
        )
        plain = _plainness(shown, row["active_s"] / row["seconds"], measures[row["point"]])
        if shown.event not in best or plain > best[shown.event][0]:
            best[shown.event] = (plain, shown)
    if len(best) > 1:
        best.pop("", None)
    if set(best) == {""} and kind in source.kinds("waveforms"):
        return _as_captured(source, kind) or [best[""][1]]
    # What the kind is named after comes first, what it is not about last.
    ordered = sorted(best.values(), key=lambda pair: (pair[1].event != kind, _is_aside(pair[1]), -pair[0]))
    return [shown for _, shown in ordered]


def _is_aside(shown: Shown) -> bool:
    if shown.kind == "instrument":
        return shown.event not in INSTRUMENT_EVENTS
    # A chart of voltages tells least of what they do not show.
    return shown.event in OPERATING_EVENTS


def _as_captured(source: Source, kind: str) -> list[Shown]:
    """The episode and point of the capture that the section on waveforms shows."""
    found = most_distorted(source)
    if found is None or kind_of(found.file) != kind:
        return []
    return [Shown(kind, "", found.file, found.capture["scenario_id"], found.capture["point"], 0.0)]


def _plainness(shown: Shown, active_share: float, measures: tuple[str, ...]) -> float:
    if not shown.event:
        return float("thd" in measures)
    # Strength counts until it is plain; then what surrounds the event, and extremes that the meter has.
    beyond = np.log(max(shown.severity / PLAIN_SEVERITY, 1.0))
    strength = np.log1p(shown.severity) - 2.0 * beyond
    return float(strength + 2.0 * (0.0 < active_share < MOSTLY) + 1.0 * ("v_min" in measures))
