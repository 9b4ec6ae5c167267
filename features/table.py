"""The table `features`: one row a window, one column a feature, on disk as Parquet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from features.build import Readings, WindowIndex
from features.captures import Captures
from features.catalogue import INDEX, NAMES, catalogue_digest
from features.engine import compute
from features.errors import FeatureError
from features.nominals import PointNominals
from features.windows import Windows
from switchyard.files import rename_into

if TYPE_CHECKING:
    import pyarrow as pa

Float = NDArray[np.float64]

KEY = ("scenario_id", "point", "t")
DIGEST_KEY = b"switchyard.catalogue_digest"


@dataclass(frozen=True, slots=True, eq=False)
class FeatureTable:
    """Feature rows in memory, n windows.

    Attributes:
        scenario_id: Scenario of each row, object [n].
        point: Measurement point of each row, object [n].
        t: Unix time of the window's last reading, s UTC, float64 [n].
        values: Features, NaN where unknown, float64 [n, len(names)].
        names: Their names, in column order.
    """

    scenario_id: NDArray[np.object_]
    point: NDArray[np.object_]
    t: Float
    values: Float
    names: tuple[str, ...]

    def __len__(self) -> int:
        return int(self.t.shape[0])


def compute_all(
    readings: Readings,
    index: WindowIndex,
    nominals: Mapping[str, PointNominals],
    captures: Captures | None = None,
) -> Float:
    """All features of the windows of `index`, [n, features], a batch at a time.

    Args:
        readings: The readings that `index` was made by.
        index: The windows.
        nominals: Of every point that occurs, by its id.
        captures: Waveforms of the same episodes.

    Raises:
        FeatureError: A point has no nominals.
    """
    out = np.empty((len(index), len(NAMES)))
    for rows, windows in _batches(readings, index, nominals, captures):
        out[rows] = compute(windows)
    return out


def _batches(
    readings: Readings,
    index: WindowIndex,
    nominals: Mapping[str, PointNominals],
    captures: Captures | None,
) -> Iterator[tuple[slice, Windows]]:
    """The windows of `index` with their waveforms, a batch at a time: samples of one batch are in memory."""
    attached = None if captures is None else captures.attach(index)
    for rows, windows in readings.batches(index, nominals):
        if attached is None:
            yield rows, windows
        else:
            yield rows, replace(windows, waveforms=attached.part(rows))


def write_features(
    path: Path,
    readings: pa.Table,
    nominals: Mapping[str, PointNominals],
    stride_s: int,
    waveforms: pa.Table | None = None,
) -> int:
    """Compute the features of a table of readings and write them to a Parquet file, whole or not at all.

    Args:
        path: The file; by custom the name of the readings' part, in the dataset's folder `features`.
        readings: Rows of the table `readings`, sorted by scenario, point and time.
        nominals: Of every point that occurs, by its id.
        stride_s: Seconds between the ends of successive windows of one run.
        waveforms: Rows of the table `waveforms` of the same episodes; each belongs to the earliest window of
            its point whose seconds hold it (see `Captures.attach`).

    Returns:
        Rows written.

    Raises:
        FeatureError: A column is missing, a point has no nominals, or the stride is below 1.
    """
    import pyarrow.parquet as pq

    columns = Readings.of(readings)
    index = columns.index(stride_s)
    captures = None if waveforms is None else Captures.of(waveforms)
    path.parent.mkdir(parents=True, exist_ok=True)
    schema = _schema()
    # The stubs know a single flag only; strings repeat, features do not.
    options: dict[str, Any] = {"use_dictionary": list(KEY[:2])}
    with TemporaryDirectory(prefix=f".{path.name}.", dir=path.parent) as folder:
        part = Path(folder) / path.name
        with pq.ParquetWriter(part, schema, compression="zstd", **options) as writer:
            for rows, windows in _batches(columns, index, nominals, captures):
                writer.write_batch(_batch(index.part(rows), compute(windows), schema))
        rename_into(part, path)
    return len(index)


def read_features(files: Iterable[Path], names: Sequence[str] = NAMES) -> FeatureTable:
    """Read feature files, one after the other.

    Args:
        files: What `write_features` wrote.
        names: Features to read, in the order wanted.

    Raises:
        FeatureError: There is no file, a feature is unknown, or a file was written under another catalogue.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    unknown = [name for name in names if name not in INDEX]
    if unknown:
        raise FeatureError(f"there is no feature {unknown[0]}", "see docs/features.md for their names")
    tables = []
    for file in files:
        found = (pq.read_schema(file).metadata or {}).get(DIGEST_KEY, b"").decode()
        if found != catalogue_digest():
            raise FeatureError(
                f"{file} was written under the feature catalogue {found[:12] or 'of an unknown program'}, "
                f"this program has {catalogue_digest()[:12]}",
                "build the features again",
            )
        tables.append(pq.read_table(file, columns=[*KEY, *names], partitioning=None))
    if not tables:
        raise FeatureError("no feature file to read", "build the features first")
    return _from_arrow(pa.concat_tables(tables), tuple(names))


def _schema() -> pa.Schema:
    import pyarrow as pa

    fields: list[pa.Field[Any]] = [
        pa.field("scenario_id", pa.string(), nullable=False),
        pa.field("point", pa.string(), nullable=False),
        pa.field("t", pa.timestamp("ms", tz="UTC"), nullable=False),
        *(pa.field(name, pa.float64()) for name in NAMES),
    ]
    return pa.schema(fields, metadata={DIGEST_KEY: catalogue_digest().encode()})


def _batch(index: WindowIndex, values: Float, schema: pa.Schema) -> pa.RecordBatch:
    import pyarrow as pa

    def strings(codes: NDArray[np.int64], texts: tuple[str, ...]) -> Any:
        return pa.array(texts, pa.string()).take(pa.array(codes, pa.int64()))

    t = pa.array(np.rint(index.t_end * 1e3).astype(np.int64)).cast(pa.timestamp("ms", tz="UTC"))
    # Columns are written finite or null.
    columns = np.ascontiguousarray(values.T)
    features = [pa.array(column, pa.float64(), mask=~np.isfinite(column)) for column in columns]
    arrays = [strings(index.scenario, index.scenarios), strings(index.point, index.points), t, *features]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _from_arrow(table: pa.Table, names: tuple[str, ...]) -> FeatureTable:
    values = np.empty((table.num_rows, len(names)))
    for place, name in enumerate(names):
        values[:, place] = table.column(name).to_numpy()
    return FeatureTable(
        scenario_id=table.column("scenario_id").to_numpy().astype(object),
        point=table.column("point").to_numpy().astype(object),
        t=table.column("t").to_numpy().astype("datetime64[ms]").astype(np.int64) / 1e3,
        values=values,
        names=names,
    )
