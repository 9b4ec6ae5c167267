"""How stable the transmission grid is, from what its control centre knows."""

from __future__ import annotations

import numpy as np

from data_contracts.tables.stability import CLASSES, KNOWN
from flows.difficulty.cases import Campaign, Cases, Floats, Target
from flows.difficulty.scores import macro_f1
from flows.difficulty.targets.load import said
from models import columns
from models.decision.grid_stability import LOADING_PCT, VOLTAGE_PU

RULE = ("stable", "marginal", "unstable")


class StabilityClass(Target):
    """Class of a state of the grid by its distance to the nose, its failures and its frequency nadir."""

    name = "grid_stability"
    title = "Stability class of the grid"
    tables = ("stability",)
    task = "class"
    score = macro_f1(len(CLASSES))
    grouped = "hour of the grid"
    oracle = "the margins solved"

    def read(self, campaign: Campaign) -> Cases | None:
        """Every state that has a class."""
        rows = campaign.dataset.read("stability", columns=["t", "stability_class", *KNOWN])
        rows = rows.filter(rows["stability_class"].is_valid())
        if not rows.num_rows:
            return None
        names = columns.names(rows, "stability_class")
        y = np.array([CLASSES.index(text) for text in names.texts], dtype=np.float64)[names.codes]
        loading, low = (columns.floats(rows, f"{name}_metered_{unit}") for name, unit in _RULED)
        beyond = sum(
            ((loading > most) | (low < least)).astype(np.int64)
            for most, least in zip(LOADING_PCT, VOLTAGE_PU, strict=True)
        )
        rule: Floats = np.array([CLASSES.index(name) for name in RULE], dtype=np.float64)[beyond]
        return Cases(
            columns=KNOWN,
            X=np.stack([columns.floats(rows, name) for name in KNOWN], axis=1),
            y=y,
            group=np.unique(columns.seconds(rows), return_inverse=True)[1],
            opponents={"thresholds of loading and voltage": said(rule)},
            oracle=y,
        )


_RULED = (("loading_max", "pct"), ("v_min", "pu"))
TARGETS = (StabilityClass(),)
