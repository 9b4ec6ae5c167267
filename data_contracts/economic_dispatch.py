"""Economic dispatch of the published grid: its cost, and the projection onto balance and limits.

The projection is a convex quadratic programme, minimise Σ b·p + c·p² subject to Σ p = total,
p_min ≤ p ≤ p_max and |H·p + f₀| ≤ limit. A line that cannot be kept within its limit is overrun at a price
above every other, so that there is a solution whenever the stations can carry the load.

Most hours are bound by no line or by very few: `data_contracts.merit_order` solves them exactly. The others
are solved by a primal-dual interior point method (S. Mehrotra, 1992), many hours at once, in a bounded number
of steps.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data_contracts import merit_order
from data_contracts.transmission import PARKS, UNITS, sensitivities

Float = NDArray[np.float64]

# The programme is scaled to 100 MW and 100 000 of currency per hour.
_MW, _COST = 100.0, 1e5
_OVERRUN = 2e5
"""Price of a megawatt above a line's limit, where no plant costs more than `_DEAR`."""
_DEAR = 2e4
"""Cost of a plant, per MWh, above which all costs of its hour are scaled down to it."""
# Parks cost nothing: how they share a curtailment is decided by this c, 1/(MW²h).
_PARK_QUADRATIC = 0.005
# Room between bounds that coincide, such as those of a solar park at night, MW.
_ROOM_MW = 1e-4
_STEPS, _TOLERANCE = 60, 1e-9
# Added to the unit diagonal of the scaled Newton system, which bounds at their ends leave without full rank.
_RIDGE = 1e-12
# Share of the way to the nearest bound that a step goes.
_SHORT = 0.995


@dataclass(frozen=True, slots=True)
class Offers:
    """What the units offer in n hours, in the order of `UNITS`, each [n, units].

    Attributes:
        minimum_mw: Least output.
        available_mw: Largest output.
        cost_per_mwh: b of the cost b·p + c·p².
        quadratic_per_mw2h: c of the cost.
    """

    minimum_mw: Float
    available_mw: Float
    cost_per_mwh: Float
    quadratic_per_mw2h: Float

    @classmethod
    def of(cls, parks_mw: Float, plants_mw: Float, cost_per_mwh: Float) -> Offers:
        """From what parks [n, parks] and plants [n, plants] have, and the plants' costs [n, plants]."""
        available = np.concatenate([parks_mw, plants_mw], axis=1)
        cost = np.concatenate([np.zeros_like(parks_mw), cost_per_mwh], axis=1)
        rise = np.array([unit.rise / unit.rated_mw for unit in UNITS])
        minimum = np.array([unit.minimum_pu for unit in UNITS])
        return cls(minimum * available, available, cost, 0.5 * rise * cost)

    def cost_per_h(self, p_mw: Float) -> Float:
        """Cost of the outputs `p_mw`, [n]."""
        found: Float = (self.cost_per_mwh * p_mw + self.quadratic_per_mw2h * p_mw**2).sum(axis=1)
        return found


def fixed_shares_mw(offers: Offers, total_mw: Float) -> Float:
    """Merit order at fixed shares, [n, units]: parks first, then every plant at one share of what it has.

    Costs do not move the plants; that is what a dispatch by cost is worth.
    """
    parks = offers.available_mw[:, : len(PARKS)]
    used = np.minimum(total_mw / np.maximum(parks.sum(axis=1), 1e-9), 1.0)[:, None] * parks
    plants = offers.available_mw[:, len(PARKS) :]
    left = np.maximum(total_mw - used.sum(axis=1), 0.0)
    share = np.minimum(left / np.maximum(plants.sum(axis=1), 1e-9), 1.0)
    return np.concatenate([used, share[:, None] * plants], axis=1)


def dispatch_mw(offers: Offers, total_mw: Float, bus_loads: Float, limits_mw: Float) -> Float:
    """The cheapest outputs within all limits, [n, units].

    Args:
        offers: What the units offer in n hours.
        total_mw: What they are to give together, MW, [n]; as much as they can where they cannot.
        bus_loads: Load of each bus, MW, [n, buses].
        limits_mw: Limit of each line in both directions, MW, [n, lines].
    """
    lines = sensitivities()
    low = offers.minimum_mw / _MW
    high = np.maximum(offers.available_mw, offers.minimum_mw + _ROOM_MW) / _MW
    span = (high - low).sum(axis=1)
    total = np.clip(total_mw / _MW, low.sum(axis=1) + 1e-3 * span, high.sum(axis=1) - 1e-3 * span)
    quadratic = np.where(np.arange(len(UNITS)) < len(PARKS), _PARK_QUADRATIC, offers.quadratic_per_mw2h)
    scale = (np.minimum(_DEAR / np.maximum(offers.cost_per_mwh.max(axis=1), 1.0), 1.0) / _COST)[:, None]
    drawn = bus_loads @ lines.loads.T / _MW
    programme = merit_order.Programme(
        linear=offers.cost_per_mwh * _MW * scale,
        curvature=2.0 * quadratic * _MW**2 * scale,
        low=low,
        high=high,
        total=total,
        least_flow=-limits_mw / _MW - drawn,
        most_flow=limits_mw / _MW - drawn,
    )
    x, solved = merit_order.solve(programme, lines.units, _OVERRUN * _MW / _COST)
    left = np.flatnonzero(~solved)
    if left.size:
        x[left] = _solve(programme.take(left), lines.units)
    found: Float = np.clip(_MW * x, offers.minimum_mw, offers.available_mw)
    return found


def _solve(programme: merit_order.Programme, flow: Float) -> Float:
    """Solution of n programmes by interior points; variables are the outputs and the overrun of all lines."""
    linear, curvature, total = programme.linear, programme.curvature, programme.total
    low, high, bounds = programme.low, programme.high, (programme.least_flow, programme.most_flow)
    n, units = low.shape
    lines = len(flow)
    one, none = np.ones((lines, 1)), np.zeros((units, 1))
    unit = np.eye(units)
    G = np.vstack(
        [
            np.hstack([unit, none]),
            np.hstack([-unit, none]),
            np.hstack([flow, -one]),
            np.hstack([-flow, -one]),
            np.append(np.zeros(units), -1.0)[None],
        ]
    )
    h = np.concatenate([high, -low, bounds[1], -bounds[0], np.zeros((n, 1))], axis=1)
    c = np.concatenate([linear, np.full((n, 1), _OVERRUN * _MW / _COST)], axis=1)
    q = np.concatenate([curvature, np.full((n, 1), 1e-3)], axis=1)
    a = np.append(np.ones(units), 0.0)
    fill = (total - low.sum(axis=1)) / (high - low).sum(axis=1)
    x = np.concatenate(
        [low + (high - low) * np.clip(fill, 0.01, 0.99)[:, None], np.full((n, 1), 0.5)], axis=1
    )
    y = np.zeros(n)
    s = np.maximum(h - _each(G, x), 0.1)
    z = np.ones_like(s)
    for _ in range(_STEPS):
        dual = q * x + c + _each(G.T, z) + y[:, None] * a
        balance, primal = (x * a).sum(axis=1) - total, _each(G, x) + s - h
        gap = (s * z).sum(axis=1) / s.shape[1]
        off = np.maximum.reduce([gap, np.abs(balance), np.abs(primal).max(axis=1), np.abs(dual).max(axis=1)])
        going = np.flatnonzero(off > _TOLERANCE)
        if not going.size:
            break
        s_now, z_now, gap = s[going], z[going], gap[going]
        newton = _Newton.of(G, a, q[going], (s_now, z_now), (dual[going], balance[going], primal[going]))
        _, _, ds, dz = newton.step(s_now * z_now)
        reach = np.minimum(_reach(s_now, ds), _reach(z_now, dz))[:, None]
        after = ((s_now + reach * ds) * (z_now + reach * dz)).sum(axis=1) / s.shape[1]
        centre = ((after / gap) ** 3 * gap)[:, None]
        dx, dy, ds, dz = newton.step(s_now * z_now + ds * dz - centre)
        step = _SHORT * np.minimum(_reach(s_now, ds), _reach(z_now, dz))[:, None]
        x[going] += step * dx
        s[going] = s_now + step * ds
        z[going] = z_now + step * dz
        y[going] += step[:, 0] * dy
    return np.asarray(x[:, :units])


def _each(matrix: Float, vectors: Float) -> Float:
    """`matrix` times each of n vectors, summed row by row: a batch gives what its rows give alone, [n, k]."""
    return np.asarray((matrix[None] @ vectors[:, :, None])[:, :, 0])


@dataclass(frozen=True, slots=True)
class _Newton:
    """Newton's system of n programmes at one point, scaled to a unit diagonal so that it can be solved.

    The condensed Hessian Q + Gᵀ·(z/s)·G spans twenty orders of magnitude near a solution at bounds; scaled
    by its diagonal and with the balance eliminated by its Schur complement it has a solution in doubles.
    """

    G: Float
    s: Float
    z: Float
    residuals: tuple[Float, Float, Float]
    scaled: Float
    scale: Float
    along: Float
    """H⁻¹·a of the condensed Hessian H, [n, variables]."""
    fall: Float
    """aᵀ·H⁻¹·a, [n]."""
    a: Float

    @classmethod
    def of(
        cls, G: Float, a: Float, q: Float, point: tuple[Float, Float], residuals: tuple[Float, Float, Float]
    ) -> _Newton:
        """At the `point` of slacks and multipliers, with the residuals of dual, balance and primal."""
        s, z = point
        hessian = np.einsum("ki,nk,kj->nij", G, z / s, G, optimize=True)
        diagonal = np.arange(G.shape[1])
        hessian[:, diagonal, diagonal] += q
        scale = 1.0 / np.sqrt(hessian[:, diagonal, diagonal])
        scaled = hessian * scale[:, :, None] * scale[:, None, :]
        scaled[:, diagonal, diagonal] = 1.0 + _RIDGE
        along = scale * np.linalg.solve(scaled, (scale * a)[:, :, None])[:, :, 0]
        return cls(G, s, z, residuals, scaled, scale, along, (along * a).sum(axis=1), a)

    def step(self, complement: Float) -> tuple[Float, Float, Float, Float]:
        """Step of x, y, s and z for the wanted fall of `complement`."""
        dual, balance, primal = self.residuals
        right = -dual - _each(self.G.T, (self.z * primal - complement) / self.s)
        free = self.scale * np.linalg.solve(self.scaled, (self.scale * right)[:, :, None])[:, :, 0]
        dy = ((free * self.a).sum(axis=1) + balance) / self.fall
        dx = free - dy[:, None] * self.along
        ds = -primal - _each(self.G, dx)
        return dx, dy, ds, (-complement - self.z * ds) / self.s


def _reach(values: Float, steps: Float) -> Float:
    """Largest share of a step, at most 1, that keeps every value positive, [n]."""
    shares = np.where(steps < 0.0, -values / np.where(steps < 0.0, steps, -1.0), 1.0)
    found: Float = np.minimum(shares.min(axis=1), 1.0)
    return found
