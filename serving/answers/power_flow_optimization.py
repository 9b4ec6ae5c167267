"""`power_flow_optimization`: taps and capacitor steps that lose least, and what they save."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import numpy as np

from data_contracts.answers import Answer
from data_contracts.answers.energy import Controls, PowerFlowOptimization
from data_contracts.circuit import CircuitFacts
from serving.answers.parameters import Decode, FloatArray, columns, convert_parameters
from substations.settings import Caution, Choice, advise
from substations.sweep import Served

MODEL = "power_flow_optimization"
HOURS_A_DAY, W_PER_MW = 24.0, 1e6


class Parameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The decoder's parameters.

    Attributes:
        circuits: The stations that it knows.
        slope: Factor on the gain of the load flow.
        caution: Distance to the limits.
        reach: Tap positions to either side of the present one that are looked at.
        code: Input with the number of the circuit.
        infeed: Input with the infeed's voltage, pu.
        p_w: Inputs with the feeders' active power, W.
        q_var: Inputs with their reactive power, var.
        tap: Inputs with the positions of the groups of transformers.
        steps: Inputs with the steps of the banks.
    """

    circuits: tuple[CircuitFacts, ...]
    slope: float
    caution: Caution
    reach: int
    code: str
    infeed: str
    p_w: tuple[str, ...]
    q_var: tuple[str, ...]
    tap: tuple[str, ...]
    steps: tuple[str, ...]


def build(given: Mapping[str, Any], features: Sequence[str], version: str) -> Decode:
    """Decoder of raw outputs [rows, 1]: loss in resistances over that of the load flow.

    Raises:
        SnapshotError: A parameter is wrong.
    """
    parameters = convert_parameters(MODEL, given, Parameters)
    code_at, infeed_at = columns(MODEL, (parameters.code, parameters.infeed), features).tolist()
    p_at, q_at, tap_at, steps_at = (
        columns(MODEL, names, features)
        for names in (parameters.p_w, parameters.q_var, parameters.tap, parameters.steps)
    )

    def decode(raw: FloatArray, inputs: FloatArray) -> list[Answer]:
        unknown = PowerFlowOptimization(
            status="abstained",
            reason="not_applicable",
            detail="this version was compiled without the station's circuit as it is described now",
            model_version=version,
        )
        answers: list[Answer] = [unknown] * len(raw)
        for circuit in parameters.circuits:
            rows = np.flatnonzero(inputs[:, code_at] == circuit.code)
            if not rows.size:
                continue
            own = inputs[rows]
            feeders, links, banks = len(circuit.lines), len(circuit.links), len(circuit.banks)
            served = Served(own[:, p_at[:feeders]], own[:, q_at[:feeders]], own[:, infeed_at])
            standing = (own[:, tap_at[:links]], own[:, steps_at[:banks]], parameters.reach)
            choice = advise(circuit, served, standing, raw[rows, 0], parameters.caution)
            for at, answer in zip(rows.tolist(), _answers(circuit, choice), strict=True):
                answers[at] = answer
        return answers

    def _answers(circuit: CircuitFacts, choice: Choice) -> list[Answer]:
        saved_w = parameters.slope * choice.saved_w
        gain = (100.0 * saved_w / choice.present_w).tolist()
        money = (saved_w / W_PER_MW * HOURS_A_DAY * circuit.price_per_mwh).tolist()
        return [
            PowerFlowOptimization(
                status="ok",
                model_version=version,
                optimal_configuration=_controls(circuit, values),
                efficiency_gain=pct,
                cost_savings=per_day,
            )
            for values, pct, per_day in zip(choice.values.tolist(), gain, money, strict=True)
        ]

    return decode


def _controls(circuit: CircuitFacts, values: list[int]) -> Controls:
    """Settings by name."""
    links = len(circuit.links)
    return Controls(
        taps={
            unit: position
            for link, position in zip(circuit.links, values[:links], strict=True)
            if link.ratios
            for unit in link.units
        },
        capacitor_steps={
            bank.name: number for bank, number in zip(circuit.banks, values[links:], strict=True)
        },
    )
