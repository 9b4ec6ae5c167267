"""What the switches of serving cost, on and off in one run of real processes.

`python -m benchmarks.switches --home <home>` serves copies of the home's current snapshot on loopback; the
home is only read, and nothing else should run on the machine. Modes are measured in turn, `--rounds` times;
a figure is the median over the rounds, a `*_ratio` the median of its ratio to the reference in the same
round: of a duration what it costs, of a rate what is left. The last line of standard output is one JSON
object.

- `challengers`: every champion has a twin beside it, the same files under another version. `off` asks
  nothing of the twins and is the reference, `again` is `off` once more and says what chance does; `canary`
  lets them answer at all points, `half` at half of them, `shadow` at all of them off the path. Figures are
  those of `benchmarks.serve`: `p50_ms`, `p99_ms` of one connection, `open_*` at a fixed rate, `rps` of eight
  connections, `batch_items_per_s`; and `everything_mean_ms` of requests that carry all that models need.
  `shadow_open_compared`, `shadow_full_compared`: share of the items at that rate, and of eight connections,
  that were compared; the others were dropped.
- `together`: requests that are already there answered together, beside `alone`, where each is computed by
  itself: `p50_ms` of one connection, `rps_8` and `rps_32` of so many.
- `models`: mean time of an item asked `one` time for all models, beside `separate` requests for each model
  that answers it, one after the other; with readings alone and with everything. `*_requests`: how many that
  are, in the mean.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.resilience.service import copied
from benchmarks.switches.challengers import challengers
from benchmarks.switches.joint import models, together
from switchyard.home import Home


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the parts that are asked for and print their figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.switches", description=__doc__)
    parser.add_argument("--home", type=Path, required=True, help="a home with a published snapshot")
    parser.add_argument("--parts", default=",".join(PARTS), help=f"some of {','.join(PARTS)}")
    parser.add_argument("--seconds", type=float, default=10.0, help="length of each measurement, all rounds")
    parser.add_argument("--rounds", type=int, default=5, help="how often the modes are gone through")
    parser.add_argument("--rate", type=float, default=100.0, help="rate of the open loop, 1/s")
    given = parser.parse_args(arguments)
    chosen = given.parts.split(",")
    unknown = sorted(set(chosen) - set(PARTS))
    if unknown:
        parser.error(f"no such part: {', '.join(unknown)}")

    figures: dict[str, Any] = {}
    for part in (part for part in PARTS if part in chosen):
        with TemporaryDirectory(prefix="switchyard-switches-") as name:
            sys.stderr.write(f"{part} …\n")
            folder = Path(name)
            figures |= PARTS[part](copied(given.home, folder), folder, given)
    load = [round(value, 1) for value in os.getloadavg()]
    print(json.dumps(figures | {"cores": os.cpu_count(), "load_average": load}, sort_keys=True))


def _challengers(home: Home, folder: Path, given: argparse.Namespace) -> dict[str, Any]:
    return challengers(home, folder, given.seconds, given.rounds, given.rate)


def _together(home: Home, folder: Path, given: argparse.Namespace) -> dict[str, Any]:
    return together(home, folder, given.seconds, given.rounds)


def _models(home: Home, folder: Path, given: argparse.Namespace) -> dict[str, Any]:
    return models(home, folder, given.seconds, given.rounds)


PARTS: dict[str, Callable[[Home, Path, argparse.Namespace], dict[str, Any]]] = {
    "challengers": _challengers, "together": _together, "models": _models,
}  # fmt: skip


if __name__ == "__main__":
    main()
