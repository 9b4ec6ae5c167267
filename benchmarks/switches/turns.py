"""Modes measured in turn, so that what the machine does besides falls on all of them alike."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from benchmarks.loops import closed_loop

Figures = Mapping[str, float]


def in_turn(modes: Mapping[str, Callable[[], Figures]], rounds: int) -> dict[str, list[Figures]]:
    """Figures of every mode by round; every other round goes backwards.

    Args:
        modes: Switches to a mode and measures in it, by its name.
        rounds: How often each is measured.
    """
    found: dict[str, list[Figures]] = {name: [] for name in modes}
    for number in range(rounds):
        for name in list(modes)[:: -1 if number % 2 else 1]:
            found[name].append(modes[name]())
    return found


def summed_up(found: Mapping[str, Sequence[Figures]], reference: str) -> dict[str, float]:
    """Medians over the rounds, as `<mode>_<figure>`, and of the ratios to the reference in the same round."""
    told = {}
    for mode, rounds in found.items():
        for name in rounds[0]:
            values = [one[name] for one in rounds]
            told[f"{mode}_{name}"] = round(statistics.median(values), 4)
            if mode != reference:
                bases = [one[name] for one in found[reference]]
                ratios = [value / base for value, base in zip(values, bases, strict=True)]
                told[f"{mode}_{name}_ratio"] = round(statistics.median(ratios), 3)
    return told


def rate(port: int, connections: int, requests: Sequence[bytes], seconds: float) -> float:
    """Requests a second in a closed loop."""
    began = time.perf_counter()
    answered = len(closed_loop(port, connections, requests, seconds))
    return answered / (time.perf_counter() - began)


def percentile_ms(durations: Sequence[float], percent: float) -> float:
    """Percentile of durations in s, ms."""
    return 1e3 * float(np.percentile(durations, percent))


def cycle_ms(durations: Sequence[float], length: int) -> float:
    """Mean time of a whole cycle of `length` requests that were sent one after the other in turn, ms.

    Raises:
        ValueError: Not one cycle is whole.
    """
    whole = len(durations) // length
    if not whole:
        raise ValueError(f"{len(durations)} of {length} requests were answered: measure for longer")
    return 1e3 * sum(durations[: whole * length]) / whole
