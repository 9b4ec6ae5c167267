"""Rules of `losses`."""

from __future__ import annotations

import numpy as np

from data_contracts.block import Block, Floats
from data_contracts.contract import Mask, Rule

BALANCE_W = 100.0
"""Room of the balance: 1e-6 pu on 100 MVA, as for the residual of each node."""

ROOM = 1e-6
"""Room for sums, as a share of the whole."""

SOLVED = (
    "taps",
    "capacitor_steps",
    "v_infeed_pu",
    "v_metered_pu",
    "loading_max_pct",
    "winding_max_c",
    "p_supplied_w",
    "q_supplied_var",
    "total_w",
    "resistive_w",
    "reactive_w",
    "core_w",
    "transformers_w",
    "lines_w",
    "shunts_w",
    "harmonic_w",
    "residual_p_pu",
    "residual_q_pu",
)
"""Columns that only a solved state has."""


def solved_or_null(columns: tuple[str, ...]) -> Rule:
    """Columns that are null exactly where status is not `ok`."""

    def disagrees(block: Block) -> Mask:
        unsolved = block.where("status", lambda status: status != "ok")
        found = block.none()
        for name in columns:
            found |= block.missing(name) != unsolved
        return found

    return Rule(
        "solved_or_null",
        "what comes from a solution is null where status is not ok, and only there",
        "write null for what was not solved and state its reason",
        ("status", *columns),
        disagrees,
    )


SOLVED_OR_NULL = solved_or_null(SOLVED)


def _reason(block: Block) -> Mask:
    unsolved = block.where("status", lambda status: status != "ok")
    said = block.where("reason", lambda text: text.strip() != "")
    mask: Mask = unsolved != said
    return mask


REASON_AGREES = Rule(
    "reason_agrees",
    "a state without a solution says why, and no other does",
    "write the error's message as the reason",
    ("status", "reason"),
    _reason,
)


def _differs(block: Block, whole: Floats, parts: tuple[str, ...], room_w: Floats | float) -> Mask:
    total = sum((block.floats(name) for name in parts), np.zeros(block.rows))
    mask: Mask = np.abs(total - whole) > room_w
    return mask


def _unbalanced(block: Block) -> Mask:
    supplied = block.floats("p_supplied_w")
    return _differs(block, supplied, ("p_served_w", "total_w"), BALANCE_W)


BALANCE = Rule(
    "balance",
    f"what the grid supplies is what is served and what is lost, within {BALANCE_W:g} W",
    "take all three from one solution, in W; count every element that loses",
    ("p_supplied_w", "p_served_w", "total_w"),
    _unbalanced,
)


def _sum_of(name: str, parts: tuple[str, ...], words: str) -> Rule:
    def off(block: Block) -> Mask:
        whole = block.floats("total_w")
        return _differs(block, whole, parts, ROOM * np.maximum(np.abs(whole), 1.0))

    return Rule(
        name,
        f"{' + '.join(parts)} = total_w within {ROOM:g} of it",
        f"divide the whole loss by {words}, leaving nothing out",
        (*parts, "total_w"),
        off,
    )


CAUSES_SUM = _sum_of("causes_sum", ("resistive_w", "reactive_w", "core_w"), "cause")
CLASSES_SUM = _sum_of("classes_sum", ("transformers_w", "lines_w", "shunts_w"), "class of equipment")


def _harmonic(block: Block) -> Mask:
    room = ROOM * block.floats("total_w")
    mask: Mask = block.floats("harmonic_w") > block.floats("resistive_w") + block.floats("reactive_w") + room
    return mask


HARMONIC_PART = Rule(
    "harmonic_part",
    "what harmonics add is part of the loss in resistances",
    "state only the part above that of the fundamental current",
    ("harmonic_w", "resistive_w", "reactive_w", "total_w"),
    _harmonic,
)

DESIGN = ("design_resistive", "design_reactive", "design_core")


def _shares(block: Block) -> Mask:
    return _differs(block, np.ones(block.rows), DESIGN, ROOM)


DESIGN_SUM = Rule(
    "design_sum",
    "the design shares add up to 1",
    "state shares, not percent, of the loss at the design load",
    DESIGN,
    _shares,
)
