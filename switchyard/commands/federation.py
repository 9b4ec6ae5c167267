"""Commands of the federation: run, audit, fields."""

from __future__ import annotations

from typing import Any

import click

from switchyard.commands.shared import common, launch, show_steps, step_told
from switchyard.commands.training import DATE
from switchyard.errors import UsageError
from switchyard.screen import show, table


@click.group()
def federation() -> None:
    """Learn from several substations without bringing their rows together."""


RUN_EXAMPLES = """\b
Examples:
  switchyard federation run
  switchyard federation run phase_imbalance
  switchyard federation run --substation delhi --substation mumbai
  switchyard federation run load_forecast --dataset north --dataset south    measured tables, one a site
  switchyard federation run load_forecast --dataset region --by-point        each of its feeders is a site
"""


@federation.command(name="run", epilog=RUN_EXAMPLES)
@click.argument("model", required=False)
@click.option(
    "--substation",
    "substations",
    multiple=True,
    help="Takes part; repeat it for each. All others are left out. Without it all training ones take part.",
)
@click.option(
    "--aggregation",
    type=click.Choice(["mean", "trimmed_mean", "median"]),
    default="mean",
    show_default=True,
    help="How weights of networks become one; the latter two need five substations.",
)
@click.option(
    "--quorum",
    type=click.IntRange(min=2),
    default=2,
    show_default=True,
    help="Least number of substations; one that is lost is left out as long as so many remain.",
)
@click.option(
    "--dataset",
    "datasets",
    multiple=True,
    help="A dataset of measured tables as a site, instead of the profile's substations; repeat it for each.",
)
@click.option("--by-point", is_flag=True, help="Each feeder of the datasets is a site of its own.")
@click.option(
    "--name", "group", help="Of the group of datasets: registers MODEL.NAME; by default their names joined."
)
@click.option("--validation-from", type=DATE, help="Where validation begins in every dataset, local time.")
@click.option("--test-from", type=DATE, help="Where the test begins in every dataset, local time.")
@common
def federation_run(
    model: str | None,
    substations: tuple[str, ...],
    aggregation: str,
    quorum: int,
    as_json: bool,
    **measured: Any,
) -> None:
    """Federate MODEL, or every model of the profile's federation list, over its training substations.

    Data that is missing is simulated first. With fewer than two substations there is no global model.
    With --dataset the sites are datasets of measured loads, or their feeders, and MODEL is load_forecast.
    """
    if measured["datasets"]:
        if substations:
            raise UsageError(
                "--dataset and --substation are not federated together", "name either datasets or substations"
            )
        _federate_datasets(model, aggregation=aggregation, quorum=quorum, as_json=as_json, **measured)
        return
    if any(measured.values()):
        raise UsageError(
            "--by-point, --name, --validation-from and --test-from are of datasets",
            "name them with --dataset",
        )
    from flows.job import Job
    from flows.stages.alliance import choose
    from switchyard.settings import get_settings

    settings = get_settings()
    job = Job.of(settings.profile, str(settings.folders.root))
    # What cannot be is told before anything is started.
    choose(job, model, substations, aggregation, quorum)
    records = launch(
        "federate",
        model=model,
        substations=list(substations) or None,
        aggregation=aggregation,
        quorum=quorum,
    )
    show_steps("federated models", records, as_json)


def _federate_datasets(
    model: str | None,
    *,
    aggregation: str,
    quorum: int,
    as_json: bool,
    datasets: tuple[str, ...],
    **asked: Any,
) -> None:
    """Federate a model over measured datasets and show who forecasts how well at which site."""
    from federation import observed_report
    from flows.job import Job
    from flows.stages.observed_federation import choose, result_of
    from switchyard.settings import get_settings

    settings = get_settings()
    job = Job.of(settings.profile, str(settings.folders.root))
    terms = {"aggregation": aggregation, "quorum": quorum, **asked}
    # What cannot be is told before anything is started.
    choose(job, model, datasets, **terms)
    records = launch("federate", model=model, datasets=list(datasets), **terms)
    ((registered, record),) = records.items()
    value = {
        **step_told(registered, record),
        "fine_tuned": record.result["fine_tuned"],
        "refused": record.result["refused"],
        "sites": record.result["measured"],
    }

    def text(found: dict[str, Any]) -> None:
        table(registered, observed_report.COLUMNS, observed_report.table(result_of(record)))
        took = "done before" if found["skipped"] else f"took {found['seconds']:.1f} s"
        version, own = found["version"], [one["name"] for one in found["fine_tuned"]]
        for site, reason in found["refused"].items():
            click.echo(f"{site} was left out: {reason}")
        click.echo(
            f"\n{took}; registered {registered} version {version['version']} "
            f"({version['alias'] or 'no alias'}) and {', '.join(own) or 'no versions of the sites'}"
        )
        click.echo(f"report: {observed_report.paths(job.home, registered)[1]}")

    show(value, as_json, text)


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


@federation.command(name="fields")
@click.argument("model", required=False)
@common
def federation_fields(model: str | None, as_json: bool) -> None:
    """List every field that has left the substations, by the ledger: of MODEL, or of all models."""
    import msgspec

    from federation.inventory import inventory
    from federation.ledger import records
    from federation.run import ledger_of
    from switchyard.settings import get_settings

    listed = inventory(records(ledger_of(get_settings().folders)))
    chosen = [one for one in listed if model in {None, one.model}]
    if not chosen:
        raise click.UsageError(f"the ledger has nothing of {model or 'any model'}")

    def text(found: list[dict[str, Any]]) -> None:
        for one in found:
            shape = " x ".join(map(str, one["shape"]))
            click.echo(f"{one['model']}, {one['phase']}: {one['name']}, {one['dtype']} [{shape}]")
            click.echo(f"    {one['meaning']}")
            click.echo(
                f"    sent {one['times']} times by {', '.join(one['sites'])}, "
                f"at most {one['largest_bytes']} bytes at a time"
            )

    show(msgspec.to_builtins(chosen), as_json, text)
