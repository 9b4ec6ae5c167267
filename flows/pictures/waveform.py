"""A capture of ten cycles and its spectrum: what the meter saw against what was solved."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from data_contracts.ranges import INVALID
from features import spectrum
from flows.pictures.section import Section, picture
from flows.pictures.source import LOOKED_THROUGH, Source
from flows.pictures.style import BLUE, GREY, ORANGE, PHASE_COLOURS, chart
from models import columns
from substations.description import Point

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ORDERS = 40
SHOWN_CYCLES = 3
TOLERANCE = 0.06
LEAST_PCT = 0.01


@dataclass(frozen=True, slots=True)
class Capture:
    """A row of `waveforms`, its row of `waveforms_truth`, its part, and its most distorted phase."""

    file: str
    capture: dict[str, Any]
    truth: dict[str, Any]
    phase: int


def section(source: Source) -> Section | None:
    """The capture with the most distorted true voltage."""
    if not source.has("waveforms", "waveforms_truth"):
        return None
    found = most_distorted(source)
    if found is None:
        return None
    capture, truth, phase = found.capture, found.truth, found.phase
    point = source.substation.point(capture["point"])
    v, i = (
        np.stack([np.asarray(capture[name.format(each)], dtype=np.float64) for each in "abc"])
        for name in ("v_{}_v", "i_{}_a")
    )
    rate = float(capture["rate_hz"])
    metered = _orders_pct(np.concatenate([v, i]), rate, float(source.substation.frequency_hz))
    letter, when = "abc"[phase], source.local(capture["t"])
    with chart("waveform", 7.6) as made:
        axes: Any = made.figure.subplot_mosaic(
            [["v", "i"], ["vh", "vh"], ["ih", "ih"]], height_ratios=[1.25, 1.0, 1.0]
        )
        _cycles(axes["v"], v / 1000.0, rate, "voltage to earth, kV", source.substation.frequency_hz)
        _cycles(axes["i"], i, rate, "current, A", source.substation.frequency_hz)
        axes["v"].legend(loc="lower left", bbox_to_anchor=(0.0, 0.98), ncols=3)
        _bars(axes["vh"], metered[phase], truth[f"v_{letter}_h_pct"], "voltage, %")
        _bars(axes["ih"], metered[3 + phase], truth[f"i_{letter}_h_pct"], "current, %")
        axes["ih"].set_xlabel("harmonic order")
        axes["vh"].legend(loc="upper right", ncols=2)
        axes["vh"].set_title(
            f"Orders of phase {letter} in percent of its fundamental, on a logarithmic scale"
        )
        svg = made.svg(f"Waveform and spectrum at {point.id}")
    thd_true = float(truth[f"thd_v_{letter}_pct"])
    thd_metered = float(np.sqrt(np.nansum(metered[phase, 1:] ** 2)))
    return Section(
        "waveform",
        "Waveform",
        f"The most distorted capture: {thd_true:.1f} % at {point.id}, seen as {thd_metered:.1f} %",
        f"{capture['scenario_id']}, {when:%d %B %Y, %H:%M:%S}; {_transducer(point)}. "
        f"The first {SHOWN_CYCLES} cycles of the capture; below, the orders of phase {letter}: what a fit to "
        "the Hann-windowed spectrum of the whole capture finds behind the instrument transformers, beside "
        "the solved primary values. Bars without a neighbour are noise and tones between the orders.",
        picture(svg),
    )


def _transducer(point: Point) -> str:
    kind = "capacitor voltage transformers" if point.vt_kind == "cvt" else "inductive voltage transformers"
    return f"{point.nominal_kv:g} kV, {kind} of class {point.vt_class:g}"


def most_distorted(source: Source) -> Capture | None:
    """The most distorted capture, behind capacitor voltage transformers where any are: they alter most."""
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    names = [f"thd_v_{phase}_pct" for phase in "abc"]
    best, place = (False, -1.0), None
    cvt = {point.id: point.vt_kind == "cvt" for point in source.substation.points}
    for file in source.dataset.files("waveforms_truth")[:LOOKED_THROUGH]:
        rows = pq.read_table(file, columns=["scenario_id", "point", *names], partitioning=None)
        captured = pq.read_table(
            source.dataset.path / "waveforms" / file.name,
            columns=["scenario_id", "point"],
            filters=pc.field("quality") != INVALID,
            partitioning=None,
        )
        there = set(zip(*(captured[name].to_pylist() for name in ("scenario_id", "point")), strict=True))
        thd = np.nan_to_num(np.stack([columns.floats(rows, name) for name in names], axis=1), nan=-1.0)
        keys = zip(*(rows[name].to_pylist() for name in ("scenario_id", "point")), strict=True)
        for key, values in zip(keys, thd, strict=True):
            rank = (cvt[key[1]], float(values.max()))
            if key in there and rank > best:
                best, place = rank, (file.name, *key, int(np.argmax(values)))
    if place is None:
        return None
    file_name, scenario_id, point, phase = place
    capture, truth = (
        source.episode_rows(table, file_name, scenario_id, point).to_pylist()[-1]
        for table in ("waveforms", "waveforms_truth")
    )
    return Capture(file_name, capture, truth, phase)


def _orders_pct(samples: NDArray[np.float64], rate_hz: float, nominal_hz: float) -> NDArray[np.float64]:
    """Orders 1 … 40 of each channel in percent of its fundamental, [channels, 40]; 0 beyond the sampling."""
    count = samples.shape[1]
    spectra = spectrum.transform(samples)[None]
    position, _ = spectrum.strongest(spectra[:, :3], np.array([nominal_hz * count / rate_hz]), TOLERANCE)
    if not np.isfinite(position).all():
        position = np.array([nominal_hz * count / rate_hz])
    rms = spectrum.fit(spectra, count, position, ORDERS).rms[0]
    with np.errstate(divide="ignore", invalid="ignore"):
        share: NDArray[np.float64] = 100.0 * rms / rms[:, :1]
    return share


def _cycles(axes: Axes, x: NDArray[np.float64], rate_hz: float, label: str, nominal_hz: float) -> None:
    shown = int(SHOWN_CYCLES * rate_hz / nominal_hz)
    t_ms = np.arange(shown) * 1000.0 / rate_hz
    for phase in range(3):
        axes.plot(
            t_ms, x[phase, :shown], color=PHASE_COLOURS[phase], linewidth=1.2, label=f"phase {'abc'[phase]}"
        )
    axes.axhline(0.0, color=GREY, linewidth=0.7)
    axes.set(xlabel="time, ms", ylabel=label, xlim=(0, t_ms[-1]))


def _bars(axes: Axes, metered: NDArray[np.float64], solved: list[float], label: str) -> None:
    orders = np.arange(2, ORDERS + 1)
    true = np.asarray([np.nan if value is None else value for value in solved], dtype=np.float64)[1:ORDERS]
    axes.bar(orders - 0.2, metered[1:ORDERS], 0.4, color=BLUE, label="metered")
    axes.bar(orders[: true.size] + 0.2, true, 0.4, color=ORANGE, label="solved, primary")
    axes.set(
        yscale="log",
        ylabel=label,
        xlim=(1, ORDERS + 1),
        ylim=(LEAST_PCT, 2.5 * float(np.nanmax(metered[1:ORDERS]))),
        xticks=[2, 3, 5, 7, 9, 11, 13, 17, 19, 23, 25, 29, 31, 35, 37, 40],
    )
    axes.yaxis.set_major_formatter("{x:g}")
