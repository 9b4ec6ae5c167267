"""Steps that are skipped when done and resumed when killed.

A step's key covers all that its outcome depends on: its parameters, the digests of its inputs, the source of
the rooms that it may import, and the versions of the numeric libraries. Its record is written by atomic
rename after its outputs are synced; no record means not done.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

import msgspec

from switchyard.digests import digest_json, digest_rooms, sha256_file
from switchyard.errors import SwitchyardError
from switchyard.files import fsync_directory, write_json_atomic
from switchyard.home import Home
from switchyard.log import get_logger

NUMERIC_LIBRARIES = (
    "dss-python",
    "altdss",
    "keras",
    "mlflow",
    "numpy",
    "onnxruntime",
    "optuna",
    "pandapower",
    "pyarrow",
    "scikit-learn",
    "tensorflow",
    "tensorflow-cpu",
)

_log = get_logger("steps")


class Output(msgspec.Struct, frozen=True):
    """One file that a step made: path relative to the home, size in bytes, SHA-256."""

    path: str
    size: int
    sha256: str


class StepRecord(msgspec.Struct, frozen=True):
    """What is known of a finished step.

    Attributes:
        step: The step's name.
        key: SHA-256 of all that the outcome depends on.
        digest: Digest of outputs and result; the next step's input.
        result: Small JSON value that the work returned.
        skipped: True when the record was found and its outputs are still there.
    """

    step: str
    key: str
    digest: str
    result: dict[str, Any]
    outputs: tuple[Output, ...]
    seconds: float
    finished: str
    skipped: bool = False


class Work(msgspec.Struct, frozen=True):
    """What a step's function returns: the files it made and a small JSON result."""

    outputs: tuple[Path, ...] = ()
    result: dict[str, Any] = msgspec.field(default_factory=dict)


def step_key(
    name: str, parameters: Mapping[str, Any], inputs: Mapping[str, str], rooms: Iterable[str]
) -> str:
    """Key of a step: SHA-256 over name, parameters, input digests, source and numeric library versions."""
    return digest_json(
        {
            "step": name,
            "parameters": dict(parameters),
            "inputs": dict(inputs),
            "source": digest_rooms({*rooms, "switchyard"}),
            "libraries": _library_versions(),
        }
    )


def run_step(
    home: Home,
    name: str,
    *,
    parameters: Mapping[str, Any],
    inputs: Mapping[str, str],
    rooms: Iterable[str],
    work: Callable[[str], Work],
) -> StepRecord:
    """Run `work` unless a record says that it is done and its outputs are as recorded.

    Args:
        home: The installation's folders.
        name: The step's name, e.g. `simulate.mumbai`; names the record's folder.
        parameters: JSON values that the outcome depends on.
        inputs: Digests of what the step reads, by name.
        rooms: Packages whose source the outcome depends on.
        work: Called with the step's key; returns the files made (below the home) and a small result.

    Returns:
        The record, with `skipped` set when nothing was run.

    Raises:
        SwitchyardError: `work` names an output that is missing or lies outside the home.
    """
    key = step_key(name, parameters, inputs, rooms)
    path = home.state / name / f"{key}.json"
    record = read_record(home, path)
    if record is not None:
        _log.info("%s: done before, skipped", name)
        return msgspec.structs.replace(record, skipped=True)
    _log.info("%s: started", name)
    started = time.monotonic()
    done = work(key)
    outputs = tuple(_describe(home, output) for output in sorted(set(done.outputs)))
    record = StepRecord(
        step=name,
        key=key,
        digest=digest_json({"outputs": [(o.path, o.sha256) for o in outputs], "result": done.result}),
        result=done.result,
        outputs=outputs,
        seconds=round(time.monotonic() - started, 3),
        finished=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    write_json_atomic(path, msgspec.to_builtins(record))
    _log.info("%s: done in %.1f s", name, record.seconds)
    return record


def read_record(home: Home, path: Path) -> StepRecord | None:
    """Read a record; None when there is none, it cannot be read, or an output is missing or of another size.

    A record that cannot be trusted only costs the step's time, so it is never an error.
    """
    try:
        record = msgspec.json.decode(path.read_bytes(), type=StepRecord)
    except FileNotFoundError:
        return None
    except msgspec.MsgspecError as error:
        _log.warning("%s cannot be read (%s): the step runs again", path, error)
        return None
    for output in record.outputs:
        try:
            size = (home.root / output.path).stat().st_size
        except FileNotFoundError:
            _log.warning("%s: output %s is gone: the step runs again", record.step, output.path)
            return None
        if size != output.size:
            _log.warning("%s: output %s changed its size: the step runs again", record.step, output.path)
            return None
    return record


def newest_records(home: Home) -> list[StepRecord]:
    """The newest readable record of each step, oldest first; for people to look at."""
    newest: dict[str, StepRecord] = {}
    for path in home.state.glob("*/*.json"):
        record = read_record(home, path)
        if record is not None and (
            record.step not in newest or newest[record.step].finished < record.finished
        ):
            newest[record.step] = record
    return sorted(newest.values(), key=lambda record: record.finished)


def _describe(home: Home, path: Path) -> Output:
    if not path.is_file():
        raise SwitchyardError(f"a step named {path} as its output, but it is not a file")
    if not path.is_relative_to(home.root):
        raise SwitchyardError(f"a step's output {path} lies outside the home {home.root}")
    with path.open("rb") as handle:
        os.fsync(handle.fileno())
    fsync_directory(path.parent)
    return Output(path.relative_to(home.root).as_posix(), path.stat().st_size, sha256_file(path))


def _library_versions() -> dict[str, str]:
    found = {}
    for library in NUMERIC_LIBRARIES:
        try:
            found[library] = metadata.version(library)
        except metadata.PackageNotFoundError:
            found[library] = "absent"
    return found
