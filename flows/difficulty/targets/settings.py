"""The best setting of taps and capacitors: how much of the loss that can be saved is saved."""

from __future__ import annotations

import numpy as np

from flows.difficulty.cases import Campaign, Cases, Target
from flows.difficulty.scores import obtained
from flows.difficulty.targets.load import said
from flows.difficulty.targets.losses import METERED, settings
from models import columns
from models.rows import Names


class BestSetting(Target):
    """Which of a state's settings loses least, among those that break no limit."""

    name = "best_setting"
    title = "Saving of the chosen taps and capacitor steps"
    tables = ("controls", "losses")
    task = "value"
    score = obtained()
    grouped = "day"
    oracle = "every setting solved"

    def read(self, campaign: Campaign) -> Cases | None:
        """A row each setting without violation or overload; y is what it saves, % of the present loss."""
        rows = campaign.dataset.read("controls")
        state, ms = columns.names(rows, "scenario_id"), columns.seconds(rows)
        loss = columns.floats(rows, "loss_w")
        present = columns.floats(rows, "present") > 0.0
        allowed = (columns.floats(rows, "violations") == 0.0) & (columns.floats(rows, "overloads") == 0.0)
        code = Names.of([f"{name}|{t}" for name, t in zip(state.array(), ms, strict=True)]).codes
        now = np.full(int(code.max()) + 1, np.nan)
        now[code[present]] = loss[present]
        use = np.flatnonzero((allowed | present) & np.isfinite(loss) & np.isfinite(now[code]))
        # The present setting comes first: it is what an answer that cannot tell them apart leaves.
        use = use[np.lexsort((~present[use], code[use]))]
        taps, banks = (settings(columns.names(rows, name)) for name in ("taps", "capacitor_steps"))
        found = campaign.dataset.read("losses", columns=["scenario_id", "t", *METERED])
        keys = columns.names(found, "scenario_id").array()
        place = {key: k for k, key in enumerate(zip(keys, columns.seconds(found), strict=True))}
        of = np.array([place[key] for key in zip(state.array()[use], ms[use], strict=True)], dtype=np.int64)
        measured = np.stack([columns.floats(found, name)[of] for name in METERED], axis=1)
        asked = np.concatenate([taps, banks], axis=1)
        was = np.zeros((now.size, asked.shape[1]))
        was[code[present]] = asked[present]
        return Cases(
            columns=(*METERED, *(f"{kind}_{k}" for kind in ("to", "by") for k in range(asked.shape[1]))),
            X=np.concatenate([measured, asked[use], (asked - was[code])[use]], axis=1),
            y=100.0 * (now[code] - loss)[use] / now[code][use],
            group=state.codes[use],
            opponents={"present setting": said(present[use].astype(np.float64))},
            oracle=100.0 * (now[code] - loss)[use],
            choice=code[use],
        )


TARGETS = (BestSetting(),)
