"""Economic dispatch of hours that few lines bind, solved exactly.

The Lagrangian of minimise Σ b·p + c·p² subject to Σ p = total, bounds and |H·p| within limits has
p_k = clip((λ − b_k − Σ μ·H_k)/(2·c_k), low, high): merit order, where a line's price μ shifts what a unit
costs. Without a line in the way, λ lies where the piecewise linear Σ p(λ) meets the total. Lines that this
overruns get a price, one after the other, found by Newton's method on the dual, which is piecewise quadratic,
so that its steps end at the exact solution (D. Bertsekas, "Projected Newton methods", 1982). What comes out
is checked against the conditions of Karush, Kuhn and Tucker, which are sufficient; an hour that fails is left
to the caller.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]
Bool = NDArray[np.bool_]

MOST_LINES = 4
"""Lines that may bind at once."""

_STEPS = 40
_TOLERANCE = 1e-10
# Added to the dual's curvature, relative, where bounds leave it without full rank.
_RIDGE = 1e-9
# Room that rounding gets where a flow is compared with its limit.
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Programme:
    """n hours, per unit of power and money; u units, m lines.

    Attributes:
        linear: b, [n, u].
        curvature: 2·c, [n, u].
        low: Least output, [n, u].
        high: Largest output, [n, u].
        total: Output of all, [n].
        least_flow: Smallest flow that the units may cause on each line, [n, m].
        most_flow: Largest, [n, m].
    """

    linear: Float
    curvature: Float
    low: Float
    high: Float
    total: Float
    least_flow: Float
    most_flow: Float

    def take(self, rows: NDArray[np.int64]) -> Programme:
        """Some of the hours."""
        return Programme(*(getattr(self, one.name)[rows] for one in fields(self)))


def solve(programme: Programme, flow: Float, dearest: float) -> tuple[Float, Bool]:
    """Outputs of n hours, [n, u], and which of them are solved, bool [n]; the others' outputs mean nothing.

    Args:
        programme: The hours.
        flow: Flow of each line by the output of each unit, [m, u].
        dearest: Price of an overrun: lines that would cost more together are overrun, which is not solved
            here.
    """
    # Without curvature an output is no function of its price.
    proper = np.asarray((programme.curvature > 0.0).all(axis=1))
    curvature = np.where(proper[:, None], programme.curvature, 1.0)
    price = _prices(programme, curvature)
    x = np.clip((price[:, None] - programme.linear) / curvature, programme.low, programme.high)
    flows = (flow[None] @ x[:, :, None])[:, :, 0]
    over = np.maximum(flows - programme.most_flow, programme.least_flow - flows)
    solved = proper & (over.max(axis=1) <= _ROUNDING)
    for row in np.flatnonzero(proper & ~solved).tolist():
        hour = _Hour(
            linear=programme.linear[row],
            curvature=programme.curvature[row],
            low=programme.low[row],
            high=programme.high[row],
            total=float(programme.total[row]),
            least_flow=programme.least_flow[row],
            most_flow=programme.most_flow[row],
            flow=flow,
            dearest=dearest,
        )
        found = hour.solve(float(price[row]), over[row])
        if found is not None:
            x[row], solved[row] = found, True
    return x, solved


def _prices(programme: Programme, curvature: Float) -> Float:
    """λ at which the units together give the total where no line has a price, [n]."""
    ends = np.concatenate(
        [programme.linear + curvature * programme.low, programme.linear + curvature * programme.high], axis=1
    )
    ends.sort(axis=1)
    outputs = np.clip(
        (ends[:, :, None] - programme.linear[:, None]) / curvature[:, None],
        programme.low[:, None],
        programme.high[:, None],
    ).sum(axis=2)
    rows = np.arange(len(ends))
    after = np.clip((outputs < programme.total[:, None]).sum(axis=1), 1, ends.shape[1] - 1)
    before = after - 1
    rise = outputs[rows, after] - outputs[rows, before]
    share = (programme.total - outputs[rows, before]) / np.where(rise > 0.0, rise, 1.0)
    found: Float = ends[rows, before] + share * (ends[rows, after] - ends[rows, before])
    return found


@dataclass(frozen=True, slots=True)
class _Hour:
    """One hour in which lines are in the way; attributes as of `Programme` and `solve`."""

    linear: Float
    curvature: Float
    low: Float
    high: Float
    total: float
    least_flow: Float
    most_flow: Float
    flow: Float
    dearest: float

    def solve(self, price: float, over: Float) -> Float | None:
        """Outputs, [u], from the price without lines and by how much each line is overrun then, [m]."""
        lines: list[int] = []
        signs: list[float] = []
        y = np.array([price])
        x = self.low
        while len(lines) < MOST_LINES:
            worst = int(over.argmax())
            if worst in lines:
                return None
            lines.append(worst)
            upper = self._flow_above(x, worst, price if len(lines) == 1 else None)
            signs.append(1.0 if upper else -1.0)
            found = self._price(lines, signs, np.append(y, 0.0))
            if found is None:
                return None
            x, y = found
            # A price below zero says that the line need not bind; all together never exceed an overrun's.
            if (y[1:] < 0.0).any() or y[1:].sum() > self.dearest:
                return None
            flows = self.flow @ x
            over = np.maximum(flows - self.most_flow, self.least_flow - flows)
            if over.max() <= _ROUNDING:
                return x
        return None

    def _flow_above(self, x: Float, line: int, price: float | None) -> bool:
        """Whether a line is overrun upwards, at outputs `x` or at those of a price."""
        at = x if price is None else np.clip((price - self.linear) / self.curvature, self.low, self.high)
        return float(self.flow[line] @ at) > float(self.most_flow[line])

    def _price(self, lines: list[int], signs: list[float], y: Float) -> tuple[Float, Float] | None:
        """Outputs and prices (of the total, then of the lines) at which total and these lines are met."""
        # Rows of what is to be met: what a price does to a unit's output is the row over its curvature.
        rows = np.vstack(
            [np.ones_like(self.linear), *(-s * self.flow[k] for k, s in zip(lines, signs, strict=True))]
        )
        target = np.array(
            [
                self.total,
                *(
                    -self.most_flow[k] if s > 0 else self.least_flow[k]
                    for k, s in zip(lines, signs, strict=True)
                ),
            ]
        )
        for _ in range(_STEPS):
            wanted = (y @ rows - self.linear) / self.curvature
            off = target - rows @ np.minimum(np.maximum(wanted, self.low), self.high)
            if np.abs(off).max() <= _TOLERANCE:
                return np.minimum(np.maximum(wanted, self.low), self.high), y
            moves = (wanted > self.low) & (wanted < self.high)
            weighted = rows * (moves / self.curvature)
            hessian = weighted @ rows.T
            hessian[np.diag_indices(len(y))] += _RIDGE * (1.0 + hessian.trace())
            step = np.linalg.solve(hessian, off)
            far = self._far(wanted, step, rows, target)
            if far is None:
                return None
            y = y + far * step
        return None

    def _far(self, wanted: Float, step: Float, rows: Float, target: Float) -> float | None:
        """How much of a step leads to the top of the dual along it; None where it rises for ever.

        The slope along the step is piecewise linear and falls; it bends where a unit meets a bound.
        """
        speed = (step @ rows) / self.curvature
        moved = np.flatnonzero(np.abs(speed) > 0.0)
        bends = np.concatenate([(end[moved] - wanted[moved]) / speed[moved] for end in (self.low, self.high)])
        bends = np.concatenate([[0.0], np.sort(bends[bends > 0.0])])
        outputs = np.minimum(np.maximum(wanted + bends[:, None] * speed, self.low), self.high)
        slopes = step @ target - outputs @ (step @ rows)
        after = int((slopes > 0.0).sum())
        if after == len(bends):
            return None
        if after == 0:
            return 0.0
        fall = slopes[after - 1] - slopes[after]
        return float(bends[after - 1] + (bends[after] - bends[after - 1]) * slopes[after - 1] / fall)
