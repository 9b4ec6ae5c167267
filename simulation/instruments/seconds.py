"""From solved states to the values of whole seconds: means and half-cycle extremes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from simulation.noise import Floats
from simulation.scenario.recording import Timeline

CYCLE_S = 0.02
HALF_CYCLES = 100
# A meter whose clock is off by up to this may see what happened in the second next to its own.
LARGEST_SKEW_S = 0.25


def mean_over_seconds(timeline: Timeline, values: Floats, skew_s: Floats) -> Floats:
    """Means over each second as each point's own clock counts it.

    Args:
        timeline: Which state acts when.
        values: Quantity at each point in each state, shape [k, p, c].
        skew_s: How far each point's clock is ahead, s, shape [p].

    Returns:
        Shape [p, t, c].
    """
    if timeline.is_steady:
        own = values if timeline.in_order else values[timeline.state]
        return _shifted(own.transpose(1, 0, 2), skew_s)
    begin, end = timeline.begin.copy(), timeline.end
    # Before the first and after the last second the nearest state goes on.
    begin[0], end[-1] = -1.0, timeline.seconds + 1.0
    from_ = np.arange(timeline.seconds)[None, :, None] + skew_s[:, None, None]
    share = np.clip(np.minimum(end, from_ + 1.0) - np.maximum(begin, from_), 0.0, None)
    return np.asarray(share @ values[timeline.state].transpose(1, 0, 2))


def _shifted(values: Floats, skew_s: Floats) -> Floats:
    """Means by clocks ahead or behind, of quantities constant over each true second, shape [p, t, c]."""
    if not skew_s.any():
        return values
    points, seconds, channels = values.shape
    # A clock that is ahead sees a share of the next second, one that is behind a share of the last. Points
    # and seconds are one axis here: the shares at the ends keep one point's values from the next one's.
    ahead, behind = np.zeros((2, points, seconds))
    ahead[:, :-1] = np.maximum(skew_s, 0.0)[:, None]
    behind[:, 1:] = np.maximum(-skew_s, 0.0)[:, None]
    flat = np.array(values.transpose(2, 0, 1), order="C").reshape(channels, points * seconds)
    steps = flat[:, 1:] - flat[:, :-1]
    flat[:, :-1] += ahead.ravel()[:-1] * steps
    flat[:, 1:] -= behind.ravel()[1:] * steps
    return flat.reshape(channels, points, seconds).transpose(1, 2, 0)


def restless_seconds(timeline: Timeline) -> NDArray[np.int64]:
    """Seconds in which, by any point's clock, the state changes other than from one second to the next."""
    inner = timeline.begin[timeline.begin != np.floor(timeline.begin)]
    near = {
        second
        for at in inner
        for second in range(int(at - LARGEST_SKEW_S - CYCLE_S), int(at + LARGEST_SKEW_S) + 1)
    }
    return np.array(sorted(s for s in near if 0 <= s < timeline.seconds), dtype=np.int64)


def half_cycle_extremes(
    timeline: Timeline, v_abs: Floats, skew_s: Floats, seconds: NDArray[np.int64]
) -> tuple[Floats, Floats]:
    """Smallest and largest U_rms(1/2) in some seconds: RMS over a cycle, renewed every half-cycle.

    Args:
        timeline: Which state acts when.
        v_abs: Voltage magnitudes at each point in each state, V, shape [k, p, c].
        skew_s: How far each point's clock is ahead, s, shape [p].
        seconds: Seconds wanted, shape [s].

    Returns:
        Minimum and maximum, shape [p, s, c] each.
    """
    low = np.empty((v_abs.shape[1], seconds.size, v_abs.shape[2]))
    high = np.empty_like(low)
    begin, end = timeline.begin.copy(), timeline.end
    begin[0], end[-1] = -1.0, timeline.seconds + 1.0
    ticks = (np.arange(HALF_CYCLES) + 1.0) * CYCLE_S / 2.0
    for k, second in enumerate(seconds):
        stop = second + skew_s[:, None] + ticks
        near = (end > second - LARGEST_SKEW_S - CYCLE_S) & (begin < second + 1.0 + LARGEST_SKEW_S)
        overlap = np.minimum(end[near], stop[..., None]) - np.maximum(begin[near], stop[..., None] - CYCLE_S)
        share = np.clip(overlap, 0.0, None) / CYCLE_S
        squares = share @ (v_abs[timeline.state[near]] ** 2).transpose(1, 0, 2)
        rms = np.sqrt(squares)
        low[:, k], high[:, k] = rms.min(axis=1), rms.max(axis=1)
    return low, high
