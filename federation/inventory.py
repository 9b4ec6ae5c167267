"""What every outbound field is, in words, and which of them have left the substations, by the ledger."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

WEIGHT = re.compile(r"w\d+")
UNDESCRIBED = "not described by this release"

_MEAN = "mean of each column"
_M2 = "sum of squared departures from the mean, by column"
_CROSS = "sums of products of departures from the means, by pair of columns"
_MEASURED = "rows in which the column is measured"
_CELL = "which cells hold something: column and bin of the shared lattice, with the class or outcome"
_COUNT = "rows in each of these cells"
_PLACE = "which cells hold something: open node, column and bin"
_GRADIENT = "sum of gradients in each of these cells, in steps"
_HESSIAN = "sum of second derivatives or weights in each of these cells, in steps"
_COLUMNS = {"moments.rows": _MEASURED, "moments.mean": _MEAN, "moments.m2": _M2}
_LATTICE = {"lattice.cell": _CELL, "lattice.count": _COUNT}
_NETWORK = {
    "moments.mean": _MEAN,
    "moments.m2": _M2,
    "train.w": "weights of a layer after local training",
    "fine_tune.w": "weights of a layer of the site's own version",
    "fine_tune.validation": "mean loss on the site's validation rows, before and after fine-tuning",
}
_FOURIER = {
    **_COLUMNS,
    "sums.gram": "sums of products of cosines, by target and pair of cosines",
    "sums.moment": "sums of cosines times targets, by target and cosine",
}

OF_FAMILY: Mapping[str, Mapping[str, str]] = {
    "decision_tree": {
        "moments.mean": _MEAN,
        "moments.m2": _M2,
        **_LATTICE,
        "grow.cell": _PLACE + " and class",
        "grow.count": _COUNT,
    },
    "random_forest": {
        **_COLUMNS,
        **_LATTICE,
        "grow.cell": _PLACE,
        "grow.count": "draws in each of these cells",
        "grow.total": "sum of rounded targets over the draws in each of these cells",
    },
    "boosted_trees": {
        **_COLUMNS,
        **_LATTICE,
        "grow.cell": _PLACE + ", for outcome and time",
        "grow.rows": _COUNT,
        "grow.gradient": _GRADIENT,
        "grow.hessian": _HESSIAN,
        "curve.rows": "validation rows by bin of the margin and outcome",
        "curve.weight": "their weight, in steps",
    },
    "boosted_regressions": {
        **_COLUMNS,
        **_LATTICE,
        "grow.cell": _PLACE + ", for each target with and without each fold",
        "grow.rows": _COUNT,
        "grow.gradient": _GRADIENT,
        "grow.hessian": _HESSIAN,
    },
    "weighted_forests": {
        **_COLUMNS,
        **_LATTICE,
        "grow.cell": _PLACE,
        "grow.rows": "draws in each of these cells",
        "grow.gradient": "sum of weighted targets in each of these cells, in steps",
        "grow.hessian": "sum of weights in each of these cells, in steps",
        "median.cell": "which cells hold something: leaf and bin of the target",
        "median.rows": "draws in each of these cells",
        "median.gradient": "sum of weighted targets in each of these cells, in steps",
        "median.hessian": "sum of weights in each of these cells, in steps",
        "scale.sums": "weight of validation rows as forecast, and as it came, in steps",
    },
    "isolation_forest": {
        "moments.mean": _MEAN,
        "moments.m2": _CROSS,
        "moments.raw_mean": "mean of each column before it is shaped, the level last",
        "moments.raw_m2": "its sum of squared departures from the mean",
        "grow.nodes": "nodes of each tree",
        "grow.column": "column that each node tests",
        "grow.split": "where it splits, on the shared lattice",
        "grow.left": "its left child",
        "grow.rows": "rows of the subsample that reach each node",
        "scores.scores": "normal validation rows by bin of the anomaly score",
    },
    "linear": {
        "moments.mean": _MEAN,
        "moments.m2": _CROSS,
        "moments.beside": "mean of each figure taken beside the rows, on validation days",
        "moments.beside_n": "rows of which that is the mean",
        "terms.mean": "mean of each term of the polynomials and of each target",
        "terms.m2": "sums of products of their departures from the means",
    },
    "logistic": {
        **_COLUMNS,
        "moments.of_class": "rows of each class",
        "newton.loss": "sum of the log loss at the proposed coefficients",
        "newton.gradient": "its first derivative, by coefficient",
        "newton.curved": "its second derivatives, by pair of coefficients",
    },
    "kmeans": {
        "moments.mean": _MEAN + ", the share that moves last",
        "moments.m2": _CROSS,
        "step.counts": "rows in each cluster, by start",
        "step.sums": "sum of their components, by start and cluster",
        "step.within": "sum of squared distances to the centroids, by start",
    },
    "random_fourier": {**_FOURIER, "levels.counts": "validation rows by form, level and bin of the estimate"},
    "fedavg": _NETWORK,
}
"""What a field is, by family, and by phase and name of the field; `w` stands for all weights of a network."""

OF_MODEL: Mapping[str, Mapping[str, str]] = {
    "power_quality_index": {
        "medians.pst": "rows by bin of the logarithm of Pst",
        "medians.share": "rows by bin of the single harmonic's share",
        "flicker.ratio": "rows by bin of the logarithm of Pst over the half-cycle spread",
    },
    "load_forecast": {
        "regressors.sums": "sums and sums of squares of Prophet's regressors",
        "regressors.level": "sum of the feeders' levels",
        "regressors.months": "rows in each month since 1970",
        "equations.gram": "sums of products of Prophet's terms, by horizon and pair of terms",
        "equations.moment": "sums of terms times loads, by horizon and term",
        "rest.rest": "sum of what Prophet's terms leave over, by horizon",
        "errors.count": "training rows of each hour; 0 where there are few",
        "errors.error": "sum of their absolute errors, by hour and horizon",
        "errors.rows": "training rows",
        "errors.whole": "sum of their absolute errors, by horizon",
        "scores.scores": "validation rows by horizon and bin of error over half width",
        "scores.error": "sum of absolute errors, by horizon",
        "scores.load": "sum of loads, by horizon",
    },
    "optimal_dispatch": {
        "lines.teaches": "rows that teach each line's current",
        "lines.reached": "those of them in which it came near its limit",
        "errors.counts": "rows by line and bin of what its surplus was underestimated by",
        "overloads.counts": "tried rows by line and bin of its overload",
    },
}
"""The same of the sums that only one model's plan asks for."""

LINKS: Mapping[str, Mapping[str, str]] = {
    "grid_stability": {
        "forest": "weighted_forests",
        "margins": "boosted_regressions",
        "classes": "logistic",
        "weights": "linear",
    }
}
"""Family of each link of a chain, in order, by model."""


class OutboundField(msgspec.Struct, frozen=True):
    """One field that has left the substations.

    Attributes:
        model: Registered name.
        phase: What the control centre asked for.
        name: Name in the message.
        dtype: numpy dtype string.
        shape: Largest length of each axis.
        meaning: What it is.
        sites: Substations that sent it.
        times: How often it was sent.
        largest_bytes: Most bytes of it in one message, deflated where that is shorter.
    """

    model: str
    phase: str
    name: str
    dtype: str
    shape: tuple[int, ...]
    meaning: str
    sites: tuple[str, ...]
    times: int
    largest_bytes: int


def meaning(model: str, family: str, phase: str, name: str) -> str:
    """What a field is, in words; `UNDESCRIBED` where this release has none for it."""
    if model in LINKS:
        # The first link's phases have no name before them.
        before, named, after = phase.partition(" ")
        link, phase = (before, after) if named else (next(iter(LINKS[model])), before)
        family = LINKS[model].get(link, family)
    if phase == "fine_tune" and "." in name:
        # Sums behind the averaging, settled by the site alone.
        phase, _, name = name.partition(".")
    field = f"{phase}.{'w' if WEIGHT.fullmatch(name) else name}"
    known = {**OF_FAMILY.get(family, {}), **OF_MODEL.get(model, {})}
    return known.get(field, UNDESCRIBED)


def inventory(records: Iterable[Mapping[str, Any]]) -> list[OutboundField]:
    """Every field that a ledger says was admitted, by model, phase and name.

    Args:
        records: Records of a ledger, as `federation.ledger.records` gives them.
    """
    found: dict[tuple[str, str, str], OutboundField] = {}
    for record in records:
        for site, sent in sorted(record["sites"].items()):
            for part in sent["fields"] or ():
                one = _field(record, site, part)
                key = one.model, one.phase, one.name
                found[key] = _together(found[key], one) if key in found else one
    return sorted(found.values(), key=lambda one: (one.model, one.phase, one.name))


def _field(record: Mapping[str, Any], site: str, part: Mapping[str, Any]) -> OutboundField:
    model, phase, name = record["model"], record["phase"], part["name"]
    return OutboundField(
        model,
        phase,
        name,
        part["dtype"],
        tuple(part["shape"]),
        meaning(model, record["family"], phase, name),
        (site,),
        1,
        part["bytes"],
    )


def _together(one: OutboundField, other: OutboundField) -> OutboundField:
    return msgspec.structs.replace(
        one,
        shape=tuple(max(pair) for pair in zip(one.shape, other.shape, strict=True)),
        sites=tuple(sorted({*one.sites, *other.sites})),
        times=one.times + other.times,
        largest_bytes=max(one.largest_bytes, other.largest_bytes),
    )
