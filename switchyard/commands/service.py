"""Commands of the service: serve, infer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from switchyard.commands.shared import common
from switchyard.screen import brief, show, table

DEFAULT_URL = "http://127.0.0.1:3000"


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=3000, show_default=True, help="Port to listen on.")
@click.option("--workers", default=1, show_default=True, help="Worker processes.")
@common
def serve(host: str, port: int, workers: int, as_json: bool) -> None:
    """Answer requests from the current snapshot until stopped."""
    del as_json
    from serving.run import serve as run_service

    click.echo(f"POST requests to http://{host}:{port}/v1/infer (stop with Ctrl-C)", err=True)
    run_service(host, port, workers)


@click.command()
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@click.option("--url", default=DEFAULT_URL, show_default=True, help="Address of the service.")
@click.option("--models", "names", help="Comma-separated names; all that are published otherwise.")
@common
def infer(files: tuple[Path, ...], url: str, names: str | None, as_json: bool) -> None:
    """Post the requests in FILES and show the answers."""
    from switchyard.client import Client
    from switchyard.files import read_json

    models = [name.strip() for name in names.split(",") if name.strip()] if names else None
    with Client(url) as client:
        answers = [
            {"file": str(file), "answer": client.infer(read_json(file), models=models)} for file in files
        ]
    show(answers, as_json, _show_answers)


def _show_answers(answers: list[dict[str, Any]]) -> None:
    for one in answers:
        items = one["answer"]["items"] if "items" in one["answer"] else [one["answer"]]
        for item in items:
            rows = []
            for module in ("monitoring", "maintenance", "energy", "decision"):
                for model, answer in item.get(module, {}).items():
                    fields = {
                        k: v
                        for k, v in answer.items()
                        if k not in {"status", "reason", "detail", "model_version"}
                    }
                    said = ", ".join(f"{k} = {brief(v)}" for k, v in fields.items() if v is not None)
                    why = ": ".join(answer[part] for part in ("reason", "detail") if part in answer)
                    rows.append([model, answer["status"], "; ".join(part for part in (said, why) if part)])
            table(f"{one['file']} · {item.get('timestamp', '')}", ["model", "status", "answer"], rows)
