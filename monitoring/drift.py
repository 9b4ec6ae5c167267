"""Drift watch: feature rows of today against those of training.

Each feature is cut into bins at quantiles of the training rows, missing values are a bin of their own. The
population stability index decides the verdict; the distance of Kolmogorov and Smirnov stands beside it.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec
import numpy as np

from features import catalogue_digest
from monitoring.distances import kolmogorov_smirnov, ks_critical, population_stability_index
from monitoring.errors import MonitoringError
from monitoring.reference import (
    FeatureReference,
    FeatureRows,
    Float,
    Reference,
    column,
    reference,
    require_rows,
    shares,
)

__all__ = ["MAJOR_PSI", "MODERATE_PSI", "DriftReport", "FeatureDrift", "Reference", "compare", "reference"]

MODERATE_PSI = 0.1
MAJOR_PSI = 0.25

Verdict = Literal["stable", "moderate", "major"]
VERDICTS: tuple[Verdict, ...] = ("stable", "moderate", "major")


class FeatureDrift(msgspec.Struct, frozen=True, kw_only=True):
    """One feature of the later batch against the reference.

    Attributes:
        name: The feature.
        psi: Population stability index.
        ks: Distance of Kolmogorov and Smirnov; None where either side has no value.
        ks_critical: Distance exceeded once in a hundred without drift, by independent rows; None as `ks`.
        missing: Share of the batch's rows without a value.
        missing_reference: Share of the reference's rows without one.
        verdict: stable below 0.1 of PSI, moderate below 0.25, major from there on.
    """

    name: str
    psi: float
    ks: float | None
    ks_critical: float | None
    missing: float
    missing_reference: float
    verdict: Verdict


class DriftReport(msgspec.Struct, frozen=True, kw_only=True):
    """A batch of feature rows against the reference.

    Attributes:
        rows: Rows of the batch.
        rows_reference: Rows of the reference.
        moderate_psi: Index from which drift is moderate.
        major_psi: Index from which drift is major.
        verdict: The worst of the features'.
        features: In the order of the reference.
    """

    rows: int
    rows_reference: int
    moderate_psi: float
    major_psi: float
    verdict: Verdict
    features: tuple[FeatureDrift, ...]

    def drifted(self, least: Verdict = "major") -> tuple[str, ...]:
        """Names of the features whose verdict is `least` or worse, the worst first."""
        limit = VERDICTS.index(least)
        found = [feature for feature in self.features if VERDICTS.index(feature.verdict) >= limit]
        return tuple(feature.name for feature in sorted(found, key=lambda feature: -feature.psi))

    def to_json(self) -> dict[str, Any]:
        """The report as plain values; unknown figures are None."""
        plain: dict[str, Any] = msgspec.to_builtins(self)
        return plain


def compare(reference: Reference, rows: FeatureRows) -> DriftReport:
    """Compare a later batch with the reference.

    Args:
        reference: Made by `reference` from training rows.
        rows: At least 500 rows (`reference.MINIMUM_ROWS`) that have the features of the reference.

    Raises:
        MonitoringError: Too few rows, a feature is not among the columns, or the reference was made under
            another feature catalogue.
    """
    require_rows("the batch", rows.values.shape[0])
    if reference.catalogue_digest != catalogue_digest():
        raise MonitoringError(
            f"the reference was made under the feature catalogue {reference.catalogue_digest[:12]}, "
            f"this program has {catalogue_digest()[:12]}",
            "make the reference again from the training features",
        )
    found = tuple(_drift(name, known, column(rows, name)) for name, known in reference.features.items())
    return DriftReport(
        rows=int(rows.values.shape[0]),
        rows_reference=reference.rows,
        moderate_psi=MODERATE_PSI,
        major_psi=MAJOR_PSI,
        verdict=max((feature.verdict for feature in found), key=VERDICTS.index, default="stable"),
        features=found,
    )


def verdict(psi: float) -> Verdict:
    """The word for an index."""
    if psi >= MAJOR_PSI:
        return "major"
    return "moderate" if psi >= MODERATE_PSI else "stable"


def _drift(name: str, known: FeatureReference, values: Float) -> FeatureDrift:
    expected = np.array(known.shares)
    actual = shares(values, np.array(known.edges))
    psi = population_stability_index(expected, actual)
    there = np.sort(values[np.isfinite(values)])
    both = bool(there.size and known.sample)
    return FeatureDrift(
        name=name,
        psi=psi,
        ks=kolmogorov_smirnov(np.array(known.sample), there) if both else None,
        ks_critical=ks_critical(known.present, int(there.shape[0])) if both else None,
        missing=float(actual[-1]),
        missing_reference=float(expected[-1]),
        verdict=verdict(psi),
    )
