"""Series of one episode at one point, metered and true, and what is to be seen in them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data_contracts.ranges import INVALID
from data_contracts.tables.readings_truth import INSTRUMENT_EVENTS, NORMAL_EVENTS, OPERATING_EVENTS
from flows.pictures.source import Source, phases
from flows.pictures.style import words
from flows.pictures.telling import Shown
from models import columns


@dataclass(frozen=True, slots=True)
class Strip:
    """Series of an episode at a point, n seconds; volts are per unit of the phase's nominal voltage.

    Attributes:
        t_s: Seconds since the episode began, [n].
        v: Metered voltage, NaN where the meter gave none, [n, 3].
        v_min: Least half-cycle value, NaN where the meter has none, [n, 3].
        v_max: Largest half-cycle value, the same, [n, 3].
        true: True voltage, [n, 3].
        true_t_s: Its seconds, [m].
        active: Whether the event acts, [m].
        thd_pct: Metered distortion, [n, 3].
    """

    t_s: NDArray[np.float64]
    v: NDArray[np.float64]
    v_min: NDArray[np.float64]
    v_max: NDArray[np.float64]
    true: NDArray[np.float64]
    true_t_s: NDArray[np.float64]
    active: NDArray[np.bool_]
    thd_pct: NDArray[np.float64]


def read(source: Source, shown: Shown) -> Strip:
    """Read the series of an episode at a point."""
    rows = source.episode_rows("readings", shown.file, shown.scenario_id, shown.point)
    truth = source.episode_rows("readings_truth", shown.file, shown.scenario_id, shown.point)
    nominal_v = source.substation.point(shown.point).nominal_kv * 1000.0 / np.sqrt(3.0)
    gone = (rows["quality"].to_numpy() == INVALID)[:, None]
    v, v_min, v_max = (
        np.where(gone, np.nan, phases(rows, name)) / nominal_v
        for name in ("v_{}_v", "v_min_{}_v", "v_max_{}_v")
    )
    true_t = columns.seconds(truth).astype(np.float64)
    began = true_t[0]
    return Strip(
        t_s=columns.seconds(rows).astype(np.float64) - began,
        v=v,
        v_min=v_min,
        v_max=v_max,
        true=phases(truth, "v_{}_v") / nominal_v,
        true_t_s=true_t - began,
        active=columns.floats(truth, "active") > 0.5,
        thd_pct=np.where(gone, np.nan, phases(rows, "thd_{}_pct")),
    )


def headline(shown: Shown, strip: Strip) -> str:
    """What to see in a strip chart."""
    what = f"{words(shown.event)} at {shown.point}" if shown.event else f"at {shown.point}"
    if np.isfinite(strip.thd_pct).any():
        what = f"{what}, where" if shown.event else what
        return f"{what} the meter reads up to {np.nanmax(strip.thd_pct):.1f} % distortion"
    _, of, at = np.intersect1d(strip.t_s, strip.true_t_s, return_indices=True)
    error = np.nan_to_num(np.abs(strip.v[of] - strip.true[at]))
    if shown.event in (*INSTRUMENT_EVENTS, "vt_fuse"):
        row, phase = divmod(int(np.argmax(error)), 3)
        read, true = strip.v[of][row, phase], strip.true[at][row, phase]
        return f"{what}, phase {'abc'[phase]} reads {read:.3f} pu where {true:.3f} is true"
    if shown.event in NORMAL_EVENTS and strip.active.any():
        acts = np.flatnonzero(strip.active)
        before, after = strip.true[: acts[0]], strip.true[acts[-1] + 1 :]
        if len(before) and len(after):
            step = 100.0 * (after.mean() / before.mean() - 1.0)
            return f"{what} moves the voltage by {step:+.1f} %"
    low, high = (np.where(np.isfinite(extreme), extreme, strip.v) for extreme in (strip.v_min, strip.v_max))
    if not np.isfinite(low).any(axis=0).all():
        return f"{what}, where the meter lost a phase"
    if shown.event in OPERATING_EVENTS:
        return f"{what}, where{_extreme(strip, low, high, named=False)}"
    return what + _extreme(strip, low, high, named=bool(shown.event))


def _extreme(strip: Strip, low: NDArray[np.float64], high: NDArray[np.float64], *, named: bool) -> str:
    """The range of the voltages, or where an event takes the phase that departs most from its usual level."""
    if not named:
        return f" voltages stay between {np.nanmin(low):.3f} and {np.nanmax(high):.3f} pu"
    usual = np.nanmedian(strip.true, axis=0)
    falls, rises = np.nanmin(low, axis=0) - usual, np.nanmax(high, axis=0) - usual
    if -falls.min() >= rises.max():
        phase = int(np.argmin(falls))
        return f", phase {'abc'[phase]} down to {np.nanmin(low[:, phase]):.3f} pu"
    phase = int(np.argmax(rises))
    return f", phase {'abc'[phase]} up to {np.nanmax(high[:, phase]):.3f} pu"
