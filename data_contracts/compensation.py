"""What limits compensation, and which steps of a bank come nearest to it."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

POWER_FACTOR = 0.95
"""Least power factor of the bay that feeds a busbar with capacitors, lagging or leading."""

TAN_PHI = math.tan(math.acos(POWER_FACTOR))

HYSTERESIS = 0.2
"""Part of a step by which other steps must be nearer to what is wanted before a bank is switched."""


def planned_steps(
    wanted: NDArray[np.float64], present: NDArray[np.int64], steps: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Steps to have in service, int64 [n]: the nearest, unless the present ones are nearly as near.

    Args:
        wanted: Compensation that is wanted, in steps, [n].
        present: Steps in service, [n].
        steps: Steps that the bank has, [n].
    """
    nearest = np.clip(np.floor(wanted + 0.5), 0, steps)
    worth = np.abs(wanted - nearest) < np.abs(wanted - present) - HYSTERESIS
    planned: NDArray[np.int64] = np.where(worth, nearest, present).astype(np.int64)
    return planned


def power_factor_after(
    added: NDArray[np.float64], p: NDArray[np.float64], q: NDArray[np.float64], v_pu: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Power factor of a bay with more compensation behind it: P/√(P² + (Q − added·v²)²), [n].

    Args:
        added: Compensation that is added, at nominal voltage, [n].
        p: Active power that the bay feeds in, in the same unit, [n].
        q: Reactive power, [n].
        v_pu: Present voltage, pu, [n].
    """
    size = np.hypot(p, q - added * v_pu**2)
    factor: NDArray[np.float64] = np.divide(np.abs(p), size, out=np.ones_like(size), where=size > 0.0)
    return factor


def to_boundary(
    wanted: NDArray[np.float64], present: NDArray[np.int64], steps: NDArray[np.int64]
) -> NDArray[np.float64]:
    """How far what is wanted lies from where another plan begins, in steps, [n].

    Plans change half-way between two numbers of steps, and beside the present one half the hysteresis farther
    from it.

    Args:
        wanted: As in `planned_steps`.
        present: Likewise.
        steps: Likewise; at least 1.
    """
    edge = np.arange(int(steps.max(initial=0)))[None, :]
    beside = (edge == present[:, None]) * 1.0 - (edge == present[:, None] - 1) * 1.0
    at = edge + 0.5 + 0.5 * HYSTERESIS * beside
    apart = np.where(edge < steps[:, None], np.abs(wanted[:, None] - at), np.inf)
    found: NDArray[np.float64] = apart.min(axis=1, initial=np.inf)
    return found
