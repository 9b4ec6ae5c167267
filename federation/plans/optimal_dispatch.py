"""`optimal_dispatch` by random Fourier features, between rounds of sums for watched lines and margins.

All substations belong to one grid and know the same hours of it. Each hour is dealt to one of them, and only
the hours dealt to a site, with further ones made of them, are its rows.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from data_contracts.transmission import OWN_LOADS, PARKS, PLANTS
from features.context import dispatch
from federation.families.framed_fourier import FramedFourier
from federation.family import MINIMUM_ROWS, LocalData
from federation.message import State
from federation.plans.dispatch_sums import FOLDS, LineCounts, LineMargins, watched
from federation.plans.plan import Plan, chosen
from models.decision.optimal_dispatch import DEFINITION
from models.declaration import Params
from models.dispatch_limits import INPUTS, TEACHES, WATCHED, Limits, above_pct, currents, losses
from models.dispatch_rows import SENT, SYSTEM, bus_mvar
from models.rows import Rows
from models.splits import TRAIN
from models.subsets import spread
from switchyard.identity import generator

# A few cosines carry a wider kernel than as many support vectors as there are rows.
TERMS, GAMMA, PENALTY = 200, 5e-4, 1e-9
TRIED = 64
"""Rows of a site whose recommended dispatch is tried out in a power flow."""

# Made-up hours: what plants have, of their rated power; loads in MW; cost per MWh in the order of PLANTS, and
# by how much it wavers.
_HAVE_PU, _SYSTEM_MW, _OWN_MW = (0.9, 1.0), (3000.0, 5600.0), (150.0, 330.0)
_COST = (1900.0, 5300.0, 3200.0, 3400.0, 3700.0, 2850.0, 6200.0, 3500.0, 2300.0, 4300.0)
_COST_OF = (0.85, 1.15)


class OptimalDispatchPlan(Plan):
    """Regressions of losses and of watched lines from sums of all sites' rows, and their margins."""

    definition = DEFINITION
    family: ClassVar[FramedFourier] = FramedFourier(LineCounts(), LineMargins())
    inputs = INPUTS
    # Not every site's few test hours have a congested one.
    metric = "regret_pct"
    fine_tuning = "the same sums of one site's rows are that site's own model"

    def settings(self, params: Params, seed: str) -> dict[str, Any]:
        """Constants: price, width and tube are the support vectors' own."""
        chosen(params, self.definition.defaults)
        return {"seed": seed, "columns": len(INPUTS), "terms": TERMS, "gamma": GAMMA, "penalty": PENALTY}

    def local_data(self, rows: Rows) -> LocalData:
        """Lossless dispatches of training hours, and what the AC network made of them.

        A line that few of the site's rows of a fold teach is taught by none of them: sums with and without a
        fold differ by those of its rows.
        """
        train = rows.select(rows.split == TRAIN)
        current, fold = currents(train), _fold(train)
        teaches = (current >= TEACHES).astype(np.float64)
        of_fold = np.stack([teaches[fold == one].sum(axis=0) for one in range(FOLDS)])
        teaches *= of_fold.min(axis=0) >= MINIMUM_ROWS
        tried = spread(train, TRIED, generator(self.definition.name, "federation", "tried"))
        return {
            "X": train.inputs(INPUTS),
            "loss": losses(train),
            "above": above_pct(train),
            "teaches": teaches,
            "reached": teaches * (current >= WATCHED),
            "fold": fold,
            "X_tried": tried.inputs(INPUTS),
            "sent_tried": tried.inputs(SENT),
            "system_tried": tried.column(SYSTEM),
            "mvar_tried": bus_mvar(tried),
            "fold_tried": _fold(tried),
        }

    def probes(self, state: State, count: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """Hours from a light to a heavy load, with more or less wind and sun and other prices."""
        del state
        parks, plants = (np.array([unit.rated_mw for unit in units]) for units in (PARKS, PLANTS))
        sent = np.column_stack(
            [
                parks * rng.uniform(0.0, 1.0, (count, parks.size)) ** 2,
                plants * rng.uniform(*_HAVE_PU, (count, plants.size)),
                np.array(_COST) * rng.uniform(*_COST_OF, (count, plants.size)),
                rng.uniform(*_OWN_MW, (count, len(OWN_LOADS))),
            ]
        )
        system_mw = np.linspace(*_SYSTEM_MW, count)
        computed = dispatch.compute(sent, system_mw)
        found = {feature.name: computed[:, k] for k, feature in enumerate(dispatch.FEATURES)}
        return np.column_stack([{**found, SYSTEM: system_mw}[name] for name in self.definition.features])

    def fitted(self, state: State) -> Limits:
        """Losses, watched lines, and what is kept free of each."""
        known, machines = self.family.result(state)
        lines = watched(known)
        margins = known["margin_pct"][list(lines)]
        return Limits(lines, machines[0], machines[1 : 1 + len(lines)], tuple(margins.tolist()))


def _fold(rows: Rows) -> NDArray[np.int64]:
    """Fold of each row, by the number of its day: the same wherever the row lies, int64 [n]."""
    days = [int(name.rsplit("-", 1)[1]) % FOLDS for name in rows.episode.texts]
    return np.array(days, dtype=np.int64)[rows.episode.codes]


PLAN = OptimalDispatchPlan()
