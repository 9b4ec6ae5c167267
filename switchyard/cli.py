"""The command line, outside the layers: each command imports the room that it needs when it runs."""

from __future__ import annotations

import functools
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from switchyard import __version__

R = TypeVar("R")

DEFAULT_URL = "http://127.0.0.1:3000"

EXAMPLES = """\b
Examples:
  switchyard run                       simulate, train, federate, publish, serve, answer
  switchyard run --profile tiny        the same in a minute, with two substations
  switchyard serve --port 3000         answer requests from the current snapshot
  switchyard infer examples/*.json     ask a running service and read its answers
  switchyard status                    what has been done, and what is served
"""


class Group(click.Group):
    """Shows an error that a user can act on, not a traceback. Exit codes: 0 done, 1 failed, 2 wrong use."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command and turn Switchyard's own errors into a message and an exit code."""
        from switchyard.errors import SwitchyardError, UsageError

        try:
            return super().invoke(ctx)
        except UsageError as error:
            _complain(error)
            ctx.exit(2)
        except SwitchyardError as error:
            _complain(error)
            ctx.exit(1)


def _complain(error: Any) -> None:
    click.echo(f"error: {error.message}", err=True)
    if error.remedy:
        click.echo(f"  what to do: {error.remedy}", err=True)


def common(command: Callable[..., R]) -> Callable[..., R]:
    """Give a command the options that all have: --home, --profile, --json."""

    @click.option("--home", type=click.Path(path_type=Path), help="Folder for everything that is written.")
    @click.option("--profile", help="tiny, quick, full, or the path of a YAML file.")
    @click.option("--json", "as_json", is_flag=True, help="Print one JSON value instead of text.")
    @functools.wraps(command)
    def wrapped(home: Path | None, profile: str | None, as_json: bool, **rest: Any) -> R:
        # Child processes read the same settings from the environment.
        if home is not None:
            os.environ["SWITCHYARD_HOME"] = str(home.expanduser().absolute())
        if profile is not None:
            os.environ["SWITCHYARD_PROFILE"] = profile
        from switchyard import log
        from switchyard.settings import get_settings

        settings = get_settings()
        os.environ["SWITCHYARD_HOME"] = str(settings.folders.root)
        name = click.get_current_context().command.name or "switchyard"
        log.configure("WARNING" if as_json else settings.log_level, settings.folders.logs, name)
        return command(as_json=as_json, **rest)

    return wrapped


def _show(value: Any, as_json: bool, text: Callable[[Any], None]) -> None:
    if as_json:
        click.echo(json.dumps(value, ensure_ascii=False, allow_nan=False))
    else:
        text(value)


def _table(title: str, columns: list[str], rows: list[list[str]]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title or None, title_justify="left")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*row)
    Console(width=None if sys.stdout.isatty() else 140).print(table)


@click.group(cls=Group, epilog=EXAMPLES, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="switchyard")
def main() -> None:
    """Machine learning for electrical substations: simulate, train, federate, serve."""


@main.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=3000, show_default=True, help="Port to listen on.")
@click.option("--workers", default=1, show_default=True, help="Worker processes.")
@common
def serve(host: str, port: int, workers: int, as_json: bool) -> None:
    """Answer requests from the current snapshot until stopped."""
    del as_json
    from serving.run import serve as run_service

    click.echo(f"POST requests to http://{host}:{port}/v1/infer (stop with Ctrl-C)", err=True)
    run_service(host, port, workers)


@main.command()
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@click.option("--url", default=DEFAULT_URL, show_default=True, help="Address of the service.")
@click.option("--models", "names", help="Comma-separated names; all that are published otherwise.")
@common
def infer(files: tuple[Path, ...], url: str, names: str | None, as_json: bool) -> None:
    """Post the requests in FILES and show the answers."""
    from switchyard.client import Client
    from switchyard.files import read_json

    models = [name.strip() for name in names.split(",") if name.strip()] if names else None
    with Client(url) as client:
        answers = [
            {"file": str(file), "answer": client.infer(read_json(file), models=models)} for file in files
        ]
    _show(answers, as_json, _show_answers)


def _show_answers(answers: list[dict[str, Any]]) -> None:
    for one in answers:
        items = one["answer"]["items"] if "items" in one["answer"] else [one["answer"]]
        for item in items:
            rows = []
            for module in ("monitoring", "maintenance", "energy", "decision"):
                for model, answer in item.get(module, {}).items():
                    fields = {
                        k: v
                        for k, v in answer.items()
                        if k not in {"status", "reason", "detail", "model_version"}
                    }
                    said = ", ".join(f"{k} = {_brief(v)}" for k, v in fields.items() if v is not None)
                    rows.append([model, answer["status"], said or str(answer.get("reason", ""))])
            _table(f"{one['file']} · {item.get('timestamp', '')}", ["model", "status", "answer"], rows)


def _brief(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


@main.command()
@common
def models(as_json: bool) -> None:
    """List the 16 models and the versions that are published."""
    from data_contracts.answers import MODULE_OF
    from models.catalogue import DEFINED
    from serving.snapshot import current_name, open_snapshot
    from switchyard.settings import get_settings

    home = get_settings().folders
    name = current_name(home)
    published = (
        {} if name is None else {m.registered: m.version for m in open_snapshot(home, name).manifest.models}
    )
    rows = [
        {
            "model": model,
            "module": module,
            "defined": model in DEFINED,
            "published": {r: v for r, v in published.items() if r.split(".")[0] == model},
        }
        for model, module in MODULE_OF.items()
    ]

    def text(found: list[dict[str, Any]]) -> None:
        lines = []
        for row in found:
            versions = ", ".join(f"{r} v{v}" for r, v in row["published"].items())
            lines.append(
                [
                    row["model"],
                    row["module"],
                    versions or ("trained on demand" if row["defined"] else "not built yet"),
                ]
            )
        _table(
            f"snapshot {name or 'none: switchyard run makes one'}", ["model", "module", "published"], lines
        )

    _show(rows, as_json, text)


@main.command()
@click.argument("snapshot", required=False)
@common
def rollback(snapshot: str | None, as_json: bool) -> None:
    """Serve an older snapshot again: SNAPSHOT, or the one before the current."""
    from serving.snapshot import rollback as serve_older
    from switchyard.settings import get_settings

    name = serve_older(get_settings().folders, snapshot)
    _show({"snapshot": name}, as_json, lambda done: click.echo(f"serving {done['snapshot']}"))


@main.command()
@common
def doctor(as_json: bool) -> None:
    """Tell what is missing on this machine and what to do."""
    from switchyard.doctor import examine
    from switchyard.settings import get_settings

    findings = examine(get_settings().folders)
    values = [{"name": f.name, "state": f.state, "found": f.found, "remedy": f.remedy} for f in findings]
    _show(
        values,
        as_json,
        lambda found: _table(
            "", ["what", "state", "found", "what to do"], [list(row.values()) for row in found]
        ),
    )
    if any(finding.state == "missing" for finding in findings):
        raise click.exceptions.Exit(1)


@main.command()
@common
def status(as_json: bool) -> None:
    """Tell what has been done in this home, and what is served."""
    from serving.snapshot import current_name
    from switchyard.settings import get_settings
    from switchyard.steps import newest_records

    home = get_settings().folders
    value = {
        "home": str(home.root),
        "snapshot": current_name(home),
        "steps": [
            {"step": r.step, "finished": r.finished, "seconds": r.seconds, "key": r.key}
            for r in newest_records(home)
        ],
    }

    def text(found: dict[str, Any]) -> None:
        click.echo(f"home      {found['home']}\nsnapshot  {found['snapshot'] or 'none'}")
        rows = [[s["step"], s["finished"], f"{s['seconds']:.1f}", s["key"][:12]] for s in found["steps"]]
        _table("", ["step", "finished", "seconds", "key"], rows)

    _show(value, as_json, text)
