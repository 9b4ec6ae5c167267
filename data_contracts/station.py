"""What losses of a whole station depend on, as numbers; made from its description and circuit."""

from __future__ import annotations

import msgspec


class TapFacts(msgspec.Struct, frozen=True, kw_only=True):
    """A tap changer.

    Attributes:
        name: Its transformer.
        positions: Number of positions, counted from 1.
        min_pu: Turns ratio at position 1.
        step_pu: Change of the ratio by one position.
    """

    name: str
    positions: int
    min_pu: float
    step_pu: float


class BankFacts(msgspec.Struct, frozen=True, kw_only=True):
    """A switched capacitor bank: its name, number of equal steps, and power of all of them, var."""

    name: str
    steps: int
    q_var: float


class StationFacts(msgspec.Struct, frozen=True, kw_only=True):
    """Nameplates of a station, f feeders.

    Attributes:
        feeders: Names of the feeders.
        low: Which of them leave below 100 kV.
        always_w: No-load loss of the transformers and loss of the shunt reactors, W.
        per_va2: Loss by I²R at nominal voltage and reference temperature is p·M·p + q·M·q of the feeders'
            powers p in W and q in var; M in W/VA², [f][f].
        design_p_w: Active power of each feeder at the design load, W, [f].
        design_q_var: Its reactive power, var, [f].
        v_nom_v: Nominal phase-to-neutral voltage of the first infeed's busbar, V.
        taps: Tap changers.
        banks: Capacitor banks.
    """

    feeders: tuple[str, ...]
    low: tuple[bool, ...]
    always_w: float
    per_va2: tuple[tuple[float, ...], ...]
    design_p_w: tuple[float, ...]
    design_q_var: tuple[float, ...]
    v_nom_v: float
    taps: tuple[TapFacts, ...]
    banks: tuple[BankFacts, ...]
