"""When voltage events come: a point process with known intensity, drawn by thinning.

The intensity of stream s is λ_s(t) = μ_s(hour of t) + Σ (a/τ)·exp(−(t − t_i)/τ) over the incipient faults t_i
of the same feeder: a partial discharge, a wet insulator or a branch near a conductor strikes again within
hours (A. G. Hawkes, Biometrika 58, 1971). Events are drawn by Y. Ogata's thinning (IEEE Transactions on
Information Theory 27, 1981): between events the intensity only falls within an hour, so that its value at the
hour's begin or just after the last event bounds it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulation.events.streams import Stream
from simulation.noise import Floats

OFFSPRING = 0.5
"""Faults that an incipient fault is followed by on its feeder, on average."""

MEMORY_H = 5.0
"""Time in which that rise of the intensity falls to 1/e, h."""

INCIPIENT_SHARE = 0.5
"""Share of a feeder's faults that extinguish by themselves within two cycles."""


@dataclass(frozen=True, slots=True)
class Arrivals:
    """Events in the order in which they come, n of them.

    Attributes:
        hours: Time since the campaign's begin, h, shape [n].
        stream: Column of the stream, shape [n].
        incipient: Whether it is an incipient fault, shape [n].
        intensity_per_h: Intensity of every stream just before, 1/h, shape [n, s].
    """

    hours: Floats
    stream: NDArray[np.int64]
    incipient: NDArray[np.bool_]
    intensity_per_h: Floats


def draw_arrivals(rng: np.random.Generator, streams: tuple[Stream, ...], baseline_per_h: Floats) -> Arrivals:
    """Draw a campaign's events.

    Args:
        rng: Source of randomness.
        streams: Sources of events.
        baseline_per_h: Their intensity without memory in each hour, shape [h, s].
    """
    remembers = np.array([stream.source == "line" for stream in streams])
    excited = np.zeros(len(streams))
    jump = OFFSPRING / MEMORY_H
    hours: list[float] = []
    chosen: list[int] = []
    incipient: list[bool] = []
    before: list[Floats] = []
    totals = baseline_per_h.sum(axis=1).tolist()
    for hour, base in enumerate(totals):
        now, end = float(hour), hour + 1.0
        while True:
            bound = base + float(excited.sum())
            step = rng.exponential(1.0 / bound) if bound > 0.0 else math.inf
            if now + step >= end:
                excited *= math.exp((now - end) / MEMORY_H)
                break
            now += step
            excited *= math.exp(-step / MEMORY_H)
            intensity = baseline_per_h[hour] + excited
            level = np.cumsum(intensity)
            drawn = rng.random() * bound
            if drawn >= level[-1]:
                continue
            k = int(np.searchsorted(level, drawn, side="right"))
            first = bool(remembers[k]) and bool(rng.random() < INCIPIENT_SHARE)
            hours.append(now)
            chosen.append(k)
            incipient.append(first)
            before.append(intensity)
            if first:
                excited[k] += jump
    return Arrivals(
        np.array(hours),
        np.array(chosen, dtype=np.int64),
        np.array(incipient, dtype=np.bool_),
        np.array(before).reshape(-1, len(streams)),
    )


def excitation_per_h(arrivals: Arrivals, streams: int, hours: int) -> Floats:
    """What incipient faults of earlier hours add to each stream's intensity, its mean over each hour, 1/h.

    Returns:
        Shape [h, s]; what comes within an hour adds from the next one on, so that hour h holds nothing that
        is not known when it begins.
    """
    found = np.zeros((hours, streams))
    edges = np.arange(hours + 1, dtype=np.float64)
    for t, k in zip(arrivals.hours[arrivals.incipient], arrivals.stream[arrivals.incipient], strict=True):
        first = int(t) + 1
        # Beyond thirty memories nothing is left.
        last = min(hours, first + math.ceil(30.0 * MEMORY_H))
        found[first:last, k] += OFFSPRING * -np.diff(np.exp((t - edges[first : last + 1]) / MEMORY_H))
    return found
