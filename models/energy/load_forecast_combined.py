"""`load_forecast` by a weighted mean of N-BEATS, boosted trees told the weather, and naive forecasts.

It reads the weather of now, as far as a request tells it; that of the hours to come no request tells. What a
perfect forecast of the weather could give is a figure of its own, `boosted_true_weather`: an oracle.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from data_contracts.dataset import Dataset
from models import load_rivals, load_trees, load_weather
from models.declaration import Params
from models.energy.load_forecast import Fitted, LoadForecast
from models.energy.load_forecast_n_beats import LoadForecastNBeats
from models.errors import ModelError
from models.load_combination import UNJUDGED, CombinedLoad
from models.load_inputs import HORIZONS, WEATHER
from models.metrics import Columns
from models.observed_load import TABLE, told
from models.protocol import Native
from models.rows import Rows
from models.subsets import spread

TRUE_WEATHER = "boosted_true_weather"


class LoadForecastCombined(LoadForecastNBeats):
    """N-BEATS, XGBoost with the weather of now, and what is naive, weighted by validation days."""

    variant = "combined"
    algorithm = (
        "weighted mean, by the error on validation days, of N-BEATS, of boosted trees that are told the "
        "weather of now too, and of naive forecasts"
    )
    features = (*LoadForecastNBeats.features, *WEATHER)
    optional = WEATHER
    references: ClassVar[tuple[str, ...]] = (TRUE_WEATHER,)
    limits = LoadForecast.limits.replace(
        "No weather to come,",
        "Weather is that of now; a request without it is answered by what else is known. No weather to come,",
    )

    def prefers(self, dataset: Dataset) -> bool:
        """Whether the dataset tells any weather."""
        tables = told(dataset).tables
        return TABLE in tables and not set(WEATHER).isdisjoint(tables[TABLE].columns)

    def fit(self, train: Rows, params: Params, seed: int) -> Fitted:
        """Fit the network on some rows, and the trees."""
        network = self.network(train, params, seed)
        some = spread(train, load_rivals.ROWS, np.random.default_rng(seed))
        trees = load_trees.fit(some.inputs(self.features), load_rivals.wanted(some), seed)
        weights = np.repeat(np.array(UNJUDGED)[:, None], len(HORIZONS), axis=1)
        return CombinedLoad(network, trees, weights, network.intervals)

    def calibrate(self, fitted: Fitted, validation: Rows) -> Fitted:
        """Weights of the members, then width of the intervals and the error that answers state."""
        combined = _of(fitted).judged(validation.inputs(self.features), load_rivals.wanted(validation))
        return super().calibrate(combined, validation)

    def opponent(self, name: str, train: Rows, validation: Rows, rows: Rows) -> Columns:
        """As the first algorithm's; trees with the weather that came have no answer where none is told."""
        if name != TRUE_WEATHER:
            return super().opponent(name, train, validation, rows)
        some = spread(train, load_rivals.ROWS, np.random.default_rng(0))
        if not load_weather.known(some.inputs(self.features)):
            return {}
        return load_rivals.answer(load_rivals.told_weather(some, rows, self.features))

    def native(self, fitted: Fitted, example: Rows) -> Native | None:
        """None: no library has an estimator of this form; a version is kept as its compiled graph."""
        del example
        _of(fitted)
        return None


def _of(fitted: Fitted) -> CombinedLoad:
    if not isinstance(fitted, CombinedLoad):
        raise ModelError(f"load_forecast: {type(fitted).__name__} is no combination")
    return fitted


DEFINITION = LoadForecastCombined()
