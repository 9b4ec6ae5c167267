"""What the service must know to answer by a version that learnt from a measured dataset, or why it cannot.

A request brings what `docs/serving.md` says. A version can be served where its inputs can be made of that as
they were made of the table's rows: by the same code, of steps of the same length, with the nominals that were
used in training.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import msgspec
import numpy as np

from data_contracts.dataset import Dataset
from data_contracts.measured_site import MeasuredPoint, MeasuredSite
from data_contracts.wire.limits import STEP_S
from models import observed_load
from models.observed_load import told
from models.rows import Rows
from models.time_splits import TimeSplit

UNSERVED = "unserved"
"""Tag of a version that cannot be served: why."""

GRID, PIECES = "SYSTEM", "EQUIPMENT"
"""Points of tables that have none: a grid as a whole, and all equipment of a site."""

HOLIDAYS = "context.holidays"


@dataclass(frozen=True, slots=True)
class Offer:
    """How a version is to be served.

    Attributes:
        site: What the service must know; None where it cannot serve the version.
        requires: Fields of a request without which the version abstains, beside those of its inputs.
        refusal: Why it cannot be served; empty where it can.
    """

    site: MeasuredSite | None
    requires: tuple[str, ...] = ()
    refusal: str = ""


def offer(dataset: Dataset, table: str, rows: Rows, split: TimeSplit) -> Offer:
    """How a version is to be served that learnt from a table of a dataset.

    Args:
        dataset: The dataset.
        table: The table.
        rows: Rows that were made of it.
        split: Which times trained, validated and tested.
    """
    of_table = _BY_TABLE.get(table)
    if of_table is None:
        return Offer(None, refusal=f"no request tells what the table {table} does")
    return of_table(dataset, rows, split)


def _site(dataset: Dataset, points: Mapping[str, MeasuredPoint]) -> MeasuredSite:
    observed = told(dataset)
    return MeasuredSite(
        dataset=dataset.name,
        frequency_hz=observed.frequency_hz,
        time_zone=observed.time_zone,
        points=dict(points),
    )


def _learnt(rows: Rows) -> tuple[str, ...]:
    """Points that rows are of."""
    return tuple(rows.point.texts[code] for code in np.unique(rows.point.codes).tolist())


def _of_load(dataset: Dataset, rows: Rows, split: TimeSplit) -> Offer:
    observed = told(dataset)
    known = observed.tables[observed_load.TABLE]
    counted = observed_load.counted(dataset, split)
    points = {}
    for name in _learnt(rows):
        point = MeasuredPoint(
            kind="feeder",
            nominal_kv=observed.points[name].nominal_kv,
            rated_a=observed.points[name].rated_a,
            rated_mva=counted[name].rated_mva,
            load_step_s=known.step_s,
        )
        phase_s = counted[name].begin_s % point.load_period_s
        points[name] = msgspec.structs.replace(point, load_phase_s=phase_s)
    # The like of a day is sought by its kind: without the holidays of the request it would be another day.
    requires = (HOLIDAYS,) if "holiday" in known.columns else ()
    return Offer(_site(dataset, points), requires)


def _of_readings(dataset: Dataset, rows: Rows, split: TimeSplit) -> Offer:
    del split
    observed = told(dataset)
    step_s = observed.tables["readings"].step_s
    if step_s != STEP_S:
        return Offer(
            None,
            refusal=f"its windows are of readings {step_s:g} s apart, and those of a request are "
            f"{STEP_S:g} s apart",
        )
    points = {
        name: MeasuredPoint(
            kind="bus",
            nominal_kv=observed.points[name].nominal_kv,
            rated_a=observed.points[name].rated_a,
            rated_mva=observed.points[name].rated_mva,
        )
        for name in _learnt(rows)
    }
    return Offer(_site(dataset, points))


def _of_grid(dataset: Dataset, rows: Rows, split: TimeSplit) -> Offer:
    del rows, split
    return Offer(_site(dataset, {GRID: MeasuredPoint(kind="system")}))


def _of_assets(dataset: Dataset, rows: Rows, split: TimeSplit) -> Offer:
    del rows, split
    return Offer(_site(dataset, {PIECES: MeasuredPoint(kind="equipment")}))


_BY_TABLE: Mapping[str, Callable[[Dataset, Rows, TimeSplit], Offer]] = {
    "load": _of_load,
    "readings": _of_readings,
    "frequency": _of_grid,
    "stability": _of_grid,
    "assets": _of_assets,
}
