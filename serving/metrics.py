"""Prometheus metrics of a worker.

Every label has few values that we choose: route templates, HTTP status, model names, versions, swap outcomes,
watched quantities and their bins. Nothing of a raw path or a request's field becomes a label. When
`PROMETHEUS_MULTIPROC_DIR` is set, as it is with more than one worker, the figures of all workers are added up
from files in that folder, whichever worker is asked.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.metrics_core import Metric

from serving.drift import Quantity, Tally, Watched

CONTENT_TYPE = CONTENT_TYPE_LATEST
disable_created_metrics()  # type: ignore[no-untyped-call] # a third of the series, and of no use here
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
audit_lost = Counter(
    "switchyard_audit_lost", "Lines of the audit log that could not be written, for want of disk or of time."
)
swaps = Counter(
    "switchyard_swaps", "Attempts to take a snapshot up, by outcome (taken, refused).", ("outcome",)
)
shadow_items = Counter(
    "switchyard_shadow_items",
    "Items for a challenger off the path, by outcome (agreed, differed, failed, dropped).",
    ("outcome",),
)
snapshot_alarm = Gauge(
    "switchyard_snapshot_alarm",
    "1 while the current snapshot was refused, so that an older one or none is served.",
    multiprocess_mode="livemax",
)
snapshot_seq = Gauge(
    "switchyard_snapshot_seq", "Number of the snapshot that is served.", multiprocess_mode="livemin"
)
snapshot_created = Gauge(
    "switchyard_snapshot_created_seconds",
    "Unix time at which the snapshot that is served was written.",
    multiprocess_mode="livemin",
)
ready = Gauge("switchyard_ready", "1 while the worker answers requests.", multiprocess_mode="livemin")
workers = Gauge("switchyard_workers", "Worker processes that live.", multiprocess_mode="livesum")
worker_started = Gauge(
    "switchyard_worker_started_seconds",
    "Unix time at which the youngest worker started; it changes when one is replaced.",
    multiprocess_mode="livemax",
)
model_serving = Gauge(
    "switchyard_model_serving",
    "Workers that serve this version.",
    ("model", "version"),
    multiprocess_mode="livesum",
)
feature_values = Counter(
    "switchyard_feature_values",
    "Values of watched inputs that a model has answered by, in the bins of its training rows.",
    ("model", "version", "feature", "bin"),
)
feature_share = Gauge(
    "switchyard_feature_share",
    "Share of a bin of a watched input at training.",
    ("model", "version", "feature", "bin"),
    multiprocess_mode="livemax",
)
prediction_values = Counter(
    "switchyard_prediction_values",
    "Values of watched fields of the answers, in the bins of unseen rows at training.",
    ("model", "version", "output", "bin"),
)
prediction_share = Gauge(
    "switchyard_prediction_share",
    "Share of a bin of a watched field of the answers at training.",
    ("model", "version", "output", "bin"),
    multiprocess_mode="livemax",
)
_OF_A_VERSION = (
    model_seconds, model_answers, model_serving, feature_values, feature_share, prediction_values,
    prediction_share,
)  # fmt: skip


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

    Args:
        model: Name of the model.
        version: Registered name and version.
        inputs: Names of the version's inputs.
        watched: What of it is watched for drift; None where its specification does not say.

    Attributes:
        seconds: Duration of its calls.
        ok: Its answers.
        abstained: Items at which it had too little to go by.
        failed: Items at which it broke.
    """

    __slots__ = ("_labels", "_tally", "abstained", "failed", "ok", "seconds")

    def __init__(
        self, model: str, version: str, inputs: Sequence[str] = (), watched: Watched | None = None
    ) -> None:
        self._labels = (model, version)
        self.seconds = model_seconds.labels(model, version)
        self.ok = model_answers.labels(model, version, "ok")
        self.abstained = model_answers.labels(model, version, "abstained")
        self.failed = model_answers.labels(model, version, "failed")
        self._tally: Tally | None = None
        if watched is not None:
            self._tally = Tally(
                watched,
                inputs,
                [_bins(feature_values, feature_share, model, version, one) for one in watched.features],
                [_bins(prediction_values, prediction_share, model, version, one) for one in watched.outputs],
            )
            _tallies.add(self._tally)
        model_serving.labels(model, version).set(1)

    def note(self, inputs: Any, answers: Sequence[Any]) -> None:
        """Leave one call's rows to be counted for drift.

        Args:
            inputs: What the model read, float64 [rows, inputs].
            answers: What it said of each row; None where it broke.
        """
        if self._tally is not None:
            self._tally.note(inputs, answers)

    def forget(self) -> None:
        """Drop the series of a version that is served no longer, so that versions do not pile up.

        The files of several workers cannot forget; there the series stay, but are not shown.
        """
        if self._tally is not None:
            self._tally.settle()
            _tallies.discard(self._tally)
        if MULTIPROC_DIR in os.environ:
            model_serving.labels(*self._labels).set(0)
            return
        for metric in _OF_A_VERSION:
            metric.remove_by_labels({"version": self._labels[1]})


class UncountedModel(ModelMetrics):
    """Metrics of a model that answers off the path: nothing is counted."""

    __slots__ = ()

    def __init__(self) -> None:
        self._labels = ("", "")
        self._tally = None
        self.seconds = _NOTHING  # type: ignore[assignment]
        self.ok = self.abstained = self.failed = _NOTHING  # type: ignore[assignment]

    def forget(self) -> None:
        """Nothing was counted."""


class _Nothing:
    def observe(self, amount: float) -> None:
        """Count nothing."""

    def inc(self, amount: float = 1) -> None:
        """Count nothing."""


_NOTHING = _Nothing()
_tallies: set[Tally] = set()


def _bins(counter: Counter, share: Gauge, model: str, version: str, quantity: Quantity) -> list[Any]:
    """What adds to each bin of a watched quantity, whose shares at training are told beside."""
    for name, at_training in zip(quantity.bins, quantity.shares, strict=True):
        share.labels(model, version, quantity.name, name).set(at_training)
    return [counter.labels(model, version, quantity.name, name).inc for name in quantity.bins]


def settle() -> None:
    """Count what requests have left for drift; called once a second and before the figures are shown."""
    for tally in tuple(_tallies):
        tally.settle()


def started() -> None:
    """Note that this worker lives."""
    workers.set(1)
    worker_started.set(time.time())


def render() -> bytes:
    """All metrics in Prometheus' text format."""
    settle()
    folder = os.environ.get(MULTIPROC_DIR)
    if folder is None:
        return generate_latest(REGISTRY)
    registry = CollectorRegistry()
    registry.register(_OfAllWorkers(Path(folder)))
    return generate_latest(registry)


class _OfAllWorkers:
    """The figures of all workers added up, without those of versions that no worker serves any longer."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def collect(self) -> Iterator[Metric]:
        """What is shown."""
        from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

        for pid in _gone(self._folder.glob("gauge_live*.db")):
            mark_process_dead(pid, str(self._folder))  # type: ignore[no-untyped-call]
        collector = MultiProcessCollector(None, str(self._folder))  # type: ignore[no-untyped-call]
        found: list[Metric] = [*collector.collect()]  # type: ignore[no-untyped-call]
        served = {
            sample.labels["version"]
            for metric in found
            if metric.name == "switchyard_model_serving"
            for sample in metric.samples
            if sample.value > 0
        }
        for metric in found:
            metric.samples = [
                sample for sample in metric.samples if sample.labels.get("version") in {None, *served}
            ]
            yield metric


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
