"""Profiles from a CSV file: by how much each element's power is multiplied, step by step."""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from simulation.noise import Floats
from studies.errors import StudyError

ALL = "*"
"""`load.*` is every load."""


@dataclass(frozen=True, slots=True)
class Profile:
    """Multipliers.

    Attributes:
        times: Labels of the steps, from the first column.
        factors: Multipliers by column, shape [steps] each.
    """

    times: tuple[str, ...]
    factors: dict[str, Floats]

    def factors_of(self, names: Sequence[str]) -> dict[str, Floats]:
        """Multipliers of these elements; an own column goes before that of the whole class.

        Raises:
            StudyError: A column names none of them.
        """
        known = {name.lower(): name for name in names}
        classes = {name.partition(".")[0].lower() for name in names}
        found: dict[str, Floats] = {}
        for column, values in sorted(self.factors.items(), key=lambda pair: not pair[0].endswith(f".{ALL}")):
            kind, _, own = column.lower().partition(".")
            if own == ALL and kind in classes:
                found |= {name: values for low, name in known.items() if low.startswith(f"{kind}.")}
            elif column.lower() in known:
                found[known[column.lower()]] = values
            else:
                some = ", ".join(sorted(known)[:6])
                raise StudyError(
                    f"the profile's column {column} names no element",
                    f"name columns {kind or 'load'}.* or: {some}, …",
                )
        return found


def read_profile(file: Path) -> Profile:
    """Read a profile: a header, then one row a step; the first column names the step.

    Raises:
        StudyError: It is not such a file; names the row and the column.
    """
    if not file.is_file():
        raise StudyError(f"{file} does not exist", "name a CSV file")
    with file.open(encoding="utf-8-sig", newline="") as handle:
        rows = [row for row in csv.reader(handle) if row]
    if len(rows) < 2 or len(rows[0]) < 2:
        raise StudyError(f"{file}: no rows of multipliers", "a header `time,load.*`, then one row a step")
    header = [name.strip() for name in rows[0]]
    if len(set(header)) < len(header):
        raise StudyError(f"{file}: a column is named twice", "name each column once")
    values = np.empty((len(rows) - 1, len(header) - 1))
    for k, row in enumerate(rows[1:]):
        if len(row) != len(header):
            raise StudyError(f"{file}, row {k + 2}: {len(row)} values, not {len(header)}", "complete the row")
        for column, text in enumerate(row[1:]):
            values[k, column] = _number(file, k + 2, header[column + 1], text)
    return Profile(tuple(row[0] for row in rows[1:]), dict(zip(header[1:], values.T, strict=True)))


def _number(file: Path, row: int, column: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise StudyError(
            f"{file}, row {row}, column {column}: {text!r} is not a number", "write a multiplier"
        )
    return value
