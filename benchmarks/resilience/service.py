"""A copy of a home's snapshot, served by real processes on a loopback port."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil

from serving.snapshot import PublishedModel, current_name, open_snapshot, write_snapshot
from switchyard.children import ChildProcess, free_port, start_child
from switchyard.errors import ConfigurationError
from switchyard.files import write_text_atomic
from switchyard.home import Home

HOST = "127.0.0.1"
EXAMPLES = Path(__file__).parents[2] / "examples"
READY_S = 120.0


@dataclass(frozen=True)
class Service:
    """A running service.

    Attributes:
        home: Its home, which may be damaged.
        port: Where it listens.
        child: Its processes.
    """

    home: Home
    port: int
    child: ChildProcess

    @property
    def url(self) -> str:
        """Address without a path."""
        return f"http://{HOST}:{self.port}"

    def workers(self) -> list[psutil.Process]:
        """Worker processes."""
        found = []
        for process in psutil.Process(self.child.pid).children(recursive=True):
            try:
                if "spawn_main" in " ".join(process.cmdline()):
                    found.append(process)
            except psutil.NoSuchProcess:
                continue
        return found

    def resident_mb(self) -> float:
        """Resident memory of the workers, 10^6 bytes."""
        return sum(process.memory_info().rss for process in self.workers()) / 1e6

    def metric(self, name: str) -> float | None:
        """A metric without labels; None where it is not told, or not now."""
        try:
            text = httpx.get(f"{self.url}/metrics", timeout=60).text
        except httpx.TransportError:
            return None
        for line in text.splitlines():
            if line.startswith(f"{name} "):
                return float(line.rpartition(" ")[2])
        return None

    def ready(self) -> bool:
        """Whether it answers requests."""
        try:
            return httpx.get(f"{self.url}/readyz", timeout=60).status_code == httpx.codes.OK
        except httpx.TransportError:
            return False

    def wait(
        self, condition: Callable[[], bool], *, timeout_s: float = READY_S, every_s: float = 0.05
    ) -> float:
        """Seconds until `condition` holds.

        Raises:
            ChildError: The service ended, or `timeout_s` passed.
        """
        started = time.perf_counter()
        self.child.wait_ready(condition, timeout_s=timeout_s, every_s=every_s)
        return time.perf_counter() - started

    def point_at(self, name: str) -> None:
        """Name the current snapshot without looking at it, as a damaged disk would."""
        write_text_atomic(self.home.current, f"{name}\n")


@contextmanager
def served(
    home: Home,
    folder: Path,
    *,
    workers: int = 1,
    env: dict[str, str] | None = None,
    module: str = "serving.run",
) -> Iterator[Service]:
    """Serve `home` by `module` until the context ends; its log goes to `folder`."""
    port = free_port()
    arguments = [
        "-m",
        module,
        "--home",
        str(home.root),
        "--port",
        str(port),
        "--workers",
        str(workers),
    ]
    child = start_child(arguments, log_path=folder / f"{module}.log", env=env, name=module, grace_s=30.0)
    with child:
        service = Service(home, port, child)
        service.wait(service.ready)
        yield service


def copied(source: Path, folder: Path) -> Home:
    """A home in `folder` with nothing but the current snapshot of the home `source`.

    Raises:
        ConfigurationError: Nothing is published there.
    """
    given = Home(source.absolute())
    name = current_name(given)
    if name is None:
        raise ConfigurationError(
            f"{given.root} has no snapshot", "name a home that `switchyard run` has filled"
        )
    home = Home(folder / "home")
    home.snapshots.mkdir(parents=True)
    shutil.copytree(given.snapshots / name, home.snapshots / name)
    write_text_atomic(home.current, f"{name}\n")
    return home


def again(home: Home, folder: Path, suffix: str, change: Callable[[Path], None] | None = None) -> str:
    """Write a snapshot of the current one's models under other versions; returns its name.

    Args:
        home: The home.
        folder: Where its models may be copied to.
        suffix: What is put behind the versions.
        change: Changes one model's compiled folder before it is written, digests and all.
    """
    name = current_name(home)
    if name is None:
        raise ConfigurationError(f"{home.root} has no snapshot")
    snapshot = open_snapshot(home, name)
    models = []
    for entry in snapshot.manifest.models:
        compiled = folder / suffix / entry.alias / entry.registered
        shutil.copytree(snapshot.folder / entry.folder, compiled)
        models.append(PublishedModel(entry.registered, f"{entry.version}-{suffix}", compiled, entry.alias))
    if change is not None:
        change(models[0].folder)
    return write_snapshot(
        home,
        models,
        snapshot.manifest.routes,
        catalogue_digest=snapshot.manifest.catalogue_digest,
        contract_version=snapshot.manifest.contract_version,
    )


def examples(service: Service) -> list[dict[str, Any]]:
    """The repository's example items of substations that are served."""
    points = httpx.get(f"{service.url}/v1/models", timeout=60).json()["points"]
    items = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(EXAMPLES.glob("*.json"))]
    found = [item for item in items if item.get("point") in points.get(item.get("substation"), {})]
    if not found:
        raise ConfigurationError(f"none of the examples is of {', '.join(points)}")
    return found


def request_bytes(item: dict[str, Any]) -> bytes:
    """A whole request for one item."""
    body = json.dumps(item, separators=(",", ":")).encode()
    head = (
        f"POST /v1/infer HTTP/1.1\r\nHost: {HOST}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body
