"""`energy_loss`: what the station loses, in watts and percent, and the part of it that stands out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import msgspec
import numpy as np

from data_contracts.answers import Answer
from data_contracts.answers.energy import EnergyLoss
from serving.answers.parameters import Decode, FloatArray, columns, convert_parameters

Category = Literal["resistive", "reactive", "core"]


class Parameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The decoder's parameters.

    Attributes:
        categories: Names of the parts.
        offsets: What is added to the parts' design shares by nameplates.
        loss_w: Input with the loss by nameplates, W.
        loss_pct: Input with the same in percent of the served power.
        design: Inputs with the design shares of the first two parts by nameplates; the third is the rest.
    """

    categories: tuple[Category, Category, Category]
    offsets: tuple[float, float, float]
    loss_w: str
    loss_pct: str
    design: tuple[str, str]


def build(given: Mapping[str, Any], features: Sequence[str], version: str) -> Decode:
    """Decoder of raw outputs [rows, 3]: each part of the loss over the loss by nameplates.

    Raises:
        SnapshotError: A parameter is wrong.
    """
    parameters = convert_parameters("energy_loss", given, Parameters)
    loss_at, percent_at = columns("energy_loss", (parameters.loss_w, parameters.loss_pct), features).tolist()
    design_at = columns("energy_loss", parameters.design, features)
    offsets = np.array(parameters.offsets)

    def decode(raw: FloatArray, inputs: FloatArray) -> list[Answer]:
        ratios = np.maximum(raw, 0.0)
        total = ratios.sum(axis=1)
        share = total * inputs[:, percent_at] / 100.0
        design = inputs[:, design_at]
        design = np.concatenate([design, 1.0 - design.sum(axis=1, keepdims=True)], axis=1) + offsets
        code = (ratios / ratios.sum(axis=1, keepdims=True) - design).argmax(axis=1).tolist()
        watts = (total * inputs[:, loss_at]).tolist()
        percent = (100.0 * share / (1.0 + share)).tolist()
        return [
            EnergyLoss(
                status="ok",
                model_version=version,
                estimated_loss=pct,
                loss_in_watts=loss_w,
                loss_category=parameters.categories[k],
            )
            for pct, loss_w, k in zip(percent, watts, code, strict=True)
        ]

    return decode
