"""Checking a description against its circuit."""

from __future__ import annotations

from substations.base_case import BaseCase, check_base_case, solve_base_case
from substations.check_connections import ConnectionChecks
from substations.check_names import check_names
from substations.check_ratings import RatingChecks
from substations.description import Substation
from substations.engine import compiled
from substations.facts import BusFacts, CircuitFacts
from substations.inventory import Inventory
from substations.short_circuit import FaultLevel, check_breakers, fault_levels


def check(substation: Substation) -> CircuitFacts:
    """Compile the circuit with OpenDSS, cross-check it with the description, and return what was found.

    The engine is a context of its own; the process's working directory stays as it is.

    Raises:
        SubstationError: The circuit does not compile, names or ratings differ, a point's element is
            elsewhere, a fault level exceeds the breakers, or the base case is not a sound operating state.
    """
    with compiled(substation.circuit_file) as context:
        inventory = Inventory(context)
        check_names(substation, inventory)
        ConnectionChecks(substation, inventory).all()
        case = solve_base_case(context, substation, inventory)
        elements = inventory.read(substation.source)
        RatingChecks(substation).all(elements)
        check_base_case(context, substation, case, elements.lines)
        levels = fault_levels(context, substation, inventory)
        check_breakers(substation, levels)
    return CircuitFacts(
        digest=substation.digest,
        elements=elements,
        buses=tuple(_bus_facts(bus.id, bus.nominal_kv, case, levels[bus.id]) for bus in substation.buses),
        p_mw=case.p_mw,
        q_mvar=case.q_mvar,
        losses_kw=case.losses_kw,
        residual_p_pu=case.residual_p_pu,
        residual_q_pu=case.residual_q_pu,
        iterations=case.iterations,
    )


def _bus_facts(name: str, nominal_kv: float, case: BaseCase, level: FaultLevel) -> BusFacts:
    return BusFacts(
        id=name,
        nominal_kv=nominal_kv,
        v_pu=case.v_pu[name],
        r1_ohm=level.z1_ohm.real,
        x1_ohm=level.z1_ohm.imag,
        r0_ohm=level.z0_ohm.real,
        x0_ohm=level.z0_ohm.imag,
        i_three_phase_ka=level.i_three_phase_ka,
        i_single_phase_ka=level.i_single_phase_ka,
    )
