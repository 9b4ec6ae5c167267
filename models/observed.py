"""Which models ingested tables can train, and what the others lack."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from models.errors import DataError

if TYPE_CHECKING:
    from data_contracts.dataset import Dataset
    from models.protocol import Definition

WHY = {
    "features": "features are computed from a substation's readings of every second",
    "waveforms_truth": "the true harmonics of the primary side are known to the simulator alone",
    "controls": "every setting of taps and capacitor steps is solved in the circuit's model",
    "transfers": "every transfer of feeders is solved in the circuit's model",
    "dispatch": "every hour is solved as an optimal power flow",
    "losses": "true losses of every element are solved in the circuit's model",
    "thermal": "hot-spot temperatures of every minute are wanted, and no contract takes them in yet",
    "power_quality": "true indices of ten minutes are wanted beside the instruments'",
    "customers": "the true class of every customer is wanted",
    "sag_events": "every sag's time, cause and true intensity are wanted",
}


def check(definition: Definition[Any], dataset: Dataset, wanted: Mapping[str, tuple[str, ...]]) -> None:
    """See that a dataset was ingested and fills the columns that a model reads.

    Args:
        definition: The model.
        dataset: The dataset.
        wanted: Columns by table.

    Raises:
        DataError: A table is not there, or a column is empty in every row.
    """
    observed = dataset.manifest.observed
    if observed is None:
        raise DataError(
            f"dataset {dataset.name} was simulated", f"train on it with `switchyard train {definition.name}`"
        )
    for table, names in wanted.items():
        if table not in dataset.tables:
            raise DataError(
                f"{definition.name} learns from the table {table}; dataset {dataset.name} has "
                f"{', '.join(dataset.tables)}",
                f"switchyard ingest FILE --table {table} --mapping MAP --dataset {dataset.name}",
            )
        empty = [name for name in names if name not in observed.tables[table].columns]
        if empty:
            raise DataError(
                f"{definition.name} reads {', '.join(empty)} of the table {table}, which dataset "
                f"{dataset.name} leaves empty",
                f"name their columns in mappings/{table}.yaml of the dataset and ingest it again",
            )


def lacking(definition: Definition[Any], dataset: Dataset) -> DataError:
    """Why a model cannot be trained from measured tables at all."""
    tables = [name for name in definition.tables if name in WHY] or list(definition.tables)
    columns = (*definition.truth_columns, *definition.truth_texts, *definition.truth_captures)
    reasons = "; ".join(f"{name}: {WHY[name]}" for name in tables if name in WHY)
    target = f" ({', '.join(columns)})" if columns else ""
    return DataError(
        f"{definition.name} cannot be trained from measured tables: its target is "
        f"{definition.target.description}{target}. {reasons}. Dataset {dataset.name} has "
        f"{', '.join(dataset.tables)}",
        "models that measured tables can train: load_forecast from load, frequency_stability from frequency, "
        "voltage_anomaly and phase_imbalance from readings, equipment_failure from assets, "
        "grid_stability from stability",
    )
