"""What losses of a whole station depend on, as numbers; made from its description and circuit."""

from __future__ import annotations

import msgspec

from data_contracts.circuit import CircuitFacts
from data_contracts.movable import MovableFacts


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
    """A switched capacitor bank.

    Attributes:
        name: Its name.
        steps: Number of equal steps.
        q_var: Power of all of them at nominal voltage, var.
        points: Measurement points of its busbar and of the bay that feeds it.
        transformer: The transformer of that bay; empty where there is none.
        x_pu: Short-circuit reactance of the transformers between its section and the infeeds, on its rating.
        feeders: Feeders of the section that it stands in.
        by_feeder: Derivative of `per_va2` losses: resistance over U² that its power shares with each
            feeder's, W/VA², [f].
        by_bank: The same with each bank's, itself among them, [banks].
    """

    name: str
    steps: int
    q_var: float
    points: tuple[str, ...] = ()
    transformer: str = ""
    x_pu: float = 0.0
    feeders: tuple[str, ...] = ()
    by_feeder: tuple[float, ...] = ()
    by_bank: tuple[float, ...] = ()


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
        circuit: What a load flow needs.
        movable: What can be moved between transformers and phase pairs; None where nothing can.
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
    circuit: CircuitFacts
    movable: MovableFacts | None = None
