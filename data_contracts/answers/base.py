"""What every model's answer has: a status, a reason where it is not `ok`, and the version that gave it."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, UnsetType

Status = Literal["ok", "abstained", "failed"]


class Answer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Base of the 16 answers.

    An answer with status `ok` carries all output fields of its model, but for those that the model declares
    may be left out, and then `detail` says why; nothing stands in for a missing one. The two others carry
    `reason` and no output field.

    Attributes:
        status: `ok`, `abstained` (the model does not apply or lacks an input) or `failed`.
        reason: A word to program against, such as `not_applicable`, `not_published`, `too_few_readings`,
            `missing_context`, `low_quality`, `internal_error`; unset for `ok`.
        detail: The same for a person, such as "needs 10 readings, got 9"; optional.
        model_version: Registered model and version that answered, such as `phase_imbalance:3`; unset where no
            version was asked.
    """

    status: Status
    reason: str | UnsetType = UNSET
    detail: str | UnsetType = UNSET
    model_version: str | UnsetType = UNSET

    def __post_init__(self) -> None:
        if self.status != "ok" and self.reason is UNSET:
            raise ValueError(f"an answer with status {self.status} must give its reason")


COMMON = ("status", "reason", "detail", "model_version")
"""Fields of every answer, before the output fields of its model."""

Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Score = Annotated[float, msgspec.Meta(ge=0, le=100)]
