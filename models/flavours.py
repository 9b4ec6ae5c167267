"""A version's folder: the native estimator in MLflow's own form, compiled files and figures beside it."""

from __future__ import annotations

import logging
import shutil
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models.protocol import Native
from switchyard.files import write_json_atomic, write_text_atomic

if TYPE_CHECKING:
    from models.registry import Package

EXAMPLE_ROWS = 5
# Named, so that MLflow does not spend seconds on finding out by importing the model.
NATIVE_REQUIREMENTS = ("numpy", "scikit-learn", "skops")
KERAS_REQUIREMENTS = ("numpy", "keras")
XGBOOST_REQUIREMENTS = ("numpy", "scikit-learn")
# The first that is installed: which of them depends on the machine.
KERAS_BACKENDS = ("tensorflow-cpu", "tensorflow")
XGBOOST_BUILDS = ("xgboost-cpu", "xgboost")
ONNX_REQUIREMENTS = ("numpy", "onnx", "onnxruntime")


def save(package: Package, folder: Path, run_id: str, model_id: str) -> None:
    """Write the whole folder of a version.

    A scikit-learn estimator is kept by skops, a network in Keras' own format and boosted trees in XGBoost's,
    none of which loads code; a model that has no native form (an aggregated one) is kept in the ONNX flavour.
    """
    from mlflow.models import Model

    record = Model(run_id=run_id, model_id=model_id)
    native = package.definition.native(package.fitted, package.example)
    if native is None:
        _save_onnx(package, folder, record)
    else:
        _SAVERS[native.flavour](native, folder, record)
        write_json_atomic(folder / "native.json", dict(native.parameters))
    shutil.copytree(package.compiled, folder / "compiled")
    write_json_atomic(folder / "report" / "report.json", package.report)
    write_text_atomic(folder / "model_card.md", package.card)


def _save_sklearn(native: Native, folder: Path, record: Any) -> None:
    import mlflow
    from mlflow.models import infer_signature

    example = native.example[:EXAMPLE_ROWS]
    predicted = native.estimator.predict(example)
    logging.getLogger("mlflow.sklearn").setLevel(logging.ERROR)
    mlflow.sklearn.save_model(
        native.estimator,
        str(folder),
        mlflow_model=record,
        signature=infer_signature(example, predicted),
        input_example=example,
        pip_requirements=_pinned(NATIVE_REQUIREMENTS),
        skops_trusted_types=list(native.trusted),
    )


def _save_keras(native: Native, folder: Path, record: Any) -> None:
    import mlflow
    from mlflow.models import infer_signature

    example = native.example[:EXAMPLE_ROWS]
    # MLflow writes the example before it makes the folder.
    folder.mkdir(parents=True, exist_ok=True)
    predicted = native.estimator.predict(example)
    mlflow.keras.save_model(
        native.estimator,
        str(folder),
        mlflow_model=record,
        signature=infer_signature(example, predicted),
        input_example=example,
        pip_requirements=_pinned((*KERAS_REQUIREMENTS, _installed(KERAS_BACKENDS))),
    )


def _save_xgboost(native: Native, folder: Path, record: Any) -> None:
    import mlflow
    from mlflow.models import infer_signature

    example = native.example[:EXAMPLE_ROWS]
    mlflow.xgboost.save_model(
        native.estimator,
        str(folder),
        mlflow_model=record,
        signature=infer_signature(example, native.estimator.predict(example)),
        input_example=example,
        pip_requirements=_pinned((*XGBOOST_REQUIREMENTS, _installed(XGBOOST_BUILDS))),
        model_format="ubj",
    )


_SAVERS = {"sklearn": _save_sklearn, "keras": _save_keras, "xgboost": _save_xgboost}


def _save_onnx(package: Package, folder: Path, record: Any) -> None:
    import mlflow
    import onnx
    from mlflow.models import infer_signature

    from models.runtime import CompiledModel

    data = (package.compiled / "model.onnx").read_bytes()
    example = package.example.inputs(package.definition.features)[:EXAMPLE_ROWS]
    mlflow.onnx.save_model(
        onnx.load_model_from_string(data),
        str(folder),
        mlflow_model=record,
        signature=infer_signature(example, CompiledModel(data)(example)),
        input_example=example,
        pip_requirements=_pinned(ONNX_REQUIREMENTS),
    )


def _installed(names: tuple[str, ...]) -> str:
    there = {distribution.name.lower().replace("_", "-") for distribution in metadata.distributions()}
    return next(name for name in names if name in there)


def _pinned(names: tuple[str, ...]) -> list[str]:
    return [f"{name}=={metadata.version(name)}" for name in names]
