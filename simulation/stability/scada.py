"""What telemetry says of every element: branches, stations, parks and buses, each with its meter's error."""

from __future__ import annotations

import numpy as np

from data_contracts.power_flow import reactive
from data_contracts.tables.stability import ELEMENTS
from data_contracts.transmission import UNITS
from simulation.grid.fleet import NAMES
from simulation.grid.plants import PLANTS
from simulation.noise import Floats
from simulation.stability.case import BASE_MVA, Case
from simulation.stability.known import P_ERROR, Q_ERROR, V_ERROR
from simulation.stability.security import Security
from simulation.stability.state import State

# Place in the simulation's fleet, plants before parks, of each unit as the control centre lists them.
_OF_FLEET = np.array([NAMES.index(unit.name) for unit in UNITS])


def measure(rng: np.random.Generator, case: Case, state: State, security: Security) -> dict[str, list[float]]:
    """The columns of lists that a control centre reads, by name.

    A flow is metered at its branch's first end. Switch positions, units in service and set-points have no
    error; every other figure has that of its own meter, as a share of what it says.
    """

    def said(values: Floats, share: float) -> list[float]:
        return [float(each) for each in values * (1.0 + share * rng.standard_normal(values.size))]

    plants = len(PLANTS)
    v = security.base.v[0]
    at_ends = v[case.ends]
    power = at_ends[:, 0] * np.conj(np.einsum("mj,mj->m", case.admittance[:, 0], at_ends)) * state.inside
    buses = [plant.bus for plant in PLANTS]
    given = state.p_mw.copy()
    given[:plants] += BASE_MVA * (security.flows.share * security.base.missing[:, None])[0, buses]
    q = BASE_MVA * reactive(security.flows, security.base)[0, buses]
    found = {
        "branch_in_service": [float(each) for each in state.inside],
        "branch_metered_mw": said(BASE_MVA * power.real, P_ERROR),
        "branch_metered_mvar": said(BASE_MVA * power.imag, Q_ERROR),
        "unit_metered_mw": said(given[_OF_FLEET], P_ERROR),
        "plant_metered_mvar": said(q, Q_ERROR),
        "plant_units_in_service": [float(each) for each in state.running],
        "plant_v_set_pu": [float(each) for each in state.v_set_pu],
        "bus_v_metered_pu": said(np.abs(v), V_ERROR),
        "bus_metered_mw": said(state.load_mw, P_ERROR),
        "bus_metered_mvar": said(state.load_mvar, Q_ERROR),
    }
    return {name: found[name] for name in ELEMENTS}
