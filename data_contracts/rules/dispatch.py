"""Rules of `dispatch`; an hour that breaks a relation between its rows is rejected whole."""

from __future__ import annotations

import numpy as np

from data_contracts.block import Block, Floats
from data_contracts.contract import Mask, Rule

BALANCE_MW = 1e-4
"""1e-6 pu of 100 MVA."""

COST_SHARE = 1e-9

AC_COLUMNS = ("ac_opf_mw", "ac_opf_cost", "ac_loss_mw", "ac_loading_pct", "ac_v_min_pu", "ac_v_max_pu")
"""Columns of the AC optimum: null together."""

HOURLY = (
    *("system_load_mw", "loss_estimate_mw", "shed_mw", "merit_cost", "lossless_cost", "congested"),
    *AC_COLUMNS[1:],
)
"""Columns of the hour, the same in all of its rows."""

WORDS = ("status", "limiting_branch", "ac_limiting_branch")


def _hours(block: Block) -> tuple[np.ndarray[tuple[int], np.dtype[np.int64]], int]:
    return block.groups(("t",))


def _hour_sum(block: Block, values: Floats) -> Floats:
    """Sum over the rows of each row's hour, NaN where one is missing, [rows]."""
    ids, count = _hours(block)
    total: Floats = np.bincount(ids, weights=values, minlength=count).astype(np.float64)
    return total[ids]


def _whole_hours(block: Block, rows: Mask) -> Mask:
    """All rows of the hours in which a row is broken."""
    ids, count = _hours(block)
    mask: Mask = np.bincount(ids[rows], minlength=count)[ids] > 0
    return mask


def _outside(block: Block) -> Mask:
    low, high = block.floats("minimum_mw") - BALANCE_MW, block.floats("available_mw") + BALANCE_MW
    found = low > high
    for name in ("merit_order_mw", "lossless_mw", "ac_opf_mw"):
        found |= (block.floats(name) < low) | (block.floats(name) > high)
    return found


WITHIN_OFFER = Rule(
    "within_offer",
    "minimum_mw does not exceed available_mw, and every output lies between them",
    "dispatch within the hour's offers, not within rated power; all in MW",
    ("minimum_mw", "available_mw", "merit_order_mw", "lossless_mw", "ac_opf_mw"),
    _outside,
)


def _paid_park(block: Block) -> Mask:
    paid = (block.floats("cost_per_mwh") > 0.0) | (block.floats("quadratic_per_mw2h") > 0.0)
    mask: Mask = (block.floats("renewable") > 0.0) & paid
    return mask


RENEWABLE_IS_FREE = Rule(
    "renewable_is_free",
    "wind and sun have no variable cost",
    "set both cost coefficients of a park to zero",
    ("renewable", "cost_per_mwh", "quadratic_per_mw2h"),
    _paid_park,
)


def _status(block: Block) -> Mask:
    solved = block.where("status", lambda word: word == "ok")
    shed = block.where("status", lambda word: word == "load_shed")
    found: Mask = shed != (block.floats("shed_mw") > 0.0)
    for name in AC_COLUMNS:
        found |= solved == block.missing(name)
    return found | (~solved & ~block.missing("ac_limiting_branch"))


STATUS_AGREES = Rule(
    "status_agrees",
    "the AC optimum is there exactly where status is ok, and load is shed exactly where it is load_shed",
    "keep an hour without a solution, with its reason and null for what is not known",
    ("status", "shed_mw", *AC_COLUMNS),
    _status,
)


def _congested(block: Block) -> Mask:
    mask: Mask = (block.floats("congested") > 0.0) == block.missing("limiting_branch")
    return mask


CONGESTED = Rule(
    "congested_named",
    "limiting_branch is given exactly where the hour is congested",
    "name the branch whose limit has the largest multiplier",
    ("congested", "limiting_branch"),
    _congested,
)


def _differs(block: Block) -> Mask:
    ids, count = _hours(block)
    first = np.zeros(count, dtype=np.int64)
    first[ids[::-1]] = np.arange(block.rows)[::-1]
    found = block.none()
    for name in HOURLY:
        values = block.floats(name)
        before = values[first[ids]]
        found |= (values != before) & ~(np.isnan(values) & np.isnan(before))
    for name in WORDS:
        codes, _ = block.codes(name)
        found |= codes != codes[first[ids]]
    return _whole_hours(block, found)


HOUR_AGREES = Rule(
    "hour_agrees",
    "the columns of the hour are the same in all of its rows",
    "take them from the hour, not from the unit",
    ("t", *HOURLY, *WORDS),
    _differs,
)


def _other_load(block: Block) -> Mask:
    loads = block.lists("bus_load_mw")
    total = np.add.reduceat(np.append(loads.values, 0.0), loads.starts[:-1]) if block.rows else np.zeros(0)
    mask: Mask = np.abs(total - block.floats("system_load_mw")) > BALANCE_MW
    return mask & (loads.lengths > 0)


SYSTEM_LOAD = Rule(
    "system_load",
    "system_load_mw is the sum of bus_load_mw",
    "sum the loads of all buses, in MW",
    ("system_load_mw",),
    _other_load,
)


def _unbalanced(block: Block) -> Mask:
    load = block.floats("system_load_mw")
    reckoned = load + block.floats("loss_estimate_mw")
    off: Mask = np.abs(_hour_sum(block, block.floats("ac_opf_mw")) - load - block.floats("ac_loss_mw")) > (
        BALANCE_MW
    )
    served = _hour_sum(block, block.floats("lossless_mw")) + block.floats("shed_mw")
    off |= np.abs(served - reckoned) > BALANCE_MW
    merit = np.abs(_hour_sum(block, block.floats("merit_order_mw")) - reckoned) > BALANCE_MW
    return off | (merit & ~(block.floats("shed_mw") > 0.0))


BALANCE = Rule(
    "power_balance",
    f"within {BALANCE_MW:g} MW an hour's outputs sum to load and losses: those of the AC optimum, the "
    "reckoned ones of the other two, less what is shed",
    "write all units of the hour, and losses from the solved branches",
    (
        *("t", "system_load_mw", "loss_estimate_mw", "shed_mw"),
        *("merit_order_mw", "lossless_mw", "ac_opf_mw", "ac_loss_mw"),
    ),
    _unbalanced,
)


def _cost_off(block: Block) -> Mask:
    found = block.none()
    for output, cost in (
        ("merit_order_mw", "merit_cost"),
        ("lossless_mw", "lossless_cost"),
        ("ac_opf_mw", "ac_opf_cost"),
    ):
        p = block.floats(output)
        each = block.floats("cost_per_mwh") * p + block.floats("quadratic_per_mw2h") * p**2
        stated = block.floats(cost)
        found |= np.abs(_hour_sum(block, each) - stated) > COST_SHARE * np.maximum(stated, 1.0)
    return found


COSTS = Rule(
    "cost_identity",
    "the cost of each dispatch is the sum of b·P + c·P² over the hour's units",
    "compute the cost from the written outputs and coefficients",
    (
        *("t", "cost_per_mwh", "quadratic_per_mw2h", "merit_order_mw", "lossless_mw", "ac_opf_mw"),
        *("merit_cost", "lossless_cost", "ac_opf_cost"),
    ),
    _cost_off,
)


def _dearer(block: Block) -> Mask:
    merit, lossless = block.floats("merit_cost"), block.floats("lossless_cost")
    mask: Mask = (merit > lossless * (1.0 + COST_SHARE)) & ~(block.floats("shed_mw") > 0.0)
    return mask


CHEAPEST_FIRST = Rule(
    "merit_order_cheapest",
    "the lossless dispatch costs at least as much as the merit order, which serves the same load without "
    "limits",
    "dispatch both with the same offers and the same reckoned losses",
    ("merit_cost", "lossless_cost", "shed_mw"),
    _dearer,
)
