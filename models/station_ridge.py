"""Models that learn what a station's circuit adds to the nameplates, by one polynomial ridge regression."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from models import polynomials
from models.declaration import Params, Trial
from models.polynomials import PolynomialRidge
from models.protocol import Definition, Native
from models.rows import Rows
from models.subsets import spread

Float = NDArray[np.float64]


class Regressed(Protocol):
    """A fitted model around one regression."""

    @property
    def regression(self) -> PolynomialRidge:
        """The targets from the inputs."""


Model = TypeVar("Model", bound=Regressed)


class StationRidge(Definition[Model]):
    """From rows of a station to a regression and its graph; subclasses say what it is for.

    Attributes:
        inputs: Columns of the regression, the first of the features.
    """

    source = "table"
    truth_columns = ()
    # Feeders, infeed and regulators come with the context: the answer is the station's whatever the point.
    point_kinds = ("infeed", "transformer_bay", "bus", "feeder", "system")
    minimum_readings = 1
    inputs: ClassVar[tuple[str, ...]]

    @abstractmethod
    def targets(self, rows: Rows) -> Float:
        """True targets of the regression, [n, k]."""

    def suggest(self, trial: Trial) -> dict[str, float | int | str | bool]:
        """Degree of the polynomials and price of their coefficients."""
        return {
            "degree": trial.suggest_int("degree", 1, 3),
            "penalty": trial.suggest_float("penalty", 1e-7, 0.1, log=True),
        }

    def subset(self, rows: Rows, most: int, rng: np.random.Generator) -> Rows:
        """A few states of every day."""
        return spread(rows, most, rng)

    def regress(self, train: Rows, params: Params) -> PolynomialRidge:
        """Fit all targets at once."""
        degree, penalty = int(params["degree"]), float(params["penalty"])
        return polynomials.fit(train.inputs(self.inputs), self.targets(train), degree, penalty)

    def estimates(self, fitted: Model, rows: Rows) -> Float:
        """Targets by the fitted regression, [n, k]."""
        return fitted.regression.predict(rows.inputs(self.inputs))

    def raw(self, fitted: Model, X: Float) -> Float:
        """Targets by the library that fitted them, float64 [n, k]."""
        regression, inputs = fitted.regression, X[:, : len(self.inputs)]
        if regression.native is None:
            return regression.predict(inputs)
        found = np.asarray(regression.native.predict(regression.terms(inputs)), dtype=np.float64)
        return found.reshape(len(X), -1)

    def graph(self, fitted: Model, name: str) -> bytes:
        """The polynomials and their weighted sums in double precision, as serialised ONNX.

        Args:
            fitted: The model.
            name: Of the output [n, k].
        """
        from models.graphs import INPUT, Graph

        graph = Graph()
        inputs = graph.columns(INPUT, np.arange(len(self.inputs)), "inputs")
        output = fitted.regression.add_to(graph, inputs, name)
        targets = fitted.regression.intercept.size
        return graph.finish(self.name, len(self.features), output, targets, double=True)

    def native(self, fitted: Model, example: Rows) -> Native | None:
        """The ridge regression; it reads terms of standardised inputs."""
        regression = fitted.regression
        if regression.native is None:
            return None
        return Native(
            regression.native,
            regression.terms(example.inputs(self.inputs)),
            parameters={
                "inputs": list(self.inputs),
                "centre": regression.centre.tolist(),
                "scale": regression.scale.tolist(),
                "degree": regression.degree,
                **self.beside(fitted),
            },
        )

    def beside(self, fitted: Model) -> dict[str, Any]:
        """What the model needs beside the regression to answer, JSON-able."""
        del fitted
        return {}
