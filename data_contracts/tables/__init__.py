"""The contracts of all tables, by name."""

from __future__ import annotations

from data_contracts.contract import Table
from data_contracts.tables.assets import ASSETS
from data_contracts.tables.boundary import BOUNDARY
from data_contracts.tables.compensation import COMPENSATION
from data_contracts.tables.controls import CONTROLS
from data_contracts.tables.customers import CUSTOMERS
from data_contracts.tables.dispatch import DISPATCH
from data_contracts.tables.faults import FAULTS
from data_contracts.tables.frequency import FREQUENCY
from data_contracts.tables.load import LOAD
from data_contracts.tables.losses import LOSSES
from data_contracts.tables.power_quality import POWER_QUALITY
from data_contracts.tables.readings import READINGS
from data_contracts.tables.readings_truth import READINGS_TRUTH
from data_contracts.tables.sag_events import SAG_EVENTS
from data_contracts.tables.scenarios import SCENARIOS
from data_contracts.tables.stability import STABILITY
from data_contracts.tables.thermal import THERMAL
from data_contracts.tables.transfers import TRANSFERS
from data_contracts.tables.waveforms import WAVEFORMS
from data_contracts.tables.waveforms_truth import WAVEFORMS_TRUTH

TABLES: dict[str, Table] = {
    table.name: table
    for table in (
        SCENARIOS,
        READINGS,
        READINGS_TRUTH,
        FAULTS,
        WAVEFORMS,
        WAVEFORMS_TRUTH,
        FREQUENCY,
        STABILITY,
        SAG_EVENTS,
        LOAD,
        BOUNDARY,
        DISPATCH,
        LOSSES,
        CONTROLS,
        COMPENSATION,
        TRANSFERS,
        CUSTOMERS,
        ASSETS,
        THERMAL,
        POWER_QUALITY,
    )
}
"""Every contracted table, in the order in which they are enforced."""

DERIVED = frozenset({"features"})
"""Tables that are computed from contracted ones and carry no contract beyond their key and finite or null."""

__all__ = ["DERIVED", "TABLES"]
