"""Prometheus metrics of a worker.

Every label has few values that we choose: route templates, HTTP status, model names, versions, swap outcomes.
Nothing of a raw path or a request's field becomes a label. When `PROMETHEUS_MULTIPROC_DIR` is set, as it is
with more than one worker, the figures of all workers are added up from files in that folder.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)

CONTENT_TYPE = CONTENT_TYPE_LATEST
MULTIPROC_DIR = "PROMETHEUS_MULTIPROC_DIR"

_BUCKETS = (
    50e-6, 100e-6, 200e-6, 350e-6, 500e-6, 750e-6, 1e-3, 1.5e-3, 2e-3, 3.5e-3, 5e-3, 10e-3, 20e-3, 50e-3, 0.1,
    0.2, 0.5, 1.0, 2.0, 5.0,
)  # fmt: skip

request_seconds = Histogram(
    "switchyard_request_seconds",
    "Time from the request's head to its answer, by route template and status.",
    ("route", "status"),
    buckets=_BUCKETS,
)
queue_seconds = Histogram(
    "switchyard_queue_seconds",
    "Time that a large request waited for the thread that computes it.",
    buckets=_BUCKETS,
)
compute_seconds = Histogram(
    "switchyard_compute_seconds",
    "Time of decoding, features, models and encoding of one inference request.",
    buckets=_BUCKETS,
)
model_seconds = Histogram(
    "switchyard_model_seconds",
    "Time of one call of a model, however many rows it held.",
    ("model", "version"),
    buckets=_BUCKETS,
)
model_answers = Counter(
    "switchyard_model_answers",
    "Answers by model, version and status (ok, abstained, failed).",
    ("model", "version", "status"),
)
items = Counter("switchyard_items", "Items by outcome (answered, refused).", ("outcome",))
input_quality = Counter("switchyard_input_quality", "Items by the quality of their readings.", ("quality",))
in_flight = Gauge("switchyard_in_flight", "Inference requests at work.", multiprocess_mode="livesum")
shed = Counter("switchyard_shed", "Requests that were turned away, by reason.", ("reason",))
swaps = Counter(
    "switchyard_swaps", "Attempts to take a snapshot up, by outcome (taken, refused).", ("outcome",)
)
snapshot_alarm = Gauge(
    "switchyard_snapshot_alarm",
    "1 while the current snapshot was refused, so that an older one or none is served.",
    multiprocess_mode="livemax",
)
snapshot_seq = Gauge(
    "switchyard_snapshot_seq", "Number of the snapshot that is served.", multiprocess_mode="livemin"
)
ready = Gauge("switchyard_ready", "1 while the worker answers requests.", multiprocess_mode="livemin")


_by_route: dict[tuple[str, int], Histogram] = {}


def observe_request(route: str, status: int, seconds: float) -> None:
    """Count one request; `route` is a template, never a raw path."""
    key = route, status
    series = _by_route.get(key)
    if series is None:
        series = _by_route[key] = request_seconds.labels(route, str(status))
    series.observe(seconds)


class ModelMetrics:
    """Metrics of one model version, with its labels looked up once.

    Attributes:
        seconds: Duration of its calls.
        ok: Its answers.
        abstained: Items at which it had too little to go by.
        failed: Items at which it broke.
    """

    __slots__ = ("_labels", "abstained", "failed", "ok", "seconds")

    def __init__(self, model: str, version: str) -> None:
        self._labels = (model, version)
        self.seconds = model_seconds.labels(model, version)
        self.ok = model_answers.labels(model, version, "ok")
        self.abstained = model_answers.labels(model, version, "abstained")
        self.failed = model_answers.labels(model, version, "failed")

    def forget(self) -> None:
        """Drop the series of a version that is served no longer, so that versions do not pile up."""
        if MULTIPROC_DIR in os.environ:
            return  # the files of several workers cannot forget
        model_seconds.remove(*self._labels)
        for status in ("ok", "abstained", "failed"):
            model_answers.remove(*self._labels, status)


def render() -> bytes:
    """All metrics in Prometheus' text format."""
    folder = os.environ.get(MULTIPROC_DIR)
    if folder is None:
        return generate_latest(REGISTRY)
    from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

    for pid in _gone(Path(folder).glob("gauge_live*.db")):
        mark_process_dead(pid, folder)  # type: ignore[no-untyped-call]
    registry = CollectorRegistry()
    MultiProcessCollector(registry, folder)  # type: ignore[no-untyped-call]
    return generate_latest(registry)


def _gone(files: Iterable[Path]) -> set[int]:
    """Processes that left gauges behind but are no more."""
    return {pid for pid in {int(file.stem.rpartition("_")[2]) for file in files} if not _alive(pid)}


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
