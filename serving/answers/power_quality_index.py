"""`power_quality_index`: the index of ten minutes, its grade, and what would raise it first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import msgspec
import numpy as np

from data_contracts.answers import Answer
from data_contracts.answers.maintenance import PowerQualityIndex
from data_contracts.quality_index import grade_codes
from serving.answers.parameters import Decode, FloatArray, convert_parameters

Grade = Literal["excellent", "good", "fair", "poor"]


class Parameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The decoder's parameters.

    Attributes:
        scale: Points of the index for one unit of the unified index.
        grades: Names of the grades, best first.
        recommendations: What to do about each indicator, in the order of `quality_index.INDICATORS`.
    """

    scale: float
    grades: tuple[Grade, Grade, Grade, Grade]
    recommendations: tuple[str, str, str, str, str, str]


def build(given: Mapping[str, Any], features: Sequence[str], version: str) -> Decode:
    """Decoder of raw outputs [rows, 7]: the unified index, then each indicator as a multiple of its limit.

    Raises:
        SnapshotError: A parameter is wrong.
    """
    del features
    parameters = convert_parameters("power_quality_index", given, Parameters)
    texts = parameters.recommendations

    def decode(raw: FloatArray, inputs: FloatArray) -> list[Answer]:
        del inputs
        index = np.clip(100.0 - parameters.scale * raw[:, 0], 0.0, 100.0)
        order = np.argsort(-raw[:, 1:], axis=1, kind="stable").tolist()
        above = (raw[:, 1:] > 1.0).tolist()
        return [
            PowerQualityIndex(
                status="ok",
                model_version=version,
                power_quality_index=points,
                quality_grade=parameters.grades[code],
                improvement_recommendations=[texts[k] for k in places if over[k]] or [texts[places[0]]],
            )
            for points, code, places, over in zip(
                index.tolist(), grade_codes(index).tolist(), order, above, strict=True
            )
        ]

    return decode
