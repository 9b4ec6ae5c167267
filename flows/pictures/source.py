"""What pictures are drawn from: a dataset, the substation's description, and choices made once for all."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from data_contracts.dataset import Dataset, kind_of
from models import columns
from substations.description import Substation

if TYPE_CHECKING:
    import pyarrow as pa

# Parts of a kind that are looked through for a telling episode; counts are always taken over all of them.
LOOKED_THROUGH = 8
_SUMMARY = (
    ("scenario_id", "scenario_id"),
    ("point", "point"),
    ("event_max", "event"),
    ("severity_max", "severity"),
    ("vuf_pct_mean", "vuf_pct"),
    ("active_sum", "active_s"),
    ("active_count", "seconds"),
)


@dataclass(frozen=True)
class Source:
    """One substation's tables, and what the report of its contracts says.

    Attributes:
        dataset: The contracted tables.
        substation: Its description.
        contracts: Content of `reports/contracts/<dataset>.json`; empty where it is not there.
    """

    dataset: Dataset
    substation: Substation
    contracts: dict[str, Any]

    def has(self, *tables: str) -> bool:
        """Whether the dataset holds all these tables."""
        return all(table in self.dataset.tables for table in tables)

    def kinds(self, table: str) -> tuple[str, ...]:
        """Scenario kinds that have a part of `table`, sorted; empty without the table."""
        if not self.has(table):
            return ()
        return tuple(sorted({kind_of(file.name) for file in self.dataset.files(table)}))

    def local(self, instant: datetime) -> datetime:
        """An instant by the substation's clock."""
        return instant.astimezone(timezone(timedelta(seconds=self.substation.utc_offset_s)))

    def local_second(self, second: float) -> datetime:
        """A Unix second by the substation's clock."""
        return self.local(datetime.fromtimestamp(float(second), UTC))

    @cached_property
    def scenarios(self) -> dict[str, dict[str, Any]]:
        """Rows of `scenarios` by their identifier."""
        if not self.has("scenarios"):
            return {}
        wanted = ["scenario_id", "kind", "status", "reason", "t_start", "seconds", "cause"]
        rows = self.dataset.read("scenarios", columns=wanted)
        return {row["scenario_id"]: row for row in rows.to_pylist()}

    @cached_property
    def episodes(self) -> pa.Table:
        """What the truth says of every episode at every point, a row each.

        Columns: kind, file, scenario_id, point, event (`none` where nothing happens), severity, vuf_pct
        (mean), seconds, active_s. Read part by part: no more than one is in memory.
        """
        import pyarrow as pa
        import pyarrow.compute as pc
        import pyarrow.parquet as pq

        wanted = ["scenario_id", "point", "event", "severity", "vuf_pct", "active"]
        found = []
        for file in self.dataset.files("readings_truth"):
            rows = pq.read_table(file, columns=wanted, partitioning=None)
            named = pc.if_else(
                pc.equal(rows["event"], pa.scalar("none")), pa.scalar(None, pa.string()), rows["event"]
            )
            rows = rows.set_column(2, "event", named)
            rows = rows.set_column(5, "active", pc.cast(rows["active"], pa.int64()))
            part = rows.group_by(["scenario_id", "point"], use_threads=False).aggregate(
                [
                    ("event", "max"),
                    ("severity", "max"),
                    ("vuf_pct", "mean"),
                    ("active", "sum"),
                    ("active", "count"),
                ]
            )
            many = part.num_rows
            named = part.select([of for of, _ in _SUMMARY]).rename_columns([to for _, to in _SUMMARY])
            happened: Any = pc.fill_null(named["event"], pa.scalar("none"))
            named = named.set_column(2, "event", happened)
            named = named.append_column("kind", pa.array([kind_of(file.name)] * many, pa.string()))
            found.append(named.append_column("file", pa.array([file.name] * many, pa.string())))
        return pa.concat_tables(found)

    def episode_rows(self, table: str, file: str, scenario_id: str, point: str | None = None) -> pa.Table:
        """Rows of one episode (at one point) of the part called `file`, in the order of time."""
        import pyarrow.compute as pc
        import pyarrow.parquet as pq

        wanted = pc.field("scenario_id") == scenario_id
        if point is not None:
            wanted &= pc.field("point") == point
        path = self.dataset.path / table / file
        rows: pa.Table = pq.read_table(path, filters=wanted, partitioning=None)
        return rows.sort_by("t")


def phases(rows: pa.Table, pattern: str) -> NDArray[np.float64]:
    """The three columns that `pattern` names, null as NaN, float64 [n, 3]."""
    return np.stack([columns.floats(rows, pattern.format(phase)) for phase in "abc"], axis=1)
