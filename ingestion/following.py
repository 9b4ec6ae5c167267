"""What is kept while rows stream by: gaps, runs, a thinned sample and the values of registers that ran over.

All of it is bounded: memory does not grow with a file.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from data_contracts.contract import Mask

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]

GAP = 1.5
"""Rows further apart than so many steps have a gap between them."""

IRREGULAR = 0.25
"""A distance further from a whole number of steps, in steps, is irregular."""

FIRST_ROWS = 1000
"""The first rows of a series tell its step, the first values of a column its resolution."""

LISTED = 20
SAMPLE_ROWS = 20_000
HOUR_MS = 3_600_000
CODES = (2**15 - 1, 2**15, 2**16 - 2, 2**16 - 1, 2**31 - 1, 2**31, 2**32 - 1)
"""What a register of 16 or 32 bits holds when it ran over, signed or not, in its own steps."""

DIGITS = 6
HEADROOM = 1.05
"""A value that a register ran over at lies beyond all others, by this factor."""


@dataclass(frozen=True, slots=True)
class Gap:
    """Missing rows: Unix ms of the rows before and after, how many steps are missing, and where."""

    after_ms: int
    before_ms: int
    missing: int
    file: str
    row: int


@dataclass(slots=True)
class Timeline:
    """Times of one series' accepted rows.

    Attributes:
        step_ms: Time between rows; taken from the first rows where 0.
        rows: Rows so far.
        first_ms, last_ms: Times of the first and the last one.
        runs: Runs without a gap so far.
        gaps: The first gaps.
        gap_count, missing, longest: How many gaps, missing steps in all, steps of the longest.
        irregular: Distances that are no whole number of steps.
        odd: Where the first of them is: file and row.
    """

    step_ms: float
    rows: int = 0
    first_ms: int = 0
    last_ms: int = 0
    runs: int = 0
    gaps: list[Gap] = field(default_factory=list)
    gap_count: int = 0
    missing: int = 0
    longest: int = 0
    irregular: int = 0
    odd: tuple[str, int] | None = None

    def follow(self, ms: Integers, file: str, rows: Integers) -> Integers:
        """Take rising times of further rows.

        Returns:
            For each row the number of its run, from 0, [rows].
        """
        if not len(ms):
            return np.zeros(0, dtype=np.int64)
        if self.step_ms <= 0.0 and len(ms) > 1:
            self.step_ms = float(usual_step(ms))
        start = self.last_ms if self.rows else int(ms[0])
        apart = np.diff(np.concatenate(([start], ms)))
        far = np.zeros(len(ms), dtype=bool)
        if self.step_ms > 0.0:
            far = apart > GAP * self.step_ms
            self._count(apart, far, ms, file, rows)
        if not self.rows:
            self.first_ms, self.runs = int(ms[0]), 1
        numbers = self.runs - 1 + np.cumsum(far)
        self.runs = int(numbers[-1]) + 1
        self.rows += len(ms)
        self.last_ms = int(ms[-1])
        return numbers.astype(np.int64)

    def _count(self, apart: Integers, far: Mask, ms: Integers, file: str, rows: Integers) -> None:
        steps = apart / self.step_ms
        odd = np.flatnonzero(np.abs(steps - np.rint(steps)) > IRREGULAR)
        self.irregular += len(odd)
        if len(odd) and self.odd is None:
            self.odd = (file, int(rows[odd[0]]))
        for place in np.flatnonzero(far).tolist():
            missing = max(1, int(np.rint(steps[place])) - 1)
            self.gap_count += 1
            self.missing += missing
            self.longest = max(self.longest, missing)
            if len(self.gaps) < LISTED:
                before = int(ms[place - 1]) if place else self.last_ms
                self.gaps.append(Gap(before, int(ms[place]), missing, file, int(rows[place])))


def usual_step(ms: Integers) -> int:
    """The most frequent positive distance between successive times, ms; 0 where there is none."""
    apart = np.diff(ms)
    apart = apart[apart > 0]
    if not len(apart):
        return 0
    values, counts = np.unique(apart, return_counts=True)
    return int(values[counts.argmax()])


@dataclass(slots=True)
class Sample:
    """Rows of one series, taken evenly.

    Attributes:
        columns: Values of the sampled rows by the contract's columns.
        files, rows: Where each is from.
    """

    columns: dict[str, list[Floats]] = field(default_factory=dict)
    files: list[NDArray[np.str_]] = field(default_factory=list)
    rows: list[Integers] = field(default_factory=list)
    _stride: int = 1
    _seen: int = 0
    _kept: int = 0

    def add(self, values: dict[str, Floats], file: str, rows: Integers) -> None:
        """Take each n-th of further rows; n doubles when there are too many."""
        count = len(rows)
        place = np.arange((-self._seen) % self._stride, count, self._stride)
        self._seen += count
        for name, column in values.items():
            self.columns.setdefault(name, []).append(column[place])
        self.files.append(np.full(len(place), file))
        self.rows.append(rows[place])
        self._kept += len(place)
        while self._kept > SAMPLE_ROWS:
            self._thin()

    def _thin(self) -> None:
        self._stride *= 2
        for name in self.columns:
            self.columns[name] = [np.concatenate(self.columns[name])[::2]]
        self.files = [np.concatenate(self.files)[::2]]
        self.rows = [np.concatenate(self.rows)[::2]]
        self._kept = len(self.rows[0])

    def values(self, name: str) -> Floats:
        """Sampled values of a column; empty where it is not mapped."""
        return np.concatenate(self.columns[name]) if name in self.columns else np.empty(0)

    def place(self, row: int) -> tuple[str, int]:
        """File and row number of a sampled row."""
        return str(np.concatenate(self.files)[row]), int(np.concatenate(self.rows)[row])


@dataclass(slots=True)
class Register:
    """Values of one column of a file that look as if a register ran over.

    A meter's values are whole multiples of its resolution; one that is 32767 times it, beyond all others, is
    the end of its register.

    Attributes:
        highest: Largest other value.
        hits: Value → how often, and file and row of the first.
    """

    highest: float = 0.0
    hits: dict[float, tuple[int, str, int]] = field(default_factory=dict)
    _resolution: float | None = None
    _first: list[tuple[Floats, str, Integers]] = field(default_factory=list)

    def add(self, raw: Floats, file: str, rows: Integers) -> None:
        """Look at further values, as the file has them."""
        known = np.isfinite(raw)
        if not known.any():
            return
        if self._resolution is not None:
            self._look(raw[known], file, rows[known])
            return
        self._first.append((raw[known], file, rows[known]))
        if sum(len(values) for values, *_ in self._first) >= FIRST_ROWS:
            self._settle()

    def _settle(self) -> None:
        """Take the resolution from the first values, and look at them."""
        first, self._first = self._first, []
        self._resolution = resolution(np.concatenate([values for values, *_ in first])[:FIRST_ROWS])
        for values, file, rows in first:
            self._look(values, file, rows)

    def _look(self, values: Floats, file: str, rows: Integers) -> None:
        step = self._resolution or 0.0
        size = np.abs(values)
        full = np.zeros(len(values), dtype=bool)
        if step > 0.0:
            counts = np.rint(size / step)
            full = np.isin(counts, CODES) & (np.abs(size - counts * step) < 1e-6 * step)
        for value, row in zip(values[full].tolist(), rows[full].tolist(), strict=True):
            count, where, first = self.hits.get(value, (0, file, row))
            if value in self.hits or len(self.hits) < LISTED:
                self.hits[value] = (count + 1, where, min(first, row) if where == file else first)
        self.highest = max(self.highest, float(size[~full].max(initial=0.0)))

    def suspects(self) -> dict[float, tuple[int, str, int]]:
        """Hits that lie beyond all other values."""
        if self._first:
            self._settle()
        return {value: hit for value, hit in self.hits.items() if abs(value) > HEADROOM * self.highest > 0.0}


def resolution(values: Floats) -> float:
    """Largest step of which all values are whole multiples, down to six decimals; 0 where there is none."""
    for digits in range(DIGITS + 1):
        scaled = values * 10.0**digits
        whole = np.rint(scaled)
        if (np.abs(scaled - whole) <= 1e-6 * np.maximum(1.0, np.abs(whole) * 1e-3)).all():
            numbers = np.unique(np.abs(whole[whole != 0.0]))
            if not len(numbers) or numbers[-1] > 2.0**53:
                return 0.0
            return math.gcd(*(int(number) for number in numbers[:1000])) / 10.0**digits
    return 0.0
