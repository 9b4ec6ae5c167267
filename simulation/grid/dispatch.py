"""Economic dispatch of the grid: a convex quadratic programme on the lossless (DC) network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from simulation.errors import SimulationError
from simulation.grid.fleet import BUSES, Fleet
from simulation.grid.plants import SLACK_BUS
from simulation.noise import Floats

LOSS_SHARE = 0.012
"""Losses that the dispatch reckons with, as a share of the load."""

# Value of lost load, rupees per MWh: dearer than every plant, so that it is shed only when nothing else is
# left.
_SHED_COST = 100_000.0
# Dearer the more of a bus is shed, so that it is known which bus sheds how much.
_SHED_RISE = 10.0
# Below this, MW, shed load is the solver's zero.
_SHED_MW = 1e-6
# A branch is at its limit when one more MW of it is worth this, rupees per MWh.
_BINDING_PRICE = 0.01
_BASE_MW = 100.0
_COST_SCALE = 1e-3
_TOLERANCES = {"feastol": 1e-11, "gradtol": 1e-10, "comptol": 1e-10, "costtol": 1e-10}
# One hour in two hundred does not reach them for rounding; at a hundredfold the cost still holds to 1e-13.
_LOOSER = (1.0, 10.0, 100.0, 1000.0)


@dataclass(frozen=True, slots=True)
class Lossless:
    """The DC model of a network.

    Attributes:
        sensitivity: Change of each branch's flow by injection at each bus, balanced at the slack, shape [m,
            n].
        rating_mw: Limit of each branch, MW, shape [m].
        names: Name of each branch.
    """

    sensitivity: Floats
    rating_mw: Floats
    names: tuple[str, ...]

    def without_limits(self) -> Lossless:
        """The same network with branches of any strength."""
        return Lossless(self.sensitivity, np.full_like(self.rating_mw, np.inf), self.names)


@dataclass(frozen=True, slots=True)
class Dispatch:
    """One hour's dispatch.

    Attributes:
        p_mw: Output of each plant and park, shape [u].
        price_per_mwh: Marginal price at each bus, shape [n].
        cost_per_h: Variable cost of the hour, that of shed load left out.
        limiting: Branch at its limit whose limit costs most; "" where none is.
        shed_mw: Load that could not be served at each bus, shape [n].
    """

    p_mw: Floats
    price_per_mwh: Floats
    cost_per_h: float
    limiting: str
    shed_mw: Floats

    @property
    def congested(self) -> bool:
        """Whether a branch is at its limit."""
        return self.limiting != ""


def branch_name(kind: str, one: int, other: int) -> str:
    """Name of the line or transformer between two buses, which count from 1 in names as in the case."""
    return f"{kind}-b{one + 1:02d}-b{other + 1:02d}"


def lossless(net: Any, rating_factor: float) -> Lossless:
    """Build the DC model of `net`: lines limited at `rating_factor` of their rating, transformers not."""
    buses = len(net.bus)
    ends, x_pu, rating, names = [], [], [], []
    for row in net.line.itertuples():
        v_kv = float(net.bus.at[row.from_bus, "vn_kv"])
        ends.append((int(row.from_bus), int(row.to_bus)))
        names.append(branch_name("line", *ends[-1]))
        x_pu.append(row.x_ohm_per_km * row.length_km * net.sn_mva / v_kv**2)
        rating.append(rating_factor * np.sqrt(3.0) * v_kv * row.max_i_ka)
    for row in net.trafo.itertuples():
        ends.append((int(row.hv_bus), int(row.lv_bus)))
        names.append(branch_name("transformer", *ends[-1]))
        x_pu.append(row.vk_percent / 100.0 * net.sn_mva / row.sn_mva)
        rating.append(np.inf)
    incidence = np.zeros((len(ends), buses))
    for branch, (one, other) in enumerate(ends):
        incidence[branch, one], incidence[branch, other] = 1.0, -1.0
    weighted = incidence / np.array(x_pu)[:, None]
    kept = np.array([bus for bus in range(buses) if bus != SLACK_BUS])
    sensitivity = np.zeros((len(ends), buses))
    sensitivity[:, kept] = weighted[:, kept] @ np.linalg.inv((incidence.T @ weighted)[np.ix_(kept, kept)])
    return Lossless(sensitivity, np.array(rating), tuple(names))


def dispatch(model: Lossless, fleet: Fleet, load_mw: Floats) -> Dispatch:
    """Cheapest output of plants and parks that serves the load within the branches' limits.

    Minimise Σ b·p + c·p² + Σ b_s·s + c_s·s² subject to Σ p + Σ s = Σ d, |H·(p + s − d)| ≤ rating,
    p_min ≤ p ≤ p_max and 0 ≤ s ≤ d, with demand d, shed load s and the branches' sensitivities H (the DC
    optimal power flow with shift factors, e.g. Wood, Wollenberg and Sheblé; from common knowledge), by
    pandapower's interior point method.

    Losses are taken as a share of the load. The price at a bus is the balance's multiplier plus the limits'
    multipliers times H.

    Args:
        model: DC model.
        fleet: The hour's offers.
        load_mw: Load at each bus, shape [n].

    Raises:
        SimulationError: The programme has no solution.
    """
    from pandapower.pypower.qps_pips import qps_pips
    from scipy.sparse import csr_matrix, diags  # type: ignore[import-untyped]

    demand = load_mw * (1.0 + LOSS_SHARE)
    limited = np.isfinite(model.rating_mw)
    h, rating = model.sensitivity[limited], model.rating_mw[limited]
    shedding = np.flatnonzero(demand > 0.0)
    columns = np.hstack([h[:, BUSES], h[:, shedding]])
    offset, total = h @ demand, demand.sum()
    count, idle = BUSES.size, np.zeros(shedding.size)
    curvature = 2.0 * np.concatenate([fleet.quadratic_per_mw2h, idle + _SHED_RISE])
    low = np.concatenate([fleet.minimum_mw, idle]) / _BASE_MW
    high = np.concatenate([fleet.available_mw, demand[shedding]]) / _BASE_MW
    programme = (
        csr_matrix(diags(curvature * _BASE_MW**2 * _COST_SCALE)),
        np.concatenate([fleet.cost_per_mwh, idle + _SHED_COST]) * _BASE_MW * _COST_SCALE,
        csr_matrix(np.vstack([np.ones((1, columns.shape[1])), columns])),
        np.concatenate([[total], offset - rating]) / _BASE_MW,
        np.concatenate([[total], offset + rating]) / _BASE_MW,
        low,
        high,
        0.5 * (low + high),
    )
    converged = False
    for looser in _LOOSER:
        tolerances = {name: looser * value for name, value in _TOLERANCES.items()}
        x_pu, _, converged, _, multipliers = qps_pips(*programme, tolerances)
        if converged:
            break
    if not converged:
        raise SimulationError(
            f"the grid's dispatch has no solution at {demand.sum():.0f} MW",
            "lower the substations' loads or raise the plants' ratings in simulation.grid.plants",
        )
    found = np.clip(x_pu * _BASE_MW, 0.0, None)
    p_mw = np.clip(found[:count], fleet.minimum_mw, fleet.available_mw)
    shed = np.zeros(demand.size)
    shed[shedding] = np.where(found[count:] > _SHED_MW, found[count:], 0.0)
    dual = (multipliers["mu_u"] - multipliers["mu_l"]) / (_BASE_MW * _COST_SCALE)
    worth = np.abs(dual[1:])
    names = [name for name, kept in zip(model.names, limited, strict=True) if kept]
    binding = worth.size > 0 and worth.max() > _BINDING_PRICE
    return Dispatch(
        p_mw=p_mw,
        price_per_mwh=-(dual[0] + h.T @ dual[1:]),
        cost_per_h=fleet.cost_per_h(p_mw),
        limiting=names[int(worth.argmax())] if binding else "",
        shed_mw=shed,
    )
