"""The command line, outside the layers: each command imports the room that it needs when it runs."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

import click

from switchyard import __version__
from switchyard.screen import brief, show, table

R = TypeVar("R")

DEFAULT_URL = "http://127.0.0.1:3000"

EXAMPLES = """\b
Examples:
  switchyard run                       simulate, train, federate, publish, serve, answer
  switchyard run --profile tiny        the same in a minute or two, with two substations
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


@click.group(cls=Group, epilog=EXAMPLES, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="switchyard")
def main() -> None:
    """Machine learning for electrical substations: simulate, train, federate, serve."""


def _launch(flow: str, **parameters: Any) -> Any:
    from flows.launch import launch
    from switchyard.settings import get_settings

    settings = get_settings()
    return launch(flow, settings.profile, settings.folders, **parameters)


def _show_steps(
    flow: str, records: dict[str, Any], as_json: bool, pages: Mapping[str, Path] = MappingProxyType({})
) -> None:
    """Show the records of a flow, one a substation or model, and where its page is."""
    rows = [
        {"name": name, "step": r.step, "key": r.key, "seconds": r.seconds, "skipped": r.skipped}
        | ({"page": str(pages[name])} if name in pages else {})
        for name, r in records.items()
    ]

    def text(found: list[dict[str, Any]]) -> None:
        lines = [
            [row["name"], "done before" if row["skipped"] else f"{row['seconds']:.1f} s", row["key"][:12]]
            for row in found
        ]
        table(flow, ["", "took", "key"], lines)
        for row in found:
            if "page" in row:
                click.echo(f"pictures of {row['name']}: {row['page']}")

    show(rows, as_json, text)


@main.command()
@common
def run(as_json: bool) -> None:
    """Do the main job: simulate, check, train, register, federate, publish, serve, answer.

    Finished steps are skipped; a killed run goes on where it was.
    """
    import msgspec

    summary = _launch("pipeline")

    def text(found: dict[str, Any]) -> None:
        for one in found["tables"]:
            table(one["title"], list(one["columns"]), [list(row) for row in one["rows"]])
        click.echo(f"\nserved: snapshot {found['snapshot']}\n\nwhere to look next")
        width = max(len(what) for what, _ in found["look"])
        for what, command in found["look"]:
            click.echo(f"  {what:<{width}}  {command}")

    show(msgspec.to_builtins(summary), as_json, text)


@main.command()
@click.option(
    "--report", is_flag=True, help="Draw a page of pictures of each substation, to open in a browser."
)
@click.option(
    "--runner",
    type=click.Choice(["processes", "dask"]),
    default="processes",
    show_default=True,
    help="Whose worker processes simulate: Switchyard's own, or those of a local Dask cluster.",
)
@common
def simulate(report: bool, runner: str, as_json: bool) -> None:
    """Simulate the profile's substations, check every table, compute features."""
    records = _launch("simulate", runner=runner)
    _show_steps("features", records, as_json, _draw_pages() if report else {})


def _draw_pages() -> dict[str, Path]:
    from flows.job import Job
    from flows.pictures.page import write_pages
    from switchyard.settings import get_settings

    settings = get_settings()
    return write_pages(Job.of(settings.profile, str(settings.folders.root)))


@main.command()
@common
def train(as_json: bool) -> None:
    """Tune, fit, evaluate, compile and register the profile's models."""
    _show_steps("trained models", _launch("train"), as_json)


@main.group()
def federation() -> None:
    """Learn from several substations without bringing their rows together."""


@federation.command(name="run")
@common
def federation_run(as_json: bool) -> None:
    """Federate the profile's models over its training substations."""
    _show_steps("federated models", _launch("federate"), as_json)


@federation.command()
@common
def audit(as_json: bool) -> None:
    """Check every link of the ledger of what left the substations."""
    import msgspec

    from federation.ledger import verify
    from federation.run import ledger_of
    from switchyard.settings import get_settings

    verified = msgspec.to_builtins(verify(ledger_of(get_settings().folders)))

    def text(found: dict[str, Any]) -> None:
        click.echo("the ledger holds: " + ", ".join(f"{name} = {value}" for name, value in found.items()))

    show(verified, as_json, text)


@main.command()
@common
def publish(as_json: bool) -> None:
    """Publish the champions as a snapshot; running services take it up by themselves."""
    import msgspec

    published = msgspec.to_builtins(_launch("publish"))
    show(published, as_json, lambda done: click.echo(f"serving snapshot {done['snapshot']}"))


@main.command()
@click.argument("model", required=False)
@click.option("--all-slices", is_flag=True, help="Every substation and scenario kind, not only the bars.")
@click.option(
    "--data",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="CSV file of measured frequency, a row a second: how frequency_stability does on it.",
)
@click.option("--time", default="", help="Column of times in that file; found by itself otherwise.")
@click.option("--frequency", default="", help="Column of frequencies in that file; found otherwise.")
@common
def evaluate(model: str | None, all_slices: bool, data: Path | None, as_json: bool, **named: str) -> None:
    """Show how good MODEL (or every model) is, beside its opponents, a depth-3 tree and the oracle."""
    if data is not None:
        _evaluate_recording(model, data, named, as_json)
        return
    from models.catalogue import entry
    from switchyard.errors import SwitchyardError
    from switchyard.files import read_json
    from switchyard.settings import get_settings

    settings = get_settings()
    path = settings.folders.reports / "models.json"
    if model is not None:
        entry(model)
    if not path.exists():
        raise SwitchyardError(f"{path} does not exist: nothing has been trained here", "switchyard train")
    rows = [
        row
        for row in read_json(path)
        if (model is None or row["model"] == model) and (all_slices or row["met"] is not None)
    ]

    def text(found: list[dict[str, Any]]) -> None:
        columns = (
            "model",
            "substation",
            "slice",
            "metric",
            "value",
            "low",
            "high",
            "opponent_value",
            "tree3",
            "oracle",
            "bar",
        )
        table(
            str(path),
            list(columns),
            [[brief(row[c]) if row[c] is not None else "" for c in columns] for row in found],
        )

    show(rows, as_json, text)


def _evaluate_recording(model: str | None, data: Path, named: dict[str, str], as_json: bool) -> None:
    from models import recording_report
    from switchyard.errors import UsageError
    from switchyard.profiles import load_profile
    from switchyard.settings import get_settings

    if model != recording_report.NAME:
        raise UsageError(
            f"--data is a recording for {recording_report.NAME}, not for {model or 'every model'}",
            f"switchyard evaluate {recording_report.NAME} --data {data}",
        )
    settings = get_settings()
    result = recording_report.evaluate(settings.folders, load_profile(settings.profile), data, **named)

    def text(found: dict[str, Any]) -> None:
        table(
            f"{data}: mean absolute error {found['horizon_s']} s ahead, mHz, over {found['windows']} seconds",
            ["forecast", "MAE", "low", "high"],
            [
                [row["forecast"], *(brief(row[c]) for c in ("mae_mhz", "low", "high"))]
                for row in found["forecasts"]
            ],
        )
        counts = ", ".join(f"{name} {found[name]}" for name in ("rows", "dropouts", "misplaced", "missing"))
        click.echo(f"{counts}; version {found['version']}")

    show(result, as_json, text)


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
    show(answers, as_json, _show_answers)


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
                    said = ", ".join(f"{k} = {brief(v)}" for k, v in fields.items() if v is not None)
                    why = ": ".join(answer[part] for part in ("reason", "detail") if part in answer)
                    rows.append([model, answer["status"], "; ".join(part for part in (said, why) if part)])
            table(f"{one['file']} · {item.get('timestamp', '')}", ["model", "status", "answer"], rows)


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
        table(f"snapshot {name or 'none: switchyard run makes one'}", ["model", "module", "published"], lines)

    show(rows, as_json, text)


@main.command()
@click.argument("snapshot", required=False)
@common
def rollback(snapshot: str | None, as_json: bool) -> None:
    """Serve an older snapshot again: SNAPSHOT, or the one before the current."""
    from serving.snapshot import rollback as serve_older
    from switchyard.settings import get_settings

    name = serve_older(get_settings().folders, snapshot)
    show({"snapshot": name}, as_json, lambda done: click.echo(f"serving {done['snapshot']}"))


@main.command()
@common
def doctor(as_json: bool) -> None:
    """Tell what is missing on this machine and what to do."""
    from switchyard.doctor import examine
    from switchyard.settings import get_settings

    findings = examine(get_settings().folders)
    values = [{"name": f.name, "state": f.state, "found": f.found, "remedy": f.remedy} for f in findings]
    show(
        values,
        as_json,
        lambda found: table(
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
        table("", ["step", "finished", "seconds", "key"], rows)

    show(value, as_json, text)
