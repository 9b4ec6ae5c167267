"""What commands share: their options, how errors are told, how a flow is run and shown."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

import click

from switchyard.screen import show, table

R = TypeVar("R")


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


def launch(flow: str, **parameters: Any) -> Any:
    """Run a flow on the home and profile of the settings."""
    from flows.launch import launch
    from switchyard.settings import get_settings

    settings = get_settings()
    return launch(flow, settings.profile, settings.folders, **parameters)


def step_told(registered: str, record: Any) -> dict[str, Any]:
    """A step's record that registered a version, as a JSON value."""
    return {
        "name": registered,
        "step": record.step,
        "key": record.key,
        "seconds": record.seconds,
        "skipped": record.skipped,
        "version": record.result["version"],
    }


def show_steps(
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
