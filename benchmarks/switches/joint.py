"""Joint answering on and off, and one request for all models beside a request for each of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import httpx

from benchmarks import bodies
from benchmarks.loops import closed_loop, request_bytes
from benchmarks.resilience.service import Service, served
from benchmarks.switches.turns import Figures, cycle_ms, in_turn, percentile_ms, rate, summed_up
from switchyard.errors import ConfigurationError
from switchyard.home import Home

LOADS = (8, 32)
"""Connections that ask at once; as many requests may be there when one is answered."""

MODULES = ("monitoring", "maintenance", "energy", "decision")


def together(home: Home, folder: Path, seconds: float, rounds: int) -> dict[str, Any]:
    """The service with and without joint answering of the requests that are already there.

    Args:
        home: A home with a snapshot.
        folder: Where the logs go.
        seconds: Length of each measurement of all rounds together.
        rounds: How often both are measured.
    """
    with served(home, folder) as joint, served(home, folder, module="benchmarks.alone_server") as alone:

        def measured(service: Service) -> Callable[[], Figures]:
            plain = [request_bytes(service.port, body) for body in bodies.readings_only(points(service))]
            return lambda: _under_load(service.port, plain, seconds / rounds)

        found = in_turn({"alone": measured(alone), "together": measured(joint)}, rounds)
    return summed_up(found, "alone")


def _under_load(port: int, requests: Sequence[bytes], seconds: float) -> Figures:
    closed_loop(port, 1, requests, seconds / 5)
    one_by_one = closed_loop(port, 1, requests, seconds)
    rates = {f"rps_{count}": rate(port, count, requests, seconds) for count in LOADS}
    return {"p50_ms": percentile_ms(one_by_one, 50), **rates}


def models(home: Home, folder: Path, seconds: float, rounds: int) -> dict[str, Any]:
    """An item asked once for all models, and asked for each model that answers it, one after the other.

    Args:
        home: A home with a snapshot.
        folder: Where the log goes.
        seconds: Length of each measurement of all rounds together.
        rounds: How often both are measured.

    Raises:
        ConfigurationError: No model answers.
    """
    with served(home, folder) as service:
        sorts = {"readings": bodies.readings_only(points(service)), "everything": bodies.everything()}
        told: dict[str, Any] = {}
        for sort, every in sorts.items():
            answered = {body: names for body in every if (names := answering(service, body))}
            if not answered:
                raise ConfigurationError(f"no published model answers requests with {sort}")
            whole = list(answered)
            apart = [one for body, names in answered.items() for one in separate(body, names)]
            sent = {"separate": apart, "one": whole}

            def measured(some: Sequence[bytes], items: int = len(whole)) -> Callable[[], Figures]:
                ready = [request_bytes(service.port, body) for body in some]

                def measure() -> Figures:
                    durations = closed_loop(service.port, 1, ready, seconds / rounds)
                    return {"item_ms": cycle_ms(durations, len(ready)) / items}

                return measure

            found = in_turn({name: measured(some) for name, some in sent.items()}, rounds)
            told |= {f"{sort}_{name}": value for name, value in summed_up(found, "separate").items()}
            told[f"{sort}_requests"] = round(len(apart) / len(whole), 2)
    return told


def points(service: Service) -> dict[str, dict[str, str]]:
    """Points that a service answers for, with their kind, by substation."""
    found: dict[str, dict[str, str]] = httpx.get(f"{service.url}/v1/models", timeout=60).json()["points"]
    return found


def answering(service: Service, body: bytes) -> list[str]:
    """Models that answer an item."""
    headers = {"content-type": "application/json"}
    answer = httpx.post(f"{service.url}/v1/infer", content=body, headers=headers, timeout=60).json()
    return [name for module in MODULES for name, one in answer[module].items() if one["status"] == "ok"]


def separate(body: bytes, names: Sequence[str]) -> list[bytes]:
    """The same item as a request for each of the named models."""
    item = json.loads(body)
    return [json.dumps(item | {"models": [name]}, separators=(",", ":")).encode() for name in names]
