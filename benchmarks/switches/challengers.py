"""Canaries and shadows on and off: a champion is challenged by its twin, so that only the switch differs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from benchmarks import bodies
from benchmarks.loops import closed_loop, open_loop, request_bytes
from benchmarks.resilience.service import Service, served
from benchmarks.switches.turns import Figures, in_turn, percentile_ms, rate, summed_up
from serving.routing import Challenge, Routing, write_routing
from serving.snapshot import (
    CHALLENGER,
    PublishedModel,
    current_name,
    open_snapshot,
    set_current,
    write_snapshot,
)
from switchyard.errors import ConfigurationError
from switchyard.home import Home

CONNECTIONS = 8
BATCH_ITEMS = 1000
TWIN = "-twin"
OUTCOMES = ("agreed", "differed", "failed", "dropped")
SETTLED_S = 0.3

MODES: Mapping[str, tuple[float, bool]] = {
    "off": (0.0, False),
    "again": (0.0, False),
    "canary": (100.0, False),
    "half": (50.0, False),
    "shadow": (0.0, True),
}
"""Percentage of the canary and whether there is a shadow; `again` is `off` once more: what chance does."""


def challengers(home: Home, folder: Path, seconds: float, rounds: int, rate_rps: float) -> dict[str, Any]:
    """Latency and rates of one worker in every mode.

    Args:
        home: A home with nothing but a snapshot, which is changed.
        folder: Where the log goes.
        seconds: Length of each measurement of all rounds together.
        rounds: How often the modes are gone through.
        rate_rps: Rate of the open loop, 1/s.
    """
    count = challenge(home)
    with served(home, folder) as service:
        bench = Bench(service, seconds / rounds, rate_rps)
        found = in_turn({mode: bench.measured(mode) for mode in MODES}, rounds)
    told = summed_up(found, "off") | {"challenged_models": count}
    for load, (compared, lost) in bench.compared.items():
        told[f"shadow_{load}_compared"] = round(compared / max(compared + lost, 1.0), 3)
    return told


def challenge(home: Home) -> int:
    """Put a twin of every champion into a snapshot, the same files under another version; how many there are.

    Raises:
        ConfigurationError: Nothing is published there.
    """
    name = current_name(home)
    if name is None:
        raise ConfigurationError(f"{home.root} has no snapshot")
    snapshot = open_snapshot(home, name)
    manifest, models = snapshot.manifest, []
    for registered, version in manifest.champions.items():
        entry = next(one for one in manifest.models if (one.registered, one.version) == (registered, version))
        folder = snapshot.folder / entry.folder
        models += [
            PublishedModel(registered, version, folder),
            PublishedModel(registered, version + TWIN, folder, CHALLENGER),
        ]
    challenged = write_snapshot(
        home,
        models,
        manifest.routes,
        catalogue_digest=manifest.catalogue_digest,
        contract_version=manifest.contract_version,
    )
    set_current(home, challenged)
    return len(manifest.champions)


def routing(home: Home, mode: str) -> Routing:
    """What a mode asks of all challengers of the current snapshot."""
    percent, shadow = MODES[mode]
    if not percent and not shadow:
        return Routing()
    versions = open_snapshot(home, current_name(home) or "").manifest.challengers
    return Routing(challenges={name: Challenge(one, percent, shadow) for name, one in versions.items()})


class Bench:
    """Measures one running service in any mode.

    Attributes:
        compared: Items that were compared in the shadow, and those that were not, by load.
    """

    def __init__(self, service: Service, seconds: float, rate_rps: float) -> None:
        self.compared: dict[str, tuple[float, float]] = {}
        self._service = service
        self._seconds = seconds
        self._rate_rps = rate_rps
        points = httpx.get(f"{service.url}/v1/models", timeout=60).json()["points"]
        plain = bodies.readings_only(points)
        self._plain = [request_bytes(service.port, body) for body in plain]
        self._everything = [request_bytes(service.port, body) for body in bodies.everything()]
        self._batch = [request_bytes(service.port, bodies.batch(plain, BATCH_ITEMS))]

    def measured(self, mode: str) -> Callable[[], Figures]:
        """Switches to a mode and measures in it."""

        def measure() -> Figures:
            self.switch(mode)
            return self._figures(shadow=MODES[mode][1])

        return measure

    def switch(self, mode: str) -> None:
        """Ask for a mode, and wait until the service does it and the last one's shadows are done."""
        write_routing(self._service.home, routing(self._service.home, mode))
        self._service.wait(lambda: self._asked() == {MODES[mode]})
        while True:
            before = self._outcomes()
            time.sleep(SETTLED_S)
            if self._outcomes() == before:
                return

    def _asked(self) -> set[tuple[float, bool]]:
        """What the service says is asked of its challengers."""
        models = httpx.get(f"{self._service.url}/v1/models", timeout=60).json()["models"]
        return {
            (version["canary_percent"], version["shadow"])
            for model in models
            for version in model["published"]
            if version["role"] == CHALLENGER
        }

    def _outcomes(self) -> dict[str, float]:
        """Items in the shadow so far, by outcome."""
        counted = {
            name: self._service.metric(f'switchyard_shadow_items_total{{outcome="{name}"}}')
            for name in OUTCOMES
        }
        return {name: value or 0.0 for name, value in counted.items()}

    def _figures(self, *, shadow: bool) -> Figures:
        port, seconds = self._service.port, self._seconds
        closed_loop(port, 1, self._plain, seconds / 5)
        alone = closed_loop(port, 1, self._plain, seconds)
        with self._counted("open", shadow=shadow):
            due = open_loop(port, 2 * CONNECTIONS, self._plain, seconds, self._rate_rps)
        with self._counted("full", shadow=shadow):
            rps = rate(port, CONNECTIONS, self._plain, seconds)
        carried = closed_loop(port, 1, self._everything, seconds)
        batches = closed_loop(port, 1, self._batch, seconds)
        return {
            "p50_ms": percentile_ms(alone, 50),
            "p99_ms": percentile_ms(alone, 99),
            "open_p50_ms": percentile_ms(due, 50),
            "open_p99_ms": percentile_ms(due, 99),
            "rps": rps,
            "everything_mean_ms": 1e3 * sum(carried) / len(carried),
            "batch_items_per_s": BATCH_ITEMS * len(batches) / sum(batches),
        }

    @contextmanager
    def _counted(self, load: str, *, shadow: bool) -> Iterator[None]:
        """With a shadow, count what is compared and what is not in the context."""
        before = self._outcomes() if shadow else {}
        yield
        if shadow:
            now = self._outcomes()
            gone = {name: now[name] - before[name] for name in OUTCOMES}
            compared, lost = self.compared.get(load, (0.0, 0.0))
            compared += gone["agreed"] + gone["differed"]
            self.compared[load] = (compared, lost + gone["dropped"] + gone["failed"])
