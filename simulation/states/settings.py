"""Every setting of taps and capacitor steps around a state, solved at the same served power."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np

from simulation.engine.network import Ints
from simulation.errors import NotConvergedError
from simulation.noise import Floats
from simulation.scenario.regulation import Positions, Regulators, apply
from simulation.states.state import Solution, State
from simulation.states.station import Station
from substations.description import Substation


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of one state; k of them.

    Attributes:
        state: The state.
        positions: What is set.
        present: Row of the setting in which the state is.
        loss_w: Loss of the station, NaN where there is no solution, shape [k].
        q_supplied_var: Reactive power that the grid delivers, shape [k].
        v_min_pu: Lowest phase voltage of a bus, shape [k].
        v_max_pu: Highest, shape [k].
        violations: Buses outside of their level's limits, shape [k].
        loading_pct: Load of each transformer, % of its strongest rating, shape [k, transformers].
    """

    state: State
    positions: tuple[Positions, ...]
    present: int
    loss_w: Floats
    q_supplied_var: Floats
    v_min_pu: Floats
    v_max_pu: Floats
    violations: Ints
    loading_pct: Floats


@dataclass(frozen=True, slots=True)
class Watched:
    """What is looked at in every setting.

    Attributes:
        nodes: Nodes of the buses' three phases, shape [b, 3]; tertiary windings are left out.
        base_v: Shape [b, 1].
        v_min_pu: Limits, shape [b, 1].
        v_max_pu: Shape [b, 1].
        rated_va: Ratings of the transformers, shape [transformers].
    """

    nodes: Ints
    base_v: Floats
    v_min_pu: Floats
    v_max_pu: Floats
    rated_va: Floats

    @classmethod
    def of(cls, station: Station) -> Watched:
        """Look everything up once."""
        substation: Substation = station.world.substation
        layout = station.engine.layout
        tertiary = {winding.bus for each in substation.transformers for winding in each.windings[2:]}
        buses = [bus for bus in substation.buses if bus.id in layout.of_bus and bus.id not in tertiary]
        limits = [substation.limit(bus.nominal_kv) for bus in buses]
        return cls(
            np.array([layout.bus_nodes(bus.id) for bus in buses]),
            np.array([[bus.nominal_kv * 1e3 / np.sqrt(3.0)] for bus in buses]),
            np.array([[limit.v_min_pu] for limit in limits]),
            np.array([[limit.v_max_pu] for limit in limits]),
            np.array([each.rated_mva * 1e6 for each in substation.transformers]),
        )


def around(regulators: Regulators, present: Positions, window: int) -> Iterator[Positions]:
    """Every number of steps of every bank, with every tap within `window` positions of the present one."""
    taps = [
        range(max(1, tap - window), min(group.steps, tap + window) + 1)
        for group, tap in zip(regulators.groups, present.taps, strict=True)
    ]
    steps = [range(bank.steps + 1) for bank in regulators.banks]
    for chosen in product(*taps):
        for on in product(*steps):
            yield Positions(chosen, on)


def solve_settings(
    station: Station, watched: Watched, state: State, solution: Solution, window: int
) -> Settings:
    """Solve a state's settings; the grid's internal voltage and the served power stay what they are.

    Args:
        station: Its engine is in the state.
        watched: What is looked at.
        state: The state.
        solution: Its solution.
        window: Tap positions to either side.
    """
    engine, regulators = station.engine, station.world.regulators
    positions = tuple(around(regulators, solution.positions, window))
    count, lossy = len(positions), engine.lossy()
    supplied = np.full(count, np.nan + 1j * np.nan, dtype=np.complex128)
    v = np.full((count, len(engine.layout.nodes)), np.nan + 1j * np.nan, dtype=np.complex128)
    loading = np.full((count, watched.rated_va.size), np.nan)
    places = [lossy.place(each.element) for each in station.world.substation.transformers]
    for k, each in enumerate(positions):
        try:
            apply(engine, regulators, each)
            v[k] = engine.solve(state.s_va[None])[0]
        except NotConvergedError:
            station.resume(state, solution)
            lossy = engine.lossy()
            continue
        supplied[k] = engine.supplied_va()
        loading[k] = 100.0 * lossy.apparent_va(places) / watched.rated_va
    pu = np.abs(v[:, watched.nodes]) / watched.base_v
    # Comparisons with NaN are false: what has no solution has no violation.
    outside = ((pu < watched.v_min_pu) | (pu > watched.v_max_pu)).any(axis=2).sum(axis=1)
    return Settings(
        state,
        positions,
        positions.index(solution.positions),
        supplied.real - float(state.s_va.real.sum()),
        np.asarray(supplied.imag),
        pu.min(axis=(1, 2)),
        pu.max(axis=(1, 2)),
        outside,
        loading,
    )
