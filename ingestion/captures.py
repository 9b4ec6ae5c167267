"""Records become rows of `waveforms`, with what their samples show."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from data_contracts.block import Block
from data_contracts.columns import PHASES
from data_contracts.inspection import Inspection, examine
from data_contracts.ranges import GOOD, INVALID
from data_contracts.rules.columns import all_rules
from ingestion.clock import Clockwork
from ingestion.conversion import Converted, fault_rule, scenario
from ingestion.findings import DECADES, Finding, finding
from ingestion.mapping import From, Mapping, unit_of
from ingestion.records import Record, Section
from ingestion.units import conversion
from ingestion.waveform import Sag, phasors, sags, sequences, vuf_pct

if TYPE_CHECKING:
    import pyarrow as pa

Floats = NDArray[np.float64]

VOLTAGES = tuple(f"v_{phase}_v" for phase in PHASES)
CURRENTS = tuple(f"i_{phase}_a" for phase in PHASES)
LIVE_PU = 0.5
TURNED = 0.5
"""A negative or zero sequence beyond this share of the positive one is a wrong connection."""


class Capture(msgspec.Struct, frozen=True, kw_only=True):
    """What one row of `waveforms` shows.

    Attributes:
        file: Record.
        point: Measurement point.
        section: Its section of constant rate, from 1.
        rate_hz: Samples a second.
        duration_s: How long it is, s.
        v_rms_v: Fundamental of the first cycles by phase, V RMS; empty without three voltages.
        vuf_pct: Unbalance of the first cycles, %; None without three voltages.
        sags: Dips of nominal voltage.
    """

    file: str
    point: str
    section: int
    rate_hz: float
    duration_s: float
    v_rms_v: tuple[float, ...] = ()
    vuf_pct: float | None = None
    sags: tuple[Sag, ...] = ()


def rows_of(
    record: Record, mapping: Mapping, clock: Clockwork, seen: set[tuple[str, int]]
) -> Iterator[Converted]:
    """Rows of a record by point; one for each section of constant rate.

    Args:
        record: The record.
        mapping: What is said about it.
        clock: Its clock.
        seen: Points and times, Unix ms, that were there before; extended.

    Raises:
        IngestionError: A channel is not there, or the time zone is needed and not set.
    """
    for point in mapping.series:
        series = _series(record, mapping, point)
        local = np.array(
            [record.start_ms + round(each.start_s * 1e3) for each in record.sections], dtype=np.int64
        )
        none = np.zeros(len(local), dtype=bool)
        instants = clock.settle(local, none, none.copy() if mapping.time.zone != "offset" else ~none)
        again = np.array([(point, int(ms)) in seen for ms in instants.ms], dtype=bool)
        seen.update((point, int(ms)) for ms in instants.ms)
        faults = {**instants.faults, "unique_key": again}
        data = _table(record, mapping, point, series, instants.ms)
        block = Block(mapping.contract, data, mapping.facts())
        own = tuple(fault_rule(name, mask) for name, mask in faults.items())
        inspection = examine(block, data, (*own, *all_rules(mapping.contract)))
        yield Converted(
            point,
            Inspection(data, inspection.broken, inspection.rules, inspection.details),
            np.arange(1, len(local) + 1),
            data.select(["point", "t", "rate_hz"]),
            record.file,
            {},
            ~instants.bad,
        )


def _series(record: Record, mapping: Mapping, point: str) -> dict[str, Floats]:
    """Samples of a point's columns in the contract's units."""
    found = {}
    for name, source in mapping.columns_of(point).items():
        factor, offset = conversion(name, source.unit, unit_of(mapping.contract.column(name)))
        scale = source.sign * source.ratio * factor
        found[name] = record.values[record.channel(source.column)] * scale + offset + source.offset
    return found


def _cut(samples: Floats, section: Section) -> Floats:
    return samples[section.first : section.first + section.count]


def _table(
    record: Record, mapping: Mapping, point: str, series: dict[str, Floats], ms: NDArray[np.int64]
) -> pa.Table:
    import pyarrow as pa

    rows = len(record.sections)
    columns: dict[str, Any] = {
        "scenario_id": pa.array([scenario(mapping.substation, 0)] * rows, pa.string()),
        "point": pa.array([point] * rows, pa.string()),
        "t": pa.array(ms, pa.int64()).cast(pa.timestamp("ms", tz="UTC")),
        "rate_hz": pa.array([section.rate_hz for section in record.sections], pa.float64()),
    }
    for name in (*VOLTAGES, *CURRENTS):
        found = [
            _cut(series[name], section).astype(np.float32) if name in series else None
            for section in record.sections
        ]
        columns[name] = pa.array(found, pa.list_(pa.float32()))
    whole = all(name in series for name in (*VOLTAGES, *CURRENTS))
    columns["quality"] = pa.array([GOOD if whole else INVALID] * rows, pa.int8())
    return pa.table({name: columns[name] for name in mapping.contract.names})


def look(record: Record, mapping: Mapping, point: str) -> Iterator[tuple[Capture, list[Finding]]]:
    """What each section of a record shows at a point, and what is wrong with its connection."""
    series = _series(record, mapping, point)
    columns = mapping.columns_of(point)
    for number, section in enumerate(record.sections, start=1):
        if any(name not in series for name in VOLTAGES):
            yield _without_voltages(record, point, number, section), []
            continue
        v = np.stack([_cut(series[name], section) for name in VOLTAGES])
        abc = phasors(v, section.rate_hz, mapping.frequency_hz)
        nominal = mapping.points[point].nominal_kv * 1e3 / math.sqrt(3.0)
        capture = Capture(
            file=record.file,
            point=point,
            section=number,
            rate_hz=section.rate_hz,
            duration_s=section.count / section.rate_hz,
            v_rms_v=tuple(float(value) for value in np.abs(abc)) if np.isfinite(abc).all() else (),
            vuf_pct=value if math.isfinite(value := vuf_pct(abc)) else None,
            sags=tuple(sags(v, section.rate_hz, mapping.frequency_hz, nominal)) if nominal > 0.0 else (),
        )
        found: list[Finding] = []
        if number == 1 and np.isfinite(abc).all():
            found += _level(record, point, columns, abc, nominal)
            found += _connection(record, point, abc, nominal)
            if all(name in series for name in CURRENTS):
                i = np.stack([_cut(series[name], section) for name in CURRENTS])
                found += _currents(record, point, abc, phasors(i, section.rate_hz, mapping.frequency_hz))
        yield capture, found


def _without_voltages(record: Record, point: str, number: int, section: Section) -> Capture:
    return Capture(
        file=record.file,
        point=point,
        section=number,
        rate_hz=section.rate_hz,
        duration_s=section.count / section.rate_hz,
    )


def _finding(record: Record, point: str, rule: str, column: str, *, message: str, remedy: str) -> Finding:
    return finding(rule, point, column, message, remedy, at=(record.file, 1))


def _level(
    record: Record, point: str, columns: dict[str, From], abc: NDArray[np.complex128], nominal: float
) -> list[Finding]:
    if nominal <= 0.0:
        return []
    median = float(np.median(np.abs(abc))) / nominal
    if 0.7 <= median <= 1.3 or median == 0.0:
        return []
    decade = next((d for d in DECADES if 0.6 <= median * d <= 1.5), None)
    text = f"the median phase has {median * nominal:.6g} V, {median:.4g} of nominal"
    if decade is not None:
        return [
            _finding(
                record,
                point,
                "wrong_unit",
                "v_a_v",
                message=text,
                remedy="correct the voltages' unit in the mapping",
            )
        ]
    ratio = columns["v_a_v"].ratio
    remedy = f"correct ratio ({ratio:g}) or nominal_kv; a secondary value needs the VT's ratio"
    return [_finding(record, point, "voltage_level", "v_a_v", message=text, remedy=remedy)]


def _connection(record: Record, point: str, abc: NDArray[np.complex128], nominal: float) -> list[Finding]:
    if np.abs(abc).min() < LIVE_PU * (nominal or float(np.abs(abc).max())):
        return []
    zero, one, two = np.abs(sequences(abc))
    if two > one and zero < TURNED * two:
        text = f"the phases rotate backwards: negative sequence {two:.6g} V, positive one {one:.6g} V"
        return [
            _finding(
                record,
                point,
                "swapped_phases",
                "v_a_v",
                message=text,
                remedy="exchange two phases in the mapping",
            )
        ]
    if zero > TURNED * one:
        for k, phase in enumerate(PHASES):
            turned = abc.copy()
            turned[k] = -turned[k]
            after = np.abs(sequences(turned))
            if max(after[0], after[2]) < 0.2 * after[1]:
                text = f"the voltages are even only if that of phase {phase} is turned round"
                remedy = "set sign to -1 for this column"
                return [
                    _finding(record, point, "reversed_polarity", f"v_{phase}_v", message=text, remedy=remedy)
                ]
    return []


def _currents(
    record: Record, point: str, v: NDArray[np.complex128], i: NDArray[np.complex128]
) -> list[Finding]:
    if not np.isfinite(i).all():
        return []
    size, power = np.abs(i), np.real(v * i.conj())
    sound = size.min() > 0.5 * size.max() > 0.0 and np.abs(power).min() > 0.3 * (np.abs(v) * size).max()
    if not sound:
        return []
    for k, phase in enumerate(PHASES):
        others = np.delete(power, k)
        if (power[k] < 0.0 < others.min()) or (power[k] > 0.0 > others.max()):
            text = f"phase {phase} carries {power[k] / 1e3:.4g} kW and the others {others.sum() / 1e3:.4g} kW"
            remedy = "set sign to -1 for this column, or exchange phases in the mapping"
            return [_finding(record, point, "reversed_polarity", f"i_{phase}_a", message=text, remedy=remedy)]
    return []
