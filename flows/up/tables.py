"""What is told of a home and of what is up on it, as tables of texts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from flows.up.overview import Overview
from flows.up.state import PartState, UpState

Table = tuple[str, list[str], list[list[str]]]

TITLES = {
    "service": "inference service",
    "prefect": "Prefect: runs, logs, tables",
    "worker": "Prefect worker",
    "deployments": "Prefect deployments",
    "mlflow": "MLflow: models, versions, trials",
}
HINTS = {"mlflow": "choose Model training, top left"}
WORDS = {
    "starting": "is starting",
    "answers": "answers",
    "waits": "runs, does not answer yet",
    "done": "registered",
    "restarting": "is started again",
    "failed": "given up",
    "elsewhere": "run by others",
}
STEPS = 12


def up_table(state: UpState, title: str) -> Table:
    """The parts that are up and where they answer."""
    return title, ["", "address", "state"], [list(_part(one)) for one in state.parts]


def _part(one: PartState) -> Iterator[str]:
    yield TITLES.get(one.name, one.name)
    yield one.url
    note = one.note or (HINTS.get(one.name, "") if one.state in {"answers", "elsewhere"} else "")
    told = WORDS[one.state] + (f": {note}" if note else "")
    times = "once" if one.restarts == 1 else f"{one.restarts} times"
    yield told + (f" (started again {times})" if one.restarts and one.state != "restarting" else "")


def overview_tables(found: Overview) -> Iterator[Table]:
    """The tables of `switchyard status`: what is up, versions, runs, steps."""
    if found.up is not None:
        yield up_table(found.up, f"up since {found.up.started}, process {found.up.pid}")
    if found.versions:
        columns = ["model", "version", "", "age", "bar", "trained by", "served"]
        rows = [
            [
                one.model,
                str(one.version),
                one.alias,
                duration(one.age_s),
                one.bar or "–",
                one.trained_by,
                "yes" if one.served else "",
            ]
            for one in found.versions
        ]
        yield "Versions", columns, rows
    if found.runs:
        runs = [
            [one.name, one.flow, one.state, one.started or "–", duration(one.seconds)] for one in found.runs
        ]
        yield "Last runs", ["run", "flow", "state", "started", "took"], runs
    if found.steps:
        steps: Sequence[list[str]] = [
            [one.step, one.finished, f"{one.seconds:.1f}", one.key[:12]] for one in found.steps[-STEPS:]
        ]
        left = len(found.steps) - len(steps)
        title = "Steps" + (f", the last {STEPS}; {left} earlier ones with --json" if left else "")
        yield title, ["step", "finished", "seconds", "key"], list(steps)


def served_line(found: Overview) -> str:
    """What the service answers from, in a line."""
    served = found.served
    if served.name is None:
        return "none: switchyard run, or switchyard publish, makes one"
    if served.note:
        return f"{served.name}: {served.note}"
    return f"{served.name}, {len(served.versions)} versions, written {served.created}"


def duration(seconds: float | None) -> str:
    """Seconds as a person tells them."""
    if seconds is None:
        return "–"
    for unit, length in (("d", 86400.0), ("h", 3600.0), ("min", 60.0)):
        if seconds >= 2.0 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s" if seconds >= 10.0 else f"{seconds:.1f} s"
