"""The station's circuit by its number, the power of each of its feeders, and where its regulators stand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from msgspec import UNSET
from numpy.typing import NDArray

from data_contracts.circuit import CircuitFacts
from data_contracts.station import StationFacts
from data_contracts.wire import Context, Item
from features.declaration import DEFINITION, Feature
from features.windows import Windows

Float = NDArray[np.float64]

GROUP = "circuit"
FEEDERS, LINKS, BANKS = 16, 6, 6
"""Most feeders, groups of transformers and capacitor banks of a station; one with more is not described."""

CODE = "circuit_code"
P = tuple(f"feeder_{k + 1}_p_w" for k in range(FEEDERS))
Q = tuple(f"feeder_{k + 1}_q_var" for k in range(FEEDERS))
TAP = tuple(f"tap_group_{k + 1}" for k in range(LINKS))
STEPS = tuple(f"bank_{k + 1}_steps" for k in range(BANKS))

_FEEDERS = ("context.station.feeders",)
_ALL = "NaN unless every feeder was sent; NaN where the station has fewer feeders"

FEATURES = (
    Feature(
        CODE, GROUP, "1", "first 48 bits of the SHA-256 of the station's description and circuit", DEFINITION,
        (), f"NaN where the circuit cannot be read, or has more than {FEEDERS} feeders, {LINKS} groups of "
        f"transformers or {BANKS} banks",
    ),
    *(
        Feature(
            name, GROUP, "W", f"active power of feeder {k + 1} of the description", DEFINITION, _FEEDERS, _ALL
        )
        for k, name in enumerate(P)
    ),
    *(
        Feature(
            name, GROUP, "var", f"reactive power of feeder {k + 1} of the description", DEFINITION, _FEEDERS,
            _ALL,
        )
        for k, name in enumerate(Q)
    ),
    *(
        Feature(
            name, GROUP, "1", f"mean tap position in group {k + 1} of parallel transformers, from the grid",
            DEFINITION, ("context.tap",), "NaN unless each of them has a position that it knows",
        )
        for k, name in enumerate(TAP)
    ),
    *(
        Feature(
            name, GROUP, "1", f"steps in service of capacitor bank {k + 1} of the description", DEFINITION,
            ("context.capacitor_steps",), "NaN unless it has a number of steps that it knows",
        )
        for k, name in enumerate(STEPS)
    ),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Standing:
    """What n states of one station hold; a value that is not known is NaN.

    Attributes:
        p_w: Active power of each feeder, W, [n, f].
        q_var: Reactive power of each, var, [n, f].
        tap: Mean position of each group of transformers, [n, links].
        steps: Steps in service of each bank, [n, banks].
    """

    p_w: Float
    q_var: Float
    tap: Float
    steps: Float


def compute(standing: Standing, circuit: CircuitFacts) -> Float:
    """Features of n states of one station, float64 [n, features]."""
    n = standing.p_w.shape[0]
    out = np.full((n, len(FEATURES)), np.nan)
    slots = ((len(circuit.lines), FEEDERS), (len(circuit.links), LINKS), (len(circuit.banks), BANKS))
    if any(count > most for count, most in slots):
        return out
    out[:, 0] = circuit.code
    start = 1
    for values, width in (
        (standing.p_w, FEEDERS),
        (standing.q_var, FEEDERS),
        (standing.tap, LINKS),
        (standing.steps, BANKS),
    ):
        out[:, start : start + values.shape[1]] = values
        start += width
    return out


def tap_of(circuit: CircuitFacts, positions: Mapping[str, int]) -> list[float]:
    """Mean position of each group of transformers; NaN where one is not known, 0 without tap changer."""
    found = []
    for link in circuit.links:
        own = [positions.get(unit, 0) for unit in link.units]
        known = all(1 <= position <= len(link.ratios) for position in own)
        mean = sum(own) / len(own) if known else float("nan")
        found.append(mean if link.ratios else 0.0)
    return found


def steps_of(circuit: CircuitFacts, steps: Mapping[str, int]) -> list[float]:
    """Steps in service of each bank; NaN where they are not known."""
    own = [(bank, steps.get(bank.name, -1)) for bank in circuit.banks]
    return [float(number) if 0 <= number <= bank.steps else float("nan") for bank, number in own]


def read(items: Sequence[Item], windows: Windows) -> Float:
    """Features of the stations of n items, float64 [n, features]."""
    out = np.full((len(items), len(FEATURES)), np.nan)
    rows_of: dict[int, list[int]] = {}
    for row, station in enumerate(windows.stations[: len(items)]):
        if station is not None and items[row].context is not UNSET:
            rows_of.setdefault(id(station), []).append(row)
    for rows in rows_of.values():
        station = windows.stations[rows[0]]
        if station is not None:
            contexts = [items[row].context for row in rows]
            known = [context for context in contexts if context is not UNSET]
            out[rows] = compute(_standing(known, station), station.circuit)
    return out


def _standing(contexts: Sequence[Context], station: StationFacts) -> Standing:
    """What contexts of one station say."""
    circuit = station.circuit
    found: tuple[list[list[float]], ...] = ([], [], [], [])
    nothing = [float("nan")] * len(station.feeders)
    for context in contexts:
        sent = UNSET if context.station is UNSET else context.station.feeders
        if sent is not UNSET and sent.keys() == set(station.feeders):
            found[0].append([sent[name].p_w for name in station.feeders])
            found[1].append([sent[name].q_var for name in station.feeders])
        else:
            found[0].append(nothing)
            found[1].append(nothing)
        found[2].append(tap_of(circuit, {} if context.tap is UNSET else context.tap))
        found[3].append(
            steps_of(circuit, {} if context.capacitor_steps is UNSET else context.capacitor_steps)
        )
    rows = len(contexts)
    shaped = [np.array(values, dtype=np.float64).reshape(rows, -1) for values in found]
    return Standing(*shaped)
