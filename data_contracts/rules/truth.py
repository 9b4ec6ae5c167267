"""Rules of `readings_truth`."""

from __future__ import annotations

import numpy as np

from data_contracts.block import Block
from data_contracts.contract import Mask, Rule
from data_contracts.rules.shares import episodes


def _event_agrees(block: Block) -> Mask:
    none = block.where("event", lambda name: name == "none")
    return none & (block.floats("active") > 0.0)


EVENT_AGREES = Rule(
    "event_agrees",
    "a row without an event is not active",
    "write the event's name in every row of its scenario at its point",
    ("event", "active"),
    _event_agrees,
)

VUF_ROOM_PCT = 0.2
VUF_ROOM_SHARE = 0.05


def _vuf(block: Block) -> Mask:
    ab, bc, ca = (block.floats(f"v_{pair}_v") for pair in ("ab", "bc", "ca"))
    nominal = block.point_fact(lambda point: point.nominal_kv * 1e3)
    stated = block.floats("vuf_pct")
    squares = ab * ab + bc * bc + ca * ca
    usable = (squares > 0.75 * nominal * nominal) & np.isfinite(stated)
    fourths = ab**4 + bc**4 + ca**4
    beta = np.divide(fourths, squares * squares, out=np.full(block.rows, 1.0 / 3.0), where=squares > 0.0)
    root = np.sqrt(np.clip(3.0 - 6.0 * beta, 0.0, None))
    expected = 100.0 * np.sqrt(np.clip((1.0 - root) / (1.0 + root), 0.0, None))
    off = np.abs(stated - expected) > VUF_ROOM_PCT + VUF_ROOM_SHARE * expected
    return episodes(block, off, usable, 0.5)


VUF_AGREES = Rule(
    "vuf_agrees",
    "vuf_pct is that of the line voltages: with β = ΣV⁴/(ΣV²)², VUF = 100·sqrt((1 − sqrt(3 − 6β))/"
    "(1 + sqrt(3 − 6β))) (CIGRE's formula), within 0.2 points and 5 %, in at least half of an episode's rows",
    "check that both come from the same solution and that vuf_pct is in percent",
    ("vuf_pct", "v_ab_v", "v_bc_v", "v_ca_v"),
    _vuf,
)
