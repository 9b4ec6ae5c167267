"""`load_balancing`: feeders and traction supplies to move, the balance now, and what the moves take away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import numpy as np

from data_contracts.answers import Answer
from data_contracts.answers.decision import LoadBalancing, Transfer
from features.rearrangement.arrangements import moves_of
from serving.answers.parameters import Decode, FloatArray, columns, convert_parameters

MODEL = "load_balancing"


class Station(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one station can move.

    Attributes:
        code: Number of its description and circuit.
        feeders: Names of the feeders.
        buses: Both busbars of each.
        supplies: Names of the traction supplies.
    """

    code: int
    feeders: tuple[str, ...]
    buses: tuple[tuple[str, str], ...]
    supplies: tuple[str, ...]


class Parameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The decoder's parameters.

    Attributes:
        stations: The stations that it knows.
        pairs: Phase pairs.
        factor: True reduction over the expected one.
        imbalances: Inputs with the imbalance of each alternative, %; the first is the present one.
        codes: Inputs with what each of them moves.
        station: Input with the number of the station.
    """

    stations: tuple[Station, ...]
    pairs: tuple[str, str, str]
    factor: float
    imbalances: tuple[str, ...]
    codes: tuple[str, ...]
    station: str


def build(given: Mapping[str, Any], features: Sequence[str], version: str) -> Decode:
    """Decoder of raw outputs [rows, alternatives]: how close each alternative is to the best.

    Raises:
        SnapshotError: A parameter is wrong.
    """
    parameters = convert_parameters(MODEL, given, Parameters)
    known = {station.code: station for station in parameters.stations}
    (station_at,) = columns(MODEL, [parameters.station], features)
    imbalance_at = columns(MODEL, parameters.imbalances, features)
    code_at = columns(MODEL, parameters.codes, features)

    def transfers(station: Station, code: float) -> list[Transfer]:
        found = []
        for move in moves_of(code):
            where: tuple[str, ...] = parameters.pairs if move.supply else station.buses[move.place]
            name = (station.supplies if move.supply else station.feeders)[move.place]
            found.append(Transfer(feeder=name, origin=where[move.origin], target=where[move.target]))
        return found

    def decode(raw: FloatArray, inputs: FloatArray) -> list[Answer]:
        chosen, row = raw.argmax(axis=1), np.arange(len(raw))
        imbalance = inputs[:, imbalance_at]
        now = np.maximum(imbalance[:, 0], np.finfo(np.float64).tiny)
        reduction = (parameters.factor * 100.0 * (1.0 - imbalance[row, chosen] / now)).tolist()
        score = np.maximum(100.0 - imbalance[:, 0], 0.0).tolist()
        codes = inputs[:, code_at][row, chosen].tolist()
        answers: list[Answer] = []
        for k, number in enumerate(inputs[:, station_at].tolist()):
            station = known.get(int(number))
            if station is None:
                answers.append(
                    LoadBalancing(
                        status="abstained",
                        reason="not_applicable",
                        detail="this version was compiled without the station as it is described now",
                        model_version=version,
                    )
                )
                continue
            answers.append(
                LoadBalancing(
                    status="ok",
                    model_version=version,
                    balancing_recommendation=transfers(station, codes[k]),
                    balance_score=score[k],
                    expected_imbalance_reduction=reduction[k],
                )
            )
        return answers

    return decode
