"""What a compiled model says about itself: `spec.json` and `golden.json`."""

from __future__ import annotations

from typing import Any, Literal, TypeVar

import msgspec

import features
from data_contracts.answers import fields
from data_contracts.measured_site import MeasuredSite
from data_contracts.version import CONTRACT_VERSION
from serving.drift import Watched
from serving.errors import SnapshotError
from serving.snapshot import ModelEntry, Snapshot

SCHEMA = 1

Document = TypeVar("Document", "Specification", "Golden")


class Specification(msgspec.Struct, frozen=True):
    """`spec.json` of a compiled model.

    Attributes:
        schema: Version of this file's form.
        model: Name of the model.
        declaration: Version of its declaration.
        features: Names of its inputs, in order.
        input_dtype: Type of the graph's input.
        minimum_readings: Readings without which it abstains.
        point_kinds: Kinds of measurement points at which it applies; empty for all.
        requires: Names of what it needs beyond readings (such as `waveform`).
        onnx_outputs: Outputs of the graph that the decoder takes, in order.
        decoder: Parameters of its decoder.
        optional: Inputs that may be missing.
        one_of: Optional inputs of which at least one must be there; empty where none must.
        feature_catalogue_digest: Digest of the catalogue that the features were computed by.
        contract_version: Version of the readings contract.
        seen: Range of each input beyond which it is a stranger to the model, null where none is known; empty
            where none is told.
        watched: What of it is watched for drift, with its training's deciles; null where none is told.
        site: Of a version that learnt from a measured dataset: the site and the points at which it applies.
    """

    schema: int
    model: str
    declaration: int
    features: tuple[str, ...]
    input_dtype: Literal["float32", "float64"]
    minimum_readings: int
    point_kinds: tuple[str, ...]
    requires: tuple[str, ...]
    onnx_outputs: tuple[str, ...]
    decoder: dict[str, Any]
    feature_catalogue_digest: str
    contract_version: int
    optional: tuple[str, ...] = ()
    one_of: tuple[str, ...] = ()
    seen: tuple[tuple[float, float] | None, ...] = ()
    watched: Watched | None = None
    site: MeasuredSite | None = None


class Golden(msgspec.Struct, frozen=True):
    """`golden.json` of a compiled model: inputs, raw outputs and answers that it must reproduce.

    Attributes:
        schema: Version of this file's form.
        features: One row of inputs per case, in the specification's order; null is not a number.
        raw: The graph's outputs side by side, one row per case.
        answers: Answer fields, one object per case.
        tolerance: Largest absolute difference by answer field; `raw` for the raw outputs.
    """

    schema: int
    features: tuple[tuple[float | None, ...], ...]
    raw: tuple[tuple[float, ...], ...]
    answers: tuple[dict[str, Any], ...]
    tolerance: dict[str, float]


def read_document(snapshot: Snapshot, entry: ModelEntry, file: str, kind: type[Document]) -> Document:
    """Read `spec.json` or `golden.json` of a model in a snapshot.

    Raises:
        SnapshotError: The file is missing, damaged, or not of the form that this version reads.
    """
    try:
        return msgspec.json.decode(snapshot.read(entry, file), type=kind)
    except msgspec.DecodeError as error:
        raise SnapshotError(f"{entry.folder}/{file}: {error}", "compile it again") from error


def check_fit(place: str, catalogue_digest: str, contract_version: int) -> None:
    """Check that something was made for the features and the contract of this version.

    Args:
        place: What it is, for the message.
        catalogue_digest: Digest of the catalogue that it was made for.
        contract_version: Contract that it was made under.

    Raises:
        SnapshotError: It was made for another catalogue or contract.
    """
    remedy = "train again with this version, or serve with the one that trained it"
    known = features.catalogue_digest()
    if catalogue_digest != known:
        raise SnapshotError(
            f"{place}: made for features {catalogue_digest[:12]}, this version computes {known[:12]}",
            remedy,
        )
    if contract_version != CONTRACT_VERSION:
        raise SnapshotError(
            f"{place}: made under contract {contract_version}, this version serves {CONTRACT_VERSION}", remedy
        )


def check_specification(entry: ModelEntry, spec: Specification) -> None:
    """Check that a specification belongs to its entry and fits this version.

    Raises:
        SnapshotError: The first rule that is broken.
    """
    place = f"{entry.folder}/spec.json"
    if spec.schema != SCHEMA:
        raise SnapshotError(f"{place}: schema {spec.schema}, this version reads {SCHEMA}", "compile it again")
    if spec.model != entry.model:
        raise SnapshotError(f"{place}: model {spec.model!r} is registered as {entry.registered!r}")
    if spec.site is not None and entry.registered != f"{spec.model}.{spec.site.dataset}":
        raise SnapshotError(
            f"{place}: learnt from dataset {spec.site.dataset!r} and is registered as {entry.registered!r}"
        )
    check_fit(place, spec.feature_catalogue_digest, spec.contract_version)
    strangers = [name for name in spec.features if name not in features.ALL_INDEX]
    if strangers or not spec.features:
        raise SnapshotError(f"{place}: unknown features {strangers}", "compile it again")
    if spec.seen and len(spec.seen) != len(spec.features):
        raise SnapshotError(
            f"{place}: {len(spec.seen)} ranges for {len(spec.features)} features", "compile it again"
        )
    if spec.watched is not None:
        known = {*spec.features, *(field.name for field in fields(spec.model))}
        unknown = {one.name for one in (*spec.watched.features, *spec.watched.outputs)} - known
        if unknown:
            raise SnapshotError(f"{place}: watches {sorted(unknown)}, which it does not have")
    if not set(spec.one_of) <= set(spec.optional) <= set(spec.features):
        raise SnapshotError(
            f"{place}: optional inputs must be among the features, and one_of among the optional ones",
            "compile it again",
        )
