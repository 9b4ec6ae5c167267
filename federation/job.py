"""What is to be federated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from data_contracts.dataset import Dataset
from federation.measured import Measured
from federation.plans import Plan
from federation.terms import PLAIN, Terms
from switchyard.home import Home
from switchyard.profiles import Profile


@dataclass(frozen=True, slots=True)
class Job:
    """What is to be federated.

    Attributes:
        plan: How the model is federated.
        profile: The campaign.
        home: The installation's folders.
        sites: Dataset folder of each site.
        held_out: Dataset folder of each held-out substation.
        params: Hyper-parameters, over the model's defaults.
        terms: How many sites must take part, and how weights are averaged.
        measured: What differs where the sites' datasets were measured; None where they were simulated.
    """

    plan: Plan
    profile: Profile
    home: Home
    sites: Mapping[str, Path]
    held_out: Mapping[str, Path]
    params: Mapping[str, float | int | str | bool]
    terms: Terms = PLAIN
    measured: Measured | None = None

    @property
    def registered(self) -> str:
        """Registered name of the global model."""
        name = self.plan.definition.name
        return name if self.measured is None else f"{name}.{self.measured.name}"

    @property
    def settings(self) -> dict[str, Any]:
        """The family's settings."""
        name = self.plan.definition.name
        settings = self.plan.settings(self.params, f"{name}.{self.profile.name}.{self.profile.seed}")
        return {**settings, "aggregation": self.terms.aggregation} if self.terms.robust else settings

    @property
    def hyper_parameters(self) -> dict[str, float | int | str | bool]:
        """The model's hyper-parameters, defaults included."""
        return {**self.plan.definition.defaults, **self.params}

    @property
    def enrolled(self) -> dict[str, int]:
        """Rows that each site can have at most, by its manifest: windows, or rows of the model's table."""
        table, stride = "readings", self.profile.features.stride_s
        if self.plan.definition.source != "windows":
            table, stride = self.plan.definition.tables[0], 1
        return {
            site: Dataset.open(folder).manifest.tables[table].rows // stride
            for site, folder in sorted(self.sites.items())
        }

    def narrowed(self, contributors: tuple[str, ...]) -> Profile:
        """The profile with the contributing sites as its training substations."""
        return msgspec.structs.replace(
            self.profile, training=contributors, held_out=tuple(sorted(self.held_out))
        )
