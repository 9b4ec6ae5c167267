"""What was played, summed up: the interval's indices, and what fluctuates within its seconds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from simulation.harmonics.distortion import Distorted
from simulation.instruments.flicker import Fluctuation
from simulation.noise import Floats
from simulation.quality.flicker import BACKGROUND_PST, Source, total_pst
from simulation.quality.flickermeter import step_pst
from simulation.quality.happening import rapid_changes
from simulation.quality.interval import (
    INTERVAL_S,
    Interval,
    frequency_departures,
    largest_harmonic,
    limits_of,
    mean_unbalance_pct,
    nominal_voltages,
    quadratic_mean,
)
from simulation.quality.playing import Played
from simulation.scenario.world import World

# Largest departure of a level's own flicker in standard deviations, over ten minutes.
_LARGEST = 4.2


def fluctuate(
    played: Played, sources: tuple[Source, ...], sigma: Floats, start_s: float, seconds: int
) -> tuple[Floats, Fluctuation]:
    """Flicker of the interval, and what meters are shown of it.

    Args:
        played: What was switched, and what struck.
        sources: Fluctuating loads.
        sigma: Deviation of half-cycle values by each level's own flicker, shape [p].
        start_s: When the interval's event begins.
        seconds: Seconds that are read.

    Returns:
        Severity of each phase, shape [p, 3], and the fluctuation in these seconds.
    """
    own = np.repeat(sigma[:, None], 3, axis=1)
    quiet = total_pst((*(source.pst for source in sources), BACKGROUND_PST * own))
    switched = total_pst((quiet, step_pst(100.0 * played.step)))
    after = total_pst((switched, step_pst(100.0 * played.dip)))
    # A flagged interval's flicker is judged without its sag or swell: that counts as an event already.
    flagged = (played.events.sags + played.events.swells)[:, None] > 0
    since = np.arange(INTERVAL_S - seconds, INTERVAL_S) + 1.0 > start_s
    running = np.where(since, after.max(axis=1)[:, None], quiet.max(axis=1)[:, None])
    squares = sum(
        ((source.depth[:, None] * source.swings(seconds)[:, None]) ** 2 for source in sources),
        own[:, None] ** 2,
    )
    spread = np.sqrt(np.broadcast_to(squares, (*running.shape, 3)))
    return np.where(flagged, switched, after), Fluctuation(running, spread)


def sum_up(
    world: World,
    played: Played,
    distorted: Distorted,
    levels: Floats,
    f_hz: Floats,
    *,
    t_start: int,
    pst: Floats,
) -> Interval:
    """Aggregate what was played.

    Args:
        world: The substation.
        played: Its states.
        distorted: Its harmonics.
        levels: Level of the distortion in each second of the interval, 1 in the last, shape [600].
        f_hz: Frequency in each of them.
        t_start: Unix seconds of the beginning.
        pst: Flicker severity of each phase, shape [p, 3].
    """
    v, weights, events = played.states.v, played.weights, played.events
    u = np.abs(v) / nominal_voltages(world.substation)[:, None]
    level = float(np.sqrt((levels**2).mean()))
    thd = level * np.nan_to_num(distorted.states.thd_v_pct)
    # A half-cycle holds its share of the harmonics, as the whole interval does.
    raised = np.sqrt(1.0 + (thd / 100.0) ** 2)
    largest_pct, order = largest_harmonic(distorted.states.v, level)
    mean_hz, max_hz = frequency_departures(f_hz, float(world.substation.frequency_hz))
    return Interval(
        t_start=t_start,
        v=np.asarray(np.tensordot(weights / weights.sum(), v, axes=1)),
        u_pu=quadratic_mean(u, weights) * raised,
        u_min_pu=(u.min(axis=0) * raised).min(axis=1),
        u_max_pu=(u.max(axis=0) * raised).max(axis=1),
        vuf_pct=mean_unbalance_pct(v, weights),
        thd_pct=thd,
        harmonic_pct=largest_pct,
        harmonic_order=order,
        pst=pst,
        events=events,
        f_dev_mean_hz=mean_hz,
        f_dev_max_hz=max_hz,
        level_pu=level / float(distorted.level.mean()),
        limits=limits_of(world.substation),
    )


def with_swings(interval: Interval, sources: tuple[Source, ...], sigma: Floats) -> Interval:
    """Extremes of half-cycle values with what fluctuates within a state, and the starts that count."""
    room = _LARGEST * sigma + sum(
        (source.peak * source.depth.max(axis=1) for source in sources), np.zeros(sigma.size)
    )
    jumps = sum(
        (rapid_changes(source.depth, source.jumps) for source in sources),
        np.zeros(sigma.size, dtype=np.int64),
    )
    events = interval.events
    return replace(
        interval,
        u_min_pu=np.maximum(np.minimum(interval.u_min_pu - room, events.low_pu), 0.0),
        u_max_pu=np.maximum(interval.u_max_pu + room, events.high_pu),
        events=replace(events, rapid_changes=events.rapid_changes + jumps),
    )
