"""Results in files: Parquet, CSV or JSON, all of a study or nothing."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from studies.result import Study, Table, plain
from switchyard.errors import UsageError
from switchyard.files import rename_into, write_text_atomic

SUFFIXES = (".parquet", ".csv", ".json")


def check_suffix(path: Path) -> None:
    """Refuse a file name before anything is solved for it.

    Raises:
        UsageError: The ending is none of `SUFFIXES`.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise UsageError(
            f"--out {path}: the ending says the format, and {path.suffix or 'none'} is not known",
            f"end it with {', '.join(SUFFIXES)}",
        )
    if path.is_dir():
        raise UsageError(f"--out {path}: it is a folder", "name a file")


def document(study: Study) -> dict[str, Any]:
    """The whole study as one JSON value."""
    return {
        "study": study.kind,
        "engine": study.engine,
        "facts": {name: plain(value) for name, value in study.facts.items()},
        "notes": list(study.notes),
        **{table.name: table.records() for table in study.tables},
    }


def write(study: Study, path: Path) -> list[Path]:
    """Write a study. Each file appears whole or not at all, and none before all are written.

    JSON holds everything in one file. With Parquet and CSV the main table is `path` itself; the others and
    the facts lie beside it as `<stem>.<table><suffix>`.

    Returns:
        The files, the main one first.
    """
    check_suffix(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix.lower() == ".json":
        text = json.dumps(document(study), indent=1, allow_nan=False, ensure_ascii=False)
        write_text_atomic(path, text + "\n")
        return [path]
    main, *others = study.tables
    targets = {path: main}
    for table in (*others, facts_table(study)):
        targets[path.with_name(f"{path.stem}.{table.name}{path.suffix}")] = table
    with tempfile.TemporaryDirectory(prefix=f".{path.name}.", dir=path.parent) as scratch:
        written = {target: Path(scratch) / target.name for target in targets}
        for target, table in targets.items():
            _write_table(table, written[target])
        for target, source in written.items():
            rename_into(source, target)
    return list(targets)


def facts_table(study: Study) -> Table:
    """The facts and notes as one row."""
    facts = {"study": study.kind, "engine": study.engine, **study.facts, "notes": "; ".join(study.notes)}
    return Table("facts", "facts", {name: [plain(value)] for name, value in facts.items()})


def _write_table(table: Table, path: Path) -> None:
    import pyarrow as pa
    import pyarrow.csv
    import pyarrow.parquet

    # NaN is a number to some readers and a missing one to others; null is the latter to all.
    columns = {name: pa.array(values, from_pandas=True) for name, values in table.columns.items()}
    found = pa.table(columns)
    if path.suffix.lower() == ".csv":
        pyarrow.csv.write_csv(found, path)
    else:
        pyarrow.parquet.write_table(found, path)
