"""`load_forecast` by N-BEATS: the same rows, answers, metrics, opponents and bars by another network.

The last week, hour by hour, goes in; a trend and a seasonality come out as functions of time over the day to
come (`models.n_beats`). It also learns the hours between the horizons, which are no part of the answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import ClassVar

import numpy as np

from data_contracts.dataset import Dataset
from models import load_inputs, load_rivals, load_rows, n_beats_model, observed, observed_load
from models.dataset import Built
from models.declaration import Params, Trial
from models.energy.load_forecast import OBSERVED, Fitted, LoadForecast
from models.errors import ModelError
from models.n_beats_model import SHAPE, NBeatsModel
from models.networks import Course
from models.protocol import Native
from models.rows import Rows
from models.subsets import spread
from models.time_splits import TimeSplit

FITTED_ROWS = 40_000


class LoadForecastNBeats(LoadForecast):
    """Interpretable N-BEATS over the last 168 hours, its layers told the calendar and the newest quarters."""

    variant = "n_beats"
    algorithm = (
        "N-BEATS, interpretable: a stack of trend and one of seasonality, 3 blocks each of 4 dense layers of "
        "96; 168 h in, 24 h out"
    )
    features = (*load_inputs.FEATURES, *load_inputs.EARLIER)
    defaults: ClassVar[Params] = {"learning_rate": 2e-3, "batch": 256, "epochs": 10}

    def rows(self, dataset: Dataset, start: date) -> Built:
        """Quarters of the table `load`, with the hours of the day behind each."""
        return load_rows.build(dataset, self, start, day_ahead=True)

    def observed_rows(self, dataset: Dataset, split: TimeSplit) -> Built:
        """Quarters of an ingested table `load`, likewise."""
        observed.check(self, dataset, OBSERVED)
        return observed_load.build(dataset, self, split, day_ahead=True)

    def suggest(self, trial: Trial) -> dict[str, float | int | str | bool]:
        """Step size, batch and epochs."""
        return {
            "learning_rate": trial.suggest_float("learning_rate", 5e-4, 5e-3, log=True),
            "batch": trial.suggest_categorical("batch", (128, 256, 512)),
            "epochs": trial.suggest_int("epochs", 6, 16),
        }

    def fit(self, train: Rows, params: Params, seed: int) -> Fitted:
        """Fit the network on some rows."""
        return self.network(train, params, seed)

    def network(self, train: Rows, params: Params, seed: int) -> NBeatsModel:
        """The network, fitted on some rows."""
        some = spread(train, FITTED_ROWS, np.random.default_rng(seed))
        course = Course(
            epochs=int(params["epochs"]),
            batch=int(params["batch"]),
            learning_rate=float(params["learning_rate"]),
        )
        ahead = np.asarray(some.truth["day_ahead"], dtype=np.float64)
        return n_beats_model.fit(some.inputs(self.features), load_rivals.wanted(some), ahead, course, seed)

    def shuffled(self) -> Mapping[str, tuple[str, ...]]:
        """The earlier hours together too."""
        alone = super().shuffled()
        kept = {name: group for name, group in alone.items() if name not in load_inputs.EARLIER}
        return {**kept, load_inputs.EARLIER[0].partition(".")[0]: load_inputs.EARLIER}

    def native(self, fitted: Fitted, example: Rows) -> Native | None:
        """The Keras model; what its rows are counted in beside it.

        Raises:
            ModelError: The model was fitted by another algorithm.
        """
        from models import n_beats_training

        if not isinstance(fitted, NBeatsModel):
            raise ModelError(f"{self.name}: {type(fitted).__name__} is no N-BEATS")
        return Native(
            n_beats_training.loaded(fitted.weights, SHAPE),
            fitted.rows(example.inputs(self.features)),
            flavour="keras",
            parameters={
                "unit": fitted.unit,
                "mean": fitted.mean.tolist(),
                "scale": fitted.scale.tolist(),
            },
        )


DEFINITION = LoadForecastNBeats()
