"""Commands that put a challenger beside its champion: canary, shadow."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from switchyard.commands.shared import common, launch
from switchyard.screen import brief, show, table

if TYPE_CHECKING:
    from serving.routing import Challenge

CANARY_EXAMPLES = """\b
Examples:
  switchyard canary voltage_sag --percent 10    its challenger answers at a tenth of the points
  switchyard canary voltage_sag --percent 25    and at some more; those of before stay
  switchyard canary voltage_sag --off           the champion answers everywhere
"""

SHADOW_EXAMPLES = """\b
Examples:
  switchyard shadow start voltage_sag           its challenger answers too, off the path
  switchyard shadow report voltage_sag          what it would have said
  switchyard shadow stop voltage_sag
"""

VERSION = click.option(
    "--version", type=click.IntRange(min=1), help="Version to try, instead of the registry's challenger."
)


@click.command(epilog=CANARY_EXAMPLES)
@click.argument("model")
@click.option("--percent", type=float, help="Share of the points at which the challenger answers.")
@click.option("--off", is_flag=True, help="Let the champion answer everywhere.")
@VERSION
@common
def canary(model: str, percent: float | None, off: bool, version: int | None, as_json: bool) -> None:
    """Let MODEL's challenger answer at some of the points; running services take it up by themselves.

    A stable hash of substation and point decides which: a point is always on the same side, and raising the
    share keeps those that the challenger answers for. Every answer's model_version says who gave it.
    """
    import msgspec

    from serving.routing import hundredths
    from switchyard.errors import UsageError

    if (percent is None) == (not off):
        raise UsageError("give either --percent or --off", "switchyard canary MODEL --percent 10")
    share = 0.0 if percent is None else hundredths(percent)
    _change(model, lambda asked: msgspec.structs.replace(asked, canary_percent=share), version, as_json)


@click.group(epilog=SHADOW_EXAMPLES)
def shadow() -> None:
    """Let a challenger answer off the path, and see how its answers differ."""


@shadow.command()
@click.argument("model")
@VERSION
@common
def start(model: str, version: int | None, as_json: bool) -> None:
    """Let MODEL's challenger answer off the path; its answers are compared and never returned."""
    import msgspec

    _change(model, lambda asked: msgspec.structs.replace(asked, shadow=True), version, as_json)


@shadow.command()
@click.argument("model")
@common
def stop(model: str, as_json: bool) -> None:
    """End MODEL's shadow; what was compared stays in the log."""
    import msgspec

    _change(model, lambda asked: msgspec.structs.replace(asked, shadow=False), None, as_json)


@shadow.command()
@click.argument("model", required=False)
@common
def report(model: str | None, as_json: bool) -> None:
    """Add up how the shadows' answers differ from the served ones, for MODEL or all."""
    import msgspec

    from serving.shadow import record
    from serving.shadow.report import report as add_up
    from switchyard.settings import get_settings

    found = add_up(record.read(get_settings().folders), model)
    show(msgspec.to_builtins(found), as_json, _show_reports)


def _change(
    model: str, changed: Callable[[Challenge], Challenge], version: int | None, as_json: bool
) -> None:
    import msgspec

    from flows.challenges import ask
    from switchyard.settings import get_settings

    asked = ask(get_settings().folders, model, changed, lambda: launch("publish"), version)

    def text(_: Any) -> None:
        if asked.challenge is None:
            click.echo(f"{model}: champion {asked.champion} alone answers")
            return
        said = [f"{asked.challenge.canary_percent:g} % canary"] if asked.challenge.canary_percent else []
        said += ["shadow"] if asked.challenge.shadow else []
        where = f"published as snapshot {asked.snapshot}" if asked.published else f"in {asked.snapshot}"
        click.echo(
            f"{model}: version {asked.challenge.version} beside champion {asked.champion}: "
            f"{' and '.join(said)}, {where}"
        )

    show(msgspec.to_builtins(asked), as_json, text)


def _show_reports(reports: list[dict[str, Any]]) -> None:
    if not reports:
        click.echo("nothing was compared yet: switchyard shadow start MODEL, then ask the service")
    for one in reports:
        title = (
            f"{one['model']}: {one['shadow']} in the shadow of {one['served']}, {one['items']} items, "
            f"the same in {one['same']:.1%}"
        )
        statuses = [[pair, str(count), ""] for pair, count in sorted(one["statuses"].items())]
        table(title, ["status served, shadow", "items", ""], statuses)
        if one["labels"]:
            rows = [
                [row["field"], row["label"], str(row["items"]), f"{row['agreement']:.1%}", row["instead"]]
                for row in one["labels"]
            ]
            table("", ["field", "served", "items", "agreement", "shadow says instead"], rows)
        if one["numbers"]:
            rows = [
                [row["field"], str(row["items"]), *(brief(row[key]) for key in ("mean", "p95", "largest"))]
                for row in one["numbers"]
            ]
            table("", ["figure", "items", "mean difference", "95th percentile", "largest"], rows)
        apart = ", ".join(f"{name} {count}" for name, count in sorted(one["differ"].items()))
        click.echo(f"fields that differ: {apart or 'none'}")
