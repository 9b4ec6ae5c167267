"""What only many rows together tell: wrong units, polarity, swapped phases, a clock that was set back."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Iterator
from typing import Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from data_contracts.units import SHARE, apparent_ratio, near
from ingestion.following import Sample, Timeline
from ingestion.mapping import From, Mapping, Point, unit_of, zone_of
from ingestion.units import named, unit_in

Floats = NDArray[np.float64]
PHASES = ("a", "b", "c")
DECADES = (1e-6, 1e-3, 1e3, 1e6)
LOAD_PU = (0.005, 3.0)
"""The upper quartile of a feeder's |P| lies within these multiples of its rated power."""

LEVEL_PU = (0.8, 1.2)
"""The median voltage lies within these multiples of nominal."""

FREQUENCY_PU = (0.98, 1.02)
FIT, MISFIT = 0.03, 0.08
"""Powers fit V·I if they are off by less than the first share, and do not if by more than the second."""

FEWEST = 20
WARM_C = 45.0
"""Three quarters of all hours above it are no air temperature in °C."""


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """Something that a series shows.

    Attributes:
        rule: What it is.
        severity: An `error` stops the ingestion unless the mapping accepts it.
        series: Point, or site.
        column: Column of the contract, "" for time.
        message: The values, and what must hold.
        remedy: What to do about it.
        file: Where it shows first.
        row: Row number there, from 1; 0 where it is not of one row.
    """

    rule: str
    severity: Literal["error", "warning"]
    series: str
    column: str
    message: str
    remedy: str
    file: str = ""
    row: int = 0

    def text(self) -> str:
        """One line for people."""
        place = f" ({self.file}, row {self.row})" if self.row else ""
        return f"{self.rule}: {self.series}{'.' + self.column if self.column else ''}: {self.message}{place}"


def of_series(mapping: Mapping, series: str, sample: Sample) -> Iterator[Finding]:
    """What a sample of one series' rows shows."""
    columns = mapping.columns_of(series)
    for name, source in columns.items():
        yield from _header(mapping, series, name, source)
    point = mapping.points[series] if mapping.pointed else Point()
    if mapping.table == "load":
        yield from _load(series, sample, point, columns)
    if mapping.table == "readings":
        yield from _voltages(series, sample, point, columns)
        yield from _powers(series, sample)
    if mapping.table in ("frequency", "readings"):
        yield from _frequency(series, sample, mapping, columns)
    yield from _warm(series, sample)


def of_time(
    mapping: Mapping, series: str, timeline: Timeline, set_back: tuple[str, int] | None
) -> Iterator[Finding]:
    """What the times of one series show."""
    if timeline.gap_count:
        first = timeline.gaps[0]
        yield Finding(
            rule="gaps",
            severity="warning",
            series=series,
            column="",
            message=f"{timeline.missing} rows are missing in {timeline.gap_count} gaps, "
            f"{timeline.longest} in the longest, at a step of {timeline.step_ms / 1e3:g} s",
            remedy="nothing is filled in; export the missing stretch if it exists, or correct time.step_s",
            file=first.file,
            row=first.row,
        )
    if timeline.irregular:
        much = timeline.irregular > 0.02 * timeline.rows
        yield Finding(
            rule="irregular_steps",
            severity="error" if much and mapping.table == "load" else "warning",
            series=series,
            column="",
            message=f"{timeline.irregular} of {timeline.rows} rows are no whole number of steps of "
            f"{timeline.step_ms / 1e3:g} s after the one before",
            remedy="correct time.step_s, or export means over even steps",
            file=timeline.odd[0] if timeline.odd else "",
            row=timeline.odd[1] if timeline.odd else 0,
        )
    yield from _set_forward(mapping, series, timeline)
    if set_back is not None:
        yield Finding(
            rule="clock_set_back",
            severity="error",
            series=series,
            column="",
            message=f"times go back by about an hour: written in local time with daylight saving, not in "
            f"{mapping.time_zone if mapping.time.zone == 'local' else mapping.time.zone}",
            remedy="set time_zone (or time.zone) to the zone of the file and time.ambiguous to in_order",
            file=set_back[0],
            row=set_back[1],
        )


def _set_forward(mapping: Mapping, series: str, timeline: Timeline) -> Iterator[Finding]:
    """A gap that is just the hour which clocks at the site leave out, in times called those elsewhere."""
    if mapping.time.zone in ("offset", "local") or timeline.step_ms <= 0.0:
        return
    written, site = zone_of("time.zone", mapping.time.zone), mapping.zone()
    step = dt.timedelta(milliseconds=timeline.step_ms)
    shift = step if mapping.time.stamp == "end" else dt.timedelta(0)

    def wall(ms: int) -> dt.datetime:
        return dt.datetime.fromtimestamp(ms / 1e3, written).replace(tzinfo=None) + shift

    def exists(time: dt.datetime) -> bool:
        before, after = (time.replace(tzinfo=site, fold=fold).utcoffset() for fold in (0, 1))
        return before is not None and after is not None and before >= after

    for gap in timeline.gaps:
        last, first = wall(gap.after_ms), wall(gap.before_ms)
        if exists(last) and exists(first) and not exists(last + step) and not exists(first - step):
            yield Finding(
                rule="clock_set_forward",
                severity="error",
                series=series,
                column="",
                message=f"from {last} to {first} times leave out just what clocks in {mapping.time_zone} "
                f"leave out: written in local time with daylight saving, not in {mapping.time.zone}",
                remedy="set time.zone to local, or to the zone of the file",
                file=gap.file,
                row=gap.row,
            )
            return


def _header(mapping: Mapping, series: str, name: str, source: From) -> Iterator[Finding]:
    into = unit_of(mapping.contract.column(name))
    stated = unit_in(source.column, into) if into else ""
    if stated and source.unit and named(1.0, stated, into) != named(1.0, source.unit, into):
        yield Finding(
            rule="header_unit",
            severity="error",
            series=series,
            column=name,
            message=f"{source.column!r} says {stated}, and the mapping says {source.unit}",
            remedy=f"set unit to {stated}, or add header_unit to accept",
        )


def _wrong_unit(
    series: str,
    name: str,
    message: str,
    *,
    factor: float,
    source: From,
    into: str,
    place: tuple[str, int],
) -> Finding:
    better = named(factor, source.unit or into, into)
    advice = f"set unit to {better}" if better else "correct unit or ratio"
    return Finding(
        rule="wrong_unit",
        severity="error",
        series=series,
        column=name,
        message=message,
        remedy=f"{advice} in the mapping, or correct the point's nominals",
        file=place[0],
        row=place[1],
    )


def _load(series: str, sample: Sample, point: Point, columns: dict[str, From]) -> Iterator[Finding]:
    p = sample.values("p_w")
    known = np.flatnonzero(np.isfinite(p))
    if len(known) < FEWEST:
        return
    size = float(np.quantile(np.abs(p[known]), 0.75))
    rated = point.rated_mva * 1e6
    if rated > 0.0 and not LOAD_PU[0] <= size / rated <= LOAD_PU[1] and size > 0.0:
        # The right unit's factor over the stated one's brings the load nearest to a third of the rating.
        factor = min(DECADES, key=lambda decade: abs(np.log10(size * decade / rated / 0.33)))
        yield _wrong_unit(
            series,
            "p_w",
            f"the upper quartile of |P| is {size / 1e6:.6g} MW at a point of {point.rated_mva:g} MVA, "
            f"outside of {LOAD_PU[0]:g} to {LOAD_PU[1]:g} of it",
            factor=factor,
            source=columns["p_w"],
            into="W",
            place=sample.place(int(known[0])),
        )
    if (p[known] < 0.0).mean() > 0.9:
        yield Finding(
            rule="reversed_polarity",
            severity="error",
            series=series,
            column="p_w",
            message=f"{(p[known] < 0.0).mean():.0%} of the rows are negative: into the feeder is positive",
            remedy="set sign to -1, or add reversed_polarity to accept where it feeds in all the time",
            file=sample.place(int(known[p[known] < 0.0][0]))[0],
            row=sample.place(int(known[p[known] < 0.0][0]))[1],
        )


def _voltages(series: str, sample: Sample, point: Point, columns: dict[str, From]) -> Iterator[Finding]:
    nominal = point.nominal_kv * 1e3 / 3.0**0.5
    if nominal <= 0.0:
        return
    for name in [
        name for name in columns if name in ("v_a_v", "v_b_v", "v_c_v", "v_ab_v", "v_bc_v", "v_ca_v")
    ]:
        expected = nominal if len(name) == 5 else nominal * 3.0**0.5
        v = sample.values(name) / expected
        live = np.flatnonzero(np.isfinite(v) & (v != 0.0))
        if len(live) < FEWEST:
            continue
        median = float(np.median(v[live]))
        decade = next((d for d in DECADES if LEVEL_PU[0] * 0.75 <= median * d <= LEVEL_PU[1] * 1.25), None)
        text = f"the median is {median * expected:.6g} V, {median:.4g} of {expected:.6g} V nominal"
        place = sample.place(int(live[0]))
        if decade is not None:
            yield _wrong_unit(series, name, text, factor=decade, source=columns[name], into="V", place=place)
        elif not LEVEL_PU[0] <= median <= LEVEL_PU[1]:
            line = (
                "; it looks like a line voltage"
                if near(np.array([median]), 3.0**0.5, (0.93, 1.07))[0]
                else ""
            )
            yield Finding(
                rule="voltage_level",
                severity="error",
                series=series,
                column=name,
                message=f"{text}, outside of {LEVEL_PU[0]:g} to {LEVEL_PU[1]:g}{line}",
                remedy="correct the VT's ratio, the point's nominal_kv, or the column",
                file=place[0],
                row=place[1],
            )


def _powers(series: str, sample: Sample) -> Iterator[Finding]:
    v, i, p, q = (
        [sample.values(pattern.format(x)) for x in PHASES]
        for pattern in ("v_{}_v", "i_{}_a", "p_{}_w", "q_{}_var")
    )
    if any(not len(column) for column in (*v, *i)):
        return
    if all(len(column) for column in (*p, *q)):
        yield from _single_phases(series, sample, v=v, i=i, p=p, q=q)
    total_p, total_q = sample.values("p_total_w"), sample.values("q_total_var")
    if len(total_p):
        product = np.nansum([a * b for a, b in zip(v, i, strict=True)], axis=0)
        reactive = total_q if len(total_q) else np.zeros(len(total_p))
        yield from _scale(series, sample, "p_total_w", np.hypot(total_p, reactive), product)
        negative = total_p[np.isfinite(total_p)] < 0.0
        if len(negative) >= FEWEST and negative.mean() > 0.9:
            yield _polarity(
                series, sample, "p_total_w", "the total power is negative in nearly all rows", total_p
            )


def _scale(series: str, sample: Sample, name: str, power: Floats, product: Floats) -> Iterator[Finding]:
    usable = np.flatnonzero(np.isfinite(power) & (product > 0.0) & (power > 0.0))
    if len(usable) < FEWEST:
        return
    ratio = power[usable] / product[usable]
    for decade in DECADES:
        if near(ratio, decade, (0.3, 1.4)).mean() >= SHARE:
            place = sample.place(int(usable[0]))
            yield Finding(
                rule="wrong_unit",
                severity="error",
                series=series,
                column=name,
                message=f"the power is {np.median(ratio):.3g} times V·I in the median row, about {decade:g}",
                remedy="correct the unit or ratio of the power, the voltage or the current in the mapping",
                file=place[0],
                row=place[1],
            )


def _single_phases(
    series: str, sample: Sample, *, v: list[Floats], i: list[Floats], p: list[Floats], q: list[Floats]
) -> Iterator[Finding]:
    for k, phase in enumerate(PHASES):
        ratio = apparent_ratio(v[k], i[k], p[k], q[k])
        yield from _scale(series, sample, f"p_{phase}_w", np.nan_to_num(ratio), np.ones(len(ratio)))
    active = np.stack(p)
    known = np.isfinite(active).all(axis=0) & (active != 0.0).all(axis=0)
    if known.sum() >= FEWEST:
        positive = active[:, known] > 0.0
        share = positive.mean(axis=1)
        for k, phase in enumerate(PHASES):
            others = np.delete(share, k)
            turned = (share[k] < 0.1 and (others > 0.9).all()) or (share[k] > 0.9 and (others < 0.1).all())
            if turned:
                text = (
                    f"the power of phase {phase} has the other sign than both other phases in nearly all rows"
                )
                yield _polarity(series, sample, f"p_{phase}_w", text, active[k])
    yield from _swapped(series, sample, v=v, i=i, p=p, q=q)


def _polarity(series: str, sample: Sample, name: str, text: str, values: Floats) -> Finding:
    file, row = sample.place(int(np.flatnonzero(np.isfinite(values))[0]))
    return Finding(
        rule="reversed_polarity",
        severity="error",
        series=series,
        column=name,
        message=f"{text}: a current transformer connected the wrong way round",
        remedy="set sign to -1 for this column, or add reversed_polarity to accept",
        file=file,
        row=row,
    )


def _swapped(
    series: str, sample: Sample, *, v: list[Floats], i: list[Floats], p: list[Floats], q: list[Floats]
) -> Iterator[Finding]:
    power = [np.hypot(a, b) for a, b in zip(p, q, strict=True)]

    def misfit(order: tuple[int, ...]) -> float:
        off = [np.abs(power[k] - v[k] * i[order[k]]) / (v[k] * i[order[k]]) for k in range(3)]
        return float(max(np.median(part) for part in off))

    usable = np.isfinite(np.stack([*v, *i, *power])).all(axis=0) & (np.stack([*v, *i]) > 0.0).all(axis=0)
    if usable.sum() < FEWEST:
        return
    v, i, power = [x[usable] for x in v], [x[usable] for x in i], [x[usable] for x in power]
    fits = {order: misfit(order) for order in itertools.permutations(range(3))}
    best = min(fits, key=lambda order: fits[order])
    if best != (0, 1, 2) and fits[best] < FIT and fits[(0, 1, 2)] > MISFIT:
        file, row = sample.place(int(np.flatnonzero(usable)[0]))
        told = ", ".join(
            f"phase {PHASES[k]} has the current of {PHASES[best[k]]}" for k in range(3) if best[k] != k
        )
        yield Finding(
            rule="swapped_phases",
            severity="error",
            series=series,
            column="i_a_a",
            message=f"sqrt(P² + Q²) is off V·I by {fits[(0, 1, 2)]:.1%}, and by {fits[best]:.1%} if {told}",
            remedy="exchange the columns of these phases in the mapping",
            file=file,
            row=row,
        )


def _frequency(series: str, sample: Sample, mapping: Mapping, columns: dict[str, From]) -> Iterator[Finding]:
    f = sample.values("f_hz")
    live = np.flatnonzero(np.isfinite(f) & (f != 0.0))
    if len(live) < FEWEST:
        return
    median = float(np.median(f[live])) / mapping.frequency_hz
    if FREQUENCY_PU[0] <= median <= FREQUENCY_PU[1]:
        return
    factor = next((d for d in DECADES if 0.9 <= median * d <= 1.1), 1.0)
    yield _wrong_unit(
        series,
        "f_hz",
        f"the median is {median * mapping.frequency_hz:.6g} Hz on a grid of {mapping.frequency_hz:g} Hz",
        factor=factor,
        source=columns["f_hz"],
        into="Hz",
        place=sample.place(int(live[0])),
    )


def _warm(series: str, sample: Sample) -> Iterator[Finding]:
    celsius = sample.values("ambient_c")
    known = np.flatnonzero(np.isfinite(celsius))
    if len(known) >= FEWEST and np.quantile(celsius[known], 0.25) > WARM_C:
        file, row = sample.place(int(known[0]))
        yield Finding(
            rule="wrong_unit",
            severity="error",
            series=series,
            column="ambient_c",
            message=f"three quarters of the air temperatures exceed {WARM_C:g} °C",
            remedy="set unit to °F or K in the mapping",
            file=file,
            row=row,
        )
