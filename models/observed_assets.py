"""Rows of a measured table `assets`: equipment whose failures are on record, split by time and by piece.

A row counts where both its time and its piece belong to the same split: what is tested is newer than what was
learnt, and no piece is in two splits, so that nothing that only one piece has can be known from training.
Pieces are dealt to the splits in turn, those that fail in the same splits among themselves. A row whose
thirty days reach into the next split is left out, and a time to failure of a training row ends where
validation begins.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from data_contracts.dataset import Dataset
from data_contracts.rules.assets import HORIZON_D
from features.context import condition
from models import asset_rows, columns, failure_labels
from models.dataset import Built
from models.errors import DataError
from models.failure_labels import DAY_S, Outcomes, Recorded
from models.observed_load import told
from models.protocol import Definition
from models.ranking import FAILED, FAILS, TIME_D, TRUE_RANK, TRUE_RISK, WEIGHT
from models.rows import Names, Rows
from models.splits import TEST, TRAIN, VALIDATION
from models.time_splits import TimeSplit
from switchyard.identity import generator
from switchyard.log import get_logger

if TYPE_CHECKING:
    import pyarrow as pa

TABLE = asset_rows.TABLE
LABELS = ("failed_within_30d", "failed")
"""Columns of which at least one must be told."""

NEVER_INPUTS = (*("failed", "failed_within_30d", "time_to_event_d", "forced_outage", "in_service", "spell"),)
"""Columns that tell or follow from what is to be foreseen."""

MOST_ROWS = 60_000
"""Rows of all splits together; at most a third of them fail."""

DEALT = 20
TRAIN_PIECES, VALIDATION_PIECES = 11, 3
"""Of every `DEALT` pieces so many train and validate; the others test: few of their rows are new enough."""

AGE = "asset_age_y"
POINT_KIND, UNKNOWN = "asset", "unknown"

# What a gateway may not send, together: it is left out of some of the rows, test rows excepted.
_MAY_BE_UNKNOWN = (
    *(("ambient_c",), ("asset_load_pu",), ("asset_hot_spot_c",), ("asset_through_faults",)),
    *(("asset_moisture_pct",), ("asset_oltc_operations",), ("asset_breaker_operations",)),
    tuple(f"asset_{gas}" for gas in condition.GASES),
)

Float = NDArray[np.float64]
Int = NDArray[np.int64]
Mask = NDArray[np.bool_]

_log = get_logger("models.observed_assets")


def build(dataset: Dataset, definition: Definition[Any], split: TimeSplit) -> Built:
    """Rows of pieces in service whose next thirty days are known, with what their records say of them.

    An episode is a piece with all its rows. No true risk is known.

    Args:
        dataset: An ingested dataset.
        definition: The model that the rows are for.
        split: Which times train, validate and test.

    Raises:
        DataError: The table does not tell failures, labels are against the times, or a split has no row that
            fails or none that does not.
    """
    table = _read(dataset)
    asset, t_s = columns.names(table, "asset"), columns.milliseconds(table) / 1000.0
    found = failure_labels.outcomes(_recorded(table, asset, t_s))
    _agree(dataset, found, asset, t_s)
    complete = _complete(definition, table)
    labelled = found.serves & np.isfinite(found.fails)
    period, later = split.split(t_s), split.split(t_s + DAY_S * HORIZON_D)
    usable = labelled & complete & (period == later)
    fails = found.fails > 0.0
    at = np.flatnonzero(usable)
    if not fails[at].any():
        raise _nothing_fails(dataset, found, labelled, usable)
    share = deal(asset, at, period[at], fails[at])
    at = at[share[asset.codes[at]] == period[at]]
    _each_split(dataset, fails[at], period[at], at.size)
    at, weight = _drawn(at, fails[at], generator(dataset.name, definition.name, "chosen"))
    part = period[at]
    X = asset_rows.inputs(definition, table, at, None)
    _hide(X, definition.columns, part != TEST, generator(dataset.name, definition.name, "hidden"))
    time_d, failed = _ended(found, at, t_s, part, split)
    unknown = np.full(at.size, np.nan)
    truth: dict[str, NDArray[np.generic]] = {
        WEIGHT: weight,
        FAILS: fails[at],
        TIME_D: time_d,
        FAILED: failed,
        TRUE_RISK: unknown,
        TRUE_RANK: unknown,
        "grown": np.zeros(at.size, dtype=bool),
    }
    kind = columns.names(table, "kind").take(at)
    rows = Rows(
        columns=definition.columns,
        X=X,
        truth=truth,
        substation=Names(np.zeros(at.size, dtype=np.int64), (dataset.name,)),
        episode=Names(asset.codes[at], tuple(f"{dataset.name}/{name}" for name in asset.texts)),
        kind=kind,
        point=asset.take(at),
        point_kind=Names(np.zeros(at.size, dtype=np.int64), (POINT_KIND,)),
        t=t_s[at],
        split=part,
    )
    without_truth = int((found.serves & ~(labelled & (period == later))).sum())
    _log.info(
        "%s, %s: %d rows of %d pieces, %.2f %% fail within thirty days; of %d rows in service %d have no "
        "thirty days that are known and in one split, %d lack an input",
        definition.name, dataset.name, at.size, np.unique(asset.codes[at]).size,
        100.0 * float(np.average(fails[at], weights=weight)), int(found.serves.sum()), without_truth,
        int((labelled & ~complete).sum()),
    )  # fmt: skip
    return Built(rows, int(found.serves.sum()), int((labelled & ~complete).sum()), without_truth)


def deal(asset: Names, at: Int, period: NDArray[np.int8], fails: Mask) -> NDArray[np.int8]:
    """Split of each piece by its code; of a piece without a row, training.

    Args:
        asset: Piece of each row of the table.
        at: Rows that can be used, [n].
        period: Split of their times, [n].
        fails: Which of them fail, [n].
    """
    pattern = np.zeros(len(asset.texts), dtype=np.int64)
    np.bitwise_or.at(pattern, asset.codes[at], np.where(fails, 1 << period.astype(np.int64), 0))
    pieces = np.unique(asset.codes[at])
    order = sorted(pieces.tolist(), key=lambda code: (pattern[code], asset.texts[code]))
    place = (7 * np.arange(len(order))) % DEALT
    found = np.full(len(asset.texts), TRAIN, dtype=np.int8)
    found[order] = np.where(
        place < TRAIN_PIECES, TRAIN, np.where(place < TRAIN_PIECES + VALIDATION_PIECES, VALIDATION, TEST)
    )
    return found


def _read(dataset: Dataset) -> pa.Table:
    """The table by piece and time; a kind that is not told is `UNKNOWN`.

    Raises:
        DataError: It tells no failure.
    """
    import pyarrow.compute as pc

    filled = told(dataset).tables[TABLE].columns
    if not set(LABELS) & set(filled):
        raise DataError(
            f"dataset {dataset.name}: {TABLE} has no column {' or '.join(LABELS)}: nothing tells which "
            "pieces failed",
            f"map the failure records in mappings/{TABLE}.yaml of the dataset and ingest it again",
        )
    read = {source for source, _ in asset_rows.COLUMNS.values()}
    table: Any = dataset.read(TABLE, columns=["asset", "t", "kind", *sorted(read), *NEVER_INPUTS])
    table = table.sort_by([("asset", "ascending"), ("t", "ascending")])
    place = table.column_names.index("kind")
    found: pa.Table = table.set_column(place, "kind", pc.fill_null(table.column("kind"), UNKNOWN))
    return found


def _recorded(table: pa.Table, asset: Names, t_s: Float) -> Recorded:
    return Recorded(
        piece=asset.codes,
        t_s=t_s,
        label=columns.floats(table, "failed_within_30d"),
        time_d=columns.floats(table, "time_to_event_d"),
        failed=columns.floats(table, "failed"),
        in_service=columns.floats(table, "in_service"),
        forced_outage=columns.floats(table, "forced_outage"),
    )


def _agree(dataset: Dataset, found: Outcomes, asset: Names, t_s: Float) -> None:
    """See that no label is against the failures.

    Raises:
        DataError: One is; the message names the first.
    """
    wrong = np.flatnonzero(found.against)
    if not wrong.size:
        return
    row = int(wrong[0])
    said = "true" if found.fails[row] > 0.0 else "false"
    event = "fails" if found.failed[row] else "is seen without a failure"
    when = datetime.fromtimestamp(float(t_s[row]), UTC).isoformat()
    raise DataError(
        f"dataset {dataset.name}: in {wrong.size} rows of {TABLE} failed_within_30d is against the failures: "
        f"{asset.texts[asset.codes[row]]} at {when} has {said}, but {event} "
        f"{'after' if found.failed[row] else 'for'} {found.time_d[row]:.1f} days",
        "correct the labels, or leave failed_within_30d out of the mapping: it follows from the failures",
    )


def _complete(definition: Definition[Any], table: pa.Table) -> Mask:
    """Rows that have every input without which serving abstains, of those that the table has at all.

    The age is wanted whatever the table has: the law of age is what is to be beaten.
    """
    complete: Mask = np.ones(table.num_rows, dtype=bool)
    for name, (source, _) in asset_rows.COLUMNS.items():
        if name in definition.features and name not in definition.optional:
            known = np.isfinite(columns.floats(table, source))
            complete &= known | (name != AGE and not known.any())
    kind = columns.names(table, "kind")
    known = np.isfinite(condition.code_of(kind.texts))[kind.codes]
    return complete & (known | (not known.any()))


def _nothing_fails(dataset: Dataset, found: Outcomes, labelled: Mask, usable: Mask) -> DataError:
    failing = int((labelled & (found.fails > 0.0)).sum())
    return DataError(
        f"dataset {dataset.name}: no row of {TABLE} that can be used fails within {HORIZON_D:g} days: of "
        f"{int(found.serves.sum())} rows in service {int(labelled.sum())} have these days known, "
        f"{failing} of them with a failure, and {int(usable.sum())} have every input too and lie in one "
        "split with these days",
        "failed is true in the row at each failure, or tells with time_to_event_d whether a failure ends "
        "that time; ingest records with failures",
    )


def _each_split(dataset: Dataset, fails: Mask, part: NDArray[np.int8], rows: int) -> None:
    """See that training and test rows have both outcomes.

    Raises:
        DataError: They have not.
    """
    for one, name in ((TRAIN, "training"), (TEST, "test")):
        own = fails[part == one]
        if not own.any() or own.all():
            raise DataError(
                f"dataset {dataset.name}: {int(own.sum())} of {own.size} {name} rows fail within "
                f"{HORIZON_D:g} days, and {int(fails.sum())} of all {rows} rows: nothing can be "
                f"{'learnt' if one == TRAIN else 'judged'}",
                "ingest a longer record of more pieces, or move --validation-from and --test-from",
            )


def _drawn(at: Int, fails: Mask, rng: np.random.Generator) -> tuple[Int, Float]:
    """At most `MOST_ROWS` of the rows, and the weights that keep the base rate."""
    if at.size <= MOST_ROWS:
        return at, np.ones(at.size)
    kept, weights, left = [], [], MOST_ROWS
    for one, quota in ((at[fails], MOST_ROWS // 3), (at[~fails], MOST_ROWS)):
        count = min(one.size, quota, left)
        kept.append(rng.permutation(one)[:count])
        weights.append(np.full(count, one.size / max(count, 1)))
        left -= count
    every = np.concatenate(kept)
    order = np.argsort(every)
    return every[order], np.concatenate(weights)[order]


def _hide(X: Float, names: tuple[str, ...], some: Mask, rng: np.random.Generator) -> None:
    """Leave out of a share `asset_rows.HIDDEN` of some rows, in place, what a gateway may not send."""
    for together in _MAY_BE_UNKNOWN:
        hidden = np.flatnonzero(some & (rng.random(len(X)) < asset_rows.HIDDEN))
        X[hidden[:, None], np.array([names.index(one) for one in together])] = np.nan


def _ended(
    found: Outcomes, at: Int, t_s: Float, part: NDArray[np.int8], split: TimeSplit
) -> tuple[Float, Mask]:
    """Times to failure as they were known when the next split began, and whether one came until then."""
    zone = ZoneInfo(split.time_zone)
    ends = np.array(
        [*(one.replace(tzinfo=zone).timestamp() for one in (split.validation_from, split.test_from)), np.inf]
    )
    left = (ends[part] - t_s[at]) / DAY_S
    time, failed = found.time_d[at], found.failed[at] & (found.time_d[at] <= left)
    return np.maximum(np.minimum(time, left), asset_rows.SOONEST_D), failed
