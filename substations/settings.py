"""Which setting of taps and capacitor steps loses least: all of them on sensitivities, within the limits.

Losses, voltages and loads of the transformers are quadratic polynomials of the settings, interpolated
between load flows of the station's own circuit around the present setting. Every setting within reach is
then looked at; where these are more than `MOST_STATES`, windows of that size follow the best one.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations

import msgspec
import numpy as np
from numpy.typing import NDArray

from data_contracts.circuit import CircuitFacts, LineFacts, SectionFacts
from substations.sweep import Served, sweep

Float = NDArray[np.float64]
Ints = NDArray[np.int64]

MOST_STATES = 20_000
"""Settings that are looked at at once."""

_MOST_MOVES = 50


class Caution(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How far from what the load flow says a setting must stay.

    Attributes:
        margin_pu: Distance of every voltage to its limits, pu.
        uneven: Share of `uneven_pu` of the circuit by which a single phase may be off the mean of the three.
    """

    margin_pu: float
    uneven: float


@dataclass(frozen=True, slots=True)
class Reach:
    """The settings around the present ones of n states; c controls: links first, then banks.

    Attributes:
        low: Lowest position or number of steps, [n, c].
        count: Number of values from there, [n, c].
        present: Present values, [n, c]; taps that differ within a group count by their mean.
    """

    low: Ints
    count: Ints
    present: Float


@dataclass(frozen=True, slots=True)
class Sensitivities:
    """Polynomials of n states in the controls, each of which runs from −1 to 1 over its reach; t terms.

    Attributes:
        reach: The controls.
        series_w: Loss in resistances, [n, t].
        core_w: Loss of cores and shunt reactors, [n, t].
        v_pu: Voltages as in `Flow`, [n, t, places].
        loading: Loads as in `Flow`, [n, t, links].
        q_pu: Reactive powers as in `Flow`, [n, t, links].
        present_series_w: Loss in resistances at the present setting, [n].
        present_core_w: Loss of cores and reactors there, [n].
    """

    reach: Reach
    series_w: Float
    core_w: Float
    v_pu: Float
    loading: Float
    q_pu: Float
    present_series_w: Float
    present_core_w: Float


def reach_of(circuit: CircuitFacts, tap: Float, steps: Float, reach: int) -> Reach:
    """Every tap within `reach` positions of the present one, and every number of steps.

    Args:
        circuit: The station.
        tap: Present position of each link, [n, links].
        steps: Present steps of each bank, [n, banks].
        reach: Positions to either side.
    """
    most = np.array([len(link.ratios) for link in circuit.links], dtype=np.int64)
    tapped = most > 0
    centre = np.where(tapped, np.clip(np.rint(tap), 1, np.maximum(most, 1)), 0).astype(np.int64)
    low = np.where(tapped, np.maximum(centre - reach, 1), 0)
    high = np.where(tapped, np.minimum(centre + reach, most), 0)
    numbers = np.array([bank.steps for bank in circuit.banks], dtype=np.int64)
    rows = (tap.shape[0], numbers.size)
    return Reach(
        low=np.concatenate([low, np.zeros(rows, dtype=np.int64)], axis=1),
        count=np.concatenate([high - low + 1, np.broadcast_to(numbers + 1, rows)], axis=1),
        present=np.concatenate([np.where(tapped, tap, 0.0), steps], axis=1),
    )


def sensitivities(circuit: CircuitFacts, served: Served, reach: Reach) -> Sensitivities:
    """Load flows at the middle, at the ends of each control and of each pair, and what they make."""
    controls = reach.low.shape[1]
    design = np.concatenate([np.zeros((1, controls)), *_design(controls)])
    middle, half = reach.low + (reach.count - 1) / 2.0, (reach.count - 1) / 2.0
    values = middle[:, None] + half[:, None] * design
    values = np.concatenate([reach.present[:, None], values[:, 1:], values[:, :1]], axis=1)
    links = len(circuit.links)
    flow = sweep(circuit, served, values[..., :links], values[..., links:])

    def fit(found: Float) -> Float:
        """Terms [..., t] of what was found at present, at the design's points and in the middle."""
        at, base = found[..., 1:-1], found[..., -1:]
        plus, minus = at[..., :controls], at[..., controls : 2 * controls]
        both = at[..., 2 * controls :]
        half_way = both.shape[-1] // 2
        pairs = (both[..., :half_way] + both[..., half_way:]) / 2.0
        first, other = (np.array(part, dtype=np.intp) for part in _pairs(controls))
        linear, square = (plus - minus) / 2.0, (plus + minus) / 2.0 - base
        cross = pairs - base - square[..., first] - square[..., other]
        return np.concatenate([base, linear, square, cross], axis=-1)

    v_pu, loading, q_pu = (np.moveaxis(fit(part), 0, 2) for part in (flow.v_pu, flow.loading, flow.q_pu))
    return Sensitivities(
        reach,
        series_w=fit(flow.series_w),
        core_w=fit(flow.core_w),
        v_pu=v_pu,
        loading=loading,
        q_pu=q_pu,
        present_series_w=flow.series_w[:, 0],
        present_core_w=flow.core_w[:, 0],
    )


@dataclass(frozen=True, slots=True)
class Looked:
    """The settings of one state that are looked at, k of them.

    Attributes:
        values: Position of each link and steps of each bank, [k, c].
        loss_w: Loss by the load flow, its resistances corrected, [k].
        room_pu: How far the voltage nearest to its limit is from it; negative outside, [k].
        loading: Load of the transformers that are loaded most, over their ratings, [k].
    """

    values: Ints
    loss_w: Float
    room_pu: Float
    loading: Float


def look(
    circuit: CircuitFacts,
    found: Sensitivities,
    row: int,
    *,
    series: float,
    uneven: float,
    within: Reach | None = None,
) -> Looked:
    """Every setting of one state.

    Args:
        circuit: The station.
        found: Polynomials of the states.
        row: The state.
        series: Factor on the loss in resistances.
        uneven: As in `Caution`.
        within: Settings to look at instead of all within reach.
    """
    reach = found.reach
    part = reach if within is None else within
    values = part.low[row] + grid(tuple(part.count[row].tolist()))
    half = (reach.count[row] - 1) / 2.0
    at = (values - reach.low[row] - half) / np.maximum(half, 0.5)
    basis = terms(at)
    low, high = limits(circuit, uneven)
    v_pu = basis @ found.v_pu[row]
    loading = basis @ found.loading[row]
    return Looked(
        values=values,
        loss_w=basis @ (series * found.series_w[row] + found.core_w[row]),
        room_pu=np.minimum(v_pu - low, high - v_pu).min(axis=1),
        loading=loading.max(axis=1, initial=0.0),
    )


def best_of(looked: Looked, margin_pu: float) -> int:
    """The setting that loses least among those with that much room; else the one with the most room."""
    allowed = (looked.room_pu >= margin_pu) & (looked.loading <= 1.0)
    if not allowed.any():
        return int(np.argmax(looked.room_pu - np.maximum(looked.loading - 1.0, 0.0)))
    return int(np.argmin(np.where(allowed, looked.loss_w, np.inf)))


@dataclass(frozen=True, slots=True)
class Choice:
    """The best setting of n states.

    Attributes:
        values: Position of each link and steps of each bank, [n, c].
        saved_w: Loss that it saves by the load flow, its resistances corrected, [n].
        present_w: The present loss by the same, [n].
    """

    values: Ints
    saved_w: Float
    present_w: Float


def choose(circuit: CircuitFacts, found: Sensitivities, series: Float, caution: Caution) -> Choice:
    """The best setting of each state; the present one where all that keep the margin lose more.

    Args:
        circuit: The station.
        found: Polynomials of the states.
        series: Factor on the loss in resistances of each state, [n].
        caution: Distance to the limits.
    """
    reach = found.reach
    half = (reach.count - 1) / 2.0
    basis = terms((reach.present - reach.low - half) / np.maximum(half, 0.5))
    polynomial = series[:, None] * found.series_w + found.core_w
    values = np.zeros_like(reach.low)
    saved = np.zeros(series.size)
    for row, factor in enumerate(series.tolist()):
        looked = _followed(circuit, found, row, factor, caution)
        place = best_of(looked, caution.margin_pu)
        values[row] = looked.values[place]
        if np.array_equal(values[row], reach.present[row]):
            continue
        saved[row] = basis[row] @ polynomial[row] - looked.loss_w[place]
        if saved[row] < 0.0 and _may_stay(looked, reach.present[row]):
            values[row], saved[row] = reach.present[row].astype(np.int64), 0.0
    return Choice(values, saved, series * found.present_series_w + found.present_core_w)


def _may_stay(looked: Looked, present: Float) -> bool:
    """Whether the present setting keeps the limits, be it with less room than is asked for."""
    same = (looked.values == present).all(axis=1)
    return bool((same & (looked.room_pu >= 0.0) & (looked.loading <= 1.0)).any())


def advise(
    circuit: CircuitFacts,
    served: Served,
    standing: tuple[Float, Float, int],
    series: Float,
    caution: Caution,
) -> Choice:
    """The best settings of n states of one station.

    Args:
        circuit: The station.
        served: What it serves and gets.
        standing: Present position of each link [n, links] and steps of each bank [n, banks], and how many
            tap positions to either side are looked at.
        series: Factor on the loss in resistances, [n].
        caution: Distance to the limits.
    """
    reach = reach_of(circuit, *standing)
    return choose(circuit, sensitivities(circuit, served, reach), series, caution)


def _followed(
    circuit: CircuitFacts, found: Sensitivities, row: int, series: float, caution: Caution
) -> Looked:
    """All settings, or the window around a best one."""
    reach = found.reach
    if np.prod(reach.count[row].astype(np.float64)) <= MOST_STATES:
        return look(circuit, found, row, series=series, uneven=caution.uneven)
    last = reach.low[row] + reach.count[row] - 1
    half = _half_window(reach.count[row])
    centre = np.clip(np.rint(reach.present[row]).astype(np.int64), reach.low[row], last)
    for _ in range(_MOST_MOVES):
        low = np.maximum(centre - half, reach.low[row])
        count = np.minimum(centre + half, last) - low + 1
        rows = reach.low.shape[0]
        within = Reach(np.tile(low, (rows, 1)), np.tile(count, (rows, 1)), reach.present)
        looked = look(circuit, found, row, series=series, uneven=caution.uneven, within=within)
        moved = looked.values[best_of(looked, caution.margin_pu)]
        if np.array_equal(moved, centre):
            break
        centre = moved
    return looked


def _half_window(count: Ints) -> Ints:
    """Values to either side of the middle, the same for all controls but where these have fewer."""
    half = np.zeros_like(count)
    for width in range(1, int(count.max()) + 1):
        wider = np.minimum(width, count - 1)
        if np.prod(np.minimum(2.0 * wider + 1.0, count)) > MOST_STATES:
            break
        half = wider
    if not half.any():
        # So many controls that not even their neighbours can all be looked at: the first ones move.
        half[: int(np.log(MOST_STATES) / np.log(3.0))] = 1
    return half


@lru_cache(maxsize=64)
def grid(counts: tuple[int, ...]) -> Ints:
    """Every combination of whole numbers below these, the last one running fastest, [k, c]."""
    return np.indices(counts).reshape(len(counts), -1).T.astype(np.int64)


@lru_cache(maxsize=64)
def limits(circuit: CircuitFacts, uneven: float) -> tuple[Float, Float]:
    """Lowest and highest mean voltage of each place."""
    places: tuple[SectionFacts | LineFacts, ...] = (*circuit.sections, *circuit.lines)
    low = np.array([place.v_min_pu + uneven * place.uneven_pu for place in places])
    return low, np.array([place.v_max_pu - uneven * place.uneven_pu for place in places])


def terms(at: Float) -> Float:
    """Terms of the polynomials at points [k, c], float64 [k, t]."""
    first, other = (np.array(part, dtype=np.intp) for part in _pairs(at.shape[1]))
    return np.concatenate([np.ones((at.shape[0], 1)), at, at**2, at[:, first] * at[:, other]], axis=1)


def _pairs(controls: int) -> tuple[list[int], list[int]]:
    """Every two controls."""
    both = list(combinations(range(controls), 2))
    return [one for one, _ in both], [other for _, other in both]


def _design(controls: int) -> tuple[Float, Float, Float, Float]:
    """Points at which each control alone, then each two, are at one end of their reach, then at the other."""
    single = np.eye(controls)
    first, other = (np.array(part, dtype=np.intp) for part in _pairs(controls))
    both = single[first] + single[other]
    return single, -single, both, -both
