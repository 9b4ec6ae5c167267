"""What differs where the sites of a federation are datasets of measured tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from federation.errors import FederationError
from models.time_splits import TimeSplit


@dataclass(frozen=True, slots=True)
class Measured:
    """What differs where the sites' datasets were measured.

    Attributes:
        name: Name of the group of sites; the global model is registered as `<model>.<name>`.
        splits: Which days of each site train, validate and test.
    """

    name: str
    splits: Mapping[str, TimeSplit]

    @property
    def scheme(self) -> str:
        """How the days were split, as a version's tag says it; one text where it is the same everywhere."""
        texts = {site: split.text for site, split in sorted(self.splits.items())}
        if len(set(texts.values())) == 1:
            return next(iter(texts.values()))
        return "; ".join(f"{site}: {text}" for site, text in texts.items())


def split_of(text: str) -> TimeSplit:
    """The split that a site was told.

    Raises:
        FederationError: The text names none.
    """
    found = TimeSplit.read(text)
    if found is None:
        raise FederationError(f"{text!r} is no split by time")
    return found
