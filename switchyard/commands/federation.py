"""Commands of the federation: run, audit."""

from __future__ import annotations

from typing import Any

import click

from switchyard.commands.shared import common, launch, show_steps
from switchyard.screen import show


@click.group()
def federation() -> None:
    """Learn from several substations without bringing their rows together."""


@federation.command(name="run")
@common
def federation_run(as_json: bool) -> None:
    """Federate the profile's models over its training substations."""
    show_steps("federated models", launch("federate"), as_json)


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
