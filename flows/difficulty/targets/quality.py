"""The index of power quality of an interval of ten minutes, from what is metered of it."""

from __future__ import annotations

import numpy as np

from flows.difficulty.cases import Campaign, Cases, Target
from flows.difficulty.scores import mean_absolute
from flows.difficulty.targets.load import said
from models import columns

METERED = (
    *(f"metered_u_{phase}_pu" for phase in "abc"),
    *("metered_vuf_pct", "metered_thd_pct", "metered_pst", "metered_index"),
    *("v_min_limit_pu", "v_max_limit_pu", "vuf_limit_pct", "thd_limit_pct", "pst_limit"),
)


class QualityIndex(Target):
    """Index by the published formula on the true state of the interval."""

    name = "power_quality_index"
    title = "Index of power quality of ten minutes"
    tables = ("power_quality",)
    task = "value"
    score = mean_absolute("points")
    grouped = "episode"
    oracle = "the formula on the true interval"

    def read(self, campaign: Campaign) -> Cases | None:
        """Every interval at every point."""
        rows = campaign.dataset.read("power_quality", columns=["scenario_id", "index", *METERED])
        y, metered = (columns.floats(rows, name) for name in ("index", "metered_index"))
        return Cases(
            columns=METERED,
            X=np.stack([columns.floats(rows, name) for name in METERED], axis=1),
            y=y,
            group=columns.names(rows, "scenario_id").codes,
            opponents={"formula on what is metered": said(metered)},
            oracle=y,
            base=metered,
        )


TARGETS = (QualityIndex(),)
