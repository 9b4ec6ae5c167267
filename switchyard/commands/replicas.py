"""Commands for machines away from the registry: pull, release."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from switchyard.commands.shared import common
from switchyard.screen import show

PULL_EXAMPLES = """\b
Examples:
  switchyard pull --from http://mlflow-host:5000                      once
  switchyard pull --from http://mlflow-host:5000 --watch --every 60   until stopped
"""


@click.command(epilog=PULL_EXAMPLES)
@click.option("--from", "address", required=True, metavar="URL", help="MLflow server to pull from.")
@click.option("--watch", "keep_on", is_flag=True, help="Keep pulling until stopped.")
@click.option(
    "--every", default=30.0, show_default=True, type=click.FloatRange(min=0.1), help="Seconds between looks."
)
@click.option(
    "--within",
    default=300.0,
    show_default=True,
    type=click.FloatRange(min=1),
    help="Seconds that one pull may take in all.",
)
@common
def pull(address: str, keep_on: bool, every: float, within: float, as_json: bool) -> None:
    """Fetch the published snapshot from an MLflow server; this home's service takes it up by itself.

    What is served stays until another snapshot is whole: a server that is down, slow or answers nonsense
    changes nothing. With --watch failures are logged and tried again, later and later up to five minutes.
    """
    import asyncio

    from serving.pull import Source, watch
    from switchyard.settings import get_settings

    home = get_settings().folders
    source = Source(address, within)
    if keep_on:
        asyncio.run(watch(source, home, every))
        return
    name = asyncio.run(source.pull(home))

    def text(done: dict[str, Any]) -> None:
        said = "current already" if done["snapshot"] is None else f"pulled snapshot {done['snapshot']}"
        click.echo(said)

    show({"snapshot": name}, as_json, text)


RELEASE_EXAMPLES = """\b
Examples:
  switchyard release                                       a Bento of what is served now
  switchyard release --check switchyard-000007-….bento     before it is installed
"""


@click.command(epilog=RELEASE_EXAMPLES)
@click.option(
    "--check",
    "file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Only check a release, with the .sha256 file beside it.",
)
@common
def release(file: Path | None, as_json: bool) -> None:
    """Freeze the current snapshot into a Bento that serves without a registry or a network."""
    import msgspec

    from serving import release as releases
    from switchyard.settings import get_settings

    settings = get_settings()
    if file is None:
        done = releases.release(settings.folders, settings.substations_dir)
    else:
        done = releases.check(file)

    def text(_: Any) -> None:
        if file is not None:
            click.echo(f"{done.file} is whole and holds snapshot {done.snapshot}")
            return
        click.echo(f"{done.file} ({done.size / 2**20:.1f} MiB) serves snapshot {done.snapshot}")
        click.echo(f"SHA-256 {done.sha256}, also in {done.file}.sha256")
        click.echo(f"check it where it arrives: switchyard release --check {done.file}")

    show(msgspec.to_builtins(done), as_json, text)
