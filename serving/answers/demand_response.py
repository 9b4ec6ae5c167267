"""`demand_response`: what kind of consumer this is, and how much of its evening load it could move."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import msgspec
import numpy as np

from data_contracts.answers import Answer
from data_contracts.answers.energy import DemandResponse
from serving.answers.parameters import Decode, FloatArray, columns, convert_parameters

Cluster = Literal["base_load", "peak_shaver", "flexible", "critical"]


class Parameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The decoder's parameters.

    Attributes:
        clusters: Name of each centroid.
        recommendations: What to ask of each cluster.
        load: Input that holds the mean load of the peak hours, W.
    """

    clusters: tuple[Cluster, Cluster, Cluster, Cluster]
    recommendations: tuple[str, str, str, str]
    load: str


def build(given: Mapping[str, Any], features: Sequence[str], version: str) -> Decode:
    """Decoder of raw outputs [rows, 5]: squared distances to the centroids, share of the load that moves.

    Raises:
        SnapshotError: A parameter is wrong.
    """
    parameters = convert_parameters("demand_response", given, Parameters)
    (load,) = columns("demand_response", [parameters.load], features)

    def decode(raw: FloatArray, inputs: FloatArray) -> list[Answer]:
        cluster = raw[:, :-1].argmin(axis=1).tolist()
        power = (np.clip(raw[:, -1], 0.0, 1.0) * np.maximum(inputs[:, load], 0.0) / 1e3).tolist()
        return [
            DemandResponse(
                status="ok",
                model_version=version,
                demand_cluster=parameters.clusters[code],
                dr_potential=kw,
                response_recommendation=parameters.recommendations[code],
            )
            for code, kw in zip(cluster, power, strict=True)
        ]

    return decode
