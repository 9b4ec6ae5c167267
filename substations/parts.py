"""Types that every entry of a description is made of."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import msgspec
from msgspec import Meta

Name = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.\-]*$")]
BusName = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9_\-]*$")]
Element = Annotated[str, Meta(pattern=r"^[a-z]+\.[a-z0-9_\-]+$")]
Positive = Annotated[float, Meta(gt=0)]
NonNegative = Annotated[float, Meta(ge=0)]
Share = Annotated[float, Meta(ge=0, le=1)]


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Base of every entry: immutable, and a key that it does not know is an error."""


class PhaseElements(Part, frozen=True, kw_only=True):
    """The three single-phase elements of a feeder's load or a capacitor bank."""

    a: Element
    b: Element
    c: Element

    def __iter__(self) -> Iterator[str]:
        """Phases a, b, c in order."""
        return iter((self.a, self.b, self.c))
