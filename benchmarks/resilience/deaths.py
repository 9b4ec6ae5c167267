"""A worker that is killed, and a registry that is stopped, slow or mad."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Self

from benchmarks.resilience.overload import statuses
from benchmarks.resilience.service import HOST, Service, served
from benchmarks.resilience.versions import CLIENTS, loaded
from switchyard.home import Home

WORKERS = 2
SETTLED_S = 1.0
MOODS = ("garbage", "slow", "stopped")


def kill(home: Home, folder: Path, kills: int = 3) -> dict[str, Any]:
    """Kill one of two workers under load, again and again: only what it had at work fails."""
    recoveries, failed = [], []
    statuses_told: dict[str, int] = {}
    with served(home, folder, workers=WORKERS) as service:
        service.wait(lambda: _whole(service))
        for _ in range(kills):
            with loaded(service) as outcome:
                time.sleep(SETTLED_S)
                victim = service.workers()[0]
                victim.kill()
                recoveries.append(service.wait(partial(_whole, service, victim.pid)))
                time.sleep(SETTLED_S)
            failed.append(outcome.failed)
            statuses_told = statuses(outcome)
    return {
        "kills": kills,
        # A connection has one request at work, so more failures than connections would be others' requests.
        "kill_at_work": CLIENTS,
        "kill_failed_requests": max(failed),
        "kill_beyond_at_work": sum(max(0, one - CLIENTS) for one in failed),
        "kill_statuses": statuses_told,
        "kill_recovery_s": round(max(recoveries), 2),
    }


def _whole(service: Service, gone: int = 0) -> bool:
    """Whether as many workers as there should be are ready, without the one that is gone."""
    pids = {worker.pid for worker in service.workers()}
    return (
        len(pids) == WORKERS
        and gone not in pids
        and service.metric("switchyard_workers") == WORKERS
        and service.metric("switchyard_ready") == 1.0
    )


def registry(home: Home, folder: Path, seconds: float) -> dict[str, Any]:
    """Serve while the registry that the settings name is mad, slow and gone: nothing asks it."""
    (home.root / "mlflow.db").write_bytes(b"not a database" * 100)
    told: dict[str, Any] = {}
    with FakeRegistry() as fake:
        environment = {"MLFLOW_TRACKING_URI": fake.url, "MLFLOW_REGISTRY_URI": fake.url}
        with served(home, folder, env=environment) as service:
            for mood in MOODS:
                fake.mood = mood
                if mood == "stopped":
                    fake.stop()
                with loaded(service) as outcome:
                    time.sleep(seconds)
                told[mood] = {"requests": sum(outcome.statuses.values()), "failed": outcome.failed}
            remote = [
                connection
                for worker in service.workers()
                for connection in worker.net_connections(kind="inet")
                if connection.raddr and connection.laddr.port != service.port
            ]
    return {
        "registry": told,
        "registry_failed_requests": sum(one["failed"] for one in told.values()),
        "registry_asked": fake.asked,
        "registry_connections": len(remote),
    }


class FakeRegistry:
    """Something at the registry's address.

    Attributes:
        mood: `garbage`: answers nonsense; `slow`: never answers.
        asked: Connections that it was asked on.
        url: Its address.
    """

    def __init__(self) -> None:
        self.mood = "garbage"
        self.asked = 0
        self._listening = socket.create_server((HOST, 0))
        self.url = f"http://{HOST}:{self._listening.getsockname()[1]}"
        self._held: list[socket.socket] = []
        self._thread = threading.Thread(target=self._accept, name="registry", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Listen no longer."""
        with _closing_quietly():
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        for connection in self._held:
            connection.close()
        self._held.clear()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            self.asked += 1
            if self.mood == "garbage":
                connection.sendall(b"\x00\x01 garbage\r\n\r\n")
                connection.close()
            else:
                self._held.append(connection)


@contextmanager
def _closing_quietly() -> Iterator[None]:
    try:
        yield
    except OSError:
        return
