"""Rules of `compensation`."""

from __future__ import annotations

import numpy as np

from data_contracts.block import Block
from data_contracts.contract import Mask, Rule
from data_contracts.rules.losses import solved_or_null

SOLVED = (
    "p_fed_metered_w",
    "q_fed_metered_var",
    "v_metered_pu",
    "p_feeders_metered_w",
    "q_feeders_metered_var",
    "optimal_var",
    "limited_by",
    "power_factor",
    "saved_w",
    "metered_optimal_var",
    "steps_loss_w",
)
SOLVED_OR_NULL = solved_or_null(SOLVED)

ROOM_W = 100.0
"""Room of the least loss: 1e-6 pu on 100 MVA, as for the balance of a solution."""


def _loses_more(block: Block) -> Mask:
    free = block.where("limited_by", lambda reason: reason == "none")
    mask: Mask = free & (np.nan_to_num(block.floats("saved_w")) < -ROOM_W)
    return mask


LEAST_LOSS = Rule(
    "least_loss",
    "where nothing limits the size, it loses no more than the present steps",
    "search on until the loss no longer falls",
    ("limited_by", "saved_w"),
    _loses_more,
)
