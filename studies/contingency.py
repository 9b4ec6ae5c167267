"""What an outage does: violations that it brings, and outages ranked by them; the same for both engines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulation.noise import Floats
from studies.result import Table

_ROW = (
    "rank", "outage", "converged", "lost_mw", "new_violations", "violations", "highest_loading_pct",
    "most_loaded", "lowest_v_pu", "lowest_at", "highest_v_pu", "highest_at",
)  # fmt: skip
_VIOLATION = ("outage", "kind", "where", "value", "limit", "before", "new")
DEAD_PU = 0.1
"""A place below is without supply, not at an undervoltage (an interruption by IEEE 1159)."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What is permitted: voltages in pu, loading in %."""

    v_min_pu: float = 0.95
    v_max_pu: float = 1.05
    loading_pct: float = 100.0


@dataclass(frozen=True, slots=True)
class Situation:
    """One solved state. Names and their order are those of the state before the outages.

    Attributes:
        places: Where voltages are.
        v_pu: Voltages; NaN where unknown or out of service, shape [places].
        branches: Branches.
        loading_pct: Their loading, NaN where unknown, shape [branches].
        lost_mw: Load without supply.
    """

    places: Sequence[str]
    v_pu: Floats
    branches: Sequence[str]
    loading_pct: Floats
    lost_mw: float


def assess(
    outage: str, before: Situation, after: Situation | None, limits: Limits
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """One outage's row, and its violations; `after` is None where there is no solution."""
    if after is None:
        row = dict.fromkeys(_ROW) | {"outage": outage, "converged": False}
        nothing = {name: float("nan") for name in _ROW if name.endswith(("_pct", "_pu", "_mw"))}
        return row | nothing | {"new_violations": 0, "violations": 0}, []
    supplied = np.where(after.v_pu > DEAD_PU, after.v_pu, np.nan)

    def violations(
        kind: str, names: Sequence[str], now: Floats, was: Floats, limit: float
    ) -> list[dict[str, Any]]:
        under = kind == "undervoltage"
        return [
            {
                "outage": outage,
                "kind": kind,
                "where": names[k],
                "value": float(now[k]),
                "limit": limit,
                "before": float(was[k]),
                "new": not bool(_beyond(was[k : k + 1], limit, under=under)[0]),
            }
            for k in np.flatnonzero(_beyond(now, limit, under=under)).tolist()
        ]

    found = [
        *violations("undervoltage", before.places, supplied, before.v_pu, limits.v_min_pu),
        *violations("overvoltage", before.places, supplied, before.v_pu, limits.v_max_pu),
        *violations("overload", before.branches, after.loading_pct, before.loading_pct, limits.loading_pct),
    ]
    lowest, lowest_at = _extreme(supplied, before.places, 1.0)
    highest, highest_at = _extreme(supplied, before.places, -1.0)
    loading, most_loaded = _extreme(after.loading_pct, before.branches, -1.0)
    row = {
        "rank": 0,
        "outage": outage,
        "converged": True,
        "lost_mw": after.lost_mw,
        "new_violations": sum(one["new"] for one in found),
        "violations": len(found),
        "highest_loading_pct": loading,
        "most_loaded": most_loaded,
        "lowest_v_pu": lowest,
        "lowest_at": lowest_at,
        "highest_v_pu": highest,
        "highest_at": highest_at,
    }
    return row, found


def counts(rows: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """What the outages came to, as facts of a study."""
    return {
        "outages": len(rows),
        "without_solution": sum(not row["converged"] for row in rows),
        "with_new_violations": sum(row["new_violations"] > 0 for row in rows),
        "with_lost_load": sum(row["lost_mw"] > 0.0 for row in rows),
    }


def tables(rows: list[dict[str, Any]], violations: list[dict[str, Any]]) -> tuple[Table, Table]:
    """Outages ranked: without solution first, then by load lost, new violations and loading."""
    ranked = sorted(
        rows,
        key=lambda row: (
            row["converged"],
            -np.nan_to_num(row["lost_mw"]),
            -row["new_violations"],
            -np.nan_to_num(row["highest_loading_pct"]),
        ),
    )
    place = {row["outage"]: k + 1 for k, row in enumerate(ranked)}
    ranked = [row | {"rank": place[row["outage"]]} for row in ranked]
    ordered = sorted(violations, key=lambda one: place[one["outage"]])
    return (
        Table.of("contingencies", "outages, the worst first", ranked, _ROW, ranked=True,
                 shown=(*_ROW[:5], *_ROW[6:10])),
        Table.of("violations", "violations after each outage", ordered, _VIOLATION, ranked=True),
    )  # fmt: skip


def _beyond(values: Floats, limit: float, *, under: bool) -> NDArray[np.bool_]:
    """Where values pass a limit; what is not known does not."""
    filled = np.nan_to_num(values, nan=limit)
    return np.asarray(filled < limit if under else filled > limit)


def _extreme(values: Floats, names: Sequence[str], sign: float) -> tuple[float, str | None]:
    if not np.isfinite(values).any():
        return float("nan"), None
    at = int(np.nanargmin(sign * values))
    return float(values[at]), names[at]
