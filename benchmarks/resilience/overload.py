"""Ten times as many requests as the service can answer, and a long quiet day."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from statistics import quantiles
from typing import Any

import numpy as np

from benchmarks.resilience.load import BROKEN, Outcome, closed_loop, for_seconds, open_loop
from benchmarks.resilience.service import Service, examples, request_bytes

CLIENTS = 8
CONNECTIONS = 256
FACTOR = 10
SAMPLE_S = 2.0
WARM_SHARE = 0.3
SOAK_CLIENTS = 4


def overload(service: Service, seconds: float) -> dict[str, Any]:
    """Capacity by a closed loop, then requests at ten times of it, then capacity again.

    Each of the connections has one request under way, as a gateway has; a request that is due while all of
    them wait is counted as `overload_unsent`: the service holds it back by not reading on.
    """
    requests = [request_bytes(item) for item in examples(service)]
    asyncio.run(closed_loop(service.port, requests, CLIENTS, for_seconds(min(seconds, 3.0))))
    before = asyncio.run(closed_loop(service.port, requests, CLIENTS, for_seconds(seconds)))
    rss = service.resident_mb()
    under = asyncio.run(open_loop(service.port, requests, FACTOR * before.rate, CONNECTIONS, seconds))
    grown = service.resident_mb() - rss
    after = asyncio.run(closed_loop(service.port, requests, CLIENTS, for_seconds(seconds)))
    capacity = (before.rate + after.rate) / 2
    return {
        "overload_capacity_rps": round(capacity, 1),
        "overload_offered_rps": round(FACTOR * before.rate, 1),
        "overload_goodput_ratio": round(under.rate / capacity, 3),
        "overload_statuses": statuses(under),
        "overload_other": sum(n for status, n in under.statuses.items() if status not in {200, 429, 503}),
        "overload_unsent": under.unsent,
        "overload_p99_ms": p99_ms(under.durations),
        "overload_rss_growth_mb": round(grown, 2),
        "overload_seconds": seconds,
    }


def soak(service: Service, minutes: float) -> dict[str, Any]:
    """Growth of the workers' memory under a steady load, by least squares after the first part of it."""
    requests = [request_bytes(item) for item in examples(service)]
    samples: list[tuple[float, float]] = []
    started = time.perf_counter()

    async def watched() -> Outcome:
        done = for_seconds(60 * minutes)
        loading = asyncio.create_task(closed_loop(service.port, requests, SOAK_CLIENTS, done))
        while not loading.done():
            samples.append((time.perf_counter() - started, service.resident_mb()))
            await asyncio.wait({loading}, timeout=SAMPLE_S)
        return await loading

    outcome = asyncio.run(watched())
    warm = np.array(samples[round(WARM_SHARE * len(samples)) :])
    slope = float(np.polyfit(warm[:, 0] / 3600, warm[:, 1], 1)[0]) if len(warm) > 2 else None
    return {
        "soak_minutes": minutes,
        "soak_requests": outcome.statuses[200],
        "soak_failed": outcome.failed,
        "soak_rss_slope_mb_per_h": None if slope is None else round(slope, 2),
        "soak_rss_first_mb": round(samples[0][1], 1),
        "soak_rss_warm_mb": round(float(warm[0, 1]), 1),
        "soak_rss_last_mb": round(samples[-1][1], 1),
    }


def statuses(outcome: Outcome) -> dict[str, int]:
    """Requests by status; broken ones by that word."""
    return {
        "broken" if status == BROKEN else str(status): n for status, n in sorted(outcome.statuses.items())
    }


def p99_ms(durations: Sequence[float]) -> float | None:
    """99th percentile, ms; None of fewer than two."""
    return round(1e3 * quantiles(durations, n=100)[98], 2) if len(durations) > 1 else None
