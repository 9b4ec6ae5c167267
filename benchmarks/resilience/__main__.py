"""`python -m benchmarks.resilience --home <home>`: what the service bears.

Serves a copy of the home's current snapshot in processes and on ports of its own; the home is only read.
Every part is bounded; nothing else should run on the machine. The last line of standard output is one JSON
object.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.resilience.deaths import kill, registry
from benchmarks.resilience.fuzz import fuzz
from benchmarks.resilience.overload import overload, soak
from benchmarks.resilience.service import copied, served
from benchmarks.resilience.versions import artefacts, swaps
from switchyard.home import Home

PARTS = ("fuzz", "overload", "swaps", "artefacts", "kill", "registry", "soak")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the parts that are asked for and print their figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.resilience", description=__doc__)
    parser.add_argument("--home", type=Path, required=True, help="a home with a published snapshot")
    parser.add_argument("--parts", default=",".join(PARTS), help=f"some of {','.join(PARTS)}")
    parser.add_argument("--cases", type=int, default=10_000, help="requests of the fuzz")
    parser.add_argument("--seed", type=int, default=1, help="seed of the fuzz")
    parser.add_argument("--seconds", type=float, default=60.0, help="length of the overload")
    parser.add_argument("--swaps", type=int, default=200, help="swaps under load")
    parser.add_argument("--kills", type=int, default=3, help="workers killed")
    parser.add_argument(
        "--soak-minutes", type=float, default=2.0, help="length of the soak; 30 for the record"
    )
    given = parser.parse_args(arguments)
    chosen = given.parts.split(",")
    unknown = sorted(set(chosen) - set(PARTS))
    if unknown:
        parser.error(f"no such part: {', '.join(unknown)}")

    figures: dict[str, Any] = {}
    for part in (part for part in PARTS if part in chosen):
        with TemporaryDirectory(prefix="switchyard-resilience-") as name:
            note(f"{part} …")
            folder = Path(name)
            figures |= PART[part](copied(given.home, folder), folder, given)
    print(json.dumps(figures, sort_keys=True))


def _fuzz(home: Home, folder: Path, given: argparse.Namespace) -> dict[str, Any]:
    with served(home, folder) as service:
        return fuzz(service, given.cases, given.seed)


def _overload(home: Home, folder: Path, given: argparse.Namespace) -> dict[str, Any]:
    with served(home, folder) as service:
        return overload(service, given.seconds)


def _swaps(home: Home, folder: Path, given: argparse.Namespace) -> dict[str, Any]:
    with served(home, folder) as service:
        return swaps(service, folder, given.swaps)


def _artefacts(home: Home, folder: Path, _: argparse.Namespace) -> dict[str, Any]:
    with served(home, folder) as service:
        return artefacts(service, folder)


def _kill(home: Home, folder: Path, given: argparse.Namespace) -> dict[str, Any]:
    return kill(home, folder, given.kills)


def _registry(home: Home, folder: Path, given: argparse.Namespace) -> dict[str, Any]:
    return registry(home, folder, min(given.seconds, 10.0))


def _soak(home: Home, folder: Path, given: argparse.Namespace) -> dict[str, Any]:
    with served(home, folder) as service:
        return soak(service, given.soak_minutes)


PART: dict[str, Callable[[Home, Path, argparse.Namespace], dict[str, Any]]] = {
    "fuzz": _fuzz, "overload": _overload, "swaps": _swaps, "artefacts": _artefacts, "kill": _kill,
    "registry": _registry, "soak": _soak,
}  # fmt: skip


def note(text: str) -> None:
    """Progress, for a person."""
    sys.stderr.write(f"{text}\n")


if __name__ == "__main__":
    main()
