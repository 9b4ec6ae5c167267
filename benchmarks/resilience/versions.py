"""Swaps under load, and snapshots that must be refused."""

from __future__ import annotations

import asyncio
import json
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from benchmarks.resilience.load import Outcome, closed_loop
from benchmarks.resilience.overload import p99_ms, statuses
from benchmarks.resilience.service import Service, again, examples, request_bytes
from serving.snapshot import current_name, open_snapshot, set_current

CLIENTS = 4
MODULES = ("monitoring", "maintenance", "energy", "decision")
REFUSAL_S = 60.0


@dataclass
class Seen:
    """What the answers say of their versions.

    Attributes:
        versions: Versions of each snapshot.
        snapshots: Answers by snapshot.
        mixed: Answers with a version that is not their snapshot's.
    """

    versions: dict[str, set[str]]
    snapshots: dict[str, int] = field(default_factory=dict)
    mixed: int = 0

    def __call__(self, body: bytes) -> None:
        """Look at one answer."""
        answer = msgspec.json.decode(body)
        name = answer["snapshot"]
        self.snapshots[name] = self.snapshots.get(name, 0) + 1
        told = {
            said["model_version"]
            for module in MODULES
            for said in answer.get(module, {}).values()
            if said and said.get("model_version")
        }
        self.mixed += not told <= self.versions[name]

    @classmethod
    def of(cls, service: Service, *names: str) -> Seen:
        """Versions of the named snapshots."""
        return cls({name: versions(service, name) for name in names})


class Answering:
    """True once a snapshot has answered again."""

    def __init__(self, seen: Seen, name: str) -> None:
        self._seen, self._name, self._before = seen, name, seen.snapshots.get(name, 0)

    def __call__(self) -> bool:
        """Whether it has."""
        return self._seen.snapshots.get(self._name, 0) > self._before


def versions(service: Service, name: str) -> set[str]:
    """Versions that a snapshot holds, as answers name them."""
    entries = open_snapshot(service.home, name).manifest.models
    return {f"{entry.registered}:{entry.version}" for entry in entries}


@contextmanager
def loaded(service: Service, look: Callable[[bytes], None] | None = None) -> Iterator[Outcome]:
    """Keep asking beside the context; the outcome is whole when it ends."""
    requests = [request_bytes(item) for item in examples(service)]
    stop, outcome = threading.Event(), Outcome()

    def ask() -> None:
        found = asyncio.run(closed_loop(service.port, requests, CLIENTS, stop.is_set, look))
        outcome.statuses, outcome.durations, outcome.seconds = found.statuses, found.durations, found.seconds

    asking = threading.Thread(target=ask, name="load")
    asking.start()
    try:
        yield outcome
    finally:
        stop.set()
        asking.join()


def swaps(service: Service, folder: Path, count: int) -> dict[str, Any]:
    """Two snapshots in turn under load: no request fails, no answer mixes their versions."""
    first = current_name(service.home) or ""
    second = again(service.home, folder, "swap")
    seen, durations = Seen.of(service, first, second), []
    with loaded(service, seen) as outcome:
        for k in range(count):
            name = second if k % 2 == 0 else first
            set_current(service.home, name)
            durations.append(service.wait(Answering(seen, name)))
    set_current(service.home, first)
    service.wait(lambda: service.metric("switchyard_snapshot_seq") == int(first.partition("-")[0]))
    return {
        "swaps": count,
        "swap_failed_requests": outcome.failed,
        "swap_mixed_answers": seen.mixed,
        "swap_requests": sum(outcome.statuses.values()),
        "swap_statuses": statuses(outcome),
        "swap_slowest_s": round(max(durations), 2) if durations else None,
        "swap_p99_ms": p99_ms(outcome.durations),
    }


def artefacts(service: Service, folder: Path) -> dict[str, Any]:
    """Damaged snapshots of every kind: refused under load, the old one answers, the alarm is on."""
    serving = current_name(service.home) or ""
    told = {}
    for kind, damage in DAMAGES.items():
        name = damage(service, folder / kind.replace(" ", "-"))
        seen = Seen.of(service, serving)
        refusals = service.child.log_tail(1000).count(" refused, ")
        with loaded(service, seen) as outcome:
            service.point_at(name)
            took = service.wait(
                lambda: service.metric("switchyard_snapshot_alarm") == 1.0, timeout_s=REFUSAL_S, every_s=0.2
            )
        told[kind] = {
            "alarm_after_s": round(took, 2),
            "refusals_logged": service.child.log_tail(1000).count(" refused, ") - refusals,
            "requests": sum(outcome.statuses.values()),
            "failed": outcome.failed,
            "answered_by_old": seen.snapshots.get(serving, 0) == outcome.statuses[200] and not seen.mixed,
        }
        service.point_at(serving)
        service.wait(lambda: service.metric("switchyard_snapshot_alarm") == 0.0, every_s=0.2)
    return {
        "artefacts": told,
        "artefact_kinds": len(told),
        "artefact_failed_requests": sum(one["failed"] for one in told.values()),
        "artefact_wrongly_taken": sum(not one["answered_by_old"] for one in told.values()),
    }


def _model_file(service: Service, folder: Path, file: str = "model.onnx") -> tuple[str, Path]:
    name = again(service.home, folder, folder.name)
    snapshot = open_snapshot(service.home, name)
    return name, snapshot.folder / snapshot.manifest.models[0].folder / file


def _flipped(service: Service, folder: Path) -> str:
    name, path = _model_file(service, folder)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    return name


def _truncated(service: Service, folder: Path) -> str:
    name, path = _model_file(service, folder)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    return name


def _lost(service: Service, folder: Path) -> str:
    name, path = _model_file(service, folder, "spec.json")
    path.unlink()
    return name


def _wrong_golden(service: Service, folder: Path) -> str:
    """Every digest is right, yet the model does not answer as it must."""

    def change(compiled: Path) -> None:
        path = compiled / "golden.json"
        golden = json.loads(path.read_text(encoding="utf-8"))
        golden["raw"][0][0] += 0.5
        path.write_text(json.dumps(golden), encoding="utf-8")

    return again(service.home, folder, folder.name, change)


def _not_onnx(service: Service, folder: Path) -> str:
    """Every digest is right, yet the file is no graph."""
    return again(service.home, folder, folder.name, lambda compiled: _garbage(compiled / "model.onnx"))


def _garbage(path: Path) -> None:
    path.write_bytes(b"\x80\x04\x95 not a graph" * 100)


def _broken_manifest(service: Service, folder: Path) -> str:
    name = again(service.home, folder, folder.name)
    _garbage(service.home.snapshots / name / "manifest.json")
    return name


def _gone(service: Service, folder: Path) -> str:
    name = again(service.home, folder, folder.name)
    shutil.rmtree(service.home.snapshots / name)
    return name


def _escaping(_: Service, __: Path) -> str:
    return "../../etc/passwd"


DAMAGES: dict[str, Callable[[Service, Path], str]] = {
    "byte flipped": _flipped,
    "download truncated": _truncated,
    "file lost": _lost,
    "wrong golden answer": _wrong_golden,
    "not a graph": _not_onnx,
    "manifest broken": _broken_manifest,
    "snapshot gone": _gone,
    "path in its place": _escaping,
}
