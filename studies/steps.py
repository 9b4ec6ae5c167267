"""Steps of a time series and their tables; the same for both engines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from simulation.engine.network import Ints
from simulation.noise import Floats
from studies.result import Table

_ROW = (
    "time", "converged", "sources_mw", "sources_mvar", "losses_mw", "lowest_v_pu", "lowest_at",
    "highest_v_pu", "highest_at", "highest_loading_pct", "most_loaded",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Step:
    """One solved step.

    Attributes:
        time: Its label.
        supplied_mva: Power of the sources, MW + j Mvar.
        losses_mva: Losses of the branches.
        buses: Bus of each voltage, shape [n].
        phases: Phase of each voltage; 0 for the positive sequence, shape [n].
        v_pu: Voltages, NaN where unknown, shape [n].
        branches: Branches, shape [b].
        loading_pct: Their loading, NaN where unknown, shape [b].
        converged: Whether it has a solution.
    """

    time: str
    supplied_mva: complex
    losses_mva: complex
    buses: NDArray[Any]
    phases: Ints
    v_pu: Floats
    branches: NDArray[Any]
    loading_pct: Floats
    converged: bool = True

    @classmethod
    def unsolved(cls, time: str) -> Self:
        """A step without a solution."""
        empty, nan = np.empty(0), complex(np.nan, np.nan)
        return cls(time, nan, nan, empty, empty.astype(np.int64), empty, empty, empty, converged=False)


def step_tables(steps: Sequence[Step]) -> tuple[Table, ...]:
    """One row a step; voltages and loadings of all of them."""
    return (
        Table.of("steps", "steps", [_row(step) for step in steps], _ROW),
        Table(
            "buses",
            "voltages at every step",
            {
                "time": _repeated(steps, "buses"),
                "bus": _joined(steps, "buses", str),
                "phase": _joined(steps, "phases", np.int64),
                "v_pu": _joined(steps, "v_pu", np.float64),
            },
        ),
        Table(
            "branches",
            "loading at every step",
            {
                "time": _repeated(steps, "branches"),
                "branch": _joined(steps, "branches", str),
                "loading_pct": _joined(steps, "loading_pct", np.float64),
            },
        ),
    )


def _repeated(steps: Sequence[Step], of: str) -> NDArray[Any]:
    return np.repeat(
        np.array([step.time for step in steps], dtype=str), [len(getattr(step, of)) for step in steps]
    )


def _joined(steps: Sequence[Step], of: str, dtype: Any) -> NDArray[Any]:
    return np.concatenate([np.asarray(getattr(step, of)).astype(dtype) for step in steps])


def _row(step: Step) -> dict[str, Any]:
    lowest, lowest_at = _extreme(step, 1.0)
    highest, highest_at = _extreme(step, -1.0)
    loaded = np.isfinite(step.loading_pct).any()
    most = int(np.nanargmax(step.loading_pct)) if loaded else None
    return {
        "time": step.time,
        "converged": step.converged,
        "sources_mw": step.supplied_mva.real,
        "sources_mvar": step.supplied_mva.imag,
        "losses_mw": step.losses_mva.real,
        "lowest_v_pu": lowest,
        "lowest_at": lowest_at,
        "highest_v_pu": highest,
        "highest_at": highest_at,
        "highest_loading_pct": float("nan") if most is None else float(step.loading_pct[most]),
        "most_loaded": None if most is None else str(step.branches[most]),
    }


def _extreme(step: Step, sign: float) -> tuple[float, str | None]:
    known = np.where(step.v_pu > 0.0, step.v_pu, np.nan)
    if not np.isfinite(known).any():
        return float("nan"), None
    at = int(np.nanargmin(sign * known))
    phase = int(step.phases[at])
    return float(known[at]), f"{step.buses[at]}.{phase}" if phase else str(step.buses[at])
