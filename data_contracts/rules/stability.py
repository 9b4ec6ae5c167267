"""Rules of `stability`."""

from __future__ import annotations

import numpy as np

from data_contracts.block import Block, Floats
from data_contracts.contract import Mask, Rule

BALANCE_MW = 1e-3
"""Room of the balance: 1e-5 pu on 100 MVA, the gate of all buses' residuals together."""

STABLE, MARGINAL = 80.0, 60.0
"""A state above the first is stable, from the second on marginal, below unstable."""

SCORES = ("score_voltage", "score_outages", "score_frequency")

SOLVED = (
    *("load_mw", "generation_mw", "loss_mw", "v_bus_pu", "loading_max_pct"),
    *("nose_pct", "bus_nose_mw", "nose_after_pct", "limiting_contingency"),
    *("contingencies", "unsolved", "violations", "islanding", "cut_off_mw", "worst_contingency"),
    *("largest_infeed", "largest_infeed_mw", "inertia_s", "primary_reserve_mw", "nadir_hz"),
    *(*SCORES, "score", "stability_class", "limited_by", "residual_p_pu", "residual_q_pu"),
)
"""Columns of the truth that every solved state has and no other."""


def _unbalanced(block: Block) -> Mask:
    left = block.floats("generation_mw") - block.floats("load_mw") - block.floats("loss_mw")
    mask: Mask = np.abs(left) > BALANCE_MW
    return mask


BALANCE = Rule(
    "balance",
    f"what is generated is load and losses, within {BALANCE_MW:g} MW",
    "take all three from one power flow, in MW",
    ("generation_mw", "load_mw", "loss_mw"),
    _unbalanced,
)


def _unsolved(block: Block) -> Mask:
    some = block.floats("unsolved") > 0.0
    found: Mask = some & ((block.floats("nose_after_pct") > 0.0) | (block.floats("score_outages") > 0.0))
    found |= some & ~block.missing("severity")
    solved = block.where("status", lambda status: status == "ok")
    return found | (solved & ~some & block.missing("severity"))


UNSOLVED_LIMITS = Rule(
    "unsolved_limits",
    "a failure without a solution leaves no distance to the nose and no severity, and only it does",
    "write 0 for both scores and null for the severity where a failure has no solution",
    ("unsolved", "nose_after_pct", "severity", "score_outages"),
    _unsolved,
)


def _least(block: Block) -> Floats:
    found: Floats = np.stack([block.floats(name) for name in SCORES]).min(axis=0)
    return found


def _other(block: Block) -> Mask:
    mask: Mask = np.abs(block.floats("score") - _least(block)) > 1e-9
    return mask


SCORE_IS_LEAST = Rule(
    "score_is_least",
    "the score is the least of the three margins' scores",
    "take the minimum, not a mean: a state fails by its weakest side",
    ("score", *SCORES),
    _other,
)


def _limited(block: Block) -> Mask:
    least, found = _least(block), block.none()
    for name in SCORES:
        named = block.where("limited_by", lambda word, name=name: word == name.removeprefix("score_"))  # type: ignore[misc]
        found |= named & (block.floats(name) > least + 1e-9)
    return found


LIMITED_BY = Rule(
    "limited_by_least",
    "limited_by names a margin whose score is the least",
    "name the margin that gave the score",
    ("limited_by", *SCORES),
    _limited,
)


def _class(block: Block) -> Mask:
    score, found = block.floats("score"), block.none()
    for word, holds in (
        ("stable", score > STABLE),
        ("marginal", (score >= MARGINAL) & (score <= STABLE)),
        ("unstable", score < MARGINAL),
    ):
        found |= holds & ~block.where("stability_class", lambda text, word=word: text == word)  # type: ignore[misc]
    return found


CLASS_AGREES = Rule(
    "class_agrees",
    f"stability_class is stable above {STABLE:g}, unstable below {MARGINAL:g} and marginal between",
    "derive the class from the true score",
    ("score", "stability_class"),
    _class,
)
