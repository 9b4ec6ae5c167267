"""What the features looked like when the models were trained: a small summary to compare with."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import msgspec
import numpy as np
from numpy.typing import NDArray

from features import INDEX, catalogue_digest
from monitoring.errors import MonitoringError
from switchyard.files import read_json, write_json_atomic

Float = NDArray[np.float64]

SCHEMA = 1
BINS = 10
DIGITS = 6
"""Significant digits of bin edges: enough to tell values apart, few enough to read and to compare."""

MINIMUM_ROWS = 500
"""Rows that a reference and a later batch need: with ten bins their noise is 0.02 of PSI each."""

SAMPLE = 500
"""Order statistics kept of each feature; the distance of Kolmogorov and Smirnov is exact to 1/SAMPLE."""


class FeatureRows(Protocol):
    """Rows of named features, such as `features.table.FeatureTable`."""

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns."""

    @property
    def values(self) -> Float:
        """Features, NaN where unknown, [n, columns]."""


class FeatureReference(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One feature in the reference.

    Attributes:
        edges: Edges between the bins, ascending; a value on an edge belongs below it.
        shares: Share of the rows in each bin, then of the missing ones, edges + 2 numbers.
        sample: Order statistics at equal steps from the smallest to the largest value, ascending.
        present: Rows with a value.
    """

    edges: list[float]
    shares: list[float]
    sample: list[float]
    present: int


class Reference(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The summary of a batch of training rows.

    Attributes:
        schema: Version of this structure.
        catalogue_digest: Digest of the feature catalogue that the rows were computed under.
        rows: Rows summarised.
        features: By name.
    """

    schema: int
    catalogue_digest: str
    rows: int
    features: dict[str, FeatureReference]

    def save(self, path: Path) -> None:
        """Write the reference as JSON, whole or not at all."""
        write_json_atomic(path, msgspec.to_builtins(self))

    @classmethod
    def load(cls, path: Path) -> Reference:
        """Read what `save` wrote.

        Raises:
            MonitoringError: The file is no reference of this schema.
        """
        return cls.from_json(read_json(path), str(path))

    @classmethod
    def from_json(cls, value: Any, where: str = "reference") -> Reference:
        """Take a reference from decoded JSON.

        Raises:
            MonitoringError: It is no reference of this schema.
        """
        remedy = "make the reference again from the training features"
        try:
            found = msgspec.convert(value, cls)
        except msgspec.ValidationError as error:
            raise MonitoringError(f"{where} is no drift reference: {error}", remedy) from error
        if found.schema != SCHEMA:
            raise MonitoringError(f"{where} has schema {found.schema}, this program reads {SCHEMA}", remedy)
        for name, one in found.features.items():
            if len(one.shares) != len(one.edges) + 2:
                raise MonitoringError(
                    f"{where}: {name} has {len(one.shares)} shares for {len(one.edges)} edges", remedy
                )
        return found


def reference(rows: FeatureRows, names: Sequence[str]) -> Reference:
    """Summarise training rows.

    Args:
        rows: At least `MINIMUM_ROWS` rows of features.
        names: Features to watch.

    Raises:
        MonitoringError: Too few rows, or a feature is not in the catalogue or not among the columns.
    """
    require_rows("the reference", rows.values.shape[0])
    summaries = {name: _summary(column(rows, name)) for name in names}
    return Reference(
        schema=SCHEMA,
        catalogue_digest=catalogue_digest(),
        rows=int(rows.values.shape[0]),
        features=summaries,
    )


def require_rows(what: str, count: int) -> None:
    """Refuse a batch that is too small to judge.

    Raises:
        MonitoringError: `count` is below `MINIMUM_ROWS`.
    """
    if count < MINIMUM_ROWS:
        raise MonitoringError(
            f"{what} has {count} rows, drift needs at least {MINIMUM_ROWS}", "collect more windows first"
        )


def column(rows: FeatureRows, name: str) -> Float:
    """One feature of all rows, [n].

    Raises:
        MonitoringError: The feature is not in the catalogue or not among the columns.
    """
    if name not in INDEX:
        raise MonitoringError(f"there is no feature {name}", "see docs/features.md for their names")
    if name not in rows.names:
        raise MonitoringError(f"the rows have no feature {name}", "read the features with that column")
    return np.asarray(rows.values[:, rows.names.index(name)], dtype=np.float64)


def shares(values: Float, edges: Float) -> Float:
    """Shares of the rows in each bin, then of the missing ones, [edges + 2]; they sum to 1."""
    there = values[np.isfinite(values)]
    counts = np.bincount(np.searchsorted(edges, there, side="left"), minlength=edges.shape[0] + 1)
    missing = values.shape[0] - there.shape[0]
    return np.asarray(np.append(counts, missing) / values.shape[0], dtype=np.float64)


def _summary(values: Float) -> FeatureReference:
    there = np.sort(values[np.isfinite(values)])
    edges = _edges(there)
    steps = np.linspace(0, there.shape[0] - 1, SAMPLE if there.size else 0)
    places = np.unique(steps.round().astype(np.int64))
    return FeatureReference(
        edges=edges.tolist(),
        shares=shares(values, edges).tolist(),
        sample=there[places].tolist(),
        present=int(there.shape[0]),
    )


def _edges(ordered: Float) -> Float:
    """Rounded quantiles that cut ascending values into ten bins; a value that fills a bin has its own."""
    if not ordered.size:
        return np.zeros(0)
    places = np.linspace(0.0, 1.0, BINS + 1)[1:-1]
    quantiles = np.quantile(ordered, places, method="lower")
    edges = {_rounded(float(value)) for value in quantiles}
    for value in np.unique(quantiles):
        # The same value at two cuts is an atom: it must differ from what lies on either side of it.
        if ordered.size == 1 or np.count_nonzero(quantiles == value) > 1:
            unit = _unit(float(value))
            edges -= {_rounded(float(value))}
            edges |= {_rounded(float(value) - unit), _rounded(float(value) + unit)}
    return np.array(sorted(edges))


def _unit(value: float) -> float:
    """One step of the last digit kept."""
    if value == 0.0:
        return 10.0**-DIGITS
    return float(10.0 ** (math.floor(math.log10(abs(value))) - DIGITS + 1))


def _rounded(value: float) -> float:
    return float(f"{value:.{DIGITS - 1}e}")
