"""Rates in processor time."""

from __future__ import annotations

import time
from collections.abc import Callable

SUBSTATION = "mumbai"
"""Substation that is measured."""


def rate(count: int, work: Callable[[], object], rounds: int = 3) -> float:
    """Best rate of `count` things per second of processor time."""
    best = float("inf")
    for _ in range(rounds):
        begin = time.process_time()
        work()
        best = min(best, time.process_time() - begin)
    return count / best
