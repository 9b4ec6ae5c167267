"""Where to ask about the power quality of ten minutes, from the table `power_quality`."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

from data_contracts.dataset import Dataset
from flows.contexts.told import Told
from models.quality_rows import TABLE
from substations.description import Substation

TRUTH = ("index", "grade")


def qualities(
    dataset: Dataset, substation: Substation, start: date, episodes: Collection[str]
) -> dict[str, Told]:
    """The point of each episode whose ten minutes were truly the worst, of those with all instruments."""
    del substation, start
    table = dataset.read(TABLE, columns=["scenario_id", "point", "metered_thd_pct", "metered_pst", *TRUTH])
    found: dict[str, Told] = {}
    for row in table.to_pylist():
        if row["metered_thd_pct"] is None or row["metered_pst"] is None:
            continue
        name = row["scenario_id"]
        if name in episodes and (name not in found or row["index"] < found[name].truth["index"]):
            found[name] = Told(row["point"], {}, {one: row[one] for one in TRUTH})
    return found
