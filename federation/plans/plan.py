"""What joins a model's declaration to its family."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import date
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from data_contracts.version import CONTRACT_VERSION
from federation.errors import FederationError
from federation.family import Family, LocalData
from federation.message import State
from federation.wire import VERSION
from models.declaration import Params
from models.protocol import Definition
from models.rows import Rows
from switchyard.digests import digest_json

PLANS = {
    "demand_response": "federation.plans.demand_response",
    "energy_loss": "federation.plans.energy_loss",
    "equipment_failure": "federation.plans.equipment_failure",
    "frequency_stability": "federation.plans.frequency_stability",
    "grid_stability": "federation.plans.grid_stability",
    "harmonic_analysis": "federation.plans.harmonic_analysis",
    "load_forecast": "federation.plans.load_forecast",
    "optimal_dispatch": "federation.plans.optimal_dispatch",
    "overload_risk": "federation.plans.overload_risk",
    "phase_imbalance": "federation.plans.phase_imbalance",
    "power_quality_index": "federation.plans.power_quality_index",
    "reactive_power": "federation.plans.reactive_power",
    "voltage_anomaly": "federation.plans.voltage_anomaly",
    "voltage_sag": "federation.plans.voltage_sag",
}
"""Python module of each plan, which defines it as `PLAN`."""


class Plan(ABC):
    """How one model is federated.

    Attributes:
        definition: The model's declaration.
        family: How it is learnt.
        metric: Figure that the report compares.
        at_level: Name of the condition under which it is compared, set anew by `Definition.calibrate` on the
            evaluated rows for every model alike; empty where models are compared as they stand.
        fine_tuning: Why there is no fine-tuned version; empty where there is one.
        inputs: Names of the columns that the round of moments tells of, first to last; empty where they have
            none or there is no such round.
        guards: Figures by which the control centre judges a global model besides its main ones, and beside a
            rule in place of them, where those alone can be had by alarming always.
    """

    definition: ClassVar[Definition[Any]]
    family: ClassVar[Family]
    metric: ClassVar[str]
    at_level: ClassVar[str] = ""
    fine_tuning: ClassVar[str]
    inputs: ClassVar[tuple[str, ...]] = ()
    guards: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def settings(self, params: Params, seed: str) -> dict[str, Any]:
        """The family's settings from the model's hyper-parameters; `seed` names the random streams."""

    @abstractmethod
    def local_data(self, rows: Rows) -> LocalData:
        """What the family learns from, out of one site's labelled rows of all splits."""

    @abstractmethod
    def fitted(self, state: State) -> Any:
        """The fitted and calibrated model, in the same form as a pooled one."""

    @abstractmethod
    def probes(self, state: State, count: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """Made-up inputs that reach all parts of the finished model, float64 [count, features]."""

    def load(self, folder: Path, start: date, split: str = "") -> LocalData:
        """Local data from a dataset folder.

        Args:
            folder: The dataset.
            start: The campaign's first local date, where it was simulated.
            split: As in `SiteSpec`, where it was measured.

        Raises:
            DataError: The dataset lacks what the model reads.
            ContractError: The folder holds no dataset of this contract.
        """
        from data_contracts.dataset import Dataset
        from federation.measured import split_of
        from models.dataset import build

        dataset = Dataset.open(folder)
        if split:
            return self.local_data(self.definition.observed_rows(dataset, split_of(split)).rows)
        return self.local_data(build(dataset, self.definition, start).rows)


def plan(model: str) -> Plan:
    """The plan of `model`.

    Raises:
        FederationError: There is none.
    """
    if model not in PLANS:
        raise FederationError(f"{model} is not federated", f"choose one of {', '.join(PLANS)}")
    found: Plan = import_module(PLANS[model]).PLAN
    return found


def schema_digest(definition: Definition[Any]) -> str:
    """Digest of what every site and the control centre must have in common to add their numbers up."""
    from features import catalogue_digest

    return digest_json(
        {
            "model": definition.name,
            "declaration": definition.version,
            "features": list(definition.features),
            "catalogue": catalogue_digest(),
            "contract": CONTRACT_VERSION,
            "wire": VERSION,
        }
    )


def as_compiled(X: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rows as the compiled graph's trees see them: rounded to float32."""
    rounded: NDArray[np.float64] = X.astype(np.float32).astype(np.float64)
    return rounded


def classes_of(definition: Definition[Any]) -> int:
    """Number of a classifier's classes."""
    return len(definition.target.classes)


def chosen(params: Mapping[str, Any], defaults: Params) -> dict[str, Any]:
    """`params` over the model's defaults.

    Raises:
        FederationError: A parameter is not one of the model's.
    """
    strangers = sorted(set(params) - set(defaults))
    if strangers:
        raise FederationError(
            f"hyper-parameters {', '.join(strangers)} are unknown", f"known are {', '.join(sorted(defaults))}"
        )
    return {**defaults, **params}
