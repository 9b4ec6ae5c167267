"""What telemetry of every element says of the next failure: an AC contingency analysis of one state.

A control centre's own: the state's power flow from metered loads, outputs, set-points and switch positions,
then that of every single failure, then how far load can rise after the failures that look worst. Equations
are those of `data_contracts.power_flow` and `data_contracts.nose`; that branches, units and halves of parks
are what can fail, and that running units share what is missing by their headroom, is the grid's practice.

What a station's excitation really gives is not metered. It is taken from its reactive power where its voltage
is below what it is told to hold, and else as the middle between what it gives already and its nameplate.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data_contracts.nose import Search, margins
from data_contracts.power_flow import Floats, Flows, Masks, Solved, flat, reactive, solve
from data_contracts.stability_score import DEPARTURE_PU, EMERGENCY
from data_contracts.transmission import BUSES, PARKS, PLANTS
from data_contracts.transmission_ac import (
    BASE_MVA,
    LEAST_SHARE,
    MACHINES,
    PARK_LOSS,
    Q_MAX,
    Q_MIN,
    Network,
    network,
)

TOLERANCE_PU = 1e-3
"""Largest mismatch of a screened power flow, 0.1 MVA: well below the errors of the meters."""

SEARCH = Search(first=0.125, resolution=0.0125, ceiling=0.25, tolerance_pu=TOLERANCE_PU, again=False)
"""The nose is sought up to the rise that scores 100."""

MOST_SEVERE = 1.6
"""Severity of a failure without a power flow, and largest of any: its score is 0 from 1.4 on."""

LEAST_EXCITATION = 0.85
"""Least share of its nameplate that a station's excitation gives."""

_BELOW_PU = 0.006
_SOUGHT = 2
_RUNNING_MW = 1.0

_OF_PARKS, _OF_PLANTS = slice(0, len(PARKS)), slice(len(PARKS), None)
_UNIT_MW = np.array([machine.unit_mw for machine in MACHINES])
_AT_PLANTS = np.array([plant.bus - 1 for plant in PLANTS])
_AT_PARKS = np.array([park.bus - 1 for park in PARKS])


def _failing() -> tuple[tuple[str, ...], NDArray[np.int64]]:
    """Names of all that can fail, and the branch of those that are branches."""
    net = network()
    rows = np.flatnonzero(~net.of_station)
    return (
        *(net.names[row] for row in rows),
        *(f"unit-{plant.name}" for plant in PLANTS),
        *(f"park-{park.name}" for park in PARKS),
    ), rows


FAILURES, _BRANCH_ROWS = _failing()
_PLANT_FAILURES = slice(len(_BRANCH_ROWS), len(_BRANCH_ROWS) + len(PLANTS))
_PARK_FAILURES = slice(_PLANT_FAILURES.stop, len(FAILURES))


@dataclass(frozen=True, slots=True)
class Telemetry:
    """What meters say of one state's elements.

    Attributes:
        inside: Branches in service, [46], bool.
        unit_mw: Output of parks and stations, [14], in the order of `data_contracts.transmission.UNITS`.
        plant_mvar: Reactive power of stations, [10].
        running: Their units in service, [10].
        v_set_pu: Voltage that they are told to hold, [10].
        bus_v_pu: Voltage of each bus, [39].
        load_mw: Load of each bus, [39].
        load_mvar: Its reactive part, [39].
    """

    inside: Masks
    unit_mw: Floats
    plant_mvar: Floats
    running: Floats
    v_set_pu: Floats
    bus_v_pu: Floats
    load_mw: Floats
    load_mvar: Floats

    @property
    def capacity_mw(self) -> Floats:
        """Rated power of the units in service, [10]."""
        return np.asarray(self.running * _UNIT_MW)

    @property
    def headroom_mw(self) -> Floats:
        """What they can give more, [10]."""
        return np.maximum(self.capacity_mw - self.unit_mw[_OF_PLANTS], 0.0)

    @property
    def excitation(self) -> Floats:
        """Share of their nameplates' reactive power that stations seem to give at most, [10]."""
        nameplate = np.maximum(Q_MAX * self.capacity_mw, 1e-6)
        used = np.clip(self.plant_mvar / nameplate, LEAST_EXCITATION, 1.0)
        low = self.bus_v_pu[_AT_PLANTS] < self.v_set_pu - _BELOW_PU
        return np.where(low & (self.plant_mvar > 0.5 * nameplate), used, 0.5 * (used + 1.0))

    @property
    def losses_mw(self) -> Floats:
        """Active power that fails with a unit of each station, then with half of each park, [14]."""
        of_plants = self.unit_mw[_OF_PLANTS] / np.maximum(self.running, 1.0)
        return np.concatenate([of_plants, PARK_LOSS * self.unit_mw[_OF_PARKS]])


@dataclass(frozen=True, slots=True)
class Screened:
    """What becomes of a state after each of `FAILURES`.

    Attributes:
        solved: Whether the state itself has a power flow.
        loading_pu: Current of the most loaded line in the state, of its rating.
        v_min_pu: Lowest voltage of the state.
        left_mvar: Reactive power that stations can still give.
        at_limit: Stations that give all they can.
        severity: Largest of currents and departures of voltage after each failure, of what is permitted;
            `MOST_SEVERE` without a power flow, 0 where nothing is there to fail, [failures].
        after_loading_pu: Largest current of a line after each failure, NaN without a power flow, [failures].
        after_v_min_pu: Lowest voltage, [failures].
        cut_off_mw: Load that is cut off, [failures].
        unsolved: Failures without a power flow, [failures], bool.
        nose_pu: Rise of load to the nose after each failure that was looked at, the ceiling of the search for
            the others, [failures].
    """

    solved: bool
    loading_pu: float
    v_min_pu: float
    left_mvar: float
    at_limit: float
    severity: Floats
    after_loading_pu: Floats
    after_v_min_pu: Floats
    cut_off_mw: Floats
    unsolved: Masks
    nose_pu: Floats


def screen(state: Telemetry) -> Screened:
    """Screen one state."""
    net = network()
    credible = np.concatenate(
        [
            state.inside[_BRANCH_ROWS],
            state.running > 0.0,
            state.unit_mw[_OF_PARKS] > _RUNNING_MW,
        ]
    )
    chosen = np.flatnonzero(credible)
    flows = _after(net, state, np.array([-1]))
    base = solve(flows, flat(flows), tolerance_pu=TOLERANCE_PU)
    found, unsolved = _nothing(len(FAILURES)), np.zeros(len(FAILURES), dtype=np.bool_)
    if not base.ok[0]:
        found["severity"][chosen], unsolved[chosen] = MOST_SEVERE, True
        found["nose_pu"][chosen] = 0.0
        return Screened(False, np.nan, np.nan, np.nan, np.nan, unsolved=unsolved, **found)
    failed = _after(net, state, chosen)
    solved = solve(failed, base.rows(np.zeros(chosen.size, dtype=np.int64)), tolerance_pu=TOLERANCE_PU)
    inside = _inside(net, state, chosen, failed.live)
    worst = (net.currents(solved.v, inside) / net.rating_pu).max(axis=1)
    magnitude = np.abs(solved.v)
    low = np.where(failed.live, magnitude, np.inf).min(axis=1)
    severity = np.maximum(
        worst / EMERGENCY, np.maximum(1.0 - low, magnitude.max(axis=1) - 1.0) / DEPARTURE_PU
    )
    found["severity"][chosen] = np.where(solved.ok, np.minimum(severity, MOST_SEVERE), MOST_SEVERE)
    found["after_loading_pu"][chosen] = np.where(solved.ok, worst, np.nan)
    found["after_v_min_pu"][chosen] = np.where(solved.ok, low, np.nan)
    found["cut_off_mw"][chosen] = np.where(failed.live, 0.0, state.load_mw).sum(axis=1)
    unsolved[chosen] = ~solved.ok
    carried = net.currents(base.v, state.inside[None])[0]
    sought = _sought(failed, solved, low, _carried(carried, chosen))
    rise_p, rise_q = -state.load_mw / BASE_MVA, -state.load_mvar / BASE_MVA
    live = failed.live[sought]
    found["nose_pu"][chosen[sought]] = margins(
        failed.rows(sought), solved.rows(sought), live * rise_p, live * rise_q, search=SEARCH
    )
    found["nose_pu"][chosen[~solved.ok]] = 0.0
    given = reactive(flows, base)[0]
    return Screened(
        True,
        float((carried / net.rating_pu).max()),
        float(np.where(flows.live[0], np.abs(base.v[0]), np.inf).min()),
        float(BASE_MVA * (flows.q_max[0] - given)[flows.regulated[0]].sum()),
        float((base.held[0] > 0).sum()),
        unsolved=unsolved,
        **found,
    )


def _nothing(count: int) -> dict[str, NDArray[np.float64]]:
    return {
        "severity": np.zeros(count),
        "after_loading_pu": np.full(count, np.nan),
        "after_v_min_pu": np.full(count, np.nan),
        "cut_off_mw": np.zeros(count),
        "nose_pu": np.full(count, SEARCH.ceiling),
    }


def _carried(current: Floats, chosen: NDArray[np.int64]) -> Floats:
    """Current of each branch that fails before it does, pu; 0 for units and parks."""
    every = np.zeros(len(FAILURES))
    every[: len(_BRANCH_ROWS)] = current[_BRANCH_ROWS]
    return every[chosen]


def _sought(failed: Flows, solved: Solved, low: Floats, carried: Floats) -> NDArray[np.int64]:
    """Failures whose nose is sought, none where one has no power flow: the worst by each of five signs.

    Lowest voltage, reactive power that stations give, what is left of it, what of it is lost, and the current
    that failed.
    """
    if not solved.ok.all():
        return np.zeros(0, dtype=np.int64)
    given = reactive(failed, solved).sum(axis=1)
    can = (failed.q_max * failed.regulated).sum(axis=1)
    signs = (low, -given, can - given, can, -carried)
    return np.array(sorted({int(k) for sign in signs for k in np.argsort(sign, kind="stable")[:_SOUGHT]}))


def _inside(net: Network, state: Telemetry, chosen: NDArray[np.int64], live: Masks) -> Masks:
    """Branches in service after each failure; −1 is none; [c, m]."""
    inside = np.repeat(state.inside[None], chosen.size, axis=0)
    branches = np.flatnonzero((chosen >= 0) & (chosen < len(_BRANCH_ROWS)))
    inside[branches, _BRANCH_ROWS[chosen[branches]]] = False
    found: Masks = inside & live[:, net.ends].all(axis=2)
    return found


def _after(net: Network, state: Telemetry, chosen: NDArray[np.int64]) -> Flows:
    """The networks after failures, by their places in `FAILURES`; −1 is the state itself."""
    count, plants = chosen.size, len(PLANTS)
    everywhere = np.ones((count, BUSES), dtype=np.bool_)
    inside = _inside(net, state, chosen, everywhere)
    whole = net.part_with_most(state.load_mw, state.inside)
    live = np.array([
        net.part_with_most(state.load_mw, each) if _may_divide(place) else whole
        for each, place in zip(inside, chosen, strict=True)
    ])  # fmt: skip
    inside &= live[:, net.ends].all(axis=2)
    left, parks = np.ones((count, plants)), np.ones((count, len(PARKS)))
    for row, place in enumerate(chosen - _PLANT_FAILURES.start):
        if 0 <= place < plants:
            left[row, place] -= 1.0 / state.running[place]
        elif place >= plants:
            parks[row, place - plants] -= PARK_LOSS
    to_bus, park_bus = np.zeros((plants, BUSES)), np.zeros((len(PARKS), BUSES))
    to_bus[np.arange(plants), _AT_PLANTS] = 1.0
    park_bus[np.arange(len(PARKS)), _AT_PARKS] = 1.0
    give = np.maximum(state.headroom_mw, LEAST_SHARE * state.capacity_mw)
    share = (left * give) @ to_bus * live
    capacity = left * state.capacity_mw * state.excitation
    fed = (left * state.unit_mw[_OF_PLANTS]) @ to_bus + (parks * state.unit_mw[_OF_PARKS]) @ park_bus
    return Flows(
        y=net.matrix(inside),
        live=live,
        p=(fed - state.load_mw) * live / BASE_MVA,
        q=-state.load_mvar * live / BASE_MVA,
        share=share / np.maximum(share.sum(axis=1, keepdims=True), 1e-9),
        regulated=(capacity @ to_bus > 0.0) & live,
        v_set=np.repeat((state.v_set_pu @ to_bus)[None], count, axis=0),
        q_min=Q_MIN * capacity @ to_bus / BASE_MVA,
        q_max=Q_MAX * capacity @ to_bus / BASE_MVA,
    )


def _may_divide(place: int) -> bool:
    """Whether a failure may cut something off: that of a branch."""
    return 0 <= place < len(_BRANCH_ROWS)
