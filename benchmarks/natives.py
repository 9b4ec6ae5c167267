"""The engine whose compiled graphs are replaced by the estimators of the libraries that fitted them.

Decoding, features, decoders and encoding stay the service's own, so that what differs is the graphs alone.
An estimator answers the rows that were kept with it as its example, of its own input's width; its answer is
thrown away and the decoder gets the version's golden one. A version without an estimator (an aggregated one)
keeps its graph.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from models import registry, tracking
from serving.engine import Engine
from serving.runtime import CompiledModel, FloatArray
from switchyard.home import Home

Predict = Callable[[int], None]
"""Answers so many rows, one call."""


def replace_graphs(engine: Engine, home: Home) -> list[str]:
    """Let native estimators answer in place of graphs; names of the versions that have one.

    Args:
        engine: An engine of the home's snapshot; it is changed.
        home: Where the registry is.
    """
    replaced = []
    for served in sorted(engine.models, key=lambda one: one.model.version):
        predict = native_of(home, served.model)
        if predict is not None:
            _replace(served.model, predict)
            replaced.append(served.model.version)
    return replaced


def folder_of(home: Home, model: CompiledModel) -> Path:
    """The folder that MLflow keeps a version in."""
    version = registry.get(home, model.entry.registered, model.entry.version)
    store = tracking.connect(home)
    place: str = store.client.get_logged_model(version.model_id).artifact_location
    return Path(place.removeprefix("file://"))


def native_of(home: Home, model: CompiledModel) -> Predict | None:
    """What lets the estimator of a version answer; None where it has none."""
    import mlflow
    from mlflow.models import Model

    folder = folder_of(home, model)
    record = Model.load(str(folder))
    example = np.asarray(record.load_input_example(str(folder)))[:1]
    if "keras" in record.flavors:
        network = mlflow.keras.load_model(str(folder))
        # What Keras advises for inputs that fit into one batch; `predict` takes ten times as long.
        return lambda rows: _ignore(np.asarray(network(np.repeat(example, rows, axis=0), training=False)))
    if "xgboost" in record.flavors:
        estimator = mlflow.xgboost.load_model(str(folder))
    elif "sklearn" in record.flavors:
        estimator = mlflow.sklearn.load_model(str(folder))
    else:
        return None
    call = getattr(estimator, "predict_proba", estimator.predict)
    return lambda rows: _ignore(call(np.repeat(example, rows, axis=0)))


def _ignore(_: Any) -> None:
    """The estimator has answered; what it says is not what is measured."""


def _replace(model: CompiledModel, predict: Predict) -> None:
    golden = np.array(model.golden.raw[:1], dtype=np.float64)

    def raw(inputs: FloatArray) -> FloatArray:
        predict(len(inputs))
        return np.repeat(golden, len(inputs), axis=0)

    model.raw = raw  # type: ignore[method-assign] # this engine is the benchmark's own
