"""Commands of the federation: run, audit, fields."""

from __future__ import annotations

from typing import Any

import click

from switchyard.commands.shared import common, launch, show_steps
from switchyard.screen import show


@click.group()
def federation() -> None:
    """Learn from several substations without bringing their rows together."""


RUN_EXAMPLES = """\b
Examples:
  switchyard federation run
  switchyard federation run phase_imbalance
  switchyard federation run --substation delhi --substation mumbai
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
@common
def federation_run(
    model: str | None, substations: tuple[str, ...], aggregation: str, quorum: int, as_json: bool
) -> None:
    """Federate MODEL, or every model of the profile's federation list, over its training substations.

    Data that is missing is simulated first. With fewer than two substations there is no global model.
    """
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
