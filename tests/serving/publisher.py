"""A home with a snapshot of the small models."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import features
from data_contracts.version import CONTRACT_VERSION
from serving.snapshot import CHALLENGER, PublishedModel, set_current, write_snapshot
from switchyard.home import Home
from tests.serving.compiled_models import Compiler

REGISTERED = datetime.now(UTC)


@dataclass(frozen=True)
class Publisher:
    """Publishes the models for mumbai and delhi into a home."""

    home: Home
    compiler: Compiler

    def publish(
        self, version: str = "1", low: float = -0.6, *, current: bool = True, challenger: str | None = None
    ) -> str:
        phase = self.compiler.phase_imbalance(f"phase-{version}")
        voltage = self.compiler.voltage_anomaly(f"voltage-{version}", low)
        harmonic = self.compiler.harmonic_analysis(f"harmonic-{version}")
        names = ("phase_imbalance", "voltage_anomaly", "harmonic_analysis")
        routes = {name: name for name in names}
        beside = []
        if challenger is not None:
            folder = self.compiler.voltage_anomaly(f"challenger-{challenger}", 0.3 * low)
            beside = [PublishedModel("voltage_anomaly", challenger, folder, alias=CHALLENGER)]
        name = write_snapshot(
            self.home,
            [
                PublishedModel("phase_imbalance", version, phase),
                PublishedModel("voltage_anomaly", version, voltage, registered_at=REGISTERED),
                PublishedModel("harmonic_analysis", version, harmonic),
                *beside,
            ],
            {"mumbai": routes, "delhi": routes},
            catalogue_digest=features.catalogue_digest(),
            contract_version=CONTRACT_VERSION,
        )
        if current:
            set_current(self.home, name)
        return name
