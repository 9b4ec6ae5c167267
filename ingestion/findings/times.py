"""What the times of a series show: gaps, uneven steps, a zone that is not the one stated."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from ingestion.findings.finding import Finding, Place, finding
from ingestion.following import Timeline
from ingestion.mapping import Mapping, zone_of

ODD_SHARE = 0.02
"""A load with more rows off the step than this has no step."""


def of_time(mapping: Mapping, series: str, timeline: Timeline, set_back: Place | None) -> Iterator[Finding]:
    """What the times of one series show."""
    step = f"{timeline.step_ms / 1e3:g} s"
    if timeline.gap_count:
        first = timeline.gaps[0]
        yield finding(
            "gaps",
            series,
            "",
            f"{timeline.missing} rows are missing in {timeline.gap_count} gaps, {timeline.longest} in the "
            f"longest, at a step of {step}",
            "nothing is filled in; export the missing stretch if it exists, or correct time.step_s",
            at=(first.file, first.row),
            severity="warning",
        )
    if timeline.irregular:
        much = timeline.irregular > ODD_SHARE * timeline.rows
        yield finding(
            "irregular_steps",
            series,
            "",
            f"{timeline.irregular} of {timeline.rows} rows are no whole number of steps of {step} after the "
            "one before",
            "correct time.step_s, or export means over even steps",
            at=timeline.odd or ("", 0),
            severity="error" if much and mapping.table == "load" else "warning",
        )
    yield from _set_forward(mapping, series, timeline)
    if set_back is not None:
        zone = mapping.time_zone if mapping.time.zone == "local" else mapping.time.zone
        yield finding(
            "clock_set_back",
            series,
            "",
            f"times go back by about an hour: written in local time with daylight saving, not in {zone}",
            "set time_zone (or time.zone) to the zone of the file and time.ambiguous to in_order",
            at=set_back,
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
            yield finding(
                "clock_set_forward",
                series,
                "",
                f"from {last} to {first} times leave out just what clocks in {mapping.time_zone} leave out: "
                f"written in local time with daylight saving, not in {mapping.time.zone}",
                "set time.zone to local, or to the zone of the file",
                at=(gap.file, gap.row),
            )
            return
