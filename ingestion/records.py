"""COMTRADE records (IEEE C37.111, IEC 60255-24) become rows of `waveforms`."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_contracts.columns import PHASES
from data_contracts.ranges import WAVEFORM_RATE_HZ
from ingestion.errors import IngestionError

Floats = NDArray[np.float64]

ENCODINGS = ("utf-8", "gb18030", "latin-1")
"""Tried in this order for a proposal; the last one reads everything."""

UNITS = {"volt": "V", "volts": "V", "v": "V", "kv": "kV", "ampere": "A", "amp": "A", "a": "A", "ka": "kA"}


@dataclass(frozen=True, slots=True)
class Channel:
    """An analogue channel: its place from 1, name, phase, unit and primary over secondary."""

    place: int
    name: str
    phase: str
    unit: str
    ratio: float


@dataclass(frozen=True, slots=True)
class Section:
    """Samples of one rate: the first one's place and time, s from the record's beginning, and how many."""

    first: int
    count: int
    rate_hz: float
    start_s: float


@dataclass(frozen=True, slots=True)
class Record:
    """A record.

    Attributes:
        file: Name of its configuration file.
        start_ms: Wall clock of its first sample, Unix ms.
        frequency_hz: Frequency that it states.
        channels: Its analogue channels.
        values: Their samples in the unit of each channel, shape [channels, n].
        sections: Samples by rate, fast enough for a waveform.
        slow: The others, that hold no waveform.
    """

    file: str
    start_ms: int
    frequency_hz: float
    channels: tuple[Channel, ...]
    values: Floats
    sections: tuple[Section, ...]
    slow: tuple[Section, ...]

    def channel(self, wanted: str) -> int:
        """Place in `channels` of one by its name, or by its number as `#5`.

        Raises:
            IngestionError: There is none, or more than one of this name.
        """
        if wanted.startswith("#") and wanted[1:].isdecimal():
            found = [k for k, channel in enumerate(self.channels) if channel.place == int(wanted[1:])]
        else:
            found = [k for k, channel in enumerate(self.channels) if channel.name == wanted]
        if len(found) == 1:
            return found[0]
        known = ", ".join(f"#{channel.place} {channel.name}" for channel in self.channels[:24])
        trouble = "there is no channel" if not found else "several channels are called"
        raise IngestionError(
            f"{self.file}: {trouble} {wanted!r}; it has {known}", "name a channel by its number, as '#5'"
        )


def pairs(files: list[Path]) -> list[tuple[Path, Path | None]]:
    """Configuration and data files that belong together; either of them names the record.

    Raises:
        IngestionError: One of them is missing.
    """
    found: dict[Path, Path | None] = {}
    for path in files:
        suffix = path.suffix.lower()
        if suffix == ".cff":
            found[path] = None
            continue
        if suffix not in (".cfg", ".dat"):
            raise IngestionError(f"{path} is no COMTRADE file", "name .cfg, .dat or .cff files")
        config, data = _beside(path, ".cfg"), _beside(path, ".dat")
        found[config] = data
    return sorted(found.items())


def _beside(path: Path, suffix: str) -> Path:
    if path.suffix.lower() == suffix:
        return path
    for name in (suffix, suffix.upper()):
        other = path.with_suffix(name)
        if other.exists():
            return other
    raise IngestionError(f"{path} has no {suffix} file beside it", "copy both files of the record")


def read_record(config: Path, data: Path | None, encoding: str) -> Record:
    """Read a record.

    Raises:
        IngestionError: It is cut, is no COMTRADE record, or not text of this encoding.
    """
    import comtrade

    if data is not None:
        _config_whole(config, encoding)
    try:
        record: Any = comtrade.Comtrade(ignore_warnings=True)
        if data is None:
            record.load(str(config), encoding=encoding)
        else:
            record.load(str(config), str(data), encoding=encoding)
    except UnicodeDecodeError as error:
        raise IngestionError(
            f"{config} is not text in {encoding}: {error}", "set file.encoding, as gb18030 or latin-1"
        ) from error
    except (
        comtrade.ComtradeError,
        *(ValueError, IndexError, KeyError, TypeError, OSError, EOFError, struct.error),
    ) as error:
        raise IngestionError(
            f"{config}: not a readable COMTRADE record: {error}",
            "check that both files are whole and belong together",
        ) from error
    if data is not None:
        _whole(record, config, data)
    fast, slow = _sections(record)
    return Record(
        file=config.name,
        start_ms=int(np.datetime64(record.start_timestamp, "ms").astype(np.int64)),
        frequency_hz=float(record.frequency),
        channels=tuple(_channel(k, entry) for k, entry in enumerate(record.cfg.analog_channels, start=1)),
        values=np.array([np.asarray(values, dtype=np.float64) for values in record.analog]),
        sections=fast,
        slow=slow,
    )


def _config_whole(config: Path, encoding: str) -> None:
    """Refuse a configuration file with fewer lines than its second one says that it has."""
    lines = config.read_bytes().decode(encoding, "replace").rstrip("\x1a\x00 \r\n").splitlines()
    if not lines:
        raise IngestionError(f"{config} is empty", "copy both files of the record again")
    stated = re.match(r"\s*(\d+)\s*,\s*\d+\s*[Aa]", lines[1]) if len(lines) > 1 else None
    if stated is None:
        second = f"line 2 is {lines[1][:80]!r}" if len(lines) > 1 else "it has one line"
        raise IngestionError(
            f"{config}: not a readable COMTRADE record: {second}, and the numbers of channels are wanted",
            "name the .cfg or .dat file of a record",
        )
    channels = int(stated[1])
    rates = lines[channels + 3].strip() if len(lines) > channels + 3 else ""
    # Two lines and the channels; frequency, how many rates, these, two times, kind of data.
    fewest = 2 + channels + 5 + max(int(rates) if rates.isdecimal() else 1, 1)
    if len(lines) < fewest:
        raise IngestionError(
            f"{config} has {len(lines)} lines, with {channels} channels {fewest} at least: it was cut",
            "copy the record again",
        )


def _whole(record: Any, config: Path, data: Path) -> None:
    """Refuse a data file with fewer samples than its configuration states."""
    stated = int(record.total_samples)
    kind = str(record.ft).upper()
    if kind == "ASCII":
        with data.open("rb") as handle:
            found = sum(1 for line in handle if line.strip(b" \t\r\n\x1a\x00"))
    else:
        width = 2 if kind == "BINARY" else 4
        size = 8 + width * int(record.analog_count) + 2 * ((int(record.status_count) + 15) // 16)
        found = data.stat().st_size // size
    if found < stated:
        raise IngestionError(
            f"{data} holds {found} of the {stated} samples that {config.name} states: it was cut",
            "copy the record again",
        )


def _channel(place: int, entry: Any) -> Channel:
    secondary = str(entry.pors).upper() == "S"
    ratio = float(entry.primary) / float(entry.secondary) if secondary and float(entry.secondary) else 1.0
    return Channel(
        place=place,
        name=str(entry.name).strip(),
        phase=str(entry.ph).strip(),
        unit=UNITS.get(str(entry.uu).strip().lower(), str(entry.uu).strip()),
        ratio=ratio,
    )


def _sections(record: Any) -> tuple[tuple[Section, ...], tuple[Section, ...]]:
    fast: list[Section] = []
    slow: list[Section] = []
    first, start = 0, 0.0
    for rate, last in record.cfg.sample_rates:
        count = int(last) - first
        if rate > 0.0 and count > 0:
            section = Section(first, count, float(rate), start)
            (fast if rate >= WAVEFORM_RATE_HZ[0] else slow).append(section)
            start += count / float(rate)
        first = int(last)
    return tuple(fast), tuple(slow)


def triples(record: Record, unit: str) -> Iterator[tuple[Channel, Channel, Channel]]:
    """Three channels of one quantity that stand one after the other, as phases a, b, c usually do."""
    run: list[Channel] = []
    for channel in (*record.channels, Channel(0, "", "", "", 1.0)):
        measured = channel.unit.lstrip("k") == unit and channel.phase.upper() not in ("N", "G", "E")
        continues = measured and (not run or channel.place == run[-1].place + 1)
        if continues and len(run) < len(PHASES):
            run.append(channel)
        if len(run) == len(PHASES):
            yield run[0], run[1], run[2]
            run = []
        elif not continues:
            run = [channel] if measured else []
