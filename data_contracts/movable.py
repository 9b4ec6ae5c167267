"""What a station can move from one transformer or phase pair to another; made from its description."""

from __future__ import annotations

import msgspec


class UnitFacts(msgspec.Struct, frozen=True, kw_only=True):
    """A transformer.

    Attributes:
        name: Its name.
        group: Number of its group; transformers between the same two voltages are of one group.
        rated_va: Rated power in the strongest cooling stage.
        v_nom_v: Nominal phase-to-neutral voltage of its second winding, V.
        per_va2: Load loss at rated power over the square of that power, 1/VA.
        r_pu: Resistance between its first two windings, on the rated power.
        x_pu: Their short-circuit reactance, likewise.
    """

    name: str
    group: int
    rated_va: float
    v_nom_v: float
    per_va2: float
    r_pu: float
    x_pu: float


class FeederFacts(msgspec.Struct, frozen=True, kw_only=True):
    """A feeder that can hang on either of two busbars, u transformers; the same one twice where it cannot.

    Attributes:
        name: Its name.
        buses: Both busbars, that of the description first.
        unit: Place of the transformer that feeds each of them.
        carried: Share of the feeder's power that each transformer carries from either busbar, [2][u].
        clock: Sum of the clock numbers of the transformers from there up to its second winding, [2][u].
        earthed: Whether zero-sequence currents pass all of them, [2][u].
        r_ohm: Positive-sequence resistance of its line.
        x_ohm: Its reactance.
        r_earth_ohm: What all three phases have in common: a third of the difference between zero- and
            positive-sequence resistance.
        x_earth_ohm: The same of the reactance.
        v_min_pu: Lowest voltage that is permitted at its far end.
    """

    name: str
    buses: tuple[str, str]
    unit: tuple[int, int]
    carried: tuple[tuple[float, ...], tuple[float, ...]]
    clock: tuple[tuple[int, ...], tuple[int, ...]]
    earthed: tuple[tuple[bool, ...], tuple[bool, ...]]
    r_ohm: float
    x_ohm: float
    r_earth_ohm: float
    x_earth_ohm: float
    v_min_pu: float


class SupplyFacts(msgspec.Struct, frozen=True, kw_only=True):
    """A traction supply between two phases.

    Attributes:
        name: Its name.
        feeder: Place of the feeder that it hangs on; those that stay are counted behind those that can move.
    """

    name: str
    feeder: int


class MovableFacts(msgspec.Struct, frozen=True, kw_only=True):
    """Transformers of a station, and the feeders and traction supplies that move load between them.

    Attributes:
        units: Transformers.
        feeders: Feeders with another busbar to go to.
        others: Feeders that stay where they are.
        supplies: Traction supplies.
    """

    units: tuple[UnitFacts, ...]
    feeders: tuple[FeederFacts, ...]
    others: tuple[FeederFacts, ...]
    supplies: tuple[SupplyFacts, ...]
