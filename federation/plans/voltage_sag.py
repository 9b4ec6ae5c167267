"""`voltage_sag` as five weighted forests."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from federation.families.weighted_forests import WeightedForests
from federation.family import MINIMUM_ROWS, LocalData
from federation.message import State
from federation.plans.plan import Plan, as_compiled, chosen
from models.declaration import Params
from models.maintenance.voltage_sag import CAUSES, DEFINITION
from models.rows import Rows
from models.sag_forecast import SCALES
from models.sag_forests import DRIVERS, SIZE_DRIVERS, SIZE_LEAF, SIZE_LEAVES, TREES, SagForests
from models.splits import TRAIN, VALIDATION
from switchyard.identity import generator

MOST_ROWS = 4000
"""Training rows of a site; steps with an event are a quarter of them, and weights make up for it."""
DEEPEST = 7
LN_100, LONGEST_LOG = 4.61, 7.5
"""Largest ln of a depth in %, and log10 of a duration in ms: of nine hours."""


class VoltageSagPlan(Plan):
    """A forest for each cause and two for an event's size, grown on the steps of all sites."""

    definition = DEFINITION
    family: ClassVar[WeightedForests] = WeightedForests()
    metric = DEFINITION.headline
    inputs = DEFINITION.features
    fine_tuning = "trees are not adjusted after they are grown; grown anew at a site they are the local model"

    def settings(self, params: Params, seed: str) -> dict[str, Any]:
        """The forests' hyper-parameters; a limit on leaves becomes one on depth."""
        taken = chosen(params, self.definition.defaults)
        of_rates = {
            "trees": TREES["rates"],
            "max_samples": 0.5,
            "max_depth": _depth(int(taken["max_leaf_nodes"])),
            "min_samples_leaf": max(int(taken["min_samples_leaf"]), MINIMUM_ROWS),
        }
        of_sizes = {
            "trees": TREES["sizes"],
            "max_samples": 1.0,
            "max_depth": _depth(SIZE_LEAVES),
            "min_samples_leaf": SIZE_LEAF,
        }
        share = float(taken["max_features"])
        rates = [{**_columns(drivers, share), **of_rates} for drivers in DRIVERS]
        size = {**_columns(SIZE_DRIVERS, share), **of_sizes}
        return {
            "seed": seed,
            "columns": len(self.definition.features),
            "forests": [*rates, {**size, "median": [0.0, LN_100]}, {**size, "median": [0.0, LONGEST_LOG]}],
            "scaled": len(CAUSES),
            "scales": list(SCALES),
        }

    def local_data(self, rows: Rows) -> LocalData:
        """Some of the training steps, with cause, depth and duration of what came; all validation steps."""
        train, judged = (rows.select(rows.split == split) for split in (TRAIN, VALIDATION))
        here = rows.substation.texts[int(rows.substation.codes[0])]
        stream = generator(here, self.definition.name, "federation")
        train = self.definition.subset(train, MOST_ROWS, stream)
        event, code = _real(train, "event") > 0.0, np.asarray(train.truth["code"], dtype=np.int64)
        sizes = (np.log(np.maximum(_real(train, "depth_pct"), 1.0)), _real(train, "duration_log"))
        targets = [(event & (code == cause)).astype(np.float64) for cause in range(len(CAUSES))]
        targets += [np.where(event, size, np.nan) for size in sizes]
        return {
            "X": as_compiled(train.inputs(self.definition.features)),
            "target": np.stack(targets, axis=1),
            "outcome": event.astype(np.float64),
            "weight": _real(train, "weight"),
            "X_validation": as_compiled(judged.inputs(self.definition.features)),
            "outcome_validation": _real(judged, "event"),
            "weight_validation": _real(judged, "weight"),
        }

    def probes(self, state: State, count: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """Points near shared edges, each column by itself."""
        edges, offsets = state.array("edges"), state.array("offsets")
        X = np.zeros((count, offsets.size - 1))
        for column in range(X.shape[1]):
            own = edges[offsets[column] : offsets[column + 1]]
            if own.size:
                X[:, column] = rng.choice(own, count) + rng.normal(0.0, np.ptp(own) / own.size, count)
        return X

    def fitted(self, state: State) -> SagForests:
        """The five forests and the scale of the first three."""
        (first, second, third, depth, duration), scale = self.family.result(state)
        return SagForests((first, second, third), depth, duration, scale)


def _columns(names: tuple[str, ...], share: float) -> dict[str, Any]:
    """A forest's columns, and how many of them a node tries."""
    return {
        "columns": [DEFINITION.features.index(name) for name in names],
        "max_features": max(1, int(share * len(names))),
    }


def _depth(leaves: int) -> int:
    """One level more than a balanced tree of so many leaves has."""
    return min(int(np.ceil(np.log2(leaves))) + 1, DEEPEST)


def _real(rows: Rows, name: str) -> NDArray[np.float64]:
    return np.asarray(rows.truth[name], dtype=np.float64)


PLAN = VoltageSagPlan()
