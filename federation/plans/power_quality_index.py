"""`power_quality_index` by federated averaging, behind rounds of sums for the formula's constants."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from federation.families.averaging import FedAvg
from federation.families.framed_averaging import FramedFedAvg
from federation.family import LocalData
from federation.message import State
from federation.plans.dense_trainer import DenseTrainer
from federation.plans.plan import Plan, chosen
from federation.plans.quality_sums import QualitySums, readings
from models import quality_indicators
from models.declaration import Params
from models.dense_networks import DenseNet
from models.maintenance.power_quality_index import DEFINITION, HIDDEN, QualityNet
from models.rows import Rows
from models.splits import TRAIN, VALIDATION

# The last round's step size as a share of the first one's.
LAST, MOMENTUM = 0.05, 0.3
EPOCHS_A_ROUND = 2
TUNING_EPOCHS, TUNING_RATE = 4, 0.15
# Adam moves a weight by about its step size a step: a first round at the largest rate that tuning may choose
# takes small initial weights twice their norm away.
REACH = 4.0
# Range of made-up readings, by feature, in the order of `quality_indicators.FEATURES`.
PROBES = {
    "v_a_pu": (0.9, 1.1), "v_b_pu": (0.9, 1.1), "v_c_pu": (0.9, 1.1), "v_std_pu": (0.0, 0.005),
    "v_step_max_pu": (0.0, 0.02), "v_min_dip_pu": (0.0, 0.02), "v_max_rise_pu": (0.0, 0.02),
    "vuf_line_pct": (0.0, 4.0), "v0_proxy_pct": (0.0, 2.0), "thd_worst_pct": (0.0, 8.0),
    "thd_mean_pct": (0.0, 7.0), "thd_spread_pct": (0.0, 1.0), "pst": (0.05, 8.0), "f_dev_hz": (-0.6, 0.6),
    "f_std_hz": (0.0, 0.05), "s_total_pu": (0.0, 1.2), "event_severity_10min": (0.0, 2.0),
    "event_depth_10min_pct": (0.0, 60.0), "v_min_limit_pu": (0.9, 0.95), "v_max_limit_pu": (1.05, 1.1),
    "vuf_limit_pct": (2.0, 3.0),
    "thd_limit_pct": (2.5, 8.0), "harmonic_limit_pct": (1.5, 5.0), "pst_limit": (0.8, 1.0),
    "f_dev_limit_hz": (0.1, 0.5),
}  # fmt: skip


class PowerQualityIndexPlan(Plan):
    """The formula's constants from sums, one network from rounds of local training, then each site's own."""

    definition = DEFINITION
    family: ClassVar[FramedFedAvg] = FramedFedAvg(FedAvg(DenseTrainer()), QualitySums())
    metric = DEFINITION.headline
    fine_tuning = ""

    def settings(self, params: Params, seed: str) -> dict[str, Any]:
        """The network's hyper-parameters; together the rounds make as many passes as pooled training."""
        taken = chosen(params, self.definition.defaults)
        rounds, dropout = max(round(float(taken["epochs"]) / EPOCHS_A_ROUND), 1), float(taken["dropout"])
        return {
            "seed": seed,
            "columns": quality_indicators.INPUTS,
            "options": {
                **{f"hidden_{place + 1}": units for place, units in enumerate(HIDDEN)},
                "dropout_1": dropout,
                "dropout_2": dropout * 2.0 / 3.0,
            },
            "rounds": rounds,
            "epochs": EPOCHS_A_ROUND,
            "batch": taken["batch"],
            "learning_rate": taken["learning_rate"],
            "decay": LAST ** (1.0 / rounds),
            "momentum": MOMENTUM,
            "tuning_epochs": TUNING_EPOCHS,
            "tuning_rate": TUNING_RATE,
            "reach": REACH,
        }

    def local_data(self, rows: Rows) -> LocalData:
        """Readings and indices of training and validation days; of the former what the constants need."""
        train, judged = (rows.select(rows.split == split) for split in (TRAIN, VALIDATION))
        truth = {name: np.asarray(train.truth[of], dtype=np.float64) for name, of in _TRUTH.items()}
        return {
            "X": train.inputs(self.definition.features),
            **truth,
            "X_validation": judged.inputs(self.definition.features),
            "index_validation": np.asarray(judged.truth["index"], dtype=np.float64),
        }

    def probes(self, state: State, count: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """Readings from a quiet bus to a poor one."""
        del state
        low, high = (np.array([PROBES[name][end] for name in self.definition.features]) for end in (0, 1))
        worse = np.linspace(0.2, 1.0, count)[:, None]
        middle = (low + high) / 2.0
        return np.asarray(middle + worse * (rng.uniform(low, high, (count, low.size)) - middle))

    def fitted(self, state: State) -> QualityNet:
        """The constants, and the network with the merged scales."""
        known, weights, mean, scale = self.family.result(state)
        return QualityNet(readings(known), DenseNet(weights, mean, scale))


_TRUTH = {"index": "index", "flagged": "flagged", "pst": "quiet_pst", "single_share": "single_share"}

PLAN = PowerQualityIndexPlan()
