"""`optimal_dispatch`: what each station and park should produce, its cost, and what that saves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from data_contracts.answers import Answer
from data_contracts.answers.decision import OptimalDispatch
from data_contracts.transmission import DIGEST, LINE_NAMES, UNITS
from features.context import dispatch
from serving.answers.parameters import Decode, FloatArray, columns, convert_parameters
from serving.errors import SnapshotError


class Parameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The decoder's parameters.

    Attributes:
        grid: Digest of the grid that the model was trained for.
        lines: Lines whose surplus the graph answers, in its order.
        margin_pct: What is kept free of each of them besides, %.
        sent: Inputs with what is offered and drawn.
        system: Input with the load of the whole grid, MW.
    """

    grid: str
    lines: tuple[str, ...]
    margin_pct: tuple[float, ...]
    sent: tuple[str, ...]
    system: str


def build(given: Mapping[str, Any], features: Sequence[str], version: str) -> Decode:
    """Decoder of raw outputs [rows, 1 + lines]: losses in MW, and currents above lossless flows in %.

    Raises:
        SnapshotError: A parameter is wrong, or the model is of another grid.
    """
    parameters = convert_parameters("optimal_dispatch", given, Parameters)
    if parameters.grid != DIGEST:
        raise SnapshotError("optimal_dispatch: trained for another grid", "train it again")
    if not set(parameters.lines) <= set(LINE_NAMES) or len(parameters.lines) != len(parameters.margin_pct):
        raise SnapshotError("optimal_dispatch: lines and margins do not fit the grid", "publish it again")
    sent_at = columns("optimal_dispatch", parameters.sent, features)
    system_at = columns("optimal_dispatch", (parameters.system,), features)[0]
    lines = [LINE_NAMES.index(name) for name in parameters.lines]

    def decode(raw: FloatArray, inputs: FloatArray) -> list[Answer]:
        bounds = dispatch.limits_mw(raw[:, 1:], lines, parameters.margin_pct)
        p_mw, cost, savings = dispatch.recommend(inputs[:, sent_at], inputs[:, system_at], raw[:, 0], bounds)
        return [
            OptimalDispatch(
                status="ok",
                model_version=version,
                dispatch_recommendation={unit.name: mw for unit, mw in zip(UNITS, outputs, strict=True)},
                expected_cost=per_h,
                cost_savings=pct,
            )
            for outputs, per_h, pct in zip(p_mw.tolist(), cost.tolist(), savings.tolist(), strict=True)
        ]

    return decode
