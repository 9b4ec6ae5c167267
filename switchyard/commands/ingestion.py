"""Commands about one's own records: ingest and datasets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from switchyard.commands.shared import common
from switchyard.screen import show, table

TABLES = ("load", "readings", "frequency", "waveforms", "assets", "stability")
PROGRESS_ROWS = 2_000_000

EXAMPLES = """\b
Examples:
  switchyard ingest scada.csv --table load --mapping scada.yaml --substation north --propose
                                       look at the file and write a mapping to read and edit
  switchyard ingest scada.csv --table load --mapping scada.yaml --dataset north
                                       make the dataset north of it
  switchyard ingest fault.cfg --table waveforms --mapping fault.yaml --dataset north
                                       add a COMTRADE record to it
  switchyard datasets                  what datasets there are
"""


@click.command(epilog=EXAMPLES)
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@click.option("--table", "name", type=click.Choice(TABLES), required=True, help="What the files hold.")
@click.option("--mapping", type=click.Path(path_type=Path), required=True, help="YAML file that says how.")
@click.option("--dataset", help="Name of the dataset; ingested.<substation> otherwise.")
@click.option("--substation", help="Name of the site; the mapping's otherwise.")
@click.option("--propose", is_flag=True, help="Write the mapping from the first file's header and values.")
@click.option(
    "--replace", is_flag=True, help="Replace the table, or with --propose the mapping, if it is there."
)
@common
def ingest(
    *,
    files: tuple[Path, ...],
    name: str,
    mapping: Path,
    dataset: str | None,
    substation: str | None,
    propose: bool,
    replace: bool,
    as_json: bool,
) -> None:
    """Make a dataset of records of your own: CSV, Parquet, or COMTRADE for waveforms.

    Nothing is repaired: rows that break the contract go to the quarantine, with the rule and what to do.
    """
    if propose:
        _propose(
            list(files),
            name,
            mapping,
            substation=substation or mapping.stem,
            replace=replace,
            as_json=as_json,
        )
        return
    import re

    import msgspec

    from ingestion.errors import IngestionError
    from ingestion.mapping import parse_mapping, read_mapping
    from ingestion.run import ingest as run
    from switchyard.settings import get_settings

    text = read_mapping(mapping)
    if substation is not None:
        text = re.sub(r"(?m)^substation:.*$", f"substation: {substation}", text)
    said = parse_mapping(text, str(mapping))
    if said.table != name:
        raise IngestionError(
            f"{mapping} is for the table {said.table}, not {name}", f"use --table {said.table}"
        )
    target = dataset or f"ingested.{said.substation}"
    home = get_settings().folders
    found = run(
        home,
        list(files),
        said,
        text,
        target,
        replace=replace,
        progress=_Progress(),
    )
    show(
        msgspec.to_builtins(found) | {"report": str(home.reports / "ingest" / f"{target}.{name}.md")},
        as_json,
        _show,
    )


class _Progress:
    """Tells on stderr how far a long file has been read."""

    def __init__(self) -> None:
        self.told = 0

    def __call__(self, file: str, rows: int) -> None:
        if rows - self.told >= PROGRESS_ROWS:
            self.told = rows
            click.echo(f"{file}: {rows:,} rows", err=True)


def _propose(
    files: list[Path], name: str, mapping: Path, *, substation: str, replace: bool, as_json: bool
) -> None:
    from ingestion.errors import IngestionError
    from ingestion.guessing import slug
    from ingestion.proposal import propose
    from switchyard.files import write_text_atomic

    if mapping.exists() and not replace:
        raise IngestionError(f"{mapping} is there already", "name another file, or add --replace")
    text = propose(files, name, slug(substation, "site"))
    write_text_atomic(mapping, text)

    def told(found: dict[str, str]) -> None:
        click.echo(found["text"])
        click.echo(f"written to {found['mapping']}: set time_zone and read the lines marked CHECK")
        click.echo("next: the same command without --propose")

    show({"mapping": str(mapping), "text": text}, as_json, told)


def _show(found: dict[str, Any]) -> None:
    summary = [
        ["rows", f"{found['rows']:,}"],
        ["accepted", f"{found['accepted']:,}"],
        ["quarantined", f"{found['quarantined']:,}"],
        ["span", f"{found['first']} to {found['last']}"],
        ["step", f"{found['step_s']:g} s" if found["step_s"] else "none"],
        ["columns", ", ".join(found["columns"])],
        ["content", found["digest"][:12]],
    ]
    table(f"{found['dataset']}: {found['table']}", ["", ""], summary)
    if found["rejected"]:
        rows = [
            [
                one["rule"],
                f"{one['rows']:,}",
                f"{one['file']}, row {one['row']}: {one['detail']}",
                one["remedy"],
            ]
            for one in found["rejected"]
        ]
        table("rejected rows, now in the quarantine", ["rule", "rows", "first", "what to do"], rows)
    if found["findings"]:
        rows = [
            [
                one["rule"],
                one["series"] + (f".{one['column']}" if one["column"] else ""),
                one["message"],
                one["remedy"],
            ]
            for one in found["findings"]
        ]
        table("findings", ["finding", "where", "what", "what to do"], rows)
    _show_captures(found["captures"])
    click.echo(f"report: {found['report']}")
    click.echo("next: switchyard datasets")


def _show_captures(captures: list[dict[str, Any]]) -> None:
    if not captures:
        return
    rows = [
        [
            one["file"],
            one["point"],
            str(one["section"]),
            ", ".join(f"{value:.0f}" for value in one["v_rms_v"]),
            "" if one["vuf_pct"] is None else f"{one['vuf_pct']:.2f}",
            "; ".join(
                f"{sag['residual_pu']:.3f} pu, {sag['duration_s'] * 1e3:.0f} ms" for sag in one["sags"]
            ),
        ]
        for one in captures
    ]
    table("records", ["record", "point", "section", "V RMS", "VUF %", "sags"], rows)


@click.command()
@common
def datasets(as_json: bool) -> None:
    """List the datasets: origin, tables, rows, span, digest, quarantined rows."""
    import msgspec

    from ingestion.listing import datasets as listed
    from switchyard.settings import get_settings

    def text(found: list[dict[str, Any]]) -> None:
        rows = [
            [
                one["name"],
                one["origin"],
                ", ".join(f"{name} {rows:,}" for name, rows in one["tables"].items()),
                f"{one['first']} to {one['last']}" if one["first"] else "",
                one["digest"][:12],
                f"{one['quarantined']:,}",
            ]
            for one in found
        ]
        table("", ["dataset", "origin", "tables and rows", "span", "content", "quarantined"], rows)
        if not found:
            click.echo("none yet: switchyard simulate or switchyard ingest makes one")

    show(msgspec.to_builtins(listed(get_settings().folders)), as_json, text)
