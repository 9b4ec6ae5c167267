"""`reactive_power` by federated averaging."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from features.context.banks import number_of
from federation.families.averaging import FedAvg
from federation.family import LocalData
from federation.message import State
from federation.plans.dense_trainer import DenseTrainer
from federation.plans.plan import Plan, chosen
from models.decision.reactive_power import (
    DEFINITION,
    FORMULAS,
    HIDDEN,
    INPUTS,
    NAME,
    RATED,
    STEPS,
    Compensator,
    to_add,
)
from models.declaration import Params
from models.dense_networks import DenseNet
from models.rows import Rows
from models.splits import TRAIN, VALIDATION
from models.subsets import spread
from switchyard.identity import generator

# The last round's step size as a share of the first one's.
LAST, MOMENTUM = 0.05, 0.8
# Sites differ: what wants little compensation at one wants much at another. Weights are averaged after every
# pass, in steps that are no larger, and on batches that are no smaller, than lets sites stay together.
ROUNDS, MOST_RATE, LEAST_BATCH = 60, 3e-3, 256
TUNING_EPOCHS, TUNING_RATE = 4, 0.15
# Adam moves a weight by about its step size a step: a first round at the largest rate that tuning may choose
# takes small initial weights twice their norm away.
REACH = 4.0
MOST_ROWS = 4000
"""Training rows with which a site takes part at most, a few states of every day."""

# Range of made-up states, by input.
PROBES = {
    "bank_leading_pu": (0.3, 2.5), "bank_leading_feeders_pu": (0.3, 2.5), "bank_least_loss_pu": (0.1, 2.0),
    "bank_in_service": (0.0, 1.0), "bank_p_fed_pu": (0.5, 4.0), "bank_q_fed_pu": (-0.7, 0.8),
    "bank_v_pu": (0.98, 1.04), "bank_p_feeders_pu": (0.5, 4.0), "bank_q_feeders_pu": (0.1, 1.8),
    "bank_ratio_pu": (-0.05, 0.025), "bank_shared_loss": (0.03, 0.05), "infeed_v_pu": (0.97, 1.02),
    "station_ratio_pu": (-0.04, 0.005), "station_tan_phi": (-0.15, 0.5), "station_low_share": (0.1, 0.25),
    "bank_share": (0.0, 0.17), "nameplate_loss_pct": (0.6, 1.1), "ambient_c": (5.0, 45.0),
}  # fmt: skip
# How far the made-up formulas' two answers lie apart: they read other instruments of the same busbar.
_APART = 0.01
_BANK, _RATED_VAR = "C1", (8e6, 10e6)


class ReactivePowerPlan(Plan):
    """One network from rounds of local training, then a version of each site's own."""

    definition = DEFINITION
    family: ClassVar[FedAvg] = FedAvg(DenseTrainer())
    inputs = INPUTS
    metric = DEFINITION.headline
    fine_tuning = ""

    def settings(self, params: Params, seed: str) -> dict[str, Any]:
        """The network's hyper-parameters, within bounds; a round is one pass over the rows."""
        taken = chosen(params, self.definition.defaults)
        return {
            "seed": seed,
            "columns": len(INPUTS),
            "options": {f"hidden_{place + 1}": units for place, units in enumerate(HIDDEN)},
            "rounds": ROUNDS,
            "epochs": 1,
            "batch": max(int(taken["batch"]), LEAST_BATCH),
            "learning_rate": min(float(taken["learning_rate"]), MOST_RATE),
            "decay": LAST ** (1.0 / ROUNDS),
            "momentum": MOMENTUM,
            "tuning_epochs": TUNING_EPOCHS,
            "tuning_rate": TUNING_RATE,
            "reach": REACH,
        }

    def local_data(self, rows: Rows) -> LocalData:
        """Instruments of busbars in training and validation states, and what is missing to their formulas."""
        train, judged = (rows.select(rows.split == split) for split in (TRAIN, VALIDATION))
        train = spread(train, MOST_ROWS, generator(self.definition.name, "federation", "rows"))
        return {
            f"{name}{suffix}": values
            for suffix, some in (("", train), ("_validation", judged))
            for name, values in {
                "X": some.inputs(INPUTS),
                "y": to_add(some),
                "weight": np.ones(len(some)),
            }.items()
        }

    def probes(self, state: State, count: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """Busbars from lightly to heavily loaded, whose instruments contradict each other a little."""
        del state
        low, high = (np.array([PROBES[name][end] for name in INPUTS]) for end in (0, 1))
        worse = np.linspace(0.2, 1.0, count)[:, None]
        middle = (low + high) / 2.0
        X = middle + worse * (rng.uniform(low, high, (count, low.size)) - middle)
        of = {name: place for place, name in enumerate(INPUTS)}
        first, second = (of[name] for name in FORMULAS)
        X[:, second] = X[:, first] + _APART * rng.normal(size=count)
        steps = rng.integers(1, 3, count).astype(np.float64)
        # A bank has whole steps in service.
        X[:, of["bank_in_service"]] = rng.integers(0, steps.astype(np.int64) + 1) / steps
        name = np.full(count, number_of(_BANK))
        beside = {RATED: rng.uniform(*_RATED_VAR, count), STEPS: steps, NAME: name}
        return np.column_stack([X, *(beside[one] for one in self.definition.features[len(INPUTS) :])])

    def fitted(self, state: State) -> Compensator:
        """The network with the merged scales."""
        return Compensator(DenseNet(*self.family.result(state)))


PLAN = ReactivePowerPlan()
