"""A mapping proposed from a COMTRADE record's channels."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from ingestion.errors import IngestionError
from ingestion.guessing import LEVELS_KV
from ingestion.records import ENCODINGS, Channel, Record, pairs, read_record, triples
from ingestion.waveform import phasors

Triple = tuple[Channel, Channel, Channel]


def propose_records(path: Path, substation: str) -> str:
    """A mapping's text.

    Raises:
        IngestionError: The record cannot be read.
    """
    config, data = pairs([path])[0]
    record, encoding = _read(config, data)
    volts = [triple for triple in triples(record, "V") if _line_v(record, triple) >= 1.0]
    amps = list(triples(record, "A"))
    if not volts and not amps:
        raise IngestionError(
            f"{config}: no three channels in volts or amperes stand together", "write the mapping by hand"
        )
    lines = [
        f"# Proposed from {config.name}. Read it, correct it, then ingest with it. CHECK marks guesses.",
        "table: waveforms",
        f"substation: {substation}",
        "# CHECK: the zone in which the recorder's clock runs, an IANA name; a record does not say.",
        "time_zone: null",
        f"frequency_hz: {record.frequency_hz:g}  # the record says so",
        "file:",
        "  format: comtrade",
        f"  encoding: {encoding}  # the first of {', '.join(ENCODINGS)} that reads it",
        "points:",
    ]
    for number, triple in enumerate(volts or [None], start=1):
        current = (
            amps[number - 1] if number <= len(amps) and (len(amps) == len(volts) or number == 1) else None
        )
        lines += _point(record, f"{'bus' if triple else 'bay'}_{number}", triple, current)
    taken = amps[: len(volts) if len(amps) == len(volts) else 1]
    used = {channel.place for triple in (*volts, *taken) for channel in triple}
    left = [channel for channel in record.channels if channel.place not in used]
    if left:
        lines.append("# Channels that are not taken; name one by its number, as '#5':")
        lines += [f"#   #{channel.place} {channel.name} ({channel.phase} {channel.unit})" for channel in left]
    lines.append("accept: []  # findings that are known and shall not stop the ingestion")
    return "\n".join(lines) + "\n"


def _read(config: Path, data: Path | None) -> tuple[Record, str]:
    for encoding in ENCODINGS[:-1]:
        try:
            return read_record(config, data, encoding), encoding
        except IngestionError as error:
            if not isinstance(error.__cause__, UnicodeDecodeError):
                raise
    return read_record(config, data, ENCODINGS[-1]), ENCODINGS[-1]


def _point(record: Record, name: str, volts: Triple | None, amps: Triple | None) -> list[str]:
    lines = [f"  {name}:"]
    if volts is not None:
        level, why = _level(record, volts)
        lines.append(f"    nominal_kv: {level:g}  # {why}")
    lines.append("    columns:")
    for pattern, triple in (("v_{}_v", volts), ("i_{}_a", amps)):
        for letter, channel in zip("abc", triple or (), strict=False):
            parts = [f"from: {json.dumps(f'#{channel.place}')}", f"unit: {channel.unit}"]
            if channel.ratio != 1.0:
                parts.append(f"ratio: {channel.ratio:.10g}")
            told = f"{channel.name}, phase {channel.phase or 'not stated'}"
            told += ", a secondary value" if channel.ratio != 1.0 else ""
            lines.append(f"      {pattern.format(letter)}: {{{', '.join(parts)}}}  # {told}")
    return lines


def _line_v(record: Record, volts: Triple) -> float:
    """Line-to-line voltage of the first cycles, V; 0 where the record has no waveform."""
    if not record.sections:
        return 0.0
    section = record.sections[0]
    scale = np.array([channel.ratio * (1e3 if channel.unit == "kV" else 1.0) for channel in volts])
    places = [channel.place - 1 for channel in volts]
    samples = record.values[places, section.first : section.first + section.count] * scale[:, None]
    sizes = np.abs(phasors(samples, section.rate_hz, record.frequency_hz))
    line: float = float(np.nan_to_num(np.median(sizes))) * 3.0**0.5
    return line


def _level(record: Record, volts: Triple) -> tuple[float, str]:
    line = _line_v(record, volts)
    level = min(LEVELS_KV, key=lambda kv: abs(np.log(kv * 1e3 / line)))
    return level, f"CHECK: {line / 1e3:.4g} kV line to line in the first cycles"
