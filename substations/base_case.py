"""The solution of a circuit as its file states it."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np

from substations.description import Substation
from substations.facts import LineFacts
from substations.inventory import Inventory
from substations.places import in_circuit, in_yaml

# Largest power imbalance of a node that counts as solved, in pu on 100 MVA.
RESIDUAL_PU = 1e-6
BASE_MVA = 100.0
# The engine stops iterating here; at its default of 1e-4 a result depends on the one before it.
TOLERANCE = 1e-9


class BaseCase(msgspec.Struct, frozen=True, kw_only=True):
    """Voltages in pu [bus → (a, b, c)], source power, losses and residuals."""

    v_pu: dict[str, tuple[float, float, float]]
    p_mw: float
    q_mvar: float
    losses_kw: float
    residual_p_pu: float
    residual_q_pu: float
    iterations: int


def solve_base_case(context: Any, substation: Substation, inventory: Inventory) -> BaseCase:
    """Solve the circuit and check that the solution is one.

    Raises:
        SubstationError: Control is on, the tolerance is loose, the frequency is another, a voltage base is
            wrong, the solution does not converge, or power does not balance at a node.
    """
    solution = context.ActiveCircuit.Solution
    _check_settings(solution, substation)
    solution.Solve()
    if not solution.Converged:
        raise in_circuit(
            substation,
            "",
            f"the base case does not converge in {solution.Iterations} iterations",
            "look for a load too large for its line or a missing connection",
        )
    voltages = _voltages(context, substation)
    p_pu, q_pu = _residuals(context, inventory)
    if max(p_pu, q_pu) > RESIDUAL_PU:
        raise in_circuit(
            substation,
            "",
            f"power does not balance: {p_pu:.1e} + j{q_pu:.1e}, limit {RESIDUAL_PU:g} pu on {BASE_MVA:g} MVA",
            f"set tolerance={TOLERANCE:g}; very short lines with impedances near zero also do this",
        )
    power = context.ActiveCircuit.TotalPower
    return BaseCase(
        v_pu=voltages,
        p_mw=-float(power[0]) / 1000,
        q_mvar=-float(power[1]) / 1000,
        losses_kw=float(context.ActiveCircuit.Losses[0]) / 1000,
        residual_p_pu=p_pu,
        residual_q_pu=q_pu,
        iterations=int(solution.Iterations),
    )


def check_base_case(
    context: Any, substation: Substation, case: BaseCase, lines: tuple[LineFacts, ...]
) -> None:
    """Check that voltages lie in the permitted bands and that nothing is overloaded.

    Raises:
        SubstationError: A voltage is outside of its level's band, or a line or transformer above its rating.
    """
    for name, magnitudes in case.v_pu.items():
        limit = substation.limit(substation.bus(name).nominal_kv)
        if min(magnitudes) < limit.v_min_pu or max(magnitudes) > limit.v_max_pu:
            shown = ", ".join(f"{magnitude:.4f}" for magnitude in magnitudes)
            raise in_yaml(
                substation,
                f"buses[{name}]",
                f"base case at {shown} pu, permitted {limit.v_min_pu:.4g}…{limit.v_max_pu:.4g} pu",
                "change taps, capacitor states, the source voltage or the feeder's load",
            )
    circuit = context.ActiveCircuit
    for line in lines:
        if line.closed:
            circuit.SetActiveElement(line.element)
            current_a = float(np.max(circuit.ActiveCktElement.CurrentsMagAng[0::2]))
            if current_a > line.rated_a:
                raise in_circuit(
                    substation,
                    line.element,
                    f"{current_a:.0f} A in the base case, rated {line.rated_a:.0f} A",
                    "choose a stronger conductor or a smaller load",
                )
    for transformer in substation.transformers:
        circuit.SetActiveElement(transformer.element)
        element = circuit.ActiveCktElement
        powers = np.asarray(element.Powers).reshape(element.NumTerminals, -1, 2).sum(axis=1)
        for number, (winding, power) in enumerate(zip(transformer.windings, powers, strict=True)):
            mva = float(np.hypot(*power)) / 1000
            if mva > winding.rated_mva:
                raise in_yaml(
                    substation,
                    f"transformers[{transformer.id}].windings[{number}].rated_mva",
                    f"{mva:.1f} MVA in the base case, rated {winding.rated_mva:g} MVA",
                    "choose a stronger transformer or smaller loads",
                )


def _check_settings(solution: Any, substation: Substation) -> None:
    if solution.ControlMode != -1:
        raise in_circuit(
            substation, "controlmode", "the engine's controls are on", "add: set controlmode=off"
        )
    if solution.Tolerance > TOLERANCE:
        raise in_circuit(
            substation,
            "tolerance",
            f"the solver's tolerance is {solution.Tolerance:g}, needed {TOLERANCE:g}",
            f"add: set tolerance={TOLERANCE:g}",
        )
    if solution.Frequency != substation.frequency_hz:
        raise in_yaml(
            substation,
            "frequency_hz",
            f"{substation.frequency_hz} Hz, but the circuit has {solution.Frequency:g} Hz",
            f"put `set defaultbasefrequency={substation.frequency_hz}` before `new circuit`",
        )


def _voltages(context: Any, substation: Substation) -> dict[str, tuple[float, float, float]]:
    voltages = {}
    circuit = context.ActiveCircuit
    for described in substation.buses:
        circuit.SetActiveBus(described.id)
        bus = circuit.ActiveBus
        if sorted(bus.Nodes) != [1, 2, 3]:
            raise in_circuit(
                substation,
                described.id,
                f"the bus has nodes {sorted(bus.Nodes)}",
                "every bus has the three phases 1, 2 and 3",
            )
        base_kv = float(bus.kVBase) * 3**0.5
        if abs(base_kv / described.nominal_kv - 1) > 1e-3:
            raise in_yaml(
                substation,
                f"buses[{described.id}].nominal_kv",
                f"{described.nominal_kv:g} kV, but the circuit's voltage base there is {base_kv:.4g} kV",
                "correct it, or list the level in `set voltagebases` before `calcvoltagebases`",
            )
        a, b, c = (float(value) for value in bus.puVmagAngle[0:6:2])
        voltages[described.id] = (a, b, c)
    return voltages


def _residuals(context: Any, inventory: Inventory) -> tuple[float, float]:
    """Largest active and reactive power imbalance of any node, in pu on 100 MVA (Kirchhoff's current law)."""
    circuit = context.ActiveCircuit
    index = {name.lower(): position for position, name in enumerate(circuit.AllNodeNames)}
    volts = np.asarray(circuit.AllBusVolts).view(complex)
    current = np.zeros(len(index), dtype=complex)
    for name in inventory.elements:
        if name not in inventory.enabled:
            continue
        circuit.SetActiveElement(name)
        element = circuit.ActiveCktElement
        buses = np.repeat(inventory.terminals[name], element.NumConductors)
        for bus, node, amperes in zip(
            buses, element.NodeOrder, np.asarray(element.Currents).view(complex), strict=True
        ):
            if node != 0:
                current[index[f"{bus}.{node}"]] += amperes
    power_pu = volts * current.conj() / (BASE_MVA * 1e6)
    return float(np.max(np.abs(power_pu.real))), float(np.max(np.abs(power_pu.imag)))
