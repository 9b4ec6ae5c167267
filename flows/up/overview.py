"""What `switchyard status` tells: what is up, what is served, versions of models, runs of flows."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import msgspec
from msgspec.structs import replace

from flows.up.parts import MLFLOW_VARIABLE
from flows.up.state import UpState, is_locked, read_state
from switchyard.errors import SwitchyardError
from switchyard.home import Home
from switchyard.steps import newest_records

RUNS = 10
PAGE = 1000

# The newest runs that are no other run's part; times are UTC.
_RUNS_QUERY = """
select run.name, flow.name, run.state_name, run.start_time, run.end_time
from flow_run as run join flow on flow.id = run.flow_id
where run.parent_task_run_id is null
order by coalesce(run.start_time, run.expected_start_time, run.created) desc limit ?
"""


class Served(msgspec.Struct, frozen=True):
    """The current snapshot.

    Attributes:
        name: Its name; None before anything was published.
        created: When it was written (UTC, ISO 8601); None where it cannot be read.
        versions: Version by registered name.
        note: Why it cannot be read.
    """

    name: str | None
    created: str | None = None
    versions: dict[str, str] = {}
    note: str = ""


class Version(msgspec.Struct, frozen=True):
    """A champion or challenger, or the newest version of a model that has neither.

    Attributes:
        model: Registered name.
        version: Its number.
        alias: `champion`, `challenger` or empty.
        created: When it was registered (UTC, ISO 8601).
        age_s: Seconds since then.
        bar: `met` or `missed`; empty where it has none.
        trained_by: `pooled`, `local`, `federated` or `fine_tuned`.
        served: Whether the current snapshot holds it.
    """

    model: str
    version: int
    alias: str
    created: str
    age_s: float
    bar: str
    trained_by: str
    served: bool


class Run(msgspec.Struct, frozen=True):
    """One run of a flow.

    Attributes:
        name: Its name in the UI.
        flow: The flow.
        state: Prefect's name of its state; `Killed` where it says Running and no process is at work on the
            home: the next command or worker marks such a run as Crashed.
        started: When it started (UTC, ISO 8601); None before that.
        seconds: How long it took; None while it runs.
    """

    name: str
    flow: str
    state: str
    started: str | None
    seconds: float | None


class Step(msgspec.Struct, frozen=True):
    """The newest record of a step: its name, when it ended (UTC), how long it took, its key."""

    step: str
    finished: str
    seconds: float
    key: str


class Overview(msgspec.Struct, frozen=True):
    """All that is told of a home.

    Attributes:
        home: The home.
        up: What its supervisor says; None where `switchyard up` does not run.
        snapshot: Name of the snapshot served; None before anything was published.
        served: More about that snapshot.
        versions: Versions of models by name, champions first.
        runs: The newest runs of flows.
        steps: The newest record of each step.
    """

    home: str
    up: UpState | None
    snapshot: str | None
    served: Served
    versions: tuple[Version, ...]
    runs: tuple[Run, ...]
    steps: tuple[Step, ...]


def overview(home: Home) -> Overview:
    """Look at a home; changes nothing.

    Raises:
        SwitchyardError: The registry or the file of a supervisor cannot be read.
    """
    served = _served(home)
    return Overview(
        home=str(home.root),
        up=read_state(home),
        snapshot=served.name,
        served=served,
        versions=tuple(_versions(home, served)),
        runs=tuple(_runs(home)),
        steps=tuple(Step(r.step, r.finished, r.seconds, r.key) for r in newest_records(home)),
    )


def _served(home: Home) -> Served:
    from serving.snapshot import current_name, open_snapshot

    name = current_name(home)
    if name is None:
        return Served(None)
    try:
        manifest = open_snapshot(home, name).manifest
    except SwitchyardError as error:
        return Served(name, note=str(error))
    return Served(name, manifest.created.isoformat(timespec="seconds"), manifest.champions)


def _versions(home: Home, served: Served) -> list[Version]:
    """Versions with an alias, and the newest of a model that has none."""
    if not home.mlflow_db.exists() and not os.environ.get(MLFLOW_VARIABLE):
        return []
    from models import tracking

    client = tracking.connect(home).client
    aliases: dict[tuple[str, int], str] = {}
    newest: dict[str, int] = {}
    for model in _all(client.search_registered_models):
        for alias, number in model.aliases.items():
            aliases[str(model.name), int(number)] = str(alias)
    made = _all(client.search_model_versions)
    for one in made:
        newest[one.name] = max(newest.get(one.name, 0), int(one.version))
    with_alias = {name for name, _ in aliases}
    now = datetime.now(UTC)
    found = []
    for one in made:
        name, number = str(one.name), int(one.version)
        alias = aliases.get((name, number), "")
        if alias or (name not in with_alias and number == newest[name]):
            created = datetime.fromtimestamp(one.creation_timestamp / 1000.0, UTC)
            found.append(
                Version(
                    model=name,
                    version=number,
                    alias=alias,
                    created=created.isoformat(timespec="seconds"),
                    age_s=round((now - created).total_seconds(), 1),
                    bar=one.tags.get("bar", ""),
                    trained_by=one.tags.get("trained_by", ""),
                    served=served.versions.get(name) == str(number),
                )
            )
    return sorted(found, key=lambda one: (one.model, one.alias != "champion", -one.version))


def _all(search: Any) -> list[Any]:
    found: list[Any] = []
    token = None
    while True:
        page = search(max_results=PAGE, page_token=token)
        found += page
        token = page.token
        if not token:
            return found


def _runs(home: Home) -> list[Run]:
    """Newest first, from the database that every server of this home keeps, whether or not one runs."""
    path = home.prefect / "prefect.db"
    if not path.exists():
        return []
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=10.0)) as database:
            rows = database.execute(_RUNS_QUERY, (RUNS,)).fetchall()
    except sqlite3.DatabaseError as error:
        if "no such table" in str(error):
            # The first server is still laying the tables out.
            return []
        raise SwitchyardError(f"{path} cannot be read: {error}", "try again in a moment") from error
    at_work = is_locked(home.root / "run.lock")
    runs = [_run(*row) for row in rows]
    return [run if at_work or run.state != "Running" else replace(run, state="Killed") for run in runs]


def _run(name: str, flow: str, state: str | None, start: str | None, end: str | None) -> Run:
    started, ended = _time(start), _time(end)
    seconds = None if started is None or ended is None else round((ended - started).total_seconds(), 1)
    return Run(
        name, flow, state or "", None if started is None else started.isoformat(timespec="seconds"), seconds
    )


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text).replace(tzinfo=UTC)
