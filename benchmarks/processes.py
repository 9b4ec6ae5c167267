"""Processes that are measured: one thread, memory of their own, processor time."""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any, TypeVar

# As training processes have it; numpy reads these when it is imported.
ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"), "1"
)
SIZE, REPEATS = 1000, 10

Result = TypeVar("Result")


def alone(work: Callable[..., Result], *arguments: Any) -> Result:
    """What `work` gives in a new process of its own."""
    with ProcessPoolExecutor(1, get_context("spawn")) as process:
        return process.submit(work, *arguments).result()


def seconds_of_product() -> float:
    """Processor time of one product of two matrices, the best of several, s."""
    import numpy as np

    rng = np.random.default_rng(0)
    a, b = rng.random((2, SIZE, SIZE))
    took = []
    for _ in range(REPEATS):
        start = time.process_time()
        a @ b
        took.append(time.process_time() - start)
    return min(took)


def processor_s() -> float:
    """Processor time of this process and of those that it started and saw end, s."""
    who = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return sum(used.ru_utime + used.ru_stime for used in map(resource.getrusage, who))


def peak_mb() -> float:
    """Largest resident memory of this process so far, 10^6 bytes."""
    # Counted in bytes on macOS, in kibibytes elsewhere.
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def say(text: str) -> None:
    """A line of progress."""
    print(text, file=sys.stderr, flush=True)
