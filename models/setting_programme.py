"""The choice of a setting as a mixed-integer linear programme, solved by HiGHS.

Each value of each control is a binary variable, and each pair of values of two controls a continuous one that
its margins tie to them (Glover & Woolsey, Operations Research 22 (1974)): every quadratic polynomial of the
settings is then linear, and the programme has the optimum of the enumeration.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from data_contracts.circuit import CircuitFacts
from substations.settings import Caution, Choice, Sensitivities, choose, limits

Float = NDArray[np.float64]

MOST_SOLVED = 20
"""States of a station that are solved by the programme."""


def choose_by_programme(
    circuit: CircuitFacts, found: Sensitivities, series: Float, caution: Caution
) -> Choice:
    """The best setting of each state, as `substations.settings.choose` finds it by looking at all.

    A state in which no setting keeps the limits is left to that function; so are all but `MOST_SOLVED` of
    them, spread evenly, since the programme takes some thousand times as long.
    """
    choice = choose(circuit, found, series, caution)
    values, saved = choice.values.copy(), choice.saved_w.copy()
    for row in range(0, series.size, max(1, -(-series.size // MOST_SOLVED))):
        factor = float(series[row])
        solved = _solve(circuit, found, row, factor, caution)
        if solved is not None:
            picked, loss_w = solved
            more_w = _loss(found, row, factor, choice.values[row]) - loss_w
            # A state that stays where it is does so because whatever keeps the margin loses more.
            if saved[row] != 0.0 or more_w > 0.0:
                values[row], saved[row] = picked, saved[row] + more_w
    return Choice(values, saved, choice.present_w)


def _solve(
    circuit: CircuitFacts, found: Sensitivities, row: int, series: float, caution: Caution
) -> tuple[NDArray[np.int64], float] | None:
    """Values and loss of the optimum; None where there is none."""
    from scipy.optimize import Bounds, LinearConstraint, milp  # type: ignore[import-untyped]
    from scipy.sparse import csr_matrix  # type: ignore[import-untyped]

    count, low = found.reach.count[row], found.reach.low[row]
    at = [np.linspace(-1.0, 1.0, number) if number > 1 else np.zeros(1) for number in count.tolist()]
    start = np.concatenate([[0], np.cumsum(count)])
    pairs = list(combinations(range(count.size), 2))
    sizes = [int(count[one] * count[other]) for one, other in pairs]
    begin = start[-1] + np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    width, controls = int(begin[-1]), count.size

    def weights(polynomial: Float) -> Float:
        """Weights [width] of a polynomial's terms without its constant."""
        linear, square = polynomial[1 : controls + 1], polynomial[controls + 1 : 2 * controls + 1]
        single = [linear[k] * at[k] + square[k] * at[k] ** 2 for k in range(controls)]
        cross = polynomial[2 * controls + 1 :]
        both = [cross[k] * np.outer(at[one], at[other]).ravel() for k, (one, other) in enumerate(pairs)]
        return np.concatenate([*single, *both])

    rows, right = [], []
    for k in range(controls):
        line = np.zeros(width)
        line[start[k] : start[k + 1]] = 1.0
        rows.append(line)
        right.append(1.0)
    for k, (one, other) in enumerate(pairs):
        block = np.arange(begin[k], begin[k + 1]).reshape(count[one], count[other])
        for values, control in ((block, one), (block.T, other)):
            for value, own in enumerate(values):
                line = np.zeros(width)
                line[own] = 1.0
                line[start[control] + value] = -1.0
                rows.append(line)
                right.append(0.0)
    loss = series * found.series_w[row] + found.core_w[row]
    lowest, highest = limits(circuit, caution.uneven)
    v_pu, loading = found.v_pu[row], found.loading[row]
    bounded = np.stack([weights(part) for part in (*v_pu.T, *loading.T)])
    floor = np.concatenate([lowest + caution.margin_pu - v_pu[0], np.full(loading.shape[1], -np.inf)])
    ceiling = np.concatenate([highest - caution.margin_pu - v_pu[0], 1.0 - loading[0]])
    integral = np.zeros(width)
    integral[: start[-1]] = 1
    answer = milp(
        weights(loss) / max(abs(loss[0]), 1.0),
        constraints=[
            LinearConstraint(csr_matrix(np.array(rows)), np.array(right), np.array(right)),
            LinearConstraint(bounded, floor, ceiling),
        ],
        integrality=integral,
        bounds=Bounds(0.0, 1.0),
        options={"mip_rel_gap": 0.0},
    )
    if not answer.success:
        return None
    picked = np.array([int(np.argmax(answer.x[start[k] : start[k + 1]])) for k in range(controls)])
    return low + picked, _loss(found, row, series, low + picked)


def _loss(found: Sensitivities, row: int, series: float, values: NDArray[np.int64]) -> float:
    """Loss of a setting by the polynomials."""
    from substations.settings import terms

    half = (found.reach.count[row] - 1) / 2.0
    at = (values - found.reach.low[row] - half) / np.maximum(half, 0.5)
    return float(terms(at[None])[0] @ (series * found.series_w[row] + found.core_w[row]))
