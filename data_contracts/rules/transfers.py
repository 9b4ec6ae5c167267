"""Rules of `transfers`."""

from __future__ import annotations

import numpy as np

from data_contracts.block import Block, Floats
from data_contracts.contract import Mask, Rule
from data_contracts.rules.losses import solved_or_null

ROOM_PCT = 1e-6
"""Room of derived percentages."""

SOLVED = (
    "taps",
    "capacitor_steps",
    "loss_w",
    "cost",
    "loading_pct",
    "loading_max_pct",
    "phase_loading_pct",
    "loading_imbalance_pct",
    "imbalance_pct",
    "vuf_pct",
    "vuf_max_pct",
    "v_min_pu",
    "v_max_pu",
    "violations",
    "overloads",
    "unbalanced",
    "permitted",
    "residual_p_pu",
    "residual_q_pu",
)
"""Columns that only a solved arrangement has."""

METERED = (
    "v_metered_v",
    "p_metered_w",
    "q_metered_var",
    "p_traction_metered_w",
    "q_traction_metered_var",
)
"""What instruments say, in the row of the present arrangement."""

SOLVED_OR_NULL = solved_or_null(SOLVED)


def _moves(block: Block) -> Mask:
    moved = block.floats("feeders_moved") + block.floats("supplies_moved") > 0.0
    present = block.floats("present") > 0.0
    said = block.where("moves", lambda text: text != "")
    operated = block.floats("operations") > 0.0
    mask: Mask = (moved == present) | (said != moved) | (operated != moved)
    return mask


MOVES_AGREE = Rule(
    "moves_agree",
    "in the present arrangement nothing is moved and operated, in every other something is",
    "count moves and operations from the present arrangement",
    ("present", "moves", "feeders_moved", "supplies_moved", "operations"),
    _moves,
)


def _metered(block: Block) -> Mask:
    absent = (block.floats("present") == 0.0) | block.where("status", lambda status: status != "ok")
    found = block.none()
    for name in METERED:
        found |= block.missing(name) != absent
    return found


METERED_WITH_PRESENT = Rule(
    "metered_with_present",
    "instruments have read the present arrangement if it has a solution, and no other",
    "write the readings in the row of the present arrangement, null in the others",
    ("present", "status", *METERED),
    _metered,
)


def _of_present(block: Block, values: Floats) -> Floats:
    ids, count = block.groups(("scenario_id",))
    present = block.floats("present") > 0.0
    found = np.full(count, np.nan)
    found[ids[present]] = values[present]
    return np.asarray(found[ids])


def _reduction(block: Block) -> Mask:
    imbalance, stated = block.floats("imbalance_pct"), block.floats("reduction_pct")
    expected = 100.0 * (1.0 - imbalance / _of_present(block, imbalance))
    known = ~np.isnan(expected)
    room = ROOM_PCT * np.maximum(np.abs(expected), 1.0)
    mask: Mask = (known & ~(np.abs(stated - expected) <= room)) | (~known & ~np.isnan(stated))
    return mask


REDUCTION_AGREES = Rule(
    "reduction_agrees",
    "reduction_pct is what is gone of the present imbalance_pct, null where either is not known",
    "write 100·(1 − imbalance/imbalance of the present arrangement)",
    ("scenario_id", "present", "imbalance_pct", "reduction_pct"),
    _reduction,
)


def _permitted(block: Block) -> Mask:
    expected = block.floats("overloads") == 0.0
    for name in ("violations", "unbalanced"):
        expected &= block.floats(name) <= _of_present(block, block.floats(name))
    mask: Mask = (expected != (block.floats("permitted") > 0.0)) & ~block.missing("permitted")
    return mask


PERMITTED_AGREES = Rule(
    "permitted_agrees",
    "permitted where no transformer is overloaded and no more limits are exceeded than at present",
    "compare with the counts of the present arrangement of the same scenario",
    ("scenario_id", "present", "overloads", "violations", "unbalanced", "permitted"),
    _permitted,
)


def _extremes(block: Block) -> Mask:
    mask = block.none()
    for whole, part in (("loading_max_pct", "loading_pct"), ("vuf_max_pct", "vuf_pct")):
        mask |= np.abs(block.floats(whole) - block.lists(part).largest()) > ROOM_PCT
    return mask


EXTREMES_AGREE = Rule(
    "extremes_agree",
    "loading_max_pct and vuf_max_pct are the largest elements of their lists",
    "take both from one solution",
    ("loading_max_pct", "loading_pct", "vuf_max_pct", "vuf_pct"),
    _extremes,
)
