"""What a command shows: one JSON value for programs, or text and tables for people."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

import click


def show(value: Any, as_json: bool, text: Callable[[Any], None]) -> None:
    """Print `value` as one JSON value, or hand it to `text`."""
    if as_json:
        click.echo(json.dumps(value, ensure_ascii=False, allow_nan=False))
    else:
        text(value)


def table(title: str, columns: list[str], rows: list[list[str]]) -> None:
    """Print a table; names in the first column stay whole, other cells fold rather than being cut."""
    from rich.console import Console
    from rich.table import Table

    grid = Table(title=title or None, title_justify="left")
    for place, column in enumerate(columns):
        grid.add_column(column, overflow="fold", no_wrap=place == 0)
    for row in rows:
        grid.add_row(*row)
    Console(width=None if sys.stdout.isatty() else 140).print(grid)


def brief(value: Any) -> str:
    """A value as a person writes it."""
    if isinstance(value, float):
        # A frequency is told by its third decimal.
        return f"{value:.6g}" if abs(value) >= 10.0 else f"{value:.4g}"
    if isinstance(value, dict):
        return ", ".join(f"{name} {brief(one)}" for name, one in value.items())
    if isinstance(value, list):
        # Two figures are the ends of an interval.
        interval = len(value) == 2 and all(isinstance(one, float) for one in value)
        return (" to " if interval else ", ").join(map(brief, value))
    return str(value)
