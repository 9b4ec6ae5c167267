"""Loadings after the failure of a branch by distribution factors of the lossless network as it is switched.

With the susceptances B of the branches in service, their incidence A and X = (AᵀBA)⁻¹ without the slack bus,
a power from the ends of branch l to each other puts φ_kl = B_k·a_kᵀ·X·a_l on branch k; when l fails, what it
carried moves onto k by φ_kl/(1 − φ_ll) (A. Wood, B. Wollenberg, G. Sheblé, *Power Generation, Operation and
Control*, line outage distribution factors; from common knowledge).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from data_contracts.transmission import BUSES, LINES, SLACK_BUS
from data_contracts.transmission_ac import BASE_MVA, IMPEDANCES, network

Float = NDArray[np.float64]
Mask = NDArray[np.bool_]

# Share of its own power at which a branch is the only way: without it a part is cut off.
_ONLY = 1.0 - 1e-4
# Susceptance to earth that keeps a divided network solvable, pu.
_LEAK_PU = 1e-6


def after_mw(inside: Mask, flow_mw: Float) -> Float:
    """Flow of each branch after the failure of each other, MW, [n, m, m]: of branch k after l's at [:, k, l].

    NaN after the failure of a branch that is out or is the only way.

    Args:
        inside: Branches in service, [n, m].
        flow_mw: Their metered flows, [n, m].
    """
    ends = network().ends
    count = len(ends)
    incidence = np.zeros((count, BUSES))
    incidence[np.arange(count), ends[:, 0]], incidence[np.arange(count), ends[:, 1]] = 1.0, -1.0
    kept = np.array([bus for bus in range(BUSES) if bus != SLACK_BUS - 1])
    reduced = incidence[:, kept]
    susceptance = inside / np.array([each[1] for each in IMPEDANCES])
    matrix = np.einsum("ka,nk,kb->nab", reduced, susceptance, reduced, optimize=True)
    matrix += _LEAK_PU * np.eye(kept.size)
    factors = susceptance[:, :, None] * (reduced @ np.linalg.inv(matrix) @ reduced.T)
    own = np.einsum("nkk->nk", factors)
    only = ~inside | (own > _ONLY)
    moved = factors / np.where(only, np.nan, 1.0 - own)[:, None, :]
    flow = np.where(inside, flow_mw, 0.0)
    found: Float = flow[:, :, None] + moved * flow[:, None, :]
    found[:, np.arange(count), np.arange(count)] = np.where(only, np.nan, 0.0)
    return found


def worst_two(inside: Mask, flow_mw: Float) -> Float:
    """Largest loading of a line after each failure: the worst two, [n, 2]."""
    lines = len(LINES)
    rating = network().rating_pu[:lines] * BASE_MVA
    after = np.abs(after_mw(inside, flow_mw)[:, :lines] / rating[:, None]).max(axis=1)
    return np.sort(np.nan_to_num(after, nan=0.0), axis=1)[:, :-3:-1]
