"""The command line. It stands outside the layers: each command imports the room that it needs, when it runs."""

from __future__ import annotations

import functools
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import click

from switchyard import __version__

P = ParamSpec("P")
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
    """Shows the one error that a user can act on, not a traceback; exit codes 0 done, 1 failed, 2 wrong use."""

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
    click.echo(click.style("error: ", fg="red", err=True) if False else f"error: {error.message}", err=True)
    if error.remedy:
        click.echo(f"  what to do: {error.remedy}", err=True)


def common(command: Callable[P, R]) -> Callable[..., R]:
    """Give a command the options that all have: --home, --profile, --json."""

    @click.option("--home", type=click.Path(path_type=Path), help="Folder for everything that is written.")
    @click.option("--profile", help="tiny, quick, full, or the path of a YAML file.")
    @click.option("--json", "as_json", is_flag=True, help="Print one JSON value instead of text.")
    @functools.wraps(command)
    def wrapped(*args: P.args, home: Path | None, profile: str | None, as_json: bool, **kwargs: P.kwargs) -> R:
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
        kwargs["as_json"] = as_json
        return command(*args, **kwargs)

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
