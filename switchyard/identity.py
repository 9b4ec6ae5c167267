"""The scenario identifier that every table carries, and the random streams that derive from it."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

import numpy as np

from switchyard.errors import UsageError

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")


@dataclass(frozen=True, slots=True, order=True)
class ScenarioId:
    """Names one simulated episode: substation, campaign, seed, kind and index.

    Its text form, `mumbai.quick.7.normal.000012`, is the `scenario_id` column of every table, so that a
    prediction can be followed back to the episode it came from.

    Raises:
        UsageError: A name holds other characters than lower-case letters, digits, `_` and `-`.
    """

    substation: str
    campaign: str
    seed: int
    kind: str
    index: int

    def __post_init__(self) -> None:
        for field in ("substation", "campaign", "kind"):
            value = getattr(self, field)
            if not _NAME.fullmatch(value):
                raise UsageError(
                    f"scenario id: {field} = {value!r} is not a name",
                    "use lower-case letters, digits, underscores and hyphens",
                )
        if self.seed < 0 or self.index < 0:
            raise UsageError(f"scenario id: seed {self.seed} and index {self.index} must not be negative")

    def __str__(self) -> str:
        return f"{self.substation}.{self.campaign}.{self.seed}.{self.kind}.{self.index:06d}"

    @classmethod
    def parse(cls, text: str) -> ScenarioId:
        """Read the text form back.

        Raises:
            UsageError: `text` does not have the five parts of a scenario id.
        """
        parts = text.split(".")
        if len(parts) != 5 or not (parts[2].isdecimal() and parts[4].isdecimal()):
            raise UsageError(f"{text!r} is not a scenario id", "expected substation.campaign.seed.kind.index")
        return cls(parts[0], parts[1], int(parts[2]), parts[3], int(parts[4]))

    def generator(self, stream: str = "") -> np.random.Generator:
        """Random generator of this scenario's `stream`.

        It depends on the identifier and the stream's name alone, never on which process draws or what was
        drawn before.
        """
        return generator(str(self), stream)


def generator(*names: str) -> np.random.Generator:
    """Random generator seeded by SHA-256 of the given names."""
    digest = hashlib.sha256("|".join(names).encode()).digest()
    return np.random.default_rng(np.frombuffer(digest, dtype=np.uint32))
