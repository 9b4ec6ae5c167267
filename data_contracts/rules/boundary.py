"""Rules of `boundary`."""

from __future__ import annotations

from data_contracts.block import Block
from data_contracts.contract import Mask, Rule


def _too_large(block: Block) -> Mask:
    mask: Mask = block.floats("load_mw") > block.floats("system_load_mw")
    return mask


PART_OF_SYSTEM = Rule(
    "part_of_system",
    "the substation's load does not exceed that of the whole grid",
    "check that both are in MW",
    ("load_mw", "system_load_mw"),
    _too_large,
)
