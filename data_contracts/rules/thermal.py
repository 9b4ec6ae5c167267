"""Rules of `thermal`."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from data_contracts.block import Block, Floats
from data_contracts.contract import Mask, Rule

STEP_MS = 60_000
MINUTES_AHEAD = 60

MEASURED_K = 3.0
"""How far a thermometer of class B in steps of 1 K can be from the truth, with room."""

METERED_SHARE, METERED_PU = 0.03, 0.002
"""How far meters of class 0.5 in steps of 0.001 pu can be from the truth, with room."""

NEAR = 1e-6
ROOM_K = 1e-6

REGIME_NAMES = ("normal_cyclic", "long_emergency", "short_emergency", "beyond")
REGIMES_C = ((120.0, 105.0), (140.0, 115.0), (160.0, 115.0))
"""Largest hot spot and top oil of the first three regimes (IEC 60076-7), the same for all sizes."""

CURRENTS_PU = ((1.3, 1.5), (1.3, 1.5), (1.5, 1.8))
"""Largest current of the first three regimes: of large and of medium transformers."""


def _far(block: Block) -> Mask:
    mask: Mask = np.abs(block.floats("top_oil_measured_c") - block.floats("top_oil_c")) > MEASURED_K
    return mask


MEASURED_AGREES = Rule(
    "measured_agrees",
    f"the measured top oil lies within {MEASURED_K:g} K of the true one",
    "check unit and channel of the thermometer; write null for a lost sample",
    ("top_oil_measured_c", "top_oil_c"),
    _far,
)


def _unlike(block: Block) -> Mask:
    load = block.floats("load_pu")
    mask: Mask = np.abs(block.floats("load_metered_pu") - load) > METERED_SHARE * load + METERED_PU
    return mask


METERED_AGREES = Rule(
    "metered_agrees",
    f"the metered load lies within {METERED_SHARE:.0%} of the true one",
    "check unit and channel of the meter",
    ("load_metered_pu", "load_pu"),
    _unlike,
)


def _cold(block: Block) -> Mask:
    mask: Mask = block.floats("hot_spot_c") < block.floats("top_oil_c") - ROOM_K
    return mask


HOT_SPOT_ABOVE_OIL = Rule(
    "hot_spot_above_oil",
    "the hot spot is at least as warm as the top oil",
    "check which column is which",
    ("hot_spot_c", "top_oil_c"),
    _cold,
)


def _loaded(block: Block) -> Mask:
    mask: Mask = block.where("event", lambda text: text == "out_of_service") & (block.floats("load_pu") > 0.0)
    return mask


OUT_IS_UNLOADED = Rule(
    "out_is_unloaded",
    "a transformer out of service carries no load",
    "take load and event of the same minute",
    ("event", "load_pu"),
    _loaded,
)


def _other(block: Block, name: str, expected: Floats) -> Mask:
    mask: Mask = np.abs(block.floats(name) - expected) > NEAR * expected + 1e-12
    return mask


def _ageing(block: Block) -> Mask:
    return _other(block, "ageing_rate", np.exp2((block.floats("hot_spot_c") - 98.0) / 6.0))


AGEING_AGREES = Rule(
    "ageing_agrees",
    "ageing_rate is 2^((hot_spot_c − 98)/6)",
    "compute it from the row's own hot spot in °C",
    ("ageing_rate", "hot_spot_c"),
    _ageing,
)


def _acceleration(block: Block) -> Mask:
    kelvin = block.floats("hot_spot_c") + 273.0
    return _other(block, "ageing_acceleration", np.exp(15000.0 / 383.0 - 15000.0 / kelvin))


ACCELERATION_AGREES = Rule(
    "acceleration_agrees",
    "ageing_acceleration is exp(15000/383 − 15000/(hot_spot_c + 273))",
    "compute it from the row's own hot spot in °C",
    ("ageing_acceleration", "hot_spot_c"),
    _acceleration,
)


def _follows(block: Block, rows: int) -> Mask:
    """Whether row r + `rows` is as many minutes after row r in the same episode, shape [all − rows]."""
    group, _ = block.groups(("scenario_id", "asset"))
    t = block.integers("t")
    mask: Mask = (group[rows:] == group[:-rows]) & (t[rows:] - t[:-rows] == rows * STEP_MS)
    return mask


def _life(block: Block) -> Mask:
    found = block.none()
    if block.rows < 2:
        return found
    life, rate = block.floats("loss_of_life_h"), block.floats("ageing_rate")
    gained = life[1:] - life[:-1]
    off = np.abs(gained - rate[1:] / 60.0) > NEAR * np.maximum(life[1:], 1e-3)
    found[1:] = _follows(block, 1) & off
    return found


LIFE_ADDS_UP = Rule(
    "life_adds_up",
    "from one minute to the next of an episode, loss_of_life_h grows by ageing_rate/60",
    "add up the ageing rates of the episode, in hours",
    ("loss_of_life_h", "ageing_rate"),
    _life,
)


def _regime(block: Block) -> Mask:
    load, hot, oil = (block.floats(name) for name in ("load_pu", "hot_spot_c", "top_oil_c"))
    said = block.mapped("loading_regime", lambda text: float((*REGIME_NAMES, text).index(text)))
    # A row does not say how large its transformer is: between the two limits of the current either is right.
    least, most = np.zeros(block.rows), np.zeros(block.rows)
    for (hot_max, oil_max), (large, medium) in zip(REGIMES_C, CURRENTS_PU, strict=True):
        warm = (hot > hot_max) | (oil > oil_max)
        least += warm | (load > medium)
        most += warm | (load > large)
    mask: Mask = (said < least) | (said > most)
    return mask


REGIME_AGREES = Rule(
    "regime_agrees",
    "loading_regime is the mildest of "
    + ", ".join(
        f"{name} (hot spot {hot:g} °C, top oil {oil:g} °C, {large:g} pu or {medium:g} pu up to 100 MVA)"
        for name, (hot, oil), (large, medium) in zip(REGIME_NAMES, REGIMES_C, CURRENTS_PU, strict=False)
    )
    + " whose limits all hold, or beyond",
    "compare the row's own load and temperatures with the limits of IEC 60076-7",
    ("loading_regime", "load_pu", "hot_spot_c", "top_oil_c"),
    _regime,
)


def _ahead(block: Block) -> Mask:
    found = block.none()
    said = block.floats("hot_spot_next_60min_max_c")
    if block.rows <= MINUTES_AHEAD:
        return ~np.isnan(said)
    whole = _follows(block, MINUTES_AHEAD)
    largest = sliding_window_view(block.floats("hot_spot_c")[1:], MINUTES_AHEAD).max(axis=1)
    off = np.isnan(said[:-MINUTES_AHEAD]) | (np.abs(said[:-MINUTES_AHEAD] - largest) > ROOM_K)
    found[:-MINUTES_AHEAD] = np.where(whole, off, ~np.isnan(said[:-MINUTES_AHEAD]))
    found[-MINUTES_AHEAD:] = ~np.isnan(said[-MINUTES_AHEAD:])
    return found


LARGEST_AHEAD = Rule(
    "largest_ahead",
    f"hot_spot_next_60min_max_c is the largest hot_spot_c of the {MINUTES_AHEAD} minutes after the row, null "
    "where the episode has not as many",
    "compute it from the rows of the same episode and asset",
    ("hot_spot_next_60min_max_c", "hot_spot_c"),
    _ahead,
)
