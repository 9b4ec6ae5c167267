"""Commands that decide what is served: models, publish, promote, rollback."""

from __future__ import annotations

from typing import Any

import click

from switchyard.commands.shared import common, launch
from switchyard.screen import show, table

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


@click.command()
@common
def publish(as_json: bool) -> None:
    """Publish the champions as a snapshot; running services take it up by themselves.

    Champions that learnt from measured datasets are served under the dataset's name as a substation; those
    that cannot be are named with the reason.
    """
    import msgspec

    published = msgspec.to_builtins(launch("publish"))
    show(published, as_json, _show_published)


def _show_published(done: dict[str, Any]) -> None:
    click.echo(f"serving snapshot {done['snapshot']}")
    for name, why in done["left_out"].items():
        click.echo(f"not served: {name}: {why}")


@click.command()
@common
def models(as_json: bool) -> None:
    """List the 16 models and the versions that are published."""
    from data_contracts.answers import MODULE_OF
    from serving.snapshot import current_name, open_snapshot
    from switchyard.settings import get_settings

    home = get_settings().folders
    name = current_name(home)
    manifest = None if name is None else open_snapshot(home, name).manifest
    published = {} if manifest is None else manifest.champions
    beside = {} if manifest is None else manifest.challengers
    rows = [
        {
            "model": model,
            "module": module,
            "published": {r: v for r, v in published.items() if r.split(".")[0] == model},
            "challengers": {r: v for r, v in beside.items() if r.split(".")[0] == model},
        }
        for model, module in MODULE_OF.items()
    ]

    def text(found: list[dict[str, Any]]) -> None:
        lines = []
        for row in found:
            told = [f"{r} v{v}" for r, v in row["published"].items()]
            told += [f"{r} v{v} (challenger)" for r, v in row["challengers"].items()]
            versions = ", ".join(told)
            lines.append(
                [
                    row["model"],
                    row["module"],
                    versions or "trained on demand",
                ]
            )
        table(f"snapshot {name or 'none: switchyard run makes one'}", ["model", "module", "published"], lines)

    show(rows, as_json, text)


@click.command(epilog=PROMOTE_EXAMPLES)
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
    outcome = launch("promote", model=model, version=version, dry_run=dry_run, force=force)
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
    for name, why in outcome.published.left_out.items():
        click.echo(f"not served: {name}: {why}")
    click.echo(f"to go back: switchyard rollback {decision.model} --to {decision.champion_before}")


@click.command(epilog=ROLLBACK_EXAMPLES)
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
        outcome = launch("rollback", model=what, to=to)
        show(msgspec.to_builtins(outcome), as_json, lambda _: _show_decision(outcome))
        return
    if to is not None:
        raise UsageError("--to is a version of a model", "name the model: switchyard rollback MODEL --to N")
    name = serve_older(home, what)
    # The service of this home is on its way back already; replicas follow the registry, where there is one.
    from models import tracking

    if tracking.exists(home):
        from flows.snapshot_store import announce

        announce(home, name)
    show({"snapshot": name}, as_json, lambda done: click.echo(f"serving {done['snapshot']}"))
