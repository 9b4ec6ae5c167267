"""Reading the hyper-parameters that a plan gives to its family."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from federation.errors import FederationError

Settings = TypeVar("Settings", bound=msgspec.Struct)


def read_settings(family: str, given: Mapping[str, Any], kind: type[Settings]) -> Settings:
    """Hyper-parameters by their names and types; their ranges are the family's to judge.

    Raises:
        FederationError: One is unknown, missing or of the wrong type; the message names it.
    """
    try:
        return msgspec.convert(dict(given), kind)
    except msgspec.ValidationError as error:
        raise FederationError(f"{family}: settings: {error}") from error
