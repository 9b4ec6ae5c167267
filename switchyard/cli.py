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
  switchyard train voltage_sag --substation delhi --trials 50
                                       one model of one site, tuned longer
  switchyard serve --port 3000         answer requests from the current snapshot
  switchyard infer examples/*.json     ask a running service and read its answers
  switchyard up                        the service, Prefect and MLflow, with their addresses
  switchyard status                    what is up, versions, what is served, the last runs
"""

TRAIN_EXAMPLES = """\b
Examples:
  switchyard train
  switchyard train voltage_sag
  switchyard train voltage_sag --substation delhi --trials 50
"""

PROMOTE_EXAMPLES = """\b
Examples:
  switchyard promote voltage_sag --dry-run
  switchyard promote voltage_sag
  switchyard promote voltage_sag --version 4
  switchyard promote voltage_sag --force "new meters since May"
"""

ROLLBACK_EXAMPLES = """\b
Examples:
  switchyard rollback voltage_sag          the version that the champion replaced
  switchyard rollback voltage_sag --to 2   that version
  switchyard rollback                      the snapshot before the current one
"""

UP_EXAMPLES = """\b
Examples:
  switchyard up                        until Ctrl-C
  switchyard up --detach               in the background; switchyard down stops it
  switchyard up --serve-port 3100      with a port of your own
"""

PORT = click.IntRange(1, 65535)


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


@main.command(epilog=TRAIN_EXAMPLES)
@click.argument("model", required=False)
@click.option("--substation", help="Learn from this one alone; registers MODEL.SUBSTATION.")
@click.option(
    "--trials",
    type=click.IntRange(min=1),
    help="Trials of the search for parameters, in all; more than last time go on where it ended.",
)
@common
def train(model: str | None, substation: str | None, trials: int | None, as_json: bool) -> None:
    """Tune, fit, evaluate, compile and register MODEL, or every model of the profile.

    Data that is missing is simulated first. Killed and started again it goes on at the trial it was at, and
    registers nothing twice.
    """
    from flows.job import Job
    from flows.stages.lessons import choose
    from switchyard.settings import get_settings

    settings = get_settings()
    job = Job.of(settings.profile, str(settings.folders.root))
    # What is not there is told before anything is started.
    choose(job, model, substation, trials)
    records = _launch("train", model=model, substation=substation, trials=trials)
    if model is None:
        _show_steps("trained models", records, as_json)
        return
    from flows.stages.scores import score_table

    ((registered, record),) = records.items()
    value = {
        "name": registered,
        "step": record.step,
        "key": record.key,
        "seconds": record.seconds,
        "skipped": record.skipped,
        "version": record.result["version"],
        "params": record.result["params"],
        "figures": [row for row in record.result["rows"] if row["slice"] == "all"],
    }
    show(value, as_json, lambda found: _show_trained(found, score_table(job, record)))


def _show_trained(found: dict[str, Any], scores: tuple[str, list[str], list[list[str]]]) -> None:
    """Show one trained model: its figures beside its opponents, its version, where to look next."""
    table(*scores)
    version, name = found["version"], found["name"]
    took = "done before" if found["skipped"] else f"took {found['seconds']:.1f} s"
    params = ", ".join(f"{key} = {brief(value)}" for key, value in found["params"].items())
    click.echo(f"\n{took}; {params}")
    if version is None:
        click.echo("not registered: pooling is forbidden")
        return
    tags = version["tags"]
    click.echo(
        f"registered {name} version {version['version']} ({version['alias'] or 'no alias'}, "
        f"bar={tags['bar']}, trained_by={tags['trained_by']})"
    )
    click.echo(f"every slice: switchyard evaluate {name} --all-slices")


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
    """Show how good MODEL (or every model) is, beside its opponents, a depth-3 tree and the oracle.

    MODEL is a registered name: voltage_sag, or voltage_sag.delhi for a substation's own.
    """
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
        entry(model.partition(".")[0])
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


@main.command(epilog=PROMOTE_EXAMPLES)
@click.argument("model")
@click.option("--version", type=click.IntRange(min=1), help="Version to compare, instead of the challenger.")
@click.option("--dry-run", is_flag=True, help="Only tell what would be decided.")
@click.option("--force", default="", metavar="REASON", help="Promote whatever the rule says; REASON is kept.")
@common
def promote(model: str, version: int | None, dry_run: bool, force: str, as_json: bool) -> None:
    """Make MODEL's challenger champion where the rule allows it, and publish.

    Both versions answer the test episodes that neither has learnt from, by their compiled files. The
    challenger is promoted where the 95 % interval of its paired difference at the main metric is not below
    zero, and no scenario kind, substation or bar's metric is worse by more than 10 %. Exit code 1 where it is
    refused.
    """
    import msgspec

    from models import promotion
    from switchyard.settings import get_settings

    # What is not there is told before anything is started.
    promotion.pair(get_settings().folders, model, version)
    outcome = _launch("promote", model=model, version=version, dry_run=dry_run, force=force)
    show(msgspec.to_builtins(outcome), as_json, lambda _: _show_decision(outcome))
    if outcome.decision.decision == promotion.REFUSED and not dry_run:
        raise click.exceptions.Exit(1)


def _show_decision(outcome: Any) -> None:
    """Show a decision: the figures that it rests on, what it is, what is served now."""
    from flows.stages.promotion import comparison_table

    decision = outcome.decision
    title, columns, rows = comparison_table(decision)
    if rows:
        table(title, columns, rows)
        for note in decision.comparison.notes:
            click.echo(f"note: {note}")
    if decision.untold:
        click.echo(f"too small to tell: {', '.join(decision.untold)}")
    would = "would be " if outcome.dry_run else ""
    said = decision.decision.replace("_", " ")
    click.echo(f"{decision.model} version {decision.version}: {would}{said}; {decision.reason}")
    if outcome.published is None:
        click.echo(f"nothing published: {outcome.unpublished}")
        return
    served = outcome.published.versions.get(decision.model)
    told = (
        f"with {decision.model} version {served}" if served else f"which routes nothing to {decision.model}"
    )
    click.echo(f"serving snapshot {outcome.published.snapshot}, {told}")
    click.echo(f"to go back: switchyard rollback {decision.model} --to {decision.champion_before}")


@main.command(epilog=ROLLBACK_EXAMPLES)
@click.argument("what", required=False, metavar="[MODEL|SNAPSHOT]")
@click.option(
    "--to", type=click.IntRange(min=1), help="Version of MODEL; else the one that the champion replaced."
)
@common
def rollback(what: str | None, to: int | None, as_json: bool) -> None:
    """Make an earlier version of MODEL champion again and publish, or serve an older SNAPSHOT again.

    Without a name the snapshot before the current one is served again; no champion changes.
    """
    from serving.snapshot import rollback as serve_older
    from serving.snapshot import snapshot_names
    from switchyard.errors import UsageError
    from switchyard.settings import get_settings

    home = get_settings().folders
    if what is not None and what not in snapshot_names(home):
        import msgspec

        from models import promotion

        promotion.earlier(home, what, to)
        outcome = _launch("rollback", model=what, to=to)
        show(msgspec.to_builtins(outcome), as_json, lambda _: _show_decision(outcome))
        return
    if to is not None:
        raise UsageError("--to is a version of a model", "name the model: switchyard rollback MODEL --to N")
    name = serve_older(home, what)
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
    """Tell what is up and where, what is served, the versions of each model, the last runs."""
    import msgspec

    from flows.up.overview import overview
    from flows.up.tables import overview_tables, served_line
    from switchyard.settings import get_settings

    found = overview(get_settings().folders)

    def text(value: Any) -> None:
        del value
        up = "no: switchyard up starts the service, Prefect and MLflow" if found.up is None else "yes"
        click.echo(f"home      {found.home}\nsnapshot  {served_line(found)}\nup        {up}")
        for one in overview_tables(found):
            table(*one)

    show(msgspec.to_builtins(found), as_json, text)


@main.command(epilog=UP_EXAMPLES)
@click.option("--serve-port", type=PORT, help="Port of the service; 3000 or a free one otherwise.")
@click.option("--mlflow-port", type=PORT, help="Port of the MLflow UI; 5000 or a free one otherwise.")
@click.option("--prefect-port", type=PORT, help="Port of the Prefect UI; 4200 or a free one otherwise.")
@click.option("--detach", is_flag=True, help="Leave it running and return when all answers.")
@common
def up(
    serve_port: int | None, mlflow_port: int | None, prefect_port: int | None, detach: bool, as_json: bool
) -> None:
    """Start the service, Prefect with a worker, and MLflow; watch them until Ctrl-C.

    Listens on 127.0.0.1 only. What dies is started again; at the end nothing is left running.
    """
    from flows.up.command import detach as start_detached
    from flows.up.command import supervise
    from flows.up.state import read_state
    from switchyard.settings import get_settings

    home = get_settings().folders
    running = read_state(home)
    if running is not None:
        _show_up(running, as_json, f"{home.root} is up already, by process {running.pid}")
        return
    ports = {"service": serve_port, "mlflow": mlflow_port, "prefect": prefect_port}
    if detach:
        _show_up(start_detached(home, ports), as_json, str(home.root))
        return
    supervise(home, ports, lambda state: _show_up(state, as_json, str(home.root)))


def _show_up(state: Any, as_json: bool, title: str) -> None:
    import msgspec

    from flows.up.tables import up_table

    def text(value: Any) -> None:
        del value
        table(*up_table(state, title))
        click.echo("stop it with Ctrl-C where it was started, or with: switchyard down")

    show(msgspec.to_builtins(state), as_json, text)


@main.command()
@common
def down(as_json: bool) -> None:
    """Stop what `switchyard up` started on this home; nothing is left running."""
    import msgspec

    from flows.up.command import down as stop
    from switchyard.settings import get_settings

    home = get_settings().folders
    stopped = stop(home)

    def text(found: dict[str, Any]) -> None:
        click.echo(f"{home.root} is down" if found["stopped"] else f"nothing is up on {home.root}")

    show({"stopped": msgspec.to_builtins(stopped)}, as_json, text)
