"""Fault levels from the short-circuit impedances of a circuit."""

from __future__ import annotations

from math import sqrt
from typing import Any

import msgspec

from substations.description import Substation
from substations.inventory import Inventory
from substations.places import in_yaml

# IEC 60909-0, table 1: voltage factor for the largest short-circuit current above 1 kV.
VOLTAGE_FACTOR = 1.1


class FaultLevel(msgspec.Struct, frozen=True, kw_only=True):
    """Short-circuit impedances of a bus in ohm and the currents that follow from them in kA."""

    z1_ohm: complex
    z0_ohm: complex
    i_three_phase_ka: float
    i_single_phase_ka: float


def fault_levels(context: Any, substation: Substation, inventory: Inventory) -> dict[str, FaultLevel]:
    """Short-circuit impedances and currents at every bus; takes the loads and capacitors out of the circuit.

    IEC 60909-0: I″k3 = c·Un / (√3·|Z1|) and I″k1 = √3·c·Un / |2·Z1 + Z0| with c = 1.1 and Z2 = Z1; loads and
    capacitor banks are neglected there too.
    """
    circuit = context.ActiveCircuit
    for name in (*inventory.of_class("load"), *inventory.of_class("capacitor")):
        circuit.Disable(name)
    context.Text.Command = "solve mode=faultstudy"
    levels = {}
    for described in substation.buses:
        circuit.SetActiveBus(described.id)
        z1, z0 = complex(*circuit.ActiveBus.Zsc1), complex(*circuit.ActiveBus.Zsc0)
        volts_kv = VOLTAGE_FACTOR * described.nominal_kv
        levels[described.id] = FaultLevel(
            z1_ohm=z1,
            z0_ohm=z0,
            i_three_phase_ka=volts_kv / (sqrt(3) * abs(z1)),
            i_single_phase_ka=sqrt(3) * volts_kv / abs(2 * z1 + z0),
        )
    return levels


def check_breakers(substation: Substation, levels: dict[str, FaultLevel]) -> None:
    """Check that the breakers at every bus can break its short-circuit currents.

    Raises:
        SubstationError: A fault level is above the rated breaking current.
    """
    for bus in substation.buses:
        if bus.breaker_ka is None:
            continue
        level = levels[bus.id]
        for kind, current_ka in (
            ("three-phase", level.i_three_phase_ka),
            ("single-phase", level.i_single_phase_ka),
        ):
            if current_ka > bus.breaker_ka:
                raise in_yaml(
                    substation,
                    f"buses[{bus.id}].breaker_ka",
                    f"the {kind} short-circuit current {current_ka:.1f} kA exceeds the breakers' "
                    f"{bus.breaker_ka:g} kA",
                    "rate the breakers higher, lower mvasc3/mvasc1 of the source, or open a bus coupler",
                )
