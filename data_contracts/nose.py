"""Distance to the nose: how far load can rise until the AC power flow has no solution."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from data_contracts.power_flow import TOLERANCE_PU, Floats, Flows, Solved, solve


@dataclass(frozen=True, slots=True)
class Search:
    """How finely the nose is sought, pu of the load.

    Attributes:
        first: First step of the load.
        resolution: Step below which the search ends.
        ceiling: Rise of the load beyond which none is sought.
        tolerance_pu: Largest mismatch of a solution.
        again: Whether a load at which no solution was found is tried again from a nearer one, which may find
            one at the price of many solutions in vain.
    """

    first: float = 0.2
    resolution: float = 0.0025
    ceiling: float = 0.6
    tolerance_pu: float = TOLERANCE_PU
    again: bool = True


FINE = Search()


def margins(
    flows: Flows,
    base: Solved,
    p_rise: Floats,
    q_rise: Floats,
    *,
    limits: bool = True,
    search: Search = FINE,
) -> Floats:
    """Largest rise λ at which there is a solution with p + λ·p_rise and q + λ·q_rise fed in, shape [b].

    Load rises in steps from the last solution; a step without a solution is halved. What is missing in active
    power is shared out among the stations as at the base. Where reactive limits are kept, the last solution
    may be one at which a station has just met its limit.

    Args:
        flows: The networks.
        base: Their solutions at λ = 0; where there is none the margin is 0.
        p_rise: What is fed in more for λ = 1, negative for loads, shape [b, n].
        q_rise: The same of reactive power.
        limits: Whether reactive limits are kept.
        search: Steps of the search.
    """
    reached = np.zeros(flows.p.shape[0])
    step = np.full(reached.size, search.first)
    bounded = np.zeros(reached.size, dtype=np.bool_)
    last = base.rows(np.arange(reached.size))
    active = np.flatnonzero(base.ok)
    while active.size:
        level = (reached + step)[active, None]
        part = flows.rows(active)
        tried = solve(
            part.loaded(part.p + level * p_rise[active], part.q + level * q_rise[active]),
            last.rows(active),
            limits=limits,
            tolerance_pu=search.tolerance_pu,
        )
        good = active[tried.ok]
        reached[good] += step[good]
        last.put(good, tried.rows(tried.ok))
        bounded[active[~tried.ok]] = not search.again
        step[active[~tried.ok | bounded[active]]] *= 0.5
        active = active[(step[active] >= search.resolution) & (reached[active] < search.ceiling)]
    return reached
