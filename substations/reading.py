"""Finding and reading substation descriptions; no engine is needed."""

from __future__ import annotations

from collections.abc import Hashable
from math import isfinite
from pathlib import Path
from typing import Any

import msgspec
import yaml

from substations.consistency import check_consistency
from substations.decoding_errors import explained
from substations.description import Description, Substation
from substations.errors import SubstationError, did_you_mean
from switchyard.digests import digest_json, sha256_file
from switchyard.errors import ConfigurationError
from switchyard.settings import get_settings

YAML_NAME = "substation.yaml"
CIRCUIT_NAME = "circuit.dss"
_SHIPPED = Path(__file__).parent
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _StrictLoader(_LOADER):  # type: ignore[misc]
    """YAML's safe loader, for which a key given twice is an error instead of the last one winning."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"key {key!r} is given twice", key_node.start_mark
                )
            seen.add(key)
        mapping: dict[Hashable, Any] = super().construct_mapping(node, deep=deep)
        return mapping


def names() -> list[str]:
    """Names of all substations at hand: the shipped ones and those of `SWITCHYARD_SUBSTATIONS_DIR`, sorted.

    Raises:
        ConfigurationError: The setting names a folder that does not exist.
    """
    return sorted(_folders())


def folder(name: str) -> Path:
    """Folder of the substation called `name`; one's own comes before a shipped one of the same name.

    Raises:
        ConfigurationError: No substation has that name.
    """
    found = _folders()
    if name not in found:
        raise ConfigurationError(
            f"no substation is called {name!r}",
            did_you_mean(name, found) + " Your own belong in SWITCHYARD_SUBSTATIONS_DIR, one folder each.",
        )
    return found[name]


def read(name_or_path: str | Path) -> Substation:
    """Read one description strictly: an unknown key, a missing key or a dangling reference is an error.

    Args:
        name_or_path: A name of `names()`, or a folder (a `Path`, or a text with a separator in it).

    Raises:
        ConfigurationError: No substation has that name.
        SubstationError: A file is missing, or an entry breaks a rule; the message names file, entry and
            remedy.
    """
    is_path = isinstance(name_or_path, Path) or "/" in name_or_path or "\\" in name_or_path
    place = Path(name_or_path).expanduser().absolute() if is_path else folder(str(name_or_path))
    for file in (place / YAML_NAME, place / CIRCUIT_NAME):
        if not file.is_file():
            raise SubstationError(
                file, "", "the file is missing", f"a substation's folder holds {YAML_NAME} and {CIRCUIT_NAME}"
            )
    description = _decode(place / YAML_NAME)
    digest = digest_json([sha256_file(place / YAML_NAME), sha256_file(place / CIRCUIT_NAME)])
    substation = Substation(folder=place, digest=digest, **msgspec.structs.asdict(description))
    if substation.name != place.name:
        raise SubstationError(
            substation.yaml_file,
            "name",
            f"{substation.name!r} differs from its folder {place.name!r}",
            "give both the same name",
        )
    check_consistency(substation)
    return substation


def _folders() -> dict[str, Path]:
    roots = [_SHIPPED]
    own = get_settings().substations_dir
    if own is not None:
        if not own.is_dir():
            raise ConfigurationError(
                f"SWITCHYARD_SUBSTATIONS_DIR = {own} is not a folder", "make it or unset the variable"
            )
        roots.append(own)
    return {path.parent.name: path.parent for root in roots for path in root.glob(f"*/{YAML_NAME}")}


def _decode(file: Path) -> Description:
    """Decode the YAML text of `file` into the types of the description."""
    try:
        raw = yaml.load(file.read_text(encoding="utf-8"), Loader=_StrictLoader)  # noqa: S506 - a safe loader's child
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        raise SubstationError(
            file, f"line {line}", f"not valid YAML: {error.problem}", "correct the line"
        ) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SubstationError(file, "", f"not valid YAML: {error}", "save the file as UTF-8 text") from error
    _check_finite(file, raw, "")
    try:
        return msgspec.convert(raw, Description)
    except msgspec.ValidationError as error:
        raise explained(file, raw, str(error)) from error


def _check_finite(file: Path, value: Any, key: str) -> None:
    """Refuse YAML's .nan and .inf, which pass the types' ranges."""
    if isinstance(value, dict):
        for name, entry in value.items():
            _check_finite(file, entry, f"{key}.{name}" if key else str(name))
    elif isinstance(value, list):
        for number, entry in enumerate(value):
            name = entry.get("id", number) if isinstance(entry, dict) else number
            _check_finite(file, entry, f"{key}[{name}]")
    elif isinstance(value, float) and not isfinite(value):
        raise SubstationError(file, key, f"{value} is not finite", "give a number")
