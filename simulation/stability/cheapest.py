"""Cheapest output of plants and parks within the lines' ratings, as a linear programme."""

from __future__ import annotations

import numpy as np

from simulation.errors import InfeasibleError
from simulation.grid.dispatch import LOSS_SHARE, Lossless
from simulation.grid.fleet import BUSES, Fleet
from simulation.noise import Floats


def cheapest(
    model: Lossless, fleet: Fleet, load_mw: Floats, shares: tuple[float, ...]
) -> tuple[Floats, float]:
    """Dispatch within the first of some shares of the lines' ratings at which it is possible.

    Minimise Σ b·p subject to Σ p = Σ d, |H·(p − d)| ≤ share · rating and p_min ≤ p ≤ p_max: the programme of
    `simulation.grid.dispatch` at each plant's marginal cost at half of what it can give, without shedding, by
    HiGHS. It costs a tenth of the quadratic one.

    Args:
        model: DC model.
        fleet: The hour's offers.
        load_mw: Load at each bus, shape [n]; losses are taken as a share of it.
        shares: Shares of the ratings, in the order in which they are tried.

    Returns:
        Output of each plant and park, shape [u], and the share that was used.

    Raises:
        InfeasibleError: It is possible at none of them.
    """
    from scipy.optimize import linprog  # type: ignore[import-untyped]

    limited = np.isfinite(model.rating_mw)
    h, rating = model.sensitivity[limited], model.rating_mw[limited]
    demand = load_mw * (1.0 + LOSS_SHARE)
    offset, columns = h @ demand, h[:, BUSES]
    cost = fleet.cost_per_mwh + fleet.quadratic_per_mw2h * fleet.available_mw
    for share in shares:
        found = linprog(
            cost,
            A_ub=np.vstack([columns, -columns]),
            b_ub=np.concatenate([share * rating + offset, share * rating - offset]),
            A_eq=np.ones((1, BUSES.size)),
            b_eq=[demand.sum()],
            bounds=np.column_stack([fleet.minimum_mw, fleet.available_mw]),
            method="highs",
        )
        if found.status == 0:
            return np.asarray(found.x, dtype=np.float64), share
    raise InfeasibleError(
        f"no dispatch serves {demand.sum():.0f} MW within the lines' ratings", "none: the state is kept so"
    )
