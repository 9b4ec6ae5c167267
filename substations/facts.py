"""What the engine found in a circuit and in the solution of its base case.

These are the numbers that another engine needs to build the same network, read back from the compiled circuit
rather than from the text: lines by sequence and length, transformer impedances, loads, shunts and the source.
"""

from __future__ import annotations

import msgspec


class Found(msgspec.Struct, frozen=True):
    """Base of every fact: immutable."""


class LineFacts(Found, frozen=True, kw_only=True):
    """One line or coupler: sequence impedances per km, capacitances per km, rated current.

    `closed` is false for an element that the circuit disables in normal operation.
    """

    element: str
    bus1: str
    bus2: str
    length_km: float
    r1_ohm_per_km: float
    x1_ohm_per_km: float
    r0_ohm_per_km: float
    x0_ohm_per_km: float
    c1_nf_per_km: float
    c0_nf_per_km: float
    rated_a: float
    closed: bool


class WindingFacts(Found, frozen=True, kw_only=True):
    """One winding.

    Attributes:
        bus: Its bus.
        nominal_kv: Line-to-line voltage at the turns ratio 1.
        rated_kva: Rated power.
        connection: `wye` (earthed) or `delta`.
        r_pct: Resistance in percent on the first winding's rating.
        ratio_pu: Turns ratio that is set.
        min_pu: Lowest turns ratio of the tap changer.
        max_pu: Highest turns ratio of the tap changer.
        positions: Number of positions.
    """

    bus: str
    nominal_kv: float
    rated_kva: float
    connection: str
    r_pct: float
    ratio_pu: float
    min_pu: float
    max_pu: float
    positions: int


class TransformerFacts(Found, frozen=True, kw_only=True):
    """One transformer; reactances between pairs of windings in percent on the first winding's rating.

    `x_ht_pct` and `x_lt_pct` are null with two windings. `lv_lead_deg` is the angle by which winding 2 leads
    winding 1 without load. `no_load_loss_pct` and `magnetising_pct` are zero: there is no magnetising branch.
    """

    element: str
    windings: tuple[WindingFacts, ...]
    x_hl_pct: float
    x_ht_pct: float | None
    x_lt_pct: float | None
    lv_lead_deg: float
    no_load_loss_pct: float
    magnetising_pct: float


class LoadFacts(Found, frozen=True, kw_only=True):
    """One load as the circuit holds it; `nominal_kv` is the voltage across it, `nodes` its phases."""

    element: str
    bus: str
    nodes: tuple[int, ...]
    nominal_kv: float
    p_kw: float
    q_kvar: float
    model: int
    vmin_pu: float
    vmax_pu: float


class CapacitorFacts(Found, frozen=True, kw_only=True):
    """One single-phase capacitor unit.

    `q_kvar` is its reactive power at nominal voltage with all steps in; `states` tells which steps are in.
    """

    element: str
    bus: str
    nodes: tuple[int, ...]
    nominal_kv: float
    q_kvar: float
    states: tuple[int, ...]


class ReactorFacts(Found, frozen=True, kw_only=True):
    """One three-phase shunt reactor or earthing transformer.

    `q_kvar` is the reactive power that it draws at nominal voltage; `z1_ohm` and `z0_ohm` are the magnitudes
    of its sequence impedances to earth.
    """

    element: str
    bus: str
    nominal_kv: float
    q_kvar: float
    z1_ohm: float
    z0_ohm: float


class SourceFacts(Found, frozen=True, kw_only=True):
    """The voltage source and the impedances behind it."""

    element: str
    bus: str
    nominal_kv: float
    v_pu: float
    r1_ohm: float
    x1_ohm: float
    r0_ohm: float
    x0_ohm: float


class Elements(Found, frozen=True, kw_only=True):
    """Every element of a circuit, by class and in the circuit's order."""

    source: SourceFacts
    lines: tuple[LineFacts, ...]
    transformers: tuple[TransformerFacts, ...]
    loads: tuple[LoadFacts, ...]
    capacitors: tuple[CapacitorFacts, ...]
    reactors: tuple[ReactorFacts, ...]


class BusFacts(Found, frozen=True, kw_only=True):
    """One bus: base-case voltage magnitudes, and fault levels with the loads and capacitors taken out.

    Attributes:
        id: Name.
        nominal_kv: Line-to-line voltage base in the engine.
        v_pu: Phase-to-earth voltages a, b, c in the base case.
        r1_ohm: Resistance of the positive-sequence short-circuit impedance.
        x1_ohm: Its reactance.
        r0_ohm: Resistance of the zero-sequence short-circuit impedance.
        x0_ohm: Its reactance.
        i_three_phase_ka: Three-phase short-circuit current with IEC 60909's voltage factor.
        i_single_phase_ka: Single-phase-to-earth short-circuit current with the same factor.
    """

    id: str
    nominal_kv: float
    v_pu: tuple[float, float, float]
    r1_ohm: float
    x1_ohm: float
    r0_ohm: float
    x0_ohm: float
    i_three_phase_ka: float
    i_single_phase_ka: float


class CircuitFacts(Found, frozen=True, kw_only=True):
    """A circuit that passed every check, in its base case.

    Attributes:
        digest: Digest of the description and circuit that were checked.
        elements: What the circuit is made of.
        buses: Base-case voltages and fault levels.
        p_mw: Active power that the source delivers.
        q_mvar: Reactive power that the source delivers.
        losses_kw: Active losses of lines and transformers.
        residual_p_pu: Largest power imbalance of a phase node, active, on 100 MVA.
        residual_q_pu: The same, reactive.
        iterations: Iterations to the solution.
    """

    digest: str
    elements: Elements
    buses: tuple[BusFacts, ...]
    p_mw: float
    q_mvar: float
    losses_kw: float
    residual_p_pu: float
    residual_q_pu: float
    iterations: int
