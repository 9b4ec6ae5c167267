"""What one would foretell an overload with instead of a machine: the standard's thermal model of the hour."""

from __future__ import annotations

import numpy as np

from models.hot_spot_levels import CRITICAL, OVER_C, level_of
from models.metrics import Columns
from models.overload_rows import hottest_c
from models.rows import Rows
from models.thermal_rows import AHEAD_MIN
from models.thermal_standard import hot_spot_c

HELD = "load_held"
# From where on the opponent is corrected, °C.
HOT_C = 100.0
CORRECTED, LOAD_KNOWN = "load_held_corrected", "load_known"
_AHEAD = np.arange(1.0, AHEAD_MIN + 1.0)


def answer(name: str, validation: Rows, rows: Rows) -> Columns:
    """The present load and cooling held for an hour (`HELD`), or one of the references.

    Corrected, its mean error on rows that come near a limit in the validation split is taken out. With the
    load known, the standard's model is told the true load of the hour: what a perfect forecast of the load
    would be worth to someone who does not know the windings.
    """
    if name == LOAD_KNOWN:
        hottest = np.asarray(rows.truth["load_known_c"], dtype=np.float64)
        code = level_of(hottest)
        minutes = np.asarray(rows.truth["load_known_min"], dtype=np.float64)
        return {"code": code, "says_critical": code == CRITICAL, "hottest_c": hottest, "minutes": minutes}
    missed_k = 0.0
    if name == CORRECTED:
        near = validation.select(hottest_c(validation) >= HOT_C)
        held = np.asarray(answer(HELD, validation, near)["hottest_c"], dtype=np.float64)
        missed_k = float(np.mean(hottest_c(near) - held)) if len(near) else 0.0
    ahead = missed_k + hot_spot_c(
        _AHEAD,
        oil_c=rows.column("top_oil_c"),
        ambient_c=rows.column("ambient_c"),
        load_pu=np.asarray(rows.truth["stage_load_pu"], dtype=np.float64),
        loss_ratio=np.asarray(rows.truth["loss_ratio"], dtype=np.float64),
        stage=np.asarray(rows.truth["stage"], dtype=np.int64),
    )
    over = ahead > OVER_C
    minutes = np.where(over.any(axis=1), over.argmax(axis=1) + 1.0, float(_AHEAD.size))
    hottest = ahead.max(axis=1)
    code = level_of(hottest)
    return {"code": code, "says_critical": code == CRITICAL, "hottest_c": hottest, "minutes": minutes}
