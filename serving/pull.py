"""Replicas: the snapshot that an MLflow server announces, fetched over plain HTTP into this machine's home.

Needs nothing of MLflow's own: two questions to its REST API and one download through its artifact handler.
The service of the home takes a fetched snapshot up by itself, and proves it first. Whatever the server does,
the snapshot that is served stays until another one is whole.
"""

from __future__ import annotations

import asyncio
import os
import random
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import httpx
import msgspec

from serving.errors import SnapshotError
from serving.snapshot import current_name, open_snapshot, set_current
from serving.snapshot.archive import LARGEST_BYTES, unpack
from serving.snapshot.manifest import parse_name
from switchyard.errors import SwitchyardError, UsageError
from switchyard.home import Home
from switchyard.log import get_logger

EXPERIMENT = "snapshots"
CURRENT_RUN = "switchyard.current_run"
SNAPSHOT, ARCHIVE, SHA256 = "switchyard.snapshot", "switchyard.archive", "switchyard.sha256"

LARGEST_DOCUMENT = 4 << 20
CONNECT_S, READ_S = 5.0, 15.0
LONGEST_WAIT_S = 300.0

T = TypeVar("T")
_log = get_logger("pull")


class PullError(SwitchyardError):
    """The server cannot be reached, or what it says or sends cannot be used."""


class _Tag(msgspec.Struct):
    key: str
    value: str


class _Tags(msgspec.Struct):
    tags: list[_Tag] = []

    def get(self, key: str, where: str) -> str:
        for tag in self.tags:
            if tag.key == key:
                return tag.value
        raise PullError(f"{where} has no tag {key}", "publish on the machine that trains: switchyard publish")


class _ExperimentAnswer(msgspec.Struct):
    experiment: _Tags


class _Run(msgspec.Struct):
    data: _Tags


class _RunAnswer(msgspec.Struct):
    run: _Run


@dataclass(frozen=True, slots=True)
class Announced:
    """What a server announces.

    Attributes:
        snapshot: Name of the snapshot to serve.
        run_id: Run that holds its archive.
        archive: File name of the archive.
        sha256: Digest of the archive.
    """

    snapshot: str
    run_id: str
    archive: str
    sha256: str


class Source:
    """An MLflow server.

    Args:
        address: `http://host:port` or `https://…`.
        within_s: Seconds within which a whole pull must be done, so that no server can hold it for ever.

    Raises:
        UsageError: The address is of another form.
    """

    def __init__(self, address: str, within_s: float = 300.0) -> None:
        url = httpx.URL(address)
        if url.scheme not in {"http", "https"} or not url.host:
            raise UsageError(f"{address!r} is no server's address", "give it as http://mlflow-host:5000")
        self._base = address.rstrip("/")
        self._within_s = within_s

    async def pull(self, home: Home) -> str | None:
        """Fetch what is announced, if the home serves something else.

        Returns:
            Name of the snapshot that is current now; None where it was current already.

        Raises:
            PullError: The server is down, too slow, or answers what cannot be used.
            SnapshotError: The archive is damaged or is not what was announced.
        """
        try:
            async with asyncio.timeout(self._within_s), self._client() as client:
                return await self._pull(client, home)
        except TimeoutError as error:
            raise PullError(f"{self._base}: not done within {self._within_s:g} s") from error
        except httpx.HTTPError as error:
            raise PullError(f"{self._base}: {type(error).__name__}: {error}") from error

    async def _pull(self, client: httpx.AsyncClient, home: Home) -> str | None:
        announced = await self._announced(client)
        if not _is_whole(home, announced.snapshot):
            home.serving.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(prefix=".pull-", dir=home.serving) as folder:
                archive = Path(folder) / "archive.tar.gz"
                await self._download(client, announced, archive)
                await asyncio.to_thread(unpack, home, announced.snapshot, archive, announced.sha256)
        elif current_name(home) == announced.snapshot:
            return None
        set_current(home, announced.snapshot)
        return announced.snapshot

    async def _announced(self, client: httpx.AsyncClient) -> Announced:
        experiment = await self._ask(
            client, "experiments/get-by-name", {"experiment_name": EXPERIMENT}, _ExperimentAnswer
        )
        run_id = experiment.experiment.get(CURRENT_RUN, f"{self._base}: experiment {EXPERIMENT!r}")
        run = (await self._ask(client, "runs/get", {"run_id": run_id}, _RunAnswer)).run.data
        where = f"{self._base}: run {run_id[:40]!r}"
        snapshot = run.get(SNAPSHOT, where)
        # Nothing that the server says becomes a path before it has the form of a name.
        parse_name(snapshot)
        return Announced(snapshot, run_id, run.get(ARCHIVE, where), run.get(SHA256, where))

    async def _ask(
        self, client: httpx.AsyncClient, method: str, query: Mapping[str, str], answer: type[T]
    ) -> T:
        body = bytearray()
        where = f"{self._base}: {method}"
        async with client.stream("GET", f"{self._base}/api/2.0/mlflow/{method}", params=query) as response:
            _require_ok(response, where)
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > LARGEST_DOCUMENT:
                    raise PullError(f"{where}: more than {LARGEST_DOCUMENT} bytes")
        try:
            return msgspec.json.decode(body, type=answer)
        except msgspec.DecodeError as error:
            raise PullError(f"{where}: no answer of MLflow's API: {error}") from error

    async def _download(self, client: httpx.AsyncClient, announced: Announced, target: Path) -> None:
        query = {"run_uuid": announced.run_id, "path": announced.archive}
        where = f"{self._base}: {announced.snapshot}"
        received = 0
        with target.open("wb") as file:
            async with client.stream("GET", f"{self._base}/get-artifact", params=query) as response:
                _require_ok(response, where)
                async for chunk in response.aiter_raw():
                    received += len(chunk)
                    if received > LARGEST_BYTES:
                        raise PullError(f"{where}: the archive is larger than {LARGEST_BYTES} bytes")
                    file.write(chunk)

    def _client(self) -> httpx.AsyncClient:
        options: dict[str, Any] = {}
        # The variables that MLflow's own client reads.
        token = os.environ.get("MLFLOW_TRACKING_TOKEN")
        user, password = (os.environ.get(f"MLFLOW_TRACKING_{name}") for name in ("USERNAME", "PASSWORD"))
        if token:
            options["headers"] = {"authorization": f"Bearer {token}"}
        elif user and password:
            options["auth"] = (user, password)
        return httpx.AsyncClient(
            timeout=httpx.Timeout(READ_S, connect=CONNECT_S), follow_redirects=False, **options
        )


async def watch(
    source: Source,
    home: Home,
    every_s: float,
    longest_s: float = LONGEST_WAIT_S,
    chance: random.Random | None = None,
) -> None:
    """Pull again and again; ends when cancelled. What goes wrong is logged and tried again later.

    Args:
        source: The server.
        home: This machine's home.
        every_s: Seconds between two looks.
        longest_s: Longest wait after failures.
        chance: What spreads the looks of many replicas.
    """
    # Spreads load, guards nothing.
    chance = chance or random.Random()  # noqa: S311
    failures = 0
    while True:
        try:
            name = await source.pull(home)
        except (SwitchyardError, OSError) as error:
            failures += 1
            wait_s = wait_after(failures, every_s, longest_s, chance)
            served = _served(home)
            _log.error(
                "%s stays; nothing pulled, attempt %d: %s; again in %.1f s", served, failures, error, wait_s
            )
        else:
            if name is not None:
                _log.info("pulled snapshot %s", name)
            elif failures:
                _log.info("the server answers again; snapshot %s is the newest", _served(home))
            failures = 0
            wait_s = wait_after(0, every_s, longest_s, chance)
        await asyncio.sleep(wait_s)


def wait_after(failures: int, every_s: float, longest_s: float, chance: random.Random) -> float:
    """Seconds until the next look: doubled with every failure up to the longest, and spread."""
    longest_s = max(longest_s, every_s)
    wait_s = min(longest_s, every_s * 2.0 ** min(failures, 30))
    return wait_s * chance.uniform(0.75, 1.25) if not failures else wait_s * chance.uniform(0.5, 1.0)


def _require_ok(response: httpx.Response, where: str) -> None:
    if response.status_code != httpx.codes.OK:
        raise PullError(f"{where}: HTTP {response.status_code}")


def _is_whole(home: Home, name: str) -> bool:
    try:
        open_snapshot(home, name).verify()
    except SnapshotError:
        return False
    return True


def _served(home: Home) -> str:
    try:
        return current_name(home) or "no snapshot"
    except SnapshotError:
        return "what is served"
