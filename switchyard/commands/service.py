"""Commands of the service: serve, infer, keys."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from switchyard.commands.shared import common
from switchyard.screen import brief, show, table

DEFAULT_URL = "http://127.0.0.1:3000"
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=3000, show_default=True, help="Port to listen on.")
@click.option("--workers", default=1, show_default=True, help="Worker processes.")
@click.option("--tls-cert", type=FILE, help="The service's certificate with its chain, PEM.")
@click.option("--tls-key", type=FILE, help="Its private key, PEM.")
@click.option("--client-ca", type=FILE, help="Ask clients for certificates of this authority, PEM.")
@click.option("--insecure", is_flag=True, help="Serve other machines without keys and client certificates.")
@common
def serve(
    *,
    host: str,
    port: int,
    workers: int,
    tls_cert: Path | None,
    tls_key: Path | None,
    client_ca: Path | None,
    insecure: bool,
    as_json: bool,
) -> None:
    """Answer requests from the current snapshot until stopped.

    Other machines are answered only where API keys (`switchyard keys`) or client certificates are asked for.
    """
    del as_json
    from serving.run import serve as run_service
    from serving.tls import tls_of
    from switchyard.settings import get_settings

    settings = get_settings()
    tls = tls_of(tls_cert or settings.tls_cert, tls_key or settings.tls_key, client_ca or settings.client_ca)
    scheme = "http" if tls is None else "https"
    click.echo(f"POST requests to {scheme}://{host}:{port}/v1/infer (stop with Ctrl-C)", err=True)
    run_service(host, port, workers, tls=tls, insecure=insecure or settings.insecure)


@click.command()
@click.argument("files", nargs=-1, required=True, type=FILE)
@click.option("--url", default=DEFAULT_URL, show_default=True, help="Address of the service.")
@click.option("--models", "names", help="Comma-separated names; all that are published otherwise.")
@click.option("--key", envvar="SWITCHYARD_API_KEY", help="API key; better in SWITCHYARD_API_KEY.")
@click.option("--ca", type=FILE, help="Authority of the service's certificate, PEM; the system's otherwise.")
@click.option("--cert", type=FILE, help="Own certificate and private key in one file, PEM.")
@common
def infer(
    *,
    files: tuple[Path, ...],
    url: str,
    names: str | None,
    key: str | None,
    ca: Path | None,
    cert: Path | None,
    as_json: bool,
) -> None:
    """Post the requests in FILES and show the answers."""
    from switchyard.client import Client
    from switchyard.files import read_json

    models = [name.strip() for name in names.split(",") if name.strip()] if names else None
    with Client(url, key=key, ca=ca, certificate=cert) as client:
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


@click.group()
def keys() -> None:
    r"""API keys of the service: who may ask about which substations, and until when.

    \b
    switchyard keys add gateway-7 --substations mumbai,delhi
    switchyard keys list
    switchyard keys rotate gateway-7     a second key; the first ends in a week
    switchyard keys revoke gateway-7     both end at once

    Running services take changes up within a second.
    """


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


@keys.command("add")
@click.argument("name")
@click.option("--substations", required=True, help="Comma-separated names; * for all.")
@click.option("--verbs", default="infer", show_default=True, help="Comma-separated: infer, models, metrics.")
@click.option("--days", default=365.0, show_default=True, help="How long it is valid.")
@common
def keys_add(name: str, substations: str, verbs: str, days: float, as_json: bool) -> None:
    """Make a key for NAME. It is shown once and kept nowhere."""
    from serving.keys import KeyFile
    from switchyard.settings import get_settings

    made, key = KeyFile(get_settings().folders).add(name, _names(substations), _names(verbs), days)
    _show_key(made, key, as_json)


@keys.command("rotate")
@click.argument("name")
@click.option("--days", default=365.0, show_default=True, help="How long the new key is valid.")
@click.option("--overlap-days", default=7.0, show_default=True, help="How long the last one still is.")
@common
def keys_rotate(name: str, days: float, overlap_days: float, as_json: bool) -> None:
    """Give NAME a second key with the same scope, and let the first one end after the overlap."""
    from serving.keys import KeyFile
    from switchyard.settings import get_settings

    made, key = KeyFile(get_settings().folders).rotate(name, days, overlap_days)
    _show_key(made, key, as_json)


@keys.command("list")
@common
def keys_list(as_json: bool) -> None:
    """Show the keys, without their secrets."""
    from datetime import UTC, datetime

    from serving.keys import KeyFile
    from switchyard.settings import get_settings

    now = datetime.now(UTC)
    rows = [_row(one) | {"valid": one.valid(now)} for one in KeyFile(get_settings().folders).read() or ()]
    show(rows, as_json, _show_keys)


@keys.command("revoke")
@click.argument("name")
@common
def keys_revoke(name: str, as_json: bool) -> None:
    """Take all keys of NAME away."""
    from serving.keys import KeyFile
    from switchyard.settings import get_settings

    gone = KeyFile(get_settings().folders).revoke(name)
    text = f"{gone} {'key' if gone == 1 else 'keys'} of {name} revoked"
    show({"name": name, "revoked": gone}, as_json, lambda _: click.echo(text))


def _row(made: Any) -> dict[str, Any]:
    return {
        "name": made.name,
        "id": made.id,
        "substations": list(made.substations),
        "verbs": list(made.verbs),
        "created": made.created.isoformat(timespec="seconds"),
        "expires": made.expires.isoformat(timespec="seconds"),
    }


def _show_key(made: Any, key: str, as_json: bool) -> None:
    def text(row: dict[str, Any]) -> None:
        click.echo(row["key"])
        click.echo(
            f"shown this once; valid until {row['expires']} for {', '.join(row['substations'])} "
            f"({', '.join(row['verbs'])}); send it as `Authorization: Bearer <key>`",
            err=True,
        )

    show(_row(made) | {"key": key}, as_json, text)


def _show_keys(rows: list[dict[str, Any]]) -> None:
    lines = [
        [
            row["name"],
            row["id"],
            ", ".join(row["substations"]),
            ", ".join(row["verbs"]),
            row["expires"] if row["valid"] else f"expired {row['expires']}",
        ]
        for row in rows
    ]
    table("API keys", ["name", "id", "substations", "verbs", "expires"], lines)
