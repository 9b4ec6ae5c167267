"""What the size of a channel's values shows: a wrong unit, ratio or column."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from data_contracts.units import near
from ingestion.findings.finding import FEWEST, Finding, Floats, Sampled, finding
from ingestion.mapping import From, Mapping, Point, unit_of
from ingestion.units import named, unit_in

DECADES = (1e-6, 1e-3, 1e3, 1e6)
LOAD_PU = (0.005, 3.0)
"""The upper quartile of a feeder's |P| lies within these multiples of its rated power."""

LEVEL_PU = (0.8, 1.2)
"""The median voltage lies within these multiples of nominal."""

FREQUENCY_PU = (0.98, 1.02)
PHASE_VOLTAGES = ("v_a_v", "v_b_v", "v_c_v")
LINE_VOLTAGES = ("v_ab_v", "v_bc_v", "v_ca_v")
NEGATIVE_SHARE = 0.9
WARM_C = 45.0
"""Three quarters of all hours above it are no air temperature in °C."""


def of_header(mapping: Mapping, series: str, name: str, source: From) -> Iterator[Finding]:
    """A header that says another unit than the mapping."""
    into = unit_of(mapping.contract.column(name))
    stated = unit_in(source.column, into) if into else ""
    if stated and source.unit and named(1.0, stated, into) != named(1.0, source.unit, into):
        yield finding(
            "header_unit",
            series,
            name,
            f"{source.column!r} says {stated}, and the mapping says {source.unit}",
            f"set unit to {stated}, or add header_unit to accept",
        )


def _in_range(factor: float, source: From, into: str) -> str:
    """What to do about values that `factor` would bring into range."""
    better = named(factor, source.unit or into, into)
    advice = f"set unit to {better}" if better else "correct unit or ratio"
    return f"{advice} in the mapping, or correct the point's nominals"


def of_load(sampled: Sampled, point: Point, columns: dict[str, From]) -> Iterator[Finding]:
    """A feeder's power beside its rated one, and its sign."""
    p = sampled.values("p_w")
    known = np.flatnonzero(np.isfinite(p))
    if len(known) < FEWEST:
        return
    size = float(np.quantile(np.abs(p[known]), 0.75))
    rated = point.rated_mva * 1e6
    if rated > 0.0 and not LOAD_PU[0] <= size / rated <= LOAD_PU[1] and size > 0.0:
        # The right unit's factor over the stated one's brings the load nearest to a third of the rating.
        factor = min(DECADES, key=lambda decade: abs(np.log10(size * decade / rated / 0.33)))
        yield sampled.error(
            "wrong_unit",
            "p_w",
            f"the upper quartile of |P| is {size / 1e6:.6g} MW at a point of {point.rated_mva:g} MVA, "
            f"outside of {LOAD_PU[0]:g} to {LOAD_PU[1]:g} of it",
            _in_range(factor, columns["p_w"], "W"),
            int(known[0]),
        )
    negative = p[known] < 0.0
    if negative.mean() > NEGATIVE_SHARE:
        yield sampled.error(
            "reversed_polarity",
            "p_w",
            f"{negative.mean():.0%} of the rows are negative: into the feeder is positive",
            "set sign to -1, or add reversed_polarity to accept where it feeds in all the time",
            int(known[negative][0]),
        )


def of_voltages(sampled: Sampled, point: Point, columns: dict[str, From]) -> Iterator[Finding]:
    """Each voltage beside the point's nominal one."""
    nominal = point.nominal_kv * 1e3 / 3.0**0.5
    if nominal <= 0.0:
        return
    for name, source in columns.items():
        if name in PHASE_VOLTAGES:
            yield from _voltage(sampled, name, source, nominal)
        elif name in LINE_VOLTAGES:
            yield from _voltage(sampled, name, source, nominal * 3.0**0.5)


def _voltage(sampled: Sampled, name: str, source: From, expected: float) -> Iterator[Finding]:
    v = sampled.values(name) / expected
    live = _live(v)
    if len(live) < FEWEST:
        return
    median, first = float(np.median(v[live])), int(live[0])
    decade = next((d for d in DECADES if LEVEL_PU[0] * 0.75 <= median * d <= LEVEL_PU[1] * 1.25), None)
    text = f"the median is {median * expected:.6g} V, {median:.4g} of {expected:.6g} V nominal"
    if decade is not None:
        yield sampled.error("wrong_unit", name, text, _in_range(decade, source, "V"), first)
    elif not LEVEL_PU[0] <= median <= LEVEL_PU[1]:
        is_line = near(np.array([median]), 3.0**0.5, (0.93, 1.07))[0]
        yield sampled.error(
            "voltage_level",
            name,
            f"{text}, outside of {LEVEL_PU[0]:g} to {LEVEL_PU[1]:g}"
            f"{'; it looks like a line voltage' if is_line else ''}",
            "correct the VT's ratio, the point's nominal_kv, or the column",
            first,
        )


def _live(values: Floats) -> NDArray[np.intp]:
    """Rows of a value that is known and not zero."""
    return np.flatnonzero(np.isfinite(values) & (values != 0.0))


def of_frequency(sampled: Sampled, mapping: Mapping, columns: dict[str, From]) -> Iterator[Finding]:
    """The frequency beside the grid's nominal one."""
    f = sampled.values("f_hz")
    live = _live(f)
    if len(live) < FEWEST:
        return
    median = float(np.median(f[live])) / mapping.frequency_hz
    if FREQUENCY_PU[0] <= median <= FREQUENCY_PU[1]:
        return
    factor = next((d for d in DECADES if 0.9 <= median * d <= 1.1), 1.0)
    yield sampled.error(
        "wrong_unit",
        "f_hz",
        f"the median is {median * mapping.frequency_hz:.6g} Hz on a grid of {mapping.frequency_hz:g} Hz",
        _in_range(factor, columns["f_hz"], "Hz"),
        int(live[0]),
    )


def of_warmth(sampled: Sampled) -> Iterator[Finding]:
    """Temperatures that are none of air in °C."""
    celsius = sampled.values("ambient_c")
    known = np.flatnonzero(np.isfinite(celsius))
    if len(known) >= FEWEST and np.quantile(celsius[known], 0.25) > WARM_C:
        yield sampled.error(
            "wrong_unit",
            "ambient_c",
            f"three quarters of the air temperatures exceed {WARM_C:g} °C",
            "set unit to °F or K in the mapping",
            int(known[0]),
        )
