"""What a sample of a series' rows shows, by its table."""

from __future__ import annotations

from collections.abc import Iterator

from ingestion.findings import levels
from ingestion.findings.finding import Finding, Sampled
from ingestion.findings.powers import of_powers
from ingestion.following import Sample
from ingestion.mapping import Mapping, Point


def of_series(mapping: Mapping, series: str, sample: Sample) -> Iterator[Finding]:
    """What a sample of one series' rows shows."""
    columns, sampled = mapping.columns_of(series), Sampled(series, sample)
    for name, source in columns.items():
        yield from levels.of_header(mapping, series, name, source)
    point = mapping.points[series] if mapping.pointed else Point()
    if mapping.table == "load":
        yield from levels.of_load(sampled, point, columns)
    if mapping.table == "readings":
        yield from levels.of_voltages(sampled, point, columns)
        yield from of_powers(sampled)
    if mapping.table in ("frequency", "readings"):
        yield from levels.of_frequency(sampled, mapping, columns)
    yield from levels.of_warmth(sampled)
