"""`load_forecast`: Prophet's terms by ridge sums, the network by federated averaging, intervals by counts."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from federation.families.averaging import FedAvg
from federation.families.framed_averaging import FramedFedAvg
from federation.family import LocalData
from federation.message import State
from federation.plans.load_sums import IntervalSums, ProphetSums, model
from federation.plans.load_trainer import LoadTrainer
from federation.plans.plan import Plan, chosen
from models import load_inputs, load_rivals
from models.declaration import Params
from models.energy.load_forecast import DEFINITION
from models.load_inputs import HORIZONS, INDEX
from models.load_model import WIDE, LoadModel
from models.rows import Rows
from models.splits import TRAIN, VALIDATION
from models.subsets import spread
from switchyard.identity import generator

MOST_ROWS, MOST_JUDGES = 10_000, 3_000
"""Rows of a site that train, and those that judge."""

# The last round's step size as a share of the first one's.
LAST, MOMENTUM = 0.18, 0.3
TUNING_EPOCHS, TUNING_RATE = 4, 0.3
# AdamW moves a weight by about its step size a step: a first round at the largest rate that tuning may choose
# takes small initial weights twice their norm away.
REACH = 4.0


class LoadForecastPlan(Plan):
    """One forecast from sums and rounds of local training, then a version of each site's own."""

    definition = DEFINITION
    family: ClassVar[FramedFedAvg] = FramedFedAvg(FedAvg(LoadTrainer()), ProphetSums(), IntervalSums())
    metric = DEFINITION.headline
    fine_tuning = ""

    def settings(self, params: Params, seed: str) -> dict[str, Any]:
        """The network's hyper-parameters; a round is one pass over the rows, as a pooled epoch is."""
        taken = chosen(params, self.definition.defaults)
        rounds = int(taken["epochs"])
        return {
            "seed": seed,
            "columns": WIDE + load_inputs.KNOWN,
            "options": {},
            "rounds": rounds,
            "epochs": 1,
            "batch": taken["batch"],
            "learning_rate": taken["learning_rate"],
            "decay": LAST ** (1.0 / rounds),
            "momentum": MOMENTUM,
            "tuning_epochs": TUNING_EPOCHS,
            "tuning_rate": TUNING_RATE,
            "reach": REACH,
        }

    def local_data(self, rows: Rows) -> LocalData:
        """Inputs and loads of some quarters of every run of training days, and of validation days."""
        train = self._some(rows, TRAIN, MOST_ROWS)
        judged = self._some(rows, VALIDATION, MOST_JUDGES)
        return {
            "X": train.inputs(self.definition.features),
            "load": load_rivals.wanted(train),
            "local_s": np.asarray(train.truth["local_s"], dtype=np.float64),
            "X_validation": judged.inputs(self.definition.features),
            "load_validation": load_rivals.wanted(judged),
        }

    def _some(self, rows: Rows, split: int, most: int) -> Rows:
        of = rows.select(rows.split == split)
        return spread(of, most, generator(self.definition.name, "federation", "rows", str(split)))

    def probes(self, state: State, count: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """Feeders of any level at any hour of every kind of day, whose load wavers."""
        del state
        names = self.definition.features
        level = rng.uniform(0.1, 0.8, (count, 1))
        X = level * (1.0 + 0.2 * rng.normal(size=(count, len(names))))
        X[:, [INDEX["load_week_level_pu"]]] = level
        X[:, INDEX["s_rated_log"]] = rng.uniform(0.5, 1.5, count)
        for name in ("hour", "weekday", "year"):
            turn = rng.uniform(0.0, 2.0 * np.pi, count)
            X[:, INDEX[f"{name}_sin"]], X[:, INDEX[f"{name}_cos"]] = np.sin(turn), np.cos(turn)
        kinds = load_inputs.TYPES
        kind = np.arange(count) % (1 + len(kinds) // len(HORIZONS))
        for at, name in enumerate(kinds):
            X[:, INDEX[name]] = kind == 1 + at // len(HORIZONS)
        return X

    def fitted(self, state: State) -> LoadModel:
        """The forecast with the merged scales and its intervals."""
        return model(self.family.result(state)[0])


PLAN = LoadForecastPlan()
