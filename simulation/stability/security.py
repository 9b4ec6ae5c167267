"""What a state bears: its power flow, the nose, every failure, and the failure that limits it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data_contracts.nose import margins
from data_contracts.power_flow import Flows, Solved, flat, reactive, solve
from simulation.errors import InfeasibleError, NotConvergedError
from simulation.noise import Floats
from simulation.stability.case import BASE_MVA, Case
from simulation.stability.outages import After, Outage, credible, examine, flows_after
from simulation.stability.state import State

# Failures whose nose is sought: so many of the worst by each sign.
_SOUGHT = 2


class IslandedError(InfeasibleError):
    """Elements that are out divide the grid; the state is kept with this as its reason."""


@dataclass(frozen=True, slots=True)
class Security:
    """Margins of one state.

    Attributes:
        flows: Its network, alone.
        base: Its power flow.
        outages: What can fail.
        after: What each failure leads to.
        nose_pu: Rise of all load to the nose.
        bus_nose_mw: Rise of the load at the substation's bus alone.
        nose_after_pu: Smallest rise of all load to the nose after a failure.
        limiting: That failure.
    """

    flows: Flows
    base: Solved
    outages: tuple[Outage, ...]
    after: After
    nose_pu: float
    bus_nose_mw: float
    nose_after_pu: float
    limiting: Outage

    @property
    def worst(self) -> int:
        """The severest failure; of those without a solution the first."""
        return int(self.after.severity.argmax())


def secure(case: Case, state: State, bus: int) -> Security:
    """Solve a state and all its failures, and find the noses.

    The nose is sought of the state itself and of those failures that are worst by any of five signs: lowest
    voltage, reactive power that stations give, what is left of it, what of it is lost, and the current that
    failed. A failure
    without a solution has no distance left and limits at once.

    Raises:
        IslandedError: Elements that are out divide the grid.
        NotConvergedError: The state itself has no solution.
    """
    flows = flows_after(case, state, (None,))
    if not flows.live.all():
        raise IslandedError(f"{int((~flows.live).sum())} buses are cut off", "none: the state is kept so")
    base = solve(flows, flat(flows))
    if not base.ok[0]:
        raise NotConvergedError(
            f"no power flow at {state.load_mw.sum():.0f} MW", "none: the state is kept so"
        )
    outages = credible(case, state)
    failed = flows_after(case, state, outages)
    after = examine(case, state, outages, failed, base)
    unsolved = np.flatnonzero(~after.solved.ok)
    sought = unsolved[:1] if unsolved.size else _candidates(failed, after, _carried(case, base, outages))
    rise_p, rise_q = _rise(state, bus, failed.live[sought])
    both, start = _joined(flows, failed.rows(sought)), after.solved.rows(sought)
    found = margins(both, _beginning(base, start), rise_p, rise_q)
    least = int(found[2:].argmin())
    return Security(
        flows=flows,
        base=base,
        outages=outages,
        after=after,
        nose_pu=float(found[0]),
        bus_nose_mw=float(found[1] * state.load_mw.sum()),
        nose_after_pu=float(found[2 + least]),
        limiting=outages[int(sought[least])],
    )


def _candidates(failed: Flows, after: After, carried: Floats) -> NDArray[np.int64]:
    given = reactive(failed, after.solved).sum(axis=1)
    can = (failed.q_max * failed.regulated).sum(axis=1)
    signs = (after.v_min_pu, -given, can - given, can, -carried)
    chosen = {int(k) for sign in signs for k in np.argsort(sign, kind="stable")[:_SOUGHT]}
    return np.array(sorted(chosen), dtype=np.int64)


def _carried(case: Case, base: Solved, outages: tuple[Outage, ...]) -> Floats:
    """Current in each branch that can fail, pu, before it does; 0 for units and parks."""
    current = case.currents(base.v, np.ones((1, len(case.names)), dtype=np.bool_))[0]
    return np.array([current[each.row] if each.branch else 0.0 for each in outages])


def _rise(state: State, bus: int, live: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """What is fed in more: all loads, then as much at one bus alone, then all live loads after failures."""
    p, q = -state.load_mw / BASE_MVA, -state.load_mvar / BASE_MVA
    there = np.arange(p.size) == bus
    return (
        np.vstack([p, there * p.sum(), live * p]),
        np.vstack([q, there * q.sum(), live * q]),
    )


def _joined(flows: Flows, failed: Flows) -> Flows:
    """The state twice, then its failures."""
    return Flows(
        *(
            np.concatenate([getattr(flows, name), getattr(flows, name), getattr(failed, name)])
            for name in Flows.__slots__
        )
    )


def _beginning(base: Solved, failed: Solved) -> Solved:
    return Solved(
        *(
            np.concatenate([getattr(base, name), getattr(base, name), getattr(failed, name)])
            for name in Solved.__slots__
        )
    )
