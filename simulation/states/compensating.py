"""The compensation that each capacitor bank's busbar wants in a state, found by solving the circuit again.

The bank is replaced by one of any size. Wanted is the size, at nominal voltage, with which the whole station
loses least while all other banks, all taps, the served power and the voltage behind the grid's impedance stay
what they are; the power factor of the bay that feeds the busbar may not fall below `POWER_FACTOR`, lagging or
leading (at least 0.95 at a distributor's point of supply is what India's connectivity regulations ask for;
leading power is held to the same here), and no phase of the busbar may leave its level's limits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import numpy as np

from data_contracts.compensation import TAN_PHI
from simulation.engine.network import Complexes
from simulation.errors import NotConvergedError
from simulation.noise import Floats
from simulation.states.day import CLASS_SIGMA, meter_gains
from simulation.states.state import Solution, State
from simulation.states.station import Station
from substations.description import Substation
from substations.equipment import Capacitor
from substations.site import Point

PER_DAY = 8
"""States of a day at most."""

_LARGEST = 5.0
"""Largest size that is looked at, of the bank's own."""

# Half widths of the parabolas that close in on the least loss, of the bank's size.
_WIDTHS = (0.5, 0.3, 0.15)
_ROUNDS, _NEAR_VAR = 6, 10.0
# How far apart, of the bank's size, two sizes are that say whether the loss still falls.
_APART = 0.01
# Power that moves the voltage of a busbar by its nominal value, var: its short-circuit level, roughly.
_VAR_A_PU = 4e8


@dataclass(frozen=True, slots=True)
class Tried:
    """The station with one size of a bank.

    Attributes:
        loss_w: Its loss.
        fed_va: Power that the bay feeds into the busbar.
        v_pu: Lowest and highest phase voltage of the busbar.
    """

    loss_w: float
    fed_va: complex
    v_pu: tuple[float, float]

    @property
    def power_factor(self) -> float:
        """Active over apparent power of the bay."""
        return abs(self.fed_va.real) / max(abs(self.fed_va), 1.0)


@dataclass(frozen=True, slots=True)
class Compensation:
    """What one bank's busbar wants in one state.

    Attributes:
        state: The state.
        solution: Its solution.
        bank: Number of the bank in the description.
        point: Measurement point of the bay that feeds its busbar.
        metered_va: Power that the bay feeds in, as its instruments have it.
        metered_v_pu: Mean phase voltage there as they have it.
        feeders_va: Power of each feeder at its bay as its instruments have it, shape [f].
        reason: Why nothing was found; empty where it was.
        optimal_var: Size wanted, at nominal voltage, var.
        limited_by: What keeps it from the least loss: `none`, `power_factor`, `voltage` or `size`.
        power_factor: Of the bay with that size.
        saved_w: Loss that it saves against the present steps.
        metered_var: Size that the same search finds from what the feeders' and the infeed's instruments say.
        step_loss_w: Loss with each number of steps, from none, shape [steps + 1].
    """

    state: State
    solution: Solution
    bank: int
    point: str
    metered_va: complex
    metered_v_pu: float
    feeders_va: Complexes
    reason: str = ""
    optimal_var: float = np.nan
    limited_by: str = ""
    power_factor: float = np.nan
    saved_w: float = np.nan
    metered_var: float = np.nan
    step_loss_w: tuple[float, ...] = ()


def feeding_points(substation: Substation) -> dict[int, Point]:
    """The bay that feeds each bank's busbar, by the bank's number; banks without one are left out."""
    bays = {
        point.bus: point
        for point in substation.points
        if point.kind == "transformer_bay" and point.terminal > 1
    }
    return {k: bays[bank.bus] for k, bank in enumerate(substation.capacitors) if bank.bus in bays}


def chosen(states: Iterable[State]) -> tuple[State, ...]:
    """The solved states that are looked at: of each day `PER_DAY` at most, spread evenly."""
    days: dict[str, list[State]] = {}
    for state in states:
        if state.solution is not None:
            days.setdefault(str(state.scenario), []).append(state)
    found: list[State] = []
    for mine in days.values():
        picked = np.unique(np.linspace(0, len(mine) - 1, min(PER_DAY, len(mine))).round().astype(int))
        found += [mine[k] for k in picked.tolist()]
    return tuple(found)


def compensate(station: Station, states: Iterable[State]) -> tuple[Compensation, ...]:
    """Find what every bank's busbar wants in these states; what the engine stood for before is lost.

    Args:
        station: Has solved them.
        states: Those without a solution are left out.
    """
    found = []
    banks = feeding_points(station.world.substation)
    for state in states:
        if state.solution is None or not banks:
            continue
        station.recall(state, state.solution)
        rng = state.scenario.generator("compensation")
        classes = np.array([(point.ct_class, point.vt_class) for point in banks.values()])
        gains, gains_v = (
            meter_gains(rng, classes),
            1.0 + CLASS_SIGMA / 100.0 * classes[:, 1] * rng.standard_normal(len(banks)),
        )
        for (bank, point), gain, gain_v in zip(banks.items(), gains.tolist(), gains_v.tolist(), strict=True):
            found.append(_one(station, state, state.solution, (bank, point), (gain, gain_v)))
    return tuple(found)


def _one(
    station: Station,
    state: State,
    solution: Solution,
    where: tuple[int, Point],
    gains: tuple[complex, float],
) -> Compensation:
    engine, (number, point) = station.engine, where
    substation = station.world.substation
    bank, steps = substation.capacitors[number], solution.positions.steps[number]
    size = 1e6 * bank.mvar
    nan = complex(np.nan, np.nan)
    unknown = np.full(state.metered_va.size, nan)
    nothing = Compensation(state, solution, number, point.id, nan, np.nan, unknown)
    try:
        as_it_is = _trial(station, point, state.s_va)
        now = as_it_is(0.0)
        metered = replace(
            nothing,
            metered_va=now.fed_va * gains[0],
            metered_v_pu=sum(now.v_pu) / 2.0 * gains[1],
            feeders_va=_at_bays(station) * _feeder_gains(state),
        )
        step_loss_w = []
        for count in range(bank.steps + 1):
            engine.set_steps(bank.id, count)
            step_loss_w.append(as_it_is(0.0).loss_w)
        leading_var = now.fed_va.imag + TAN_PHI * abs(now.fed_va.real)
        first = size * steps / bank.steps + leading_var
        limits = _limits(substation, point)
        truly = _trial(station, point, state.s_va, bank)
        optimal_var, limited_by = _least(truly, first, size, limits)
        best = truly(optimal_var)
        engine.set_emf(solution.source.emf_pu * state.metered_v)
        said = _trial(station, point, _as_metered(state), bank)
        metered_var, _ = _least(said, optimal_var, size, limits)
    except NotConvergedError as error:
        station.resume(state, solution)
        return replace(nothing, reason=error.message)
    engine.restore_bank(bank.id, steps)
    engine.set_emf(solution.source.emf_pu)
    return replace(
        metered,
        optimal_var=optimal_var,
        limited_by=limited_by,
        power_factor=best.power_factor,
        saved_w=now.loss_w - best.loss_w,
        metered_var=metered_var,
        step_loss_w=tuple(step_loss_w),
    )


def _limits(substation: Substation, point: Point) -> tuple[float, float]:
    limit = substation.limit(point.nominal_kv)
    return limit.v_min_pu, limit.v_max_pu


def _feeder_gains(state: State) -> Complexes:
    """What the feeders' instruments make of their power, shape [f]."""
    count = state.metered_va.size
    total = state.s_va[: 3 * count].reshape(count, 3).sum(axis=1)
    alive = np.abs(total) > 0.0
    return np.asarray(np.divide(state.metered_va, total, out=np.ones_like(total), where=alive))


def _as_metered(state: State) -> Complexes:
    """Power of the engine's loads as the feeders' instruments have it, their phases as they truly are."""
    gains = _feeder_gains(state)
    s_va = state.s_va.copy()
    s_va[: 3 * gains.size] *= np.repeat(gains, 3)
    return s_va


def _at_bays(station: Station) -> Complexes:
    """Power that each feeder draws from its busbar in the snapshot that was solved last, VA, shape [f]."""
    engine, substation = station.engine, station.world.substation
    names = [point.id for point in substation.points]
    rows = np.array([names.index(feeder.point) for feeder in substation.feeders], dtype=np.int64)
    network, v = engine.network(), engine.solved_v()
    i = network.point_currents(v[None], np.array([engine.emf_v]))[0]
    found: Complexes = (network.point_voltages(v)[rows] * i[rows].conj()).sum(axis=1)
    return found


def _trial(
    station: Station, point: Point, s_va: Complexes, bank: Capacitor | None = None
) -> Callable[[float], Tried]:
    """Solves the station with a size of `bank`, var; as it stands where none is named."""
    engine = station.engine
    row = [each.id for each in station.world.substation.points].index(point.id)
    nodes = engine.layout.point_nodes[row]
    served_w = float(s_va.real.sum())

    def solve(size_var: float) -> Tried:
        if bank is not None:
            engine.set_bank_var(bank.id, size_var)
        v = engine.solve(s_va[None])
        network = engine.network()
        i = (
            v @ network.point_y[3 * row : 3 * row + 3].T
            - engine.emf_v * network.point_source[3 * row : 3 * row + 3]
        )
        fed = -complex((v[0, nodes] * i[0].conj()).sum())
        pu: Floats = np.abs(v[0, nodes]) / engine.layout.base_v[nodes]
        return Tried(engine.supplied_va().real - served_w, fed, (float(pu.min()), float(pu.max())))

    return solve


def _least(
    solve: Callable[[float], Tried], first_var: float, size_var: float, limits: tuple[float, float]
) -> tuple[float, str]:
    """Size with the least loss within the limits, var, and what keeps it from the least loss of all."""
    largest = _LARGEST * size_var

    def leading(x: Tried) -> float:
        return x.fed_va.imag + TAN_PHI * abs(x.fed_va.real)

    def lagging(x: Tried) -> float:
        return x.fed_va.imag - TAN_PHI * abs(x.fed_va.real)

    best, reason = _root(solve, leading, first_var), "power_factor"
    if not 0.0 < best < largest or solve(best - _APART * size_var).loss_w < solve(best).loss_w:
        best, reason = min(best, _vertex(solve, min(best, largest), size_var)), "none"
        if lagging(solve(best)) > 0.0:
            best, reason = _root(solve, lagging, best), "power_factor"
    v_low, v_high = limits
    found = solve(best)
    if found.v_pu[1] > v_high:
        best, reason = _root(solve, lambda x: _VAR_A_PU * (v_high - x.v_pu[1]), best), "voltage"
    elif found.v_pu[0] < v_low:
        best, reason = _root(solve, lambda x: _VAR_A_PU * (v_low - x.v_pu[0]), best), "voltage"
    if 0.0 < best < largest:
        return best, reason
    return min(max(best, 0.0), largest), "size"


def _vertex(solve: Callable[[float], Tried], first_var: float, size_var: float) -> float:
    """Size with the least loss, var: parabolas through three sizes that close in on it."""
    best, largest = first_var, _LARGEST * size_var
    for width in _WIDTHS:
        step = width * size_var
        middle = max(best, step)
        low, mid, high = (solve(middle + k * step).loss_w for k in (-1, 0, 1))
        bend = low - 2.0 * mid + high
        # The loss is convex but near a collapse of the voltage: there the lower side counts.
        shift = 0.5 * (low - high) / bend if bend > 0.0 else float(np.sign(low - high))
        best = min(max(middle + step * min(max(shift, -4.0), 4.0), 0.0), largest)
    return best


def _root(solve: Callable[[float], Tried], miss: Callable[[Tried], float], start_var: float) -> float:
    """Size at which `miss`, which falls by about as many var as the size grows, is zero: the secant method.

    Not negative.
    """
    before = max(start_var, 0.0)
    there = miss(solve(before))
    now = max(before + there, 0.0)
    for _ in range(_ROUNDS):
        here = miss(solve(now))
        if abs(here) < _NEAR_VAR or here == there:
            break
        before, there, now = now, here, max(now - here * (now - before) / (here - there), 0.0)
    return now
