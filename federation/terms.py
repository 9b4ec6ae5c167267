"""On what terms sites federate: how many of them must take part, and how their networks become one."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal, get_args

from federation.errors import FederationError, TooFewSitesError

Aggregation = Literal["mean", "trimmed_mean", "median"]
AGGREGATIONS: tuple[Aggregation, ...] = get_args(Aggregation)
LEAST_SITES = 2
"""A model of one site is no global model."""
LEAST_ROBUST = 5
"""Sites from which on a trimmed mean or a median can tell one of them from the others."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What the sites of a federation have agreed on.

    Attributes:
        aggregation: How the sites' weights become the global ones, in families that average.
        quorum: Least number of sites that a global model is formed of.
    """

    aggregation: Aggregation = "mean"
    quorum: int = LEAST_SITES

    @property
    def robust(self) -> bool:
        """Whether a single site can move the global model only so far."""
        return self.aggregation != "mean"

    @property
    def least(self) -> int:
        """Sites below which no global model is formed, before the first round and in any later one."""
        return max(self.quorum, LEAST_ROBUST if self.robust else LEAST_SITES)

    def check(self, model: str, sites: Collection[str], *, averages: bool) -> None:
        """Check that a federation can be held on these terms.

        Args:
            model: Registered name.
            sites: Sites that are enrolled.
            averages: Whether the model's family averages weights.

        Raises:
            FederationError: The quorum is below two, or a robust aggregation is asked of a family of sums.
            TooFewSitesError: There are fewer sites than the terms need.
        """
        if self.quorum < LEAST_SITES:
            raise FederationError(
                f"a quorum of {self.quorum} is too small", "a global model needs two substations"
            )
        if self.robust and not averages:
            raise FederationError(
                f"{model} has no weights to average: {self.aggregation} does not apply to it",
                "leave --aggregation out, or name a model whose family is federated averaging",
            )
        if len(sites) < self.least:
            raise TooFewSitesError(self.too_few(model, sites), self.remedy)

    def too_few(self, model: str, sites: Collection[str]) -> str:
        """What is said where only `sites` are left."""
        who = f"only {', '.join(sorted(sites))} can take part" if sites else "no site can take part"
        return f"{model}: {who}, {self._needs}"

    @property
    def _needs(self) -> str:
        """How many sites must take part, and why."""
        if self.robust and self.least == LEAST_ROBUST:
            return f"and a {self.aggregation.replace('_', ' ')} needs {LEAST_ROBUST} substations"
        if self.least == LEAST_SITES:
            return "and a global model needs two substations"
        return f"and the quorum is {self.least} substations"

    @property
    def remedy(self) -> str:
        """What to do where there are too few."""
        if self.robust:
            return "add substations to the profile's training list, or take --aggregation mean"
        return "let more substations take part, or ask for a smaller --quorum"


PLAIN = Terms()
