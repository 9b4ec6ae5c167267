"""`frequency_stability` by federated averaging."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from features.sequence import SEQUENCE_FEATURES, SEQUENCE_NAMES, STEPS, sequence
from federation.families.averaging import FedAvg
from federation.family import LocalData
from federation.message import State
from federation.plans.network_trainer import NetworkTrainer
from federation.plans.plan import Plan, chosen
from models.declaration import Params
from models.frequency_regimes import ONSET
from models.monitoring.frequency_stability import DEFINITION, UNIT_HZ, UNSIGNED, WIDTHS
from models.networks import SequenceNet
from models.rows import Rows
from models.splits import TRAIN, VALIDATION
from models.subsets import spread
from switchyard.identity import generator

DECAY, MOMENTUM = 0.85, 0.3
TUNING_EPOCHS, TUNING_RATE = 2, 0.15
# Seconds that a site trains on at most: more make a round longer, and the network hardly better.
MOST_ROWS = 20_000
# Adam moves a weight by about its step size a step: a first round at the largest rate that tuning may choose
# takes small initial weights twice their norm away.
REACH = 4.0
NOMINAL_HZ = 50.0
# Deviations and slopes of made-up probes, Hz and Hz/s.
PROBE_HZ, PROBE_HZ_S, PROBE_NOISE_HZ = 0.3, 0.05, 0.002
SIGN = np.tile([1.0 if feature.name == UNSIGNED else -1.0 for feature in SEQUENCE_FEATURES], STEPS)


class FrequencyStabilityPlan(Plan):
    """One network from rounds of local training, then a version of each site's own."""

    definition = DEFINITION
    family: ClassVar[FedAvg] = FedAvg(NetworkTrainer())
    metric = DEFINITION.headline
    fine_tuning = ""
    inputs = tuple(feature.name for feature in SEQUENCE_FEATURES)

    def settings(self, params: Params, seed: str) -> dict[str, Any]:
        """The network's hyper-parameters; a round is one pass over the rows, as a pooled epoch is."""
        taken = chosen(params, self.definition.defaults)
        return {
            "seed": seed,
            "columns": len(SEQUENCE_FEATURES),
            "steps": STEPS,
            "options": {
                **asdict(WIDTHS),
                "dropout": taken["dropout"],
                "marked_weight": taken["onset_weight"],
            },
            "rounds": int(taken["epochs"]),
            "epochs": 1,
            "batch": taken["batch"],
            "learning_rate": taken["learning_rate"],
            "decay": DECAY,
            "momentum": MOMENTUM,
            "tuning_epochs": TUNING_EPOCHS,
            "tuning_rate": TUNING_RATE,
            "reach": REACH,
        }

    def local_data(self, rows: Rows) -> LocalData:
        """Seconds that a forecast can know something of, changes in the network's unit, marks of an onset.

        Each training row is there twice, as it is and upside down, as in the pooled model.
        """
        train = self._part(rows, TRAIN)
        mirrored = {"X": train["X"] * SIGN, "y": -train["y"], "weight": train["weight"]}
        both = {name: np.concatenate([train[name], mirrored[name]]) for name in train}
        judged = self._part(rows, VALIDATION)
        return {
            **{name: _stepped(values) for name, values in both.items()},
            **{f"{name}_validation": _stepped(values) for name, values in judged.items()},
        }

    def _part(self, rows: Rows, split: int) -> dict[str, NDArray[np.float64]]:
        known = rows.select((rows.split == split) & np.asarray(rows.truth["announced"], dtype=bool))
        known = spread(known, MOST_ROWS, generator(self.definition.name, "federation", "rows", str(split)))
        return {
            "X": known.inputs(SEQUENCE_NAMES),
            "y": np.asarray(known.truth["change_hz"], dtype=np.float64) / UNIT_HZ,
            "weight": np.asarray(known.truth[ONSET], dtype=np.float64),
        }

    def probes(self, state: State, count: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """Ten readings that depart from nominal, drift and waver."""
        del state
        seconds = np.arange(STEPS) - (STEPS - 1)
        extent = np.geomspace(0.05, 1.0, count)[:, None]
        f_hz = (
            NOMINAL_HZ
            + extent * PROBE_HZ * rng.normal(size=(count, 1))
            + extent * PROBE_HZ_S * rng.normal(size=(count, 1)) * seconds
            + PROBE_NOISE_HZ * rng.normal(size=(count, STEPS))
        )
        steps = sequence(f_hz, np.full(count, NOMINAL_HZ))
        return np.column_stack([steps, f_hz.mean(axis=1)])

    def fitted(self, state: State) -> SequenceNet:
        """The network with the merged scales."""
        weights, mean, scale = self.family.result(state)
        return SequenceNet(weights, mean, scale, UNIT_HZ, STEPS)


def _stepped(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rows of 80 columns as steps of eight, [n, 10, 8]; what is one number a row stays as it is."""
    return values.reshape(len(values), STEPS, -1) if values.ndim == 2 else values


PLAN = FrequencyStabilityPlan()
