"""Economic dispatch of the grid: a linear programme on the lossless (DC) network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from simulation.errors import SimulationError
from simulation.grid.plants import PLANTS, SLACK_BUS
from simulation.noise import Floats

_LOSS_SHARE = 0.009
# Value of lost load, rupees per MWh: dearer than every plant, so that it is shed only when nothing else is
# left.
_SHED_COST = 100_000.0
_BINDING = 1e-6


@dataclass(frozen=True, slots=True)
class Lossless:
    """The DC model of a network.

    Attributes:
        sensitivity: Change of each branch's flow by injection at each bus, balanced at the slack, shape [m,
            n].
        rating_mw: Limit of each branch, MW, shape [m].
    """

    sensitivity: Floats
    rating_mw: Floats


@dataclass(frozen=True, slots=True)
class Dispatch:
    """One hour's dispatch.

    Attributes:
        p_mw: Output of each plant, shape [plants].
        price_per_mwh: Marginal price at each bus, shape [n].
        cost_per_h: Variable cost of the hour.
        congested: Whether a branch is at its limit.
        shed_mw: Load that could not be served.
    """

    p_mw: Floats
    price_per_mwh: Floats
    cost_per_h: float
    congested: bool
    shed_mw: float


def lossless(net: Any, rating_factor: float) -> Lossless:
    """Build the DC model of `net`: lines limited at `rating_factor` of their rating, transformers not."""
    buses = len(net.bus)
    ends, x_pu, rating = [], [], []
    for row in net.line.itertuples():
        v_kv = float(net.bus.at[row.from_bus, "vn_kv"])
        ends.append((int(row.from_bus), int(row.to_bus)))
        x_pu.append(row.x_ohm_per_km * row.length_km * net.sn_mva / v_kv**2)
        rating.append(rating_factor * np.sqrt(3.0) * v_kv * row.max_i_ka)
    for row in net.trafo.itertuples():
        ends.append((int(row.hv_bus), int(row.lv_bus)))
        x_pu.append(row.vk_percent / 100.0 * net.sn_mva / row.sn_mva)
        rating.append(np.inf)
    incidence = np.zeros((len(ends), buses))
    for branch, (one, other) in enumerate(ends):
        incidence[branch, one], incidence[branch, other] = 1.0, -1.0
    weighted = incidence / np.array(x_pu)[:, None]
    kept = np.array([bus for bus in range(buses) if bus != SLACK_BUS])
    sensitivity = np.zeros((len(ends), buses))
    sensitivity[:, kept] = weighted[:, kept] @ np.linalg.inv((incidence.T @ weighted)[np.ix_(kept, kept)])
    return Lossless(sensitivity, np.array(rating))


def dispatch(model: Lossless, net_load_mw: Floats) -> Dispatch:
    """Cheapest output of the plants that serves the load within the branches' limits.

    Minimise Σ c·p + c_shed·Σ s subject to Σ p + Σ s = Σ d, |H·(p + s − d)| ≤ rating, p_min ≤ p ≤ p_max and
    0 ≤ s ≤ max(d, 0), with demand d, shed load s and the branches' sensitivities H.

    Losses are taken as a share of the load. The price at a bus is the balance's dual plus the limits' duals
    times H.

    Args:
        model: DC model.
        net_load_mw: Load less renewables at each bus, shape [n].

    Raises:
        SimulationError: The programme has no solution.
    """
    from scipy.optimize import linprog  # type: ignore[import-untyped]

    demand = net_load_mw * (1.0 + _LOSS_SHARE)
    limited = np.isfinite(model.rating_mw)
    h, rating = model.sensitivity[limited], model.rating_mw[limited]
    at_plants = h[:, [plant.bus for plant in PLANTS]]
    columns = np.hstack([at_plants, h])
    offset = h @ demand
    count, buses = len(PLANTS), demand.size
    found = linprog(
        c=[*(plant.cost_per_mwh for plant in PLANTS), *([_SHED_COST] * buses)],
        A_ub=np.vstack([columns, -columns]),
        b_ub=np.concatenate([rating + offset, rating - offset]),
        A_eq=np.ones((1, count + buses)),
        b_eq=[demand.sum()],
        bounds=[
            *((plant.minimum_pu * plant.p_max_mw, plant.p_max_mw) for plant in PLANTS),
            *((0.0, max(d, 0.0)) for d in demand),
        ],
        method="highs-ds",
    )
    if not found.success:
        raise SimulationError(
            f"the grid's dispatch has no solution at {demand.sum():.0f} MW: {found.message}",
            "lower the substations' loads or raise the plants' ratings in simulation.grid.plants",
        )
    duals = found.ineqlin.marginals
    upper, lower = duals[: rating.size], duals[rating.size :]
    flow = columns @ found.x - offset
    return Dispatch(
        p_mw=found.x[:count],
        price_per_mwh=found.eqlin.marginals[0] + h.T @ (upper - lower),
        cost_per_h=float(np.dot([plant.cost_per_mwh for plant in PLANTS], found.x[:count])),
        congested=bool(np.any(np.abs(flow) >= rating * (1.0 - _BINDING))),
        shed_mw=float(found.x[count:].sum()),
    )
