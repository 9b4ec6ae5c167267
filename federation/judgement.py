"""What the control centre's own rows say of a global model."""

from __future__ import annotations

from typing import Literal

import msgspec

from models.comparison import Paired
from models.promotion import state_of, worse_share

Verdict = Literal["passed", "refused", "held", "unjudged"]
PASSED: Verdict = "passed"
REFUSED: Verdict = "refused"
HELD: Verdict = "held"
UNJUDGED: Verdict = "unjudged"


class Weighed(msgspec.Struct, frozen=True):
    """One figure of a global model beside that of a reference, on the same rows.

    Attributes:
        reference: What it stands beside: a champion's version, or a rule by name.
        row: The reference in the champion's place, the global model in the challenger's.
    """

    reference: str
    row: Paired

    @property
    def worse(self) -> bool:
        """Whether the global model is worse by more than the promotion rule allows, and not by chance.

        A figure that is not defined of the global model, but of the reference, is worse than any.
        """
        lost = self.row.challenger is None and self.row.champion is not None
        return lost or state_of(self.row).startswith("worse")

    @property
    def share(self) -> float:
        """By what share of the reference's figure it is worse."""
        return float("inf") if self.row.difference is None else worse_share(self.row)


class Judgement(msgspec.Struct, frozen=True):
    """One judgement of a global model; JSON-able by `msgspec.to_builtins`.

    Attributes:
        verdict: `passed`; `refused`, where a site was left out for it; `held`, where the model is worse than
            the reference and no single site explains it; `unjudged`, where there is nothing to judge by.
        reason: Why, in words.
        contributors: Sites of which the model was formed.
        rows: Rows that it was judged on.
        episodes: Their episodes.
        figures: Its figures beside those of a reference.
        without: The model formed without each site, in the challenger's place, beside the judged one, at the
            figure that was worst; empty where none was formed.
        site: The site that was left out for it; empty where none was.
    """

    verdict: Verdict
    reason: str
    contributors: tuple[str, ...] = ()
    rows: int = 0
    episodes: int = 0
    figures: tuple[Weighed, ...] = ()
    without: dict[str, Paired] = {}
    site: str = ""

    @property
    def worst(self) -> Weighed | None:
        """The figure that speaks most against the model; None where none does."""
        found = [one for one in self.figures if one.worse]
        return max(found, key=lambda one: one.share) if found else None
