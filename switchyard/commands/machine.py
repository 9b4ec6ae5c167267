"""Commands that look after a machine: up, down, status, doctor."""

from __future__ import annotations

from typing import Any

import click

from switchyard.commands.shared import common
from switchyard.screen import show, table

UP_EXAMPLES = """\b
Examples:
  switchyard up                        until Ctrl-C
  switchyard up --detach               in the background; switchyard down stops it
  switchyard up --serve-port 3100      with a port of your own
"""


PORT = click.IntRange(1, 65535)


@click.command()
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


@click.command()
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


@click.command(epilog=UP_EXAMPLES)
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


@click.command()
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
