"""From a fitted model to the files that are served, with the proof that they answer alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from data_contracts.version import CONTRACT_VERSION
from models.catalogue import entry
from models.errors import ParityError
from models.protocol import Compiled, Definition
from models.rows import Rows
from models.runtime import CompiledModel
from models.watched import FEATURES, watched
from switchyard.files import write_bytes_atomic, write_json_atomic
from switchyard.identity import generator
from switchyard.log import get_logger

if TYPE_CHECKING:
    from models.observed_site import Offer

_log = get_logger("models.compilation")

MODEL_FILE, SPEC_FILE, GOLDEN_FILE = "model.onnx", "spec.json", "golden.json"
SCHEMA = 1
GOLDEN_ROWS = 24
SAMPLED_ROWS = 2000
ROWS_A_TIE = 20_000
"""Rows among which one may lie between two sides of a threshold."""
BEYOND = 0.1
"""How far beyond the span of the training rows an input may lie, of that span, before it is a stranger."""

# One float32 step of a figure of order one, with room for the sum over a hundred trees.
TOLERANCE = 2e-6


@dataclass(frozen=True, slots=True)
class Parity:
    """How the compiled graph compares with the fitted model on held-out rows.

    Attributes:
        rows: Rows compared.
        largest: Largest absolute difference of an output.
        flips: Rows whose decoded answer differs in anything but a number within the tolerance: ties, in which
            the output lies within the tolerance of a threshold of the decoder.
    """

    rows: int
    largest: float
    flips: int


def compile_into(
    definition: Definition[Any],
    fitted: Any,
    held_out: Rows,
    folder: Path,
    trained: Rows | None = None,
    *,
    offer: Offer | None = None,
) -> Parity:
    """Write `model.onnx`, `spec.json` and `golden.json` into `folder` and prove them on `held_out`.

    Args:
        definition: The model.
        fitted: What it was fitted to.
        held_out: Rows to prove it on.
        folder: Where the files go.
        trained: Rows that it was trained on, for the ranges beyond which an input is a stranger to it; None
            where no row may be told of, as after a federation.
        offer: How it is to be served where it learnt from a measured dataset.

    Raises:
        ParityError: An output differs by more than the tolerance, a decoded answer differs, or an answer is
            not of the declared type.
    """
    compiled = definition.compile(fitted)
    model = CompiledModel(compiled.onnx)
    parity = check_parity(definition, fitted, compiled, model, held_out)
    folder.mkdir(parents=True, exist_ok=True)
    write_bytes_atomic(folder / MODEL_FILE, compiled.onnx)
    document = spec(definition, compiled, trained)
    if offer is not None and offer.site is not None:
        document["site"] = msgspec.to_builtins(offer.site)
        document["point_kinds"] = sorted({point.kind for point in offer.site.points.values()})
        document["requires"] = sorted({*document["requires"], *offer.requires})
    if trained is not None and definition.name in FEATURES:
        answers = sampled(definition, compiled, model, held_out)
        document["watched"] = watched(definition.name, by_name(definition, trained), answers)
    write_json_atomic(folder / SPEC_FILE, document)
    write_json_atomic(folder / GOLDEN_FILE, golden(definition, compiled, model, held_out))
    return parity


def spec(definition: Definition[Any], compiled: Compiled, trained: Rows | None = None) -> dict[str, Any]:
    """What serving must know of a compiled model; JSON-able."""
    from features import catalogue_digest

    ranges = [] if trained is None else seen(definition, trained)
    may_miss = optional(definition, ranges)
    return {
        "schema": SCHEMA,
        "model": definition.name,
        "declaration": definition.version,
        "features": list(definition.features),
        "optional": list(may_miss),
        "one_of": list(definition.one_of),
        "input_dtype": compiled.input_dtype,
        "minimum_readings": definition.minimum_readings,
        "point_kinds": list(definition.point_kinds),
        "requires": requires(definition, may_miss),
        "onnx_outputs": list(compiled.outputs),
        "decoder": dict(compiled.decoder),
        "feature_catalogue_digest": catalogue_digest(),
        "contract_version": CONTRACT_VERSION,
        "seen": ranges,
    }


def optional(definition: Definition[Any], ranges: Sequence[tuple[float, float] | None]) -> tuple[str, ...]:
    """Inputs that may be missing: those declared, and those that no training row had.

    Such an input is one that a measured table does not tell: the version cannot have learnt from it.

    Args:
        definition: The model.
        ranges: From `seen`; empty where no row may be told of.
    """
    never = [name for name, one in zip(definition.features, ranges, strict=False) if one is None]
    return (*definition.optional, *(name for name in never if name not in definition.optional))


def seen(definition: Definition[Any], rows: Rows) -> list[tuple[float, float] | None]:
    """Range of each input over training rows, widened by `BEYOND` of it; None where none had a value."""
    found: list[tuple[float, float] | None] = []
    for values in rows.inputs(definition.features).T:
        known = values[np.isfinite(values)]
        if not known.size:
            found.append(None)
            continue
        low, high = float(known.min()), float(known.max())
        more = BEYOND * (high - low)
        found.append((low - more, high + more))
    return found


def sampled(
    definition: Definition[Any], compiled: Compiled, model: CompiledModel, rows: Rows
) -> list[dict[str, Any]]:
    """Answers on at most `SAMPLED_ROWS` of the rows: what the model says when nothing has drifted."""
    rng = generator(definition.name, "sampled")
    chosen = rows.select(np.sort(rng.permutation(len(rows))[:SAMPLED_ROWS]))
    raw = model(chosen.inputs(definition.features))
    return definition.decode(compiled.decoder, raw, by_name(definition, chosen))


def requires(definition: Definition[Any], optional: Sequence[str] | None = None) -> list[str]:
    """Fields of a request, beside its readings, without which the model abstains.

    Args:
        definition: The model.
        optional: Inputs that may be missing; those declared by default.
    """
    from features import CONTEXT_FEATURES

    needs = {feature.name: feature.needs for feature in CONTEXT_FEATURES}
    may_miss = definition.optional if optional is None else optional
    wanted = (name for name in definition.features if name not in may_miss)
    return sorted({path for name in wanted for path in needs.get(name, ())})


def golden(
    definition: Definition[Any], compiled: Compiled, model: CompiledModel, rows: Rows
) -> dict[str, Any]:
    """Inputs with the outputs and answers that every copy of this version must give for them."""
    rng = generator(definition.name, "golden")
    chosen = rows.select(np.sort(rng.permutation(len(rows))[:GOLDEN_ROWS]))
    X = chosen.inputs(definition.features)
    raw = model(X)
    answers = definition.decode(compiled.decoder, raw, by_name(definition, chosen))
    allowed = tolerance_of(definition, answers)
    return {
        "schema": SCHEMA,
        "features": [[value if np.isfinite(value) else None for value in row] for row in X.tolist()],
        "raw": raw.tolist(),
        "answers": answers,
        "tolerance": {
            name: allowed[name]
            for answer in answers
            for name, value in answer.items()
            if isinstance(value, float | dict)
        },
    }


def tolerance_of(definition: Definition[Any], answers: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """How far each numeric field of these answers may be off the fitted model's.

    A quantity has the grain of its own size where it is larger than an ordinary one, such as the load of a
    whole country in watts.
    """
    found = {}
    for output in definition.outputs:
        size = output.magnitude
        if size != 1.0:
            size = max([size, *(_largest(answer.get(output.name)) for answer in answers)])
        found[output.name] = TOLERANCE * size
    return found


def _largest(value: Any) -> float:
    """Largest number without its sign in a field; 0 where there is none."""
    if isinstance(value, float):
        return abs(value)
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return max(map(_largest, parts), default=0.0)


def by_name(definition: Definition[Any], rows: Rows) -> dict[str, NDArray[np.float64]]:
    """The model's features by name, as its decoder reads them."""
    return {name: rows.column(name) for name in definition.features}


def check_parity(
    definition: Definition[Any], fitted: Any, compiled: Compiled, model: CompiledModel, rows: Rows
) -> Parity:
    """Compare outputs and decoded answers on `rows`.

    Both outputs pass through one decoder, so answers to outputs within the tolerance of each other differ
    only where a threshold lies between the two, in one row of some hundred thousand; each is logged.

    Raises:
        ParityError: They differ; the message names the first row that does.
    """
    X = rows.inputs(definition.features)
    expected, found = definition.raw(fitted, X), model(X)
    if found.shape != expected.shape:
        raise ParityError(
            f"{definition.name}: the compiled graph answers {found.shape}, the model {expected.shape}"
        )
    apart = np.abs(found - expected).max(axis=1) if len(rows) else np.zeros(0)
    largest = float(apart.max(initial=0.0))
    columns = by_name(definition, rows)
    native = definition.decode(compiled.decoder, expected, columns)
    served = definition.decode(compiled.decoder, found, columns)
    allowed = tolerance_of(definition, native)
    differing = [
        at for at, (one, other) in enumerate(zip(native, served, strict=True)) if _differ(one, other, allowed)
    ]
    if largest > TOLERANCE or len(differing) > len(rows) // ROWS_A_TIE or not np.isfinite(found).all():
        row = differing[0] if differing else int(np.argmax(apart))
        raise ParityError(
            f"{definition.name}: compiled and fitted model differ by {largest:.3g} (allowed {TOLERANCE:g}) "
            f"and in {len(differing)} of {len(rows)} answers; row {row}: {native[row]} fitted, "
            f"{served[row]} compiled",
            "the version is not registered; look at compile() and raw() of the definition",
        )
    for row in differing:
        _log.warning(
            "%s: row %d lies %.3g from a threshold: %s fitted, %s compiled",
            definition.name, row, apart[row], native[row], served[row],
        )  # fmt: skip
    check_types(definition, served[:GOLDEN_ROWS])
    return Parity(len(rows), largest, len(differing))


def check_types(definition: Definition[Any], answers: list[dict[str, Any]]) -> None:
    """Convert answers to the type that the wire declares.

    Raises:
        ParityError: A field is missing that is never left out, unknown, out of its range or of another type.
    """
    answer_type = entry(definition.name).answer
    wanted = {output.name for output in definition.outputs}
    always = {output.name for output in definition.outputs if not output.unset}
    for answer in answers:
        if not always <= set(answer) <= wanted:
            raise ParityError(
                f"{definition.name}: an answer has the fields {sorted(answer)}, declared are {sorted(wanted)}"
            )
        try:
            msgspec.convert({"status": "ok", **answer}, answer_type, strict=True)
        except msgspec.ValidationError as error:
            raise ParityError(f"{definition.name}: {answer} is not an answer of the wire: {error}") from error


def _differ(one: Mapping[str, Any], other: Mapping[str, Any], allowed: Mapping[str, float]) -> bool:
    return one.keys() != other.keys() or any(
        not _agree(value, other[name], allowed[name]) for name, value in one.items()
    )


def _agree(one: Any, other: Any, within: float) -> bool:
    """Whether two values of a field are the same but for small differences of the numbers in them."""
    if isinstance(one, float) and isinstance(other, float):
        return abs(one - other) <= within
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_agree(one[name], other[name], within) for name in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_agree, one, other, [within] * len(one)))
    return bool(one == other)
