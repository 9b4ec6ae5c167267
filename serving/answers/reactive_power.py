"""`reactive_power`: what compensation a busbar wants, the power factor then, and the steps to switch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import numpy as np

from data_contracts.answers import Answer
from data_contracts.answers.decision import ReactivePower, Switching
from data_contracts.compensation import planned_steps, power_factor_after
from features.context.banks import name_of
from serving.answers.parameters import Decode, FloatArray, columns, convert_parameters


class Parameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The decoder's parameters: which inputs hold what.

    Attributes:
        rated_var: Rating of the bank, var.
        steps: Number of its steps.
        bank: Its name as a number.
        in_service: Part of it that is in service.
        p_fed: Active power that the bay feeds in, of its rating.
        q_fed: Reactive power.
        voltage: Voltage of the busbar, pu.
    """

    rated_var: str
    steps: str
    bank: str
    in_service: str
    p_fed: str
    q_fed: str
    voltage: str


def build(given: Mapping[str, Any], features: Sequence[str], version: str) -> Decode:
    """Decoder of raw outputs [rows, 1]: the size that is wanted over the bank's rating.

    Raises:
        SnapshotError: A parameter is wrong.
    """
    named = msgspec.structs.astuple(convert_parameters("reactive_power", given, Parameters))
    places = columns("reactive_power", named, features)

    def decode(raw: FloatArray, inputs: FloatArray) -> list[Answer]:
        rated_var, steps, banks, in_service, p_fed, q_fed, v_pu = inputs[:, places].T
        size = raw[:, 0]
        present = np.rint(in_service * steps).astype(np.int64)
        planned = planned_steps(size * steps, present, steps.astype(np.int64))
        factor = power_factor_after(size - in_service, p_fed, q_fed, v_pu)
        return [
            ReactivePower(
                status="ok",
                model_version=version,
                recommended_compensation=add_var,
                expected_power_factor=power_factor,
                capacitor_switching_plan=[]
                if now == target
                else [Switching(bank=name_of(bank), present=now, target=target)],
            )
            for add_var, power_factor, bank, now, target in zip(
                ((size - in_service) * rated_var).tolist(),
                factor.tolist(),
                banks.tolist(),
                present.tolist(),
                planned.tolist(),
                strict=True,
            )
        ]

    return decode
