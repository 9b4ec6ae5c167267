"""Where the microseconds of one answer go, by processor time, without HTTP.

`python -m benchmarks.hot_path --home <home>` answers requests in this process and charges the time of every
part to it alone, without the parts that it calls: the smallest mean of several runs, since a busy machine
only adds. Requests are those of `benchmarks.bodies`: readings, readings with a waveform, all that can be
carried at a transformer bay, a feeder and the system point, and a batch of a thousand items (microseconds of
one item). With `--markdown` it prints the table of docs/performance.md, else one JSON object.

What HTTP costs on top is 1/`floor_rps` of `benchmarks.serve`. The clock itself takes about a microsecond a
part, which is charged to the caller.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import features
from benchmarks import bodies
from features import context
from serving import engine as engine_module
from serving import intake, panel
from serving.engine import Engine
from switchyard.home import Home

RUNS = 7
BATCH_ITEMS = 1000
SHOWN = 0.03
"""Share of an answer's time from which on a part has a row of its own."""

# Functions by the part that they are charged to; whatever they call of these is charged to its own part.
_PARTS: tuple[tuple[str, Any, str], ...] = (
    ("decode", intake, "decode"),
    ("decode", intake, "decode_item"),
    ("contract", intake, "pack"),
    ("contract", intake, "check"),
    ("items to points", intake, "take_in"),
    ("choice of models", engine_module, "answers_of"),
    ("windows", panel, "windows_from_rows"),
    ("features of the window", features, "compute"),
    ("features of the sequence", panel, "sequence"),
    ("quality and limits", engine_module, "input_quality"),
    ("quality and limits", engine_module, "limits_exceeded"),
    ("response", Engine, "answer"),
    ("encode", intake, "_encode"),
    ("rest", intake, "infer"),
)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.hot_path", description=__doc__)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--answers", type=int, default=100, help="answers of one run")
    parser.add_argument("--markdown", action="store_true", help="print the table of the documentation")
    given = parser.parse_args(arguments)
    home = Home(given.home.absolute())
    engine = Engine.load(home, home.current.read_text().strip())
    found = measure(engine, given.answers)
    print(table(found) if given.markdown else json.dumps(found))


def measure(engine: Engine, answers: int) -> dict[str, dict[str, float]]:
    """Microseconds of each part of one item's answer, by request."""
    points: dict[str, dict[str, str]] = defaultdict(dict)
    for site in engine.sites:
        points[site.substation][site.point] = site.kind
    plain = bodies.readings_only(points)
    bay, feeder, system = bodies.everything()
    requests = {
        "readings": (plain[0], answers, 1),
        "waveform": (bodies.with_waveform(points)[0], answers, 1),
        "bay": (bay, answers, 1),
        "feeder": (feeder, answers, 1),
        "system": (system, answers, 1),
        "batch": (bodies.batch(plain, BATCH_ITEMS), 1, BATCH_ITEMS),
    }
    return {name: _parts(engine, body, count, items) for name, (body, count, items) in requests.items()}


def table(found: dict[str, dict[str, float]]) -> str:
    """The parts as a Markdown table, the dearest first; those that are nowhere `SHOWN` of all as one."""
    parts = sorted({part for one in found.values() for part in one} - {"whole"})
    share = {part: max(one.get(part, 0.0) / one["whole"] for one in found.values()) for part in parts}
    shown = [part for part in sorted(parts, key=lambda part: -share[part]) if share[part] >= SHOWN]
    lines = [f"| µs | {' | '.join(found)} |", f"|---|{'---|' * len(found)}"]
    others = {
        name: sum(value for part, value in one.items() if part not in shown and part != "whole")
        for name, one in found.items()
    }
    rows = [(part, [one.get(part, 0.0) for one in found.values()]) for part in shown]
    rows += [("all others", [*others.values()]), ("whole", [one["whole"] for one in found.values()])]
    for part, values in rows:
        cells = [f"{value:.0f}" if value >= 0.5 else "" for value in values]
        lines.append(f"| {part} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _parts(engine: Engine, body: bytes, answers: int, items: int) -> dict[str, float]:
    """Microseconds of each part of one item, the smallest of several runs."""
    best: dict[str, float] = {}
    wholes = []
    with _charged(engine) as spent:
        intake.infer(engine, body, "warm")
        for _ in range(RUNS):
            spent.clear()
            for _ in range(answers):
                intake.infer(engine, body, "profile")
            own = {part: 1e-3 * ns / answers / items for part, ns in spent.items()}
            wholes.append(sum(own.values()))
            best = {part: min(value, best.get(part, value)) for part, value in own.items()}
    return {part: round(value, 2) for part, value in best.items()} | {"whole": round(min(wholes), 2)}


@contextmanager
def _charged(engine: Engine) -> Iterator[dict[str, int]]:
    """Processor time of each part, ns, while the functions of the hot path are watched."""
    spent: dict[str, int] = defaultdict(int)
    inner = [0]

    def watched(part: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def run(*given: Any, **named: Any) -> Any:
            began, before = time.process_time_ns(), inner[0]
            inner[0] = 0
            try:
                return call(*given, **named)
            finally:
                took = time.process_time_ns() - began
                spent[part] += took - inner[0]
                inner[0] = before + took

        return run

    undo: list[tuple[Any, str, Any]] = []

    def watch(part: str, owner: Any, name: str) -> None:
        undo.append((owner, name, vars(owner)[name]))
        setattr(owner, name, watched(part, getattr(owner, name)))

    for part, owner, name in _PARTS:
        watch(part, owner, name)
    for served in engine.models:
        model = served.model
        watch(f"decoder {model.spec.model}", model, "_decode")
        session = vars(model)["_session"]
        undo.append((model, "_session", session))
        vars(model)["_session"] = _Session(watched(f"graph {model.spec.model}", session.run))
    undo.append((context, "GROUPS", context.GROUPS))
    vars(context)["GROUPS"] = tuple(
        replace(group, read=watched(f"context {group.name}", group.read)) for group in context.GROUPS
    )
    try:
        yield spent
    finally:
        for owner, name, was in reversed(undo):
            setattr(owner, name, was)


@dataclass(frozen=True, slots=True)
class _Session:
    """A session whose runs are watched."""

    run: Callable[..., Any]


if __name__ == "__main__":
    main()
