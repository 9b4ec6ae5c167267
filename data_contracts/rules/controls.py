"""Rules of `controls`."""

from __future__ import annotations

import numpy as np

from data_contracts.block import Block
from data_contracts.contract import Mask, Rule
from data_contracts.rules.losses import solved_or_null

SOLVED = (
    "loss_w",
    "q_supplied_var",
    "v_min_pu",
    "v_max_pu",
    "violations",
    "overloads",
    "loading_pct",
)
SOLVED_OR_NULL = solved_or_null(SOLVED)


def _present(block: Block) -> Mask:
    ids, count = block.groups(("scenario_id",))
    total = np.bincount(ids, weights=np.nan_to_num(block.floats("present")), minlength=count)
    mask: Mask = (total != 1.0)[ids]
    return mask


PRESENT_ONCE = Rule(
    "present_once",
    "exactly one setting of each scenario is the present one",
    "mark the setting in which the state was found",
    ("scenario_id", "present"),
    _present,
)


def _changes(block: Block) -> Mask:
    ids, count = block.groups(("scenario_id",))
    served = block.floats("p_served_w")
    low, high = np.full(count, np.inf), np.full(count, -np.inf)
    np.fmin.at(low, ids, served)
    np.fmax.at(high, ids, served)
    mask: Mask = (high > low)[ids]
    return mask


SAME_SERVED = Rule(
    "same_served",
    "all settings of a scenario serve the same power",
    "solve the settings of one state only under one scenario_id",
    ("scenario_id", "p_served_w"),
    _changes,
)


def _order(block: Block) -> Mask:
    mask: Mask = block.floats("v_min_pu") > block.floats("v_max_pu")
    return mask


VOLTAGE_ORDER = Rule(
    "voltage_order",
    "v_min_pu does not exceed v_max_pu",
    "take both over the same buses and phases, in per unit of each bus' nominal voltage",
    ("v_min_pu", "v_max_pu"),
    _order,
)


def _overloads(block: Block) -> Mask:
    loading = block.lists("loading_pct")
    some = loading.any(loading.values > 100.0)
    mask: Mask = (some != (block.floats("overloads") > 0.0)) & ~block.missing("overloads")
    return mask


OVERLOADS_AGREE = Rule(
    "overloads_agree",
    "overloads is 0 exactly where no transformer's loading_pct exceeds 100 %",
    "count the transformers above their strongest rating",
    ("overloads", "loading_pct"),
    _overloads,
)
