"""Commands that make data and models: run, simulate, train."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from switchyard.commands.shared import common, launch, show_steps, step_told
from switchyard.errors import UsageError
from switchyard.screen import brief, show, table

DATE = click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M"])
ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"), "1"
)
"""How a sum is split over threads changes its last bits."""

TRAIN_EXAMPLES = """\b
Examples:
  switchyard train
  switchyard train voltage_sag
  switchyard train voltage_sag --substation delhi --trials 50
  switchyard train load_forecast --algorithm n_beats      a challenger by another algorithm
  switchyard train load_forecast --dataset city           from measured tables: see switchyard ingest
  switchyard train load_forecast --dataset city --validation-from 2014-03-01 --test-from 2014-07-01
"""


@click.command()
@common
def run(as_json: bool) -> None:
    """Do the main job: simulate, check, train, register, federate, publish, serve, answer.

    Finished steps are skipped; a killed run goes on where it was.
    """
    import msgspec

    summary = launch("pipeline")

    def text(found: dict[str, Any]) -> None:
        for one in found["tables"]:
            table(one["title"], list(one["columns"]), [list(row) for row in one["rows"]])
        click.echo(f"\nserved: snapshot {found['snapshot']}\n\nwhere to look next")
        width = max(len(what) for what, _ in found["look"])
        for what, command in found["look"]:
            click.echo(f"  {what:<{width}}  {command}")

    show(msgspec.to_builtins(summary), as_json, text)


@click.command()
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
    records = launch("simulate", runner=runner)
    show_steps("features", records, as_json, _draw_pages() if report else {})


def _draw_pages() -> dict[str, Path]:
    from flows.job import Job
    from flows.pictures.page import write_pages
    from switchyard.settings import get_settings

    settings = get_settings()
    return write_pages(Job.of(settings.profile, str(settings.folders.root)))


@click.command(epilog=TRAIN_EXAMPLES)
@click.argument("model", required=False)
@click.option("--substation", help="Learn from this one alone; registers MODEL.SUBSTATION.")
@click.option(
    "--trials",
    type=click.IntRange(min=1),
    help="Trials of the search for parameters, in all; more than last time go on where it ended.",
)
@click.option(
    "--algorithm",
    help="Another algorithm of MODEL, or `first` on a dataset; the rule decides which becomes champion.",
)
@click.option("--dataset", help="Learn from this dataset of measured tables; registers MODEL.DATASET.")
@click.option("--validation-from", type=DATE, help="Where validation begins, local time.")
@click.option("--test-from", type=DATE, help="Where the test begins, local time.")
@common
def train(model: str | None, substation: str | None, trials: int | None, as_json: bool, **asked: Any) -> None:
    """Tune, fit, evaluate, compile and register MODEL, or every model of the profile.

    Data that is missing is simulated first. Killed and started again it goes on at the trial it was at, and
    registers nothing twice. A dataset's days train, validate and test one after the other: 65, 15 and 20 % of
    them unless times are given.
    """
    from flows.job import Job
    from flows.stages.lessons import choose
    from switchyard.settings import get_settings

    algorithm = asked["algorithm"] or ""
    if asked["dataset"] is not None:
        _train_on_dataset(model, substation, trials, as_json, **asked)
        return
    if asked["validation_from"] or asked["test_from"]:
        raise UsageError("--validation-from and --test-from are days of a dataset", "name it with --dataset")
    if algorithm and model is None:
        raise UsageError("--algorithm is one of a model", "switchyard train MODEL --algorithm NAME")
    settings = get_settings()
    job = Job.of(settings.profile, str(settings.folders.root))
    # What is not there is told before anything is started.
    choose(job, model, substation, trials, algorithm)
    records = launch("train", model=model, substation=substation, trials=trials, algorithm=algorithm or None)
    if model is None:
        show_steps("trained models", records, as_json)
        return
    from flows.stages.scores import score_table

    ((registered, record),) = records.items()
    value = _told(registered, record)
    show(value, as_json, lambda found: _show_trained(found, score_table(job, record)))


def _told(registered: str, record: Any) -> dict[str, Any]:
    """A training's record as one JSON value."""
    return {
        **step_told(registered, record),
        "params": record.result["params"],
        "figures": [row for row in record.result["rows"] if row["slice"] == "all"],
    }


def _train_on_dataset(
    model: str | None, substation: str | None, trials: int | None, as_json: bool, **asked: Any
) -> None:
    """Train on measured tables, in this process and on one thread."""
    if model is None or substation is not None:
        raise UsageError(
            "--dataset is for one model, and instead of --substation", "switchyard train MODEL --dataset NAME"
        )
    os.environ.update(ONE_THREAD)
    import msgspec

    from flows.job import Job
    from flows.stages import observed
    from flows.stages.scores import score_table
    from models.observed_site import UNSERVED
    from switchyard.settings import get_settings

    settings = get_settings()
    job = Job.of(settings.profile, str(settings.folders.root))
    times = {name: asked[name] for name in ("validation_from", "test_from")}
    name = asked["dataset"]
    record, decision = observed.train(
        job, model, name, algorithm=asked["algorithm"] or "", trials=trials, **times
    )
    registered = str(record.result["model"])
    value = {**_told(registered, record), "decision": msgspec.to_builtins(decision)}

    def text(found: dict[str, Any]) -> None:
        _show_trained(found, score_table(job, record), f"switchyard evaluate {model} --dataset {name}")
        if decision is not None:
            click.echo(f"champion is version {decision.champion_after}: {decision.reason}")
        unserved = record.result["version"]["tags"].get(UNSERVED)
        click.echo(
            f"not served: {unserved}"
            if unserved
            else f"to serve the champion as substation {name}: switchyard publish"
        )

    show(value, as_json, text)


def _show_trained(
    found: dict[str, Any], scores: tuple[str, list[str], list[list[str]]], following: str = ""
) -> None:
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
    if following:
        click.echo(f"every opponent: {following}")
    else:
        click.echo(f"every slice: switchyard evaluate {name} --all-slices")
