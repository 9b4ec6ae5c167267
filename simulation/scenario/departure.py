"""How far an event moves what an instrument says, in multiples of the instrument's error limit."""

from __future__ import annotations

import numpy as np

from simulation.engine.network import Complexes
from simulation.noise import Floats
from simulation.scenario.recording import Timeline
from simulation.sequence import line_voltages

NOTICED = 0.2
"""An event is named at the points that it moves by more than this share of the instrument's error limit."""

_LARGEST_SEVERITY = 20.0


def draw_severity(rng: np.random.Generator) -> float:
    """Severity of an anomaly: log-uniform from 1 to 20 times the instrument's ratio-error limit."""
    return float(np.exp(rng.uniform(0.0, np.log(_LARGEST_SEVERITY))))


def departure(before: Complexes, after: Complexes) -> Floats:
    """Relative change of each channel, phases a, b, c then lines ab, bc, ca.

    Args:
        before: Phase voltages without the event, shape [..., p, 3].
        after: With it, same shape.

    Returns:
        Signed relative changes, shape [..., p, 6].
    """
    one = np.concatenate([np.abs(before), np.abs(line_voltages(before))], axis=-1)
    other = np.concatenate([np.abs(after), np.abs(line_voltages(after))], axis=-1)
    # A dead bus departs from nothing.
    return np.asarray((other - one) / np.maximum(one, 1e-6 * one.max(initial=1.0)))


def largest(changes: Floats) -> Floats:
    """Largest absolute change over the channels, shape [..., p]."""
    return np.asarray(np.abs(changes).max(axis=-1))


def seen_for(changes: Floats, duration_s: float, *, half_cycles: bool) -> Floats:
    """What a meter shows of changes that last for `duration_s`.

    Half-cycle extremes of the phases show all of them, the means of seconds their share of a second.

    Args:
        changes: Relative changes of phases and lines, shape [..., 6].
        duration_s: How long they last.
        half_cycles: Whether the meter has half-cycle extremes.

    Returns:
        Largest departure of any channel, shape [...].
    """
    mean = min(duration_s, 1.0) * np.abs(changes).max(axis=-1)
    if not half_cycles:
        return np.asarray(mean)
    return np.asarray(np.maximum(mean, np.abs(changes[..., :3]).max(axis=-1)))


def seen_in_seconds(
    timeline: Timeline, changes: Floats, half_cycles: np.ndarray[tuple[int], np.dtype[np.bool_]]
) -> Floats:
    """What meters show in each second of changes that vary.

    Args:
        timeline: When each segment begins and ends, g of them.
        changes: Relative changes of phases and lines in each segment, shape [g, p, 6].
        half_cycles: Whether each point's meter has half-cycle extremes, shape [p].

    Returns:
        Largest departure of any channel, shape [p, t].
    """
    second = np.floor(timeline.begin).astype(np.int64)
    mean = np.zeros((timeline.seconds, *changes.shape[1:]))
    np.add.at(mean, second, changes * (timeline.end - timeline.begin)[:, None, None])
    extreme = np.zeros((timeline.seconds, changes.shape[1]))
    np.maximum.at(extreme, second, np.abs(changes[..., :3]).max(axis=-1))
    seen = np.maximum(np.abs(mean).max(axis=-1), np.where(half_cycles, extreme, 0.0))
    return np.asarray(seen.T)


def phases_hit(changes: Floats) -> str:
    """Phases that move by at least half as much as the one that moves most, as text.

    Args:
        changes: Relative changes of one point's phases, shape [3].
    """
    size = np.abs(changes[:3])
    hit = "".join(p for p, s in zip("abc", size, strict=True) if s >= 0.5 * size.max(initial=0.0))
    return "ca" if hit == "ac" else hit
