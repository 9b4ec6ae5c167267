"""What the station loses, from what its bays' instruments say."""

from __future__ import annotations

import numpy as np

from flows.difficulty.cases import Campaign, Cases, Target
from flows.difficulty.scores import mean_absolute
from flows.difficulty.targets.load import said
from models import columns, splits
from models.rows import Names

METERED = (
    *("p_metered_w", "q_metered_var", "p_metered_low_w", "v_metered_pu", "thd_i_pct"),
    *("ambient_c", "ghi_w_m2", "wind_m_s", "nameplate_w"),
)


class Loss(Target):
    """The station's loss in a quarter of an hour, kW."""

    name = "energy_loss"
    title = "Loss of the station"
    tables = ("losses",)
    task = "value"
    score = mean_absolute("kW")
    grouped = "day"
    oracle = "the solved loss itself"

    def read(self, campaign: Campaign) -> Cases | None:
        """Every state that has a solution."""
        rows = campaign.dataset.read("losses")
        y = columns.floats(rows, "total_w") / 1e3
        use = np.flatnonzero(np.isfinite(y))
        taps = settings(columns.names(rows, "taps"))[use]
        banks = settings(columns.names(rows, "capacitor_steps"))[use]
        nameplate = columns.floats(rows, "nameplate_w")[use] / 1e3
        X = np.concatenate(
            [np.stack([columns.floats(rows, name)[use] for name in METERED], axis=1), taps, banks], axis=1
        )
        day = splits.day_of(
            columns.seconds(rows)[use].astype(np.float64), campaign.start, campaign.substation.utc_offset_s
        )
        places = (f"setting_{k}" for k in range(taps.shape[1] + banks.shape[1]))
        return Cases(
            columns=(*METERED, *places),
            X=X,
            y=y[use],
            group=day,
            split=splits.split_of_day(day),
            opponents={"nameplate formula": said(nameplate)},
            oracle=y[use],
            base=nameplate,
        )


def settings(written: Names) -> np.ndarray:
    """Numbers of `AT1:9,DTX1:10`, float64 [n, names]; NaN where nothing is written."""
    found = [[float(item.rpartition(":")[2]) for item in text.split(",") if item] for text in written.texts]
    width = max((len(values) for values in found), default=0)
    known = np.array([values if len(values) == width else [np.nan] * width for values in found])
    return np.asarray(known.reshape(len(found), width)[written.codes], dtype=np.float64)


TARGETS = (Loss(),)
